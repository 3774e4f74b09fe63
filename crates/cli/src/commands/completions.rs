//! `cairn completions SHELL`

use std::io::Write as _;

use cairn_api::ExitCode;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Context;
use crate::args::Cli;
use crate::failure::Ended;

/// Writes a completion script to standard output.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn completions bash > ~/.local/share/bash-completion/completions/cairn\n  cairn completions zsh > \"${fpath[1]}/_cairn\"\n  cairn completions fish > ~/.config/fish/completions/cairn.fish"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: CompletionsArgs, _context: &mut Context) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cairn", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::Ok)
}
