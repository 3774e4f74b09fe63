//! `cairn timeline`

use cairn_api::{ExitCode, TimelineBy};
use clap::{ArgGroup, Args};

use super::Context;
use super::search::{PAGE_MAX, found};
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::event::COLUMNS;
use crate::print::{Form, Tone, escape, times};

/// Shows events that belong together, oldest first.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").required(true).multiple(false))]
pub(crate) struct TimelineArgs {
    /// Of one request
    #[arg(long, value_name = "ID", group = "by")]
    request: Option<String>,
    /// Of one trace
    #[arg(long, value_name = "ID", group = "by")]
    trace: Option<String>,
    /// Of one session
    #[arg(long, value_name = "ID", group = "by")]
    session: Option<String>,
    /// Of one actor: id, name or address
    #[arg(long, value_name = "NAME", group = "by")]
    actor: Option<String>,
    /// Of one resource: id, name or type/id
    #[arg(long, value_name = "NAME", group = "by")]
    res: Option<String>,
    /// Most events to print
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 1000)]
    limit: u64,
    /// Exit with 3 if there are none
    #[arg(long)]
    fail_empty: bool,
}

impl TimelineArgs {
    fn by(&self) -> (TimelineBy, &str) {
        let given = [
            (TimelineBy::Request, &self.request),
            (TimelineBy::Trace, &self.trace),
            (TimelineBy::Session, &self.session),
            (TimelineBy::Actor, &self.actor),
            (TimelineBy::Resource, &self.res),
        ];
        let mut given = given.into_iter().filter_map(|(by, value)| Some((by, value.as_deref()?)));
        given.next().expect("one of them is required")
    }
}

pub(crate) fn run(args: TimelineArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let printer = &mut context.printer;
    let (by, value) = args.by();
    let (mut cursor, mut partial, mut shown) = (None, None, 0);
    let mut rows = Vec::new();
    printer.header(COLUMNS)?;
    loop {
        let limit = u32::try_from((args.limit - shown).clamp(1, PAGE_MAX)).ok();
        let page = session.client.timeline(by, value, cursor.as_deref(), limit)?;
        partial = partial.or(page.partial);
        for view in page.events {
            let row = found(view)?.row(printer);
            shown += 1;
            if printer.form == Form::Human { rows.push(row) } else { printer.row(&row)? }
        }
        cursor = page.next;
        if cursor.is_none() || shown >= args.limit {
            break;
        }
    }
    if printer.form == Form::Human {
        printer.table(COLUMNS, &rows)?;
    }
    printer.flush()?;
    printer.hint(&times::plural(shown, "event"));
    if cursor.is_some() {
        printer.hint(&format!("there are more: -n {}", args.limit.saturating_mul(10)));
    }
    session.close()?;
    if let Some(why) = partial {
        printer.note(Tone::Warn, &format!("partial answer: {}", escape::line(&why)));
        return Ok(ExitCode::PartialAnswer);
    }
    Ok(if shown == 0 && args.fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
}
