//! `cairn index rebuild`

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::times;

/// The search index: a cache that can be thrown away and built again.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Throw the index away and build it again from the stored events
    Rebuild,
}

pub(crate) fn run(args: IndexArgs, context: &mut Context) -> Ended {
    let IndexCommand::Rebuild = args.command;
    let session = Session::open(context)?;
    let answer = session.client.rebuild_index()?;
    if context.printer.wants_json() {
        let mut json = Object::new();
        json.insert("events", answer.events);
        context.printer.json(&Json::Object(json))?;
    } else {
        context.printer.line(&format!("rebuilding the index of {}", times::plural(answer.events, "event")))?;
        context.printer.hint("searches stay right in the meantime, only slower; `cairn doctor` shows how far it is");
    }
    session.close()?;
    Ok(ExitCode::Ok)
}
