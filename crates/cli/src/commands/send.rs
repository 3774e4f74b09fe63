//! `cairn send ACTION`

use cairn_api::v1::{EventResult, SubmitAnswer};
use cairn_api::{ExitCode, Submit};
use cairn_event::Json;
use cairn_event::json::Object;
use cairn_ledger::{Hash, InclusionProof};
use clap::Args;
use jiff::Timestamp;

use super::Context;
use crate::connect::{Session, open_checkpoint};
use crate::evidence;
use crate::failure::{Ended, Failure};
use crate::print::Tone;
use crate::print::table::{Cell, Row};
use crate::print::times;

/// Records one event and checks the receipt.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn send doc.delete --actor you --res doc:42\n  cairn send iam.role.update --actor alice --res role:admin --op update \\\n      --before '{\"members\":3}' --after '{\"members\":4}' --reason 'ticket 7'"
)]
pub(crate) struct SendArgs {
    /// What was done: dotted lower-case words, the verb last
    action: String,
    /// Who did it: an id, or TYPE:ID (user, service, agent, system)
    #[arg(long, value_name = "[TYPE:]ID")]
    actor: String,
    /// To what: TYPE:ID
    #[arg(long, value_name = "TYPE:ID")]
    res: String,
    /// create, read, update, delete, grant, ... [default: the last word of the action, if it is one]
    #[arg(long, value_name = "WORD")]
    op: Option<String>,
    /// success, failure, denied, unknown
    #[arg(long, value_name = "WORD", default_value = "success")]
    outcome: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// When it happened, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// The state before, as JSON
    #[arg(long, value_name = "JSON")]
    before: Option<String>,
    /// The state after, as JSON
    #[arg(long, value_name = "JSON")]
    after: Option<String>,
    /// The request that it was part of
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Anything else; may be given several times
    #[arg(long, value_name = "NAME=TEXT")]
    meta: Vec<String>,
    /// Sent again with the same key, the event is stored once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

const OPERATIONS: [&str; 12] = [
    "create", "read", "update", "delete", "grant", "revoke", "login", "logout", "deploy", "approve", "export",
    "execute",
];

pub(crate) fn run(args: SendArgs, context: &mut Context) -> Ended {
    let event = event(&args, Timestamp::now())?;
    let session = Session::open(context)?;
    let options = Submit { idempotency_key: args.key, ..Submit::default() };
    let answer = session.client.submit(event.to_text().as_bytes(), &options)?;
    let Some(result) = answer.results.first().filter(|result| result.position.is_some()) else {
        return Err(Failure::error("the server's answer names no event"));
    };
    let checked = check_receipt(&session, &answer, result);
    let (position, id) = (result.position.as_deref().unwrap_or_default(), result.id.as_deref().unwrap_or_default());
    let status = if answer.duplicate > 0 { "duplicate" } else { "stored" };
    let printer = &mut context.printer;
    if printer.for_program() {
        let mut json = Object::new();
        json.insert("status", status);
        json.insert("position", position);
        json.insert("id", id);
        json.insert("tree_size", checked.as_ref().map_or(Json::Null, |size| Json::from(*size)));
        let cells = vec![Cell::new(status), Cell::new(position), Cell::new(id)];
        printer.table(&["STATUS", "POSITION", "ID"], &[Row { cells, json: Json::Object(json) }])?;
    } else {
        printer.line(&format!("{status} {position}  id {id}"))?;
        if let Ok(size) = &checked {
            let text = format!("✓ durable and included, checkpoint {}", times::count(*size));
            let text = printer.tint(Tone::Good, &text).into_owned();
            printer.line(&text)?;
        }
    }
    session.close()?;
    checked.map(|_| ExitCode::Ok)
}

/// Checks that the receipt proves the event to be in the tree of a signed checkpoint; gives its size.
fn check_receipt(session: &Session, answer: &SubmitAnswer, result: &EventResult) -> Result<u64, Failure> {
    let position = result.position.as_deref().unwrap_or_default();
    let broken = |why: String| {
        Failure::new(ExitCode::IntegrityFailure, format!("the receipt for {position} does not prove it")).why(why)
    };
    let absent = |what: &str| broken(format!("the answer has no {what}"));
    let key = evidence::key_of(session, position)?;
    let receipt = answer.receipts.first().ok_or_else(|| absent("receipt"))?;
    let checkpoint = open_checkpoint(&receipt.checkpoint, &key.key)?;
    let path = result.inclusion_proof.as_ref().ok_or_else(|| absent("inclusion proof"))?;
    let leaf = result.leaf_hash.as_deref().ok_or_else(|| absent("leaf hash"))?;
    let index = result.index.ok_or_else(|| absent("index"))?;
    let proof = || {
        let path = path.iter().map(|hash| Hash::from_base64(hash)).collect::<Result<Vec<_>, _>>()?;
        let proof = InclusionProof { index, size: checkpoint.size(), path };
        proof.verify(&Hash::from_base64(leaf)?, checkpoint.root())
    };
    proof().map_err(|error| broken(error.to_string()))?;
    Ok(checkpoint.size())
}

fn event(args: &SendArgs, now: Timestamp) -> Result<Json, Failure> {
    let mut event = Object::new();
    event.insert("time", args.time.clone().unwrap_or_else(|| now.to_string()));
    let mut actor = Object::new();
    let types = ["user", "service", "agent", "system", "unknown"];
    let (kind, id) =
        args.actor.split_once(':').filter(|(kind, _)| types.contains(kind)).unwrap_or(("user", &args.actor));
    actor.insert("type", kind);
    actor.insert("id", id);
    actor.insert("via", "cli");
    event.insert("actor", actor);
    event.insert("action", args.action.as_str());
    let last = args.action.rsplit('.').next().unwrap_or_default();
    let operation = args.op.as_deref().or_else(|| OPERATIONS.contains(&last).then_some(last));
    event.insert("operation", operation.unwrap_or("other"));
    let Some((kind, id)) = args.res.split_once(':') else {
        return Err(Failure::usage("--res needs a type and an id").next("write it as TYPE:ID, such as doc:42"));
    };
    let mut resource = Object::new();
    resource.insert("type", kind);
    resource.insert("id", id);
    event.insert("resource", resource);
    event.insert("outcome", args.outcome.as_str());
    for (name, text) in [("outcome_reason", &args.reason), ("request_id", &args.request)] {
        if let Some(text) = text {
            event.insert(name, text.as_str());
        }
    }
    for (name, text) in [("before", &args.before), ("after", &args.after)] {
        if let Some(text) = text {
            let state = Json::parse(text.as_bytes())
                .map_err(|error| Failure::usage(format!("--{name} is not JSON")).why(error))?;
            event.insert(name, state);
        }
    }
    let mut metadata = Object::new();
    for pair in &args.meta {
        let (name, text) = pair.split_once('=').ok_or_else(|| Failure::usage("--meta needs NAME=TEXT"))?;
        metadata.insert(name, text);
    }
    if !metadata.is_empty() {
        event.insert("metadata", metadata);
    }
    Ok(Json::Object(event))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: SendArgs,
    }

    #[track_caller]
    fn check(line: &[&str], expected: &str) {
        let line = Line::try_parse_from(std::iter::once("send").chain(line.iter().copied())).expect("valid");
        let now = Timestamp::from_second(0).expect("in range");
        assert_eq!(event(&line.args, now).expect("valid").to_text(), expected);
    }

    #[test]
    fn a_short_line_makes_a_whole_event() {
        check(
            &["doc.delete", "--actor", "you", "--res", "doc:42"],
            r#"{"time":"1970-01-01T00:00:00Z","actor":{"type":"user","id":"you","via":"cli"},"action":"doc.delete","operation":"delete","resource":{"type":"doc","id":"42"},"outcome":"success"}"#,
        );
        check(
            &[
                "job.start",
                "--actor",
                "service:etl",
                "--res",
                "s3:a:b",
                "--after",
                "{\"n\":18446744073709551616}",
                "--meta",
                "k=v=w",
            ],
            r#"{"time":"1970-01-01T00:00:00Z","actor":{"type":"service","id":"etl","via":"cli"},"action":"job.start","operation":"other","resource":{"type":"s3","id":"a:b"},"outcome":"success","after":{"n":18446744073709551616},"metadata":{"k":"v=w"}}"#,
        );
    }
}
