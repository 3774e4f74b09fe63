//! `cairn diff ID`

use cairn_api::ExitCode;
use clap::Args;

use super::{Context, show};
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::Tone;
use crate::print::diff::changes;

/// Shows what an event changed: + added, - removed, ~ changed.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The event: its id, its position (tenant/trail@index), or its index in the trail
    event: String,
    /// Exit with 3 if nothing was changed
    #[arg(long)]
    fail_empty: bool,
}

pub(crate) fn run(args: DiffArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let found = show::find(&args.event, &session, context)?;
    session.close()?;
    let printer = &mut context.printer;
    let changes = changes(&found.event);
    if !printer.for_program() {
        let sentence = found.sentence(printer);
        let heading = printer.tint(Tone::Bold, &sentence).into_owned();
        printer.line(&heading)?;
    }
    printer.changes(&changes)?;
    if changes.is_empty() {
        let why = if found.event.get("before").is_some() && found.event.get("after").is_some() {
            "before and after are the same: nothing was changed"
        } else {
            "the event carries no states and no changes"
        };
        printer.hint(why);
    }
    Ok(if changes.is_empty() && args.fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
}
