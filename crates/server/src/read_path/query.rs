//! From the parameters of a request to a query.

use crate::failure::Failure;
use crate::node::Node;
use cairn_api::ProblemCode;
use cairn_event::filter::{Context, Diagnostic, Query, parse};
use cairn_search::Cursor;
use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// A query, and the clock reading it was read with.
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) as_of: Timestamp,
}

impl Asked {
    pub(crate) fn at(query: Query, as_of: Timestamp) -> Asked {
        Asked { query, as_of }
    }
}

/// The clock reading for a search: on later pages that of the first, so that `-2h` stays the same time.
pub(crate) fn as_of(node: &Node, cursor: Option<&Cursor>) -> Timestamp {
    cursor.map_or_else(|| node.now(), Cursor::as_of)
}

/// Reads `q` and narrows it by `from` and `to`.
pub(crate) fn read_query(
    node: &Node,
    q: &str,
    (from, to): (Option<&str>, Option<&str>),
    zone: Option<&str>,
    cursor: Option<&Cursor>,
) -> Result<Asked, Failure> {
    let zone = zone.map_or(Ok(TimeZone::UTC), zone_of)?;
    let as_of = as_of(node, cursor);
    let context = Context { now: as_of, zone };
    let mut query = parse(q, &context).map_err(|found| invalid(q, &found))?;
    for (name, comparison, time) in [("from", ">=", from), ("to", "<=", to)] {
        let Some(time) = time else { continue };
        // Only what can be one item, so that no other clause comes in by this door.
        let is_item =
            !time.is_empty() && !time.bytes().any(|byte| byte.is_ascii_whitespace() || b"(),\"".contains(&byte));
        let bound = format!("created:{comparison}{time}");
        let bound = is_item.then(|| parse(&bound, &context).ok()).flatten();
        query = query.and(
            bound.ok_or_else(|| Failure::parameter(name, "want a time: RFC 3339, a date, -2h, today, yesterday"))?,
        );
    }
    Ok(Asked { query, as_of })
}

/// An offset such as `+02:00`, or an IANA name if this machine knows it.
fn zone_of(text: &str) -> Result<TimeZone, Failure> {
    let offset = || {
        let time = format!("2000-01-01T00:00:00{text}");
        Pieces::parse(&time).ok()?.to_numeric_offset().map(TimeZone::fixed)
    };
    match text {
        "UTC" | "Z" => Some(TimeZone::UTC),
        _ if text.starts_with(['+', '-']) => offset(),
        _ => TimeZone::get(text).ok(),
    }
    .ok_or_else(|| {
        Failure::parameter("zone", "there is no such time zone here")
            .hint("use an offset (+02:00) or an IANA name (Europe/Berlin)")
    })
}

/// What is wrong with a query, with the place of each fault.
fn invalid(q: &str, found: &[Diagnostic]) -> Failure {
    let place = |at: usize| q.get(..at).map_or(at, |before| before.chars().count()) + 1;
    let faults: Vec<String> =
        found.iter().map(|fault| format!("character {}: {}", place(fault.span.start), fault.message)).collect();
    let failure = Failure::new(ProblemCode::QueryInvalid, faults.join("; ")).field("q");
    match found.iter().find_map(|fault| fault.hint.clone()) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
