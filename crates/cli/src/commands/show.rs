//! `cairn show ID`

use cairn_api::ExitCode;
use clap::Args;

use super::Context;
use super::search::found;
use crate::connect::Session;
use crate::evidence;
use crate::failure::Ended;
use crate::print::event::Found;

/// Shows one event and whether the log proves it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn show default/main@5\n  cairn show 5                      # of the trail that is meant\n  cairn show 0191f0c2-…  --json\n  cairn show 5 --value raw > record.json"
)]
pub(crate) struct ShowArgs {
    /// The event: its id, its position (tenant/trail@index), or its index in the trail
    event: String,
    /// Print this member of the event alone, whole: large ones are kept beside the event, which shows their hash
    #[arg(long, value_name = "MEMBER", value_parser = ["before", "after", "raw"])]
    value: Option<String>,
}

pub(crate) fn run(args: ShowArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    if let Some(member) = &args.value {
        let bytes = session.client.event_value(&full_name(&args.event, context), member)?;
        context.printer.bytes(&bytes)?;
        session.close()?;
        return Ok(ExitCode::Ok);
    }
    let found = find(&args.event, &session, context)?;
    let checked = evidence::key_of(&session, &found.position).and_then(|key| evidence::check(&session, &found, &key));
    let printer = &mut context.printer;
    if printer.wants_json() {
        let mut json = found.json();
        if let (Some(members), Ok(proved)) = (json.as_object_mut(), &checked) {
            members.insert("proof", proved.json());
        }
        printer.json(&json)?;
    } else {
        printer.event(&found)?;
        if !printer.for_program() {
            printer.proof_status("", &checked)?;
        }
    }
    session.close()?;
    // The event was shown either way; what is wrong with it decides the exit code.
    checked.map(|_| ExitCode::Ok)
}

/// The event that a person means by an id, a position, or a bare index.
///
/// # Errors
/// As the server says.
pub(crate) fn find(named: &str, session: &Session, context: &Context) -> Result<Found, crate::failure::Failure> {
    found(session.client.event(&full_name(named, context))?)
}

/// A bare index is one of the trail that is meant; `main@5` is of the tenant that is meant.
pub(crate) fn full_name(named: &str, context: &Context) -> String {
    let trail = context.config.trail();
    let is_index = !named.is_empty() && named.bytes().all(|byte| byte.is_ascii_digit());
    match named.split_once('@') {
        Some((short, index)) if !short.contains('/') && !short.is_empty() => {
            format!("{}/{short}@{index}", trail.tenant)
        }
        None if is_index => format!("{trail}@{named}"),
        _ => named.to_owned(),
    }
}
