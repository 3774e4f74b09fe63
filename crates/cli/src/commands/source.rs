//! `cairn source list`

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Ended;
use crate::print::table::{Cell, Row};

/// The kinds of events that are understood.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
}

#[derive(Debug, Subcommand)]
enum SourceCommand {
    /// List the kinds, and where each is sent to
    List,
}

pub(crate) fn run(args: SourceArgs, context: &mut Context) -> Ended {
    let SourceCommand::List = args.command;
    let rows: Vec<Row> = cairn_sources::ALL
        .iter()
        .map(|source| {
            let kind = source.kind();
            let route = if kind == "native" { "/v1/events".to_owned() } else { format!("/v1/sources/{kind}/NAME") };
            let mut json = Object::new();
            json.insert("kind", kind);
            json.insert("route", route.as_str());
            Row { cells: vec![Cell::new(kind), Cell::new(route)], json: Json::Object(json) }
        })
        .collect();
    context.printer.table(&["KIND", "ROUTE"], &rows)?;
    Ok(ExitCode::Ok)
}
