//! The commands: one file each, all with the same shape: its flags, and `run`.

pub(crate) mod bench;
pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dev;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod index;
pub(crate) mod ingest;
pub(crate) mod proof;
pub(crate) mod quarantine;
pub(crate) mod redaction;
pub(crate) mod seal;
pub(crate) mod search;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod source;
pub(crate) mod tail;
pub(crate) mod timeline;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod who;

use crate::args::{Cli, Command};
use crate::config::{Config, Typed};
use crate::failure::Ended;
use crate::print::Printer;

/// What every command works with.
pub(crate) struct Context {
    /// The settings, resolved.
    pub(crate) config: Config,
    /// Where output goes.
    pub(crate) printer: Printer,
}

/// Runs the command that was typed.
///
/// # Errors
/// Whatever kept the command from doing what was asked, with its exit code.
pub(crate) fn run(cli: Cli) -> Ended {
    let mut flags = cli.global.settings();
    match &cli.command {
        Command::Dev(args) => flags.push(("http.listen", args.listen.clone())),
        Command::Serve(args) => flags.push(("http.listen", args.listen.clone())),
        _ => {}
    }
    let typed = Typed::read(cli.global.config.as_deref(), environment(), &flags)?;
    let config = Config::resolve(&typed)?;
    let mut context = Context { config, printer: Printer::for_process(&cli.global.wishes()) };
    let ended = dispatch(cli.command, &mut context);
    context.printer.flush()?;
    ended
}

fn dispatch(command: Command, context: &mut Context) -> Ended {
    match command {
        Command::Dev(args) => dev::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Send(args) => send::run(args, context),
        Command::Ingest(args) => ingest::run(args, context),
        Command::Search(args) => search::run(args, context),
        Command::Tail(args) => tail::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Who(args) => who::run(args, context),
        Command::Timeline(args) => timeline::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Checkpoint(args) => checkpoint::run(args, context),
        Command::Proof(args) => proof::run(args, context),
        Command::Seal(args) => seal::run(args, context),
        Command::Index(args) => index::run(args, context),
        Command::Token(args) => token::run(args, context),
        Command::Quarantine(args) => quarantine::run(args, context),
        Command::Redaction(args) => redaction::run(args, context),
        Command::Source(args) => source::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Completions(args) => completions::run(args, context),
        Command::Bench(args) => bench::run(args, context),
    }
}

/// The environment; what is not text can't be one of our settings.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
}
