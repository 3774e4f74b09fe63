//! `cairn tail [Q]`

use cairn_api::{ExitCode, TailRequest};
use clap::Args;

use super::Context;
use super::search::found;
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::event::COLUMNS;

/// Follows events as they arrive, until it is interrupted.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Only events that match; several words are joined by spaces
    query: Vec<String>,
    /// Begin with this many events that are there already
    #[arg(long, value_name = "NUMBER", default_value_t = 10, conflicts_with = "after")]
    last: u64,
    /// Begin behind this position (tenant/trail@index)
    #[arg(long, value_name = "POSITION")]
    after: Option<String>,
    /// Stop after this many events
    #[arg(long, short = 'n', value_name = "NUMBER")]
    limit: Option<u64>,
}

pub(crate) fn run(args: TailArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let trail = context.config.is_set("trail").then(|| context.config.trail().trail.to_string());
    let printer = &mut context.printer;
    let request = TailRequest {
        q: args.query.join(" "),
        trail,
        last: (args.after.is_none() && args.last > 0).then_some(args.last),
        after: args.after,
    };
    printer.header(COLUMNS)?;
    printer.flush()?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    for event in session.client.tail(request) {
        if left == 0 {
            break;
        }
        printer.now = jiff::Timestamp::now();
        let row = found(event?)?.row(printer);
        printer.row(&row)?;
        // Each event is seen at once, also through a pipe.
        printer.flush()?;
        left -= 1;
        if left == 0 {
            break;
        }
    }
    session.close()?;
    Ok(ExitCode::Ok)
}
