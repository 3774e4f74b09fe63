//! The language by example: what is read, what is refused and how, what matches. Each table row is
//! one input and what must come of it.

mod faults;
mod meaning;
mod reference;
mod roundtrip;
mod syntax;
mod times;

use jiff::tz::TimeZone;

use super::{Context, Diagnostic, Query, parse};

/// A zone by its rules (POSIX TZ), so that no time zone database is needed.
fn zone(rules: &str) -> TimeZone {
    TimeZone::posix(rules).unwrap()
}

/// A winter afternoon in Berlin, one hour ahead of UTC.
fn berlin() -> Context {
    Context { now: "2026-11-24T13:30:00.5Z".parse().unwrap(), zone: zone("CET-1CEST,M3.5.0,M10.5.0/3") }
}

fn query(text: &str) -> Query {
    parse(text, &berlin()).unwrap_or_else(|faults| panic!("{text:?}: {faults:?}"))
}

fn faults(text: &str) -> Vec<Diagnostic> {
    match parse(text, &berlin()) {
        Ok(query) => panic!("{text:?} was read as {query}"),
        Err(faults) => faults,
    }
}

/// `text` is read, prints as `canonical`, and that reads as the same query.
fn check_canonical(text: &str, canonical: &str) {
    let read = query(text);
    assert_eq!(read.to_string(), canonical, "{text:?}");
    assert_eq!(query(canonical), read, "{text:?}");
}
