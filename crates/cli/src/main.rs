//! The binary `cairn`: what a person types.

mod args;
mod commands;
mod config;
mod connect;
mod evidence;
mod failure;
#[cfg(test)]
mod golden;
mod node;
mod policy;
mod print;

/// Requests allocate on one thread and are freed on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // A usage error leaves here with exit code 2, `--help` and `--version` with 0.
    let cli = args::Cli::parse_from(args::with_negations(std::env::args_os()));
    let color = cli.global.color_on_stderr();
    match commands::run(cli) {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.report(color);
            failure.exit.into()
        }
    }
}
