//! `cairn quarantine list|show|retry`

use std::io::Write as _;

use cairn_api::ExitCode;
use cairn_api::v1::{QuarantineGroup, RetryRequest};
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::connect::Session;
use crate::failure::{Ended, Failure};
use crate::print::table::{Cell, Row};

/// Records that could not be read: they are kept, with their bytes and the reason.
#[derive(Debug, Args)]
pub(crate) struct QuarantineArgs {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
enum QuarantineCommand {
    /// Show what waits, grouped by source, side at fault and cause
    List,
    /// Print the reason of a record on stderr, its bytes on stdout
    Show {
        /// Its position, such as default/quarantine@3
        position: String,
    },
    /// Map records again under the mappings and rules of today. An event keeps the time at which its record first came
    #[command(
        after_help = "Examples:\n  cairn quarantine retry default/quarantine@3\n  cairn quarantine retry --all --source github/our-org"
    )]
    Retry {
        /// Positions of records that wait
        #[arg(required_unless_present = "all")]
        positions: Vec<String>,
        /// All that wait
        #[arg(long, conflicts_with = "positions")]
        all: bool,
        /// Only those of this source
        #[arg(long = "source", value_name = "KIND/NAME")]
        source: Option<String>,
    },
}

const GROUPS: &[&str] = &["RECORDS", "SOURCE", "FAULT", "CODE", "FIELD", "LAST", "EXAMPLE", "REASON"];

pub(crate) fn run(args: QuarantineArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let code = match args.command {
        QuarantineCommand::List => list(&session, context)?,
        QuarantineCommand::Show { position } => show(&session, context, &position)?,
        QuarantineCommand::Retry { positions, all, source } => {
            let positions = (!all).then_some(positions);
            retry(&session, context, RetryRequest { positions, source, after: None })?
        }
    };
    session.close()?;
    Ok(code)
}

fn list(session: &Session, context: &mut Context) -> Ended {
    let found = session.client.quarantine()?;
    let rows: Vec<Row> = found.groups.iter().map(row).collect();
    if context.printer.wants_json() || !rows.is_empty() {
        context.printer.table(GROUPS, &rows)?;
    }
    let older = if found.partial { "; older ones were not looked at" } else { "" };
    context.printer.hint(&format!("{} wait in {}, {} solved{older}", found.waiting, found.trail, found.solved));
    Ok(ExitCode::Ok)
}

fn row(group: &QuarantineGroup) -> Row {
    let json: Object = [
        ("records", Json::from(group.count)),
        ("source", group.source.as_str().into()),
        ("fault", group.fault.as_str().into()),
        ("code", group.code.as_str().into()),
        ("field", group.field.as_str().into()),
        ("first", group.first.as_str().into()),
        ("last", group.last.as_str().into()),
        ("example", group.example.as_str().into()),
        ("reason", group.reason.as_str().into()),
    ]
    .into_iter()
    .collect();
    let cells = vec![
        Cell::new(group.count.to_string()),
        Cell::new(group.source.as_str()),
        Cell::new(group.fault.as_str()),
        Cell::new(group.code.as_str()),
        Cell::new(group.field.as_str()),
        Cell::new(group.last.as_str()),
        Cell::new(group.example.as_str()),
        Cell::new(group.reason.as_str()),
    ];
    Row { cells, json: Json::Object(json) }
}

fn show(session: &Session, context: &mut Context, position: &str) -> Ended {
    let view = session.client.event(position)?;
    let event = Json::parse(view.event.get().as_bytes());
    let event = event.map_err(|error| Failure::new(ExitCode::Error, "the answer is not an event").why(error))?;
    let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    context.printer.hint(&format!("{} from {} at {}", view.position, text("/resource/id"), text("/received_at")));
    context.printer.hint(&text("/outcome_reason"));
    let raw = session.client.event_value(position, "raw")?;
    // The bytes as they are, for a file or another program.
    let mut out = std::io::stdout().lock();
    out.write_all(&raw)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(ExitCode::Error, "can't write to stdout").why(error))?;
    Ok(ExitCode::Ok)
}

fn retry(session: &Session, context: &mut Context, mut request: RetryRequest) -> Ended {
    let (mut rows, mut stored, mut duplicate, mut still) = (Vec::new(), 0, 0, 0);
    loop {
        let answer = session.client.quarantine_retry(&request)?;
        stored += answer.stored;
        duplicate += answer.duplicate;
        still += answer.still;
        rows.extend(answer.results.into_iter().map(|result| {
            let members = [
                ("position", Some(&result.position)),
                ("event", result.event.as_ref()),
                ("reason", result.reason.as_ref()),
            ];
            let json: Object = members.into_iter().filter_map(|(name, text)| Some((name, text?.as_str()))).collect();
            let cells = vec![
                Cell::new(result.position),
                Cell::new(result.event.unwrap_or_default()),
                Cell::new(result.reason.unwrap_or_default()),
            ];
            Row { cells, json: Json::Object(json) }
        }));
        match answer.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    context.printer.table(&["POSITION", "EVENT", "REASON"], &rows)?;
    context.printer.hint(&format!("tried {}  stored {stored}  duplicate {duplicate}  still {still}", rows.len()));
    Ok(if still == 0 { ExitCode::Ok } else { ExitCode::Error })
}
