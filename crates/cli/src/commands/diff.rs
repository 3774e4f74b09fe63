//! `cairn diff ID`

use cairn_api::ExitCode;
use cairn_event::{BLOBS, Json, JsonError};
use clap::Args;

use super::{Context, show};
use crate::connect::Session;
use crate::failure::{Ended, Failure};
use crate::print::Tone;
use crate::print::diff::changes;
use crate::print::event::Found;

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
    let mut found = show::find(&args.event, &session, context)?;
    if found.event.get("changes").is_none() {
        fetch_states(&mut found, &session)?;
    }
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
        let why = if found.event.get("effective_change").and_then(Json::as_bool) == Some(true) {
            "before and after differ in more than is listed; compare them with `cairn show --value before` and `after`"
        } else if found.event.get("before").is_some() && found.event.get("after").is_some() {
            "before and after are the same: nothing was changed"
        } else {
            "the event carries no states and no changes"
        };
        printer.hint(why);
    }
    Ok(if changes.is_empty() && args.fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
}

/// Puts states that are kept beside the event into it.
fn fetch_states(found: &mut Found, session: &Session) -> Result<(), Failure> {
    for (member, instead) in BLOBS.into_iter().filter(|(member, _)| *member != "raw") {
        if found.event.get(instead).is_none() {
            continue;
        }
        let bytes = session.client.event_value(&found.position, member)?;
        let unreadable = |error: JsonError| Failure::error(format!("{member} is not JSON")).why(error);
        let state = Json::parse(&bytes).map_err(unreadable)?;
        if let Some(event) = found.event.as_object_mut() {
            event.insert(member, state);
        }
    }
    Ok(())
}
