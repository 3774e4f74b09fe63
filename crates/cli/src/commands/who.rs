//! `cairn who VERB RESOURCE`

use std::collections::BTreeMap;

use cairn_api::{ExitCode, WhoRequest};
use clap::Args;

use super::Context;
use super::search::{Listing, found};
use crate::connect::Session;
use crate::evidence;
use crate::failure::Ended;
use crate::print::event::Found;
use crate::print::{Form, Tone, escape, times};

/// Says who did something to a resource, newest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cairn who deleted invoice-42\n  cairn who changed role/admin -n 3")]
pub(crate) struct WhoArgs {
    /// created, read, changed, deleted, granted, revoked, deployed, approved, exported, ran, ...
    verb: String,
    /// The resource: its id, its name, or type/id
    resource: String,
    /// Most answers
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 10)]
    limit: u32,
    /// Exit with 3 if nobody did
    #[arg(long)]
    fail_empty: bool,
}

pub(crate) fn run(args: WhoArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let request =
        WhoRequest { verb: args.verb.clone(), resource: args.resource.clone(), cursor: None, limit: Some(args.limit) };
    let page = session.client.who(&request)?;
    if context.printer.form != Form::Human {
        let mut listing = Listing::new(args.limit.into());
        listing.take(page, &mut context.printer)?;
        session.close()?;
        return listing.end(args.fail_empty, &mut context.printer);
    }
    let (total, partial) = (page.total, page.partial);
    let events = page.hits.into_iter().map(found).collect::<Result<Vec<Found>, _>>()?;
    let broken = sentences(&events, &session, context)?;
    let printer = &context.printer;
    if events.is_empty() {
        printer.hint(&format!(
            "nobody {} {} as far as this trail knows",
            escape::line(&args.verb),
            escape::line(&args.resource)
        ));
    } else if total.count > events.len() as u64 {
        printer.hint(&format!("{} of {} · more: -n {}", events.len(), times::count(total.count), total.count));
    }
    session.close()?;
    if broken {
        return Ok(ExitCode::IntegrityFailure);
    }
    if let Some(why) = partial {
        printer.note(Tone::Warn, &format!("partial answer: {}", escape::line(&why)));
        return Ok(ExitCode::PartialAnswer);
    }
    Ok(if events.is_empty() && args.fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
}

/// Prints each event as a sentence with its proof status; says whether any of them is not proved.
fn sentences(events: &[Found], session: &Session, context: &mut Context) -> Result<bool, crate::failure::Failure> {
    let printer = &mut context.printer;
    let mut keys = BTreeMap::new();
    let mut broken = false;
    for found in events {
        let trail = found.position.split('@').next().unwrap_or_default().to_owned();
        let key = match keys.get(&trail) {
            Some(key) => Ok(key),
            None => evidence::key_of(session, &found.position).map(|key| &*keys.entry(trail).or_insert(key)),
        };
        let checked = key.and_then(|key| evidence::check(session, found, key));
        broken |= checked.as_ref().is_err_and(|failure| failure.exit == ExitCode::IntegrityFailure);
        let sentence = found.sentence(printer);
        let heading = printer.tint(Tone::Bold, &sentence).into_owned();
        printer.line(&heading)?;
        let request = found.text("request_id");
        let mut facts = vec![found.text("action").map(str::to_owned), request.map(|id| format!("request {id}"))];
        facts.push(found.text("outcome_reason").map(|reason| format!("reason {reason:?}")));
        facts.push(Some(found.position.clone()));
        let facts: Vec<String> = facts.into_iter().flatten().map(|fact| escape::line(&fact).into_owned()).collect();
        let facts = printer.tint(Tone::Dim, &facts.join(" · ")).into_owned();
        printer.line(&format!("  {facts}"))?;
        printer.proof_status("  ", &checked)?;
        if let Some(id) = request.filter(|_| events.len() == 1) {
            printer.hint(&format!("  what else happened: cairn timeline --request {}", escape::line(id)));
        }
    }
    Ok(broken)
}
