//! `cairn redaction scan|apply|reveal|epochs|rotate|forget`

use cairn_api::ExitCode;
use cairn_api::v1::{EpochRequest, RedactionRequest, RevealRequest, Uncovered};
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Context;
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::table::{Cell, Row};

/// Values that must not be seen: look for them, hide them, read the token of one.
#[derive(Debug, Args)]
pub(crate) struct RedactionArgs {
    #[command(subcommand)]
    command: RedactionCommand,
}

#[derive(Debug, Subcommand)]
enum RedactionCommand {
    /// Look for values in stored events that the rules in force cover; exit 1 if there are any
    Scan {
        /// Only this trail; the one of your own credential if absent
        name: Option<String>,
    },
    /// Hide members of a stored event from every reader. Its proofs stay valid
    #[command(
        after_help = "Example:\n  cairn redaction apply default/main@42 --member metadata --reason 'card number, ticket 1042'"
    )]
    Apply {
        /// The events, by position or id
        #[arg(required = true)]
        events: Vec<String>,
        /// What to hide: metadata, before, after, raw, actor.email, outcome_reason, ...; may be given several times
        #[arg(long = "member", value_name = "MEMBER", required = true, value_delimiter = ',')]
        members: Vec<String>,
        /// Why; it stands in the trail
        #[arg(long)]
        reason: String,
    },
    /// Print the value behind a token. Who asked, and why, is in the trail `access` before it is shown
    Reveal {
        /// tok_1_..., whole
        token: String,
        /// Why; it stands in the trail
        #[arg(long)]
        reason: String,
    },
    /// List the epochs whose keys are kept
    Epochs,
    /// Begin a new epoch: the same value gets another token and hash from now on, and the old ones are still found
    Rotate {
        /// Why; it stands in the trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// Destroy the key of an old epoch: its tokens can never be read again, its hashes never be guessed
    Forget {
        /// The number of the epoch
        epoch: u32,
        /// Why; it stands in the trail
        #[arg(long)]
        reason: String,
    },
}

pub(crate) fn run(args: RedactionArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let code = match args.command {
        RedactionCommand::Scan { name } => scan(&session, context, name.as_deref())?,
        RedactionCommand::Apply { events, members, reason } => {
            let mut rows = Vec::new();
            for event in events {
                let request = RedactionRequest { event, members: members.clone(), reason: reason.clone() };
                let done = session.client.redact(&request)?;
                let json: Object = [
                    ("position", Json::from(done.position.as_str())),
                    ("members", done.members.clone().into()),
                    ("recorded", done.recorded.as_str().into()),
                ]
                .into_iter()
                .collect();
                let cells = vec![Cell::new(done.position), Cell::new(done.members.join(" ")), Cell::new(done.recorded)];
                rows.push(Row { cells, json: Json::Object(json) });
            }
            context.printer.table(&["POSITION", "HIDDEN", "RECORDED"], &rows)?;
            ExitCode::Ok
        }
        RedactionCommand::Reveal { token, reason } => {
            let revealed = session.client.reveal(&RevealRequest { token, reason })?;
            if context.printer.wants_json() {
                let json = [("value", revealed.value), ("recorded", revealed.recorded.clone())];
                context.printer.json(&Json::Object(json.into_iter().collect()))?;
            } else {
                context.printer.line(&revealed.value)?;
            }
            context.printer.hint(&format!("recorded as {}", revealed.recorded));
            ExitCode::Ok
        }
        RedactionCommand::Epochs => epochs(context, &session.client.epochs()?.epochs)?,
        RedactionCommand::Rotate { reason } => {
            let kept = session.client.change_epochs(&EpochRequest { forget: None, reason })?;
            epochs(context, &kept.epochs)?
        }
        RedactionCommand::Forget { epoch, reason } => {
            let kept = session.client.change_epochs(&EpochRequest { forget: Some(epoch), reason: Some(reason) })?;
            epochs(context, &kept.epochs)?
        }
    };
    session.close()?;
    Ok(code)
}

fn epochs(context: &mut Context, kept: &[u32]) -> Ended {
    let row = |epoch: &u32| {
        let state = if Some(epoch) == kept.last() { "present" } else { "over" };
        let json = [("epoch", Json::from(u64::from(*epoch))), ("state", state.into())];
        Row {
            cells: vec![Cell::new(epoch.to_string()), Cell::new(state)],
            json: Json::Object(json.into_iter().collect()),
        }
    };
    context.printer.table(&["EPOCH", "STATE"], &kept.iter().map(row).collect::<Vec<_>>())?;
    Ok(ExitCode::Ok)
}

fn scan(session: &Session, context: &mut Context, trail: Option<&str>) -> Ended {
    let bar = if context.printer.progress { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} events");
    bar.set_style(style.expect("the template is a constant"));
    let (mut from, mut scanned, mut uncovered) = (Some(0), 0, Vec::new());
    let mut name = String::new();
    while let Some(at) = from {
        let part = session.client.redaction_scan(trail, at)?;
        scanned += part.scanned;
        bar.set_length(part.size);
        bar.set_position(scanned);
        uncovered.extend(part.uncovered);
        (from, name) = (part.next, part.trail);
    }
    bar.finish_and_clear();
    let rows: Vec<Row> = uncovered.iter().flat_map(rows).collect();
    if context.printer.wants_json() || !rows.is_empty() {
        context.printer.table(&["POSITION", "MEMBER", "RULE", "VALUES"], &rows)?;
    }
    context.printer.hint(&format!("{name}: {} of {scanned} events hold a value that a rule covers", uncovered.len()));
    if !uncovered.is_empty() {
        context.printer.hint("`cairn redaction apply POSITION --member MEMBER --reason ...` hides it");
        return Ok(ExitCode::Error);
    }
    Ok(ExitCode::Ok)
}

fn rows(event: &Uncovered) -> impl Iterator<Item = Row> + '_ {
    event.findings.iter().map(|found| {
        let json: Object = [
            ("position", Json::from(event.position.as_str())),
            ("member", found.member.as_str().into()),
            ("rule", found.rule.as_str().into()),
            ("count", found.count.into()),
        ]
        .into_iter()
        .collect();
        let cells = vec![
            Cell::new(event.position.as_str()),
            Cell::new(found.member.as_str()),
            Cell::new(found.rule.as_str()),
            Cell::new(found.count.to_string()),
        ];
        Row { cells, json: Json::Object(json) }
    })
}
