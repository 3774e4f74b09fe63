//! `cairn seal`

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::Args;

use super::Context;
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::table::{Cell, Row};
use crate::print::times;

/// Turns what is in the write-ahead log into segments now, instead of when they are due.
#[derive(Debug, Args)]
pub(crate) struct SealArgs {
    /// Only this trail of the tenant; without it every trail
    name: Option<String>,
}

pub(crate) fn run(args: SealArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let answer = session.client.seal(args.name.as_deref())?;
    let rows: Vec<Row> = answer
        .sealed
        .iter()
        .map(|segment| {
            let mut json = Object::new();
            json.insert("trail", segment.trail.as_str());
            json.insert("first", segment.first);
            json.insert("last", segment.last);
            json.insert("size_bytes", segment.size_bytes);
            let cells = vec![
                Cell::new(segment.trail.as_str()),
                Cell::new(segment.first.to_string()),
                Cell::new(segment.last.to_string()),
                Cell::new(segment.size_bytes.to_string()).short(times::size(segment.size_bytes)),
            ];
            Row { cells, json: Json::Object(json) }
        })
        .collect();
    context.printer.table(&["TRAIL", "FIRST", "LAST", "SIZE BYTES"], &rows)?;
    if rows.is_empty() {
        context.printer.hint("nothing was unsealed");
    }
    session.close()?;
    Ok(ExitCode::Ok)
}
