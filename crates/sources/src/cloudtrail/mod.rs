//! AWS CloudTrail records: delivery files, arrays, lines.

mod identity;
mod map;
mod name;
mod spelling;
mod target;
mod thing;

use crate::detect::{Glimpse, best_likeness};
use crate::{Likeness, MapError, Mapped, Record, Records, Source, SplitError};

/// The member of a delivery file that holds the records.
const ENVELOPE: &str = "Records";

/// CloudTrail records: `{"Records": [...]}`, an array, or one per line.
#[derive(Debug, Clone, Copy)]
pub struct CloudTrail;

impl Source for CloudTrail {
    fn kind(&self) -> &'static str {
        "cloudtrail"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, Some(ENVELOPE), judge)
    }

    fn split<'a>(&self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Records::of(body, Some(ENVELOPE))
    }

    fn map(&self, record: Record<'_>) -> Result<Mapped, MapError> {
        map::map(record)
    }
}

fn judge(seen: Glimpse<'_>) -> Likeness {
    let has = |name: &str| seen.has(name) || seen.has(&name.to_ascii_lowercase());
    if !(has("eventName") && has("eventSource")) {
        return Likeness::NONE;
    }
    if has("eventVersion") && has("userIdentity") {
        return Likeness::new(100, "has eventVersion, eventName, eventSource and userIdentity");
    }
    Likeness::new(80, "has eventName and eventSource")
}
