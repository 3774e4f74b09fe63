//! `cairn checkpoint show|list`

use cairn_api::ExitCode;
use cairn_event::json::Object;
use cairn_event::{Json, TrailRef};
use clap::{Args, Subcommand};

use super::Context;
use crate::connect::{Session, open_checkpoint};
use crate::failure::{Ended, Failure};
use crate::print::table::{Cell, Row};
use crate::print::times;

/// Checkpoints of a trail: signed notes of (origin, size, root).
#[derive(Debug, Args)]
pub(crate) struct CheckpointArgs {
    #[command(subcommand)]
    command: CheckpointCommand,
}

#[derive(Debug, Subcommand)]
enum CheckpointCommand {
    /// Print the newest checkpoint of a trail as it is signed, after checking it
    Show {
        /// The trail; without it the one that is meant (--trail)
        trail: Option<String>,
    },
    /// List the trails with their sizes and roots
    List,
}

const COLUMNS: &[&str] = &["TRAIL", "SIZE", "INDEXED", "ROOT", "VERIFIER KEY"];

pub(crate) fn run(args: CheckpointArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    match args.command {
        CheckpointCommand::Show { trail } => show(trail.as_deref(), &session, context)?,
        CheckpointCommand::List => list(&session, context)?,
    }
    session.close()?;
    Ok(ExitCode::Ok)
}

fn show(named: Option<&str>, session: &Session, context: &mut Context) -> Result<(), Failure> {
    let trail = trail_named(named, context)?;
    let note = session.client.checkpoint(&trail.to_string())?;
    let key = session.key_of(&trail)?;
    let checkpoint = open_checkpoint(&note, &key.key)?;
    let printer = &mut context.printer;
    if printer.wants_json() {
        let mut json = Object::new();
        json.insert("origin", checkpoint.origin());
        json.insert("size", checkpoint.size());
        json.insert("root", checkpoint.root().to_string());
        json.insert("note", note.as_str());
        json.insert("verifier_key", key.key.to_string());
        json.insert("key_pinned", key.pinned);
        return Ok(printer.json(&Json::Object(json))?);
    }
    // The note byte for byte, so that it can be kept and checked by other tools.
    printer.line(note.strip_suffix('\n').unwrap_or(&note))?;
    printer.flush()?;
    let pinned = if key.pinned { "" } else { ", as given by the server" };
    printer.hint(&format!("✓ signature holds, {}, key {}{pinned}", times::plural(checkpoint.size(), "event"), key.key));
    Ok(())
}

fn list(session: &Session, context: &mut Context) -> Result<(), Failure> {
    let trails = session.client.trails()?.trails;
    let rows: Vec<Row> = trails
        .into_iter()
        .map(|view| {
            let mut json = Object::new();
            json.insert("trail", view.trail.as_str());
            json.insert("size", view.size);
            json.insert("indexed", view.indexed);
            json.insert("root", view.root.clone().map_or(Json::Null, Json::from));
            json.insert("verifier_key", view.verifier_key.as_str());
            let cells = vec![
                Cell::new(view.trail),
                Cell::new(view.size.to_string()).short(times::count(view.size)),
                Cell::new(view.indexed.to_string()).short(times::count(view.indexed)),
                Cell::new(view.root.unwrap_or_default()),
                Cell::new(view.verifier_key),
            ];
            Row { cells, json: Json::Object(json) }
        })
        .collect();
    context.printer.table(COLUMNS, &rows)?;
    if rows.is_empty() {
        context.printer.hint("no trail has an event yet");
    }
    Ok(())
}

/// A trail by its full name, by its name inside the tenant, or the one that is meant.
///
/// # Errors
/// A name that can't be one; exit code 2.
pub(crate) fn trail_named(named: Option<&str>, context: &Context) -> Result<TrailRef, Failure> {
    let meant = context.config.trail();
    let bad = |error: cairn_event::Invalid| Failure::usage("this is not the name of a trail").why(error);
    match named {
        None => Ok(meant),
        Some(name) if name.contains('/') => name.parse().map_err(bad),
        Some(name) => Ok(TrailRef { tenant: meant.tenant, trail: name.parse().map_err(bad)? }),
    }
}
