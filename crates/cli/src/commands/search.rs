//! `cairn search Q`

use cairn_api::v1::{EventView, SearchPage};
use cairn_api::{ExitCode, SearchRequest};
use clap::Args;

use super::Context;
use crate::connect::Session;
use crate::failure::{Ended, Failure};
use crate::print::event::{COLUMNS, Found};
use crate::print::table::Row;
use crate::print::{Form, Printer, Tone, escape, times};

/// Most events in one page of the server.
pub(crate) const PAGE_MAX: u64 = 1000;

/// Finds events, newest first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn search 'op:delete res:invoice-42'\n  cairn search 'actor:alice,bob -action:login created:>-2h'\n  cairn search 'changed:role after.role:admin' --json=time,actor.id,resource.id\nThe language: docs/reference/query.md"
)]
pub(crate) struct SearchArgs {
    /// What to find; several words are joined by spaces; nothing finds everything
    query: Vec<String>,
    /// Not before this time: RFC 3339, a date, -2h, yesterday
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Not after this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Most events to print
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 100, conflicts_with = "all")]
    limit: u64,
    /// Print every event that matches
    #[arg(long)]
    all: bool,
    /// Oldest first
    #[arg(long)]
    oldest: bool,
    /// Print only how many match
    #[arg(long, conflicts_with_all = ["all", "csv"])]
    count: bool,
    /// Go on behind an earlier page: the cursor that was printed with it
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Exit with 3 if nothing is found
    #[arg(long)]
    fail_empty: bool,
}

pub(crate) fn run(args: SearchArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let printer = &mut context.printer;
    let wanted = if args.count {
        1
    } else if args.all {
        u64::MAX
    } else {
        args.limit
    };
    let mut request = SearchRequest {
        q: args.query.join(" "),
        from: args.from,
        to: args.to,
        cursor: args.cursor,
        limit: None,
        oldest_first: args.oldest,
        zone: printer.zone.iana_name().map(str::to_owned),
    };
    let mut listing = Listing::new(wanted);
    loop {
        request.limit = listing.page_limit();
        let page = session.client.search(&request)?;
        let next = page.next.clone();
        if args.count {
            return count(&page, args.fail_empty, printer);
        }
        let more = listing.take(page, printer)?;
        match next {
            Some(cursor) if more => request.cursor = Some(cursor),
            rest => {
                listing.next = rest;
                break;
            }
        }
    }
    session.close()?;
    listing.end(args.fail_empty, printer)
}

fn count(page: &SearchPage, fail_empty: bool, printer: &mut Printer) -> Ended {
    if printer.wants_json() {
        let mut json = cairn_event::json::Object::new();
        json.insert("count", page.total.count);
        json.insert("exact", page.total.exact);
        printer.json(&json.into())?;
    } else {
        let about = if page.total.exact { "" } else { "≈" };
        printer.line(&format!("{about}{}", page.total.count))?;
    }
    if let Some(why) = &page.partial {
        printer.note(Tone::Warn, &format!("partial answer: {}", escape::line(why)));
        return Ok(ExitCode::PartialAnswer);
    }
    Ok(if page.total.count == 0 && fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
}

/// An event as the server gives it, parsed.
///
/// # Errors
/// If it is not JSON that Cairn would have written.
pub(crate) fn found(view: EventView) -> Result<Found, Failure> {
    let event = view.event().map_err(|error| {
        Failure::error(format!("the server gave an event at {} that can't be read", view.position)).why(error)
    })?;
    Ok(Found { position: view.position, leaf_hash: view.leaf_hash, event })
}

/// Pages of a search on their way to stdout: people get one table at the end, programs each page at once.
pub(crate) struct Listing {
    wanted: u64,
    shown: u64,
    held: Vec<Row>,
    partial: Option<String>,
    total: Option<(u64, bool)>,
    took_ms: f64,
    hints: Vec<String>,
    next: Option<String>,
}

impl Listing {
    pub(crate) fn new(wanted: u64) -> Listing {
        Listing {
            wanted,
            shown: 0,
            held: Vec::new(),
            partial: None,
            total: None,
            took_ms: 0.0,
            hints: Vec::new(),
            next: None,
        }
    }

    fn page_limit(&self) -> Option<u32> {
        u32::try_from((self.wanted - self.shown).clamp(1, PAGE_MAX)).ok()
    }

    /// Takes one page in; says whether more is wanted.
    ///
    /// # Errors
    /// What stdout says; an event that can't be read.
    pub(crate) fn take(&mut self, page: SearchPage, printer: &mut Printer) -> Result<bool, Failure> {
        let first = self.total.is_none();
        if first {
            self.total = Some((page.total.count, page.total.exact));
            self.hints = page.hints.iter().map(|hint| hint.message.clone()).collect();
            printer.header(COLUMNS)?;
        }
        self.took_ms += page.took_ms;
        self.partial = self.partial.take().or(page.partial);
        for view in page.hits {
            if self.shown == self.wanted {
                break;
            }
            let row = found(view)?.row(printer);
            self.shown += 1;
            // A table is aligned over all of its rows; a very long one is printed row by row.
            if printer.form == Form::Human && self.wanted <= PAGE_MAX {
                self.held.push(row);
            } else {
                printer.row(&row)?;
            }
        }
        Ok(self.shown < self.wanted)
    }

    /// Prints what is held and the remarks.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn end(self, fail_empty: bool, printer: &mut Printer) -> Ended {
        if !self.held.is_empty() {
            printer.table(COLUMNS, &self.held)?;
        }
        printer.flush()?;
        for hint in &self.hints {
            printer.note(Tone::Warn, &format!("note: {}", escape::line(hint)));
        }
        if let Some((total, exact)) = self.total {
            let about = if exact { "" } else { "about " };
            printer.hint(&format!(
                "{} of {about}{} · {:.1} ms",
                times::count(self.shown),
                times::count(total),
                self.took_ms
            ));
        }
        if let Some(next) = &self.next {
            printer.hint(&format!("more: --all, or --cursor {next}"));
        }
        if let Some(why) = &self.partial {
            printer.note(Tone::Warn, &format!("partial answer: {}", escape::line(why)));
            return Ok(ExitCode::PartialAnswer);
        }
        Ok(if self.shown == 0 && fail_empty { ExitCode::NothingFound } else { ExitCode::Ok })
    }
}
