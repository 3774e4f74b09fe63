//! AWS CloudTrail records: delivery files, arrays, lines.

mod identity;
mod map;
mod name;
mod spelling;
mod target;
mod thing;

use crate::detect::{Glimpse, best_likeness};
use crate::frame::json::JsonRecords;
use crate::{Delivery, Likeness, MapError, Mapped, Records, Source, SplitError};

/// The members that hold the records: of a delivery file, of an answer of `LookupEvents`.
const ENVELOPE: &[&str] = &["Records", "Events"];

/// CloudTrail records: `{"Records": [...]}`, an array, or one per line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloudTrail;

impl Source for CloudTrail {
    fn kind(&self) -> &str {
        "cloudtrail"
    }

    fn title(&self) -> &str {
        "AWS CloudTrail"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, ENVELOPE, judge)
    }

    fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Ok(Box::new(JsonRecords::of(body, ENVELOPE)?))
    }

    fn map(&self, record: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError> {
        map::map(record, delivery)
    }
}

fn judge(seen: Glimpse<'_>) -> Likeness {
    let has = |name: &str| seen.has(name) || seen.has(&name.to_ascii_lowercase());
    if seen.has_all(&["CloudTrailEvent", "EventName"]) {
        return Likeness::new(98, "has CloudTrailEvent and EventName, as LookupEvents answers");
    }
    if seen.has_all(&["detail.eventName", "detail.eventSource"]) {
        return Likeness::new(98, "has eventName and eventSource under detail, as EventBridge sends");
    }
    if !(has("eventName") && has("eventSource")) {
        let is_cut = has("eventName") && has("awsRegion");
        return if is_cut { Likeness::new(60, "has eventName and awsRegion") } else { Likeness::NONE };
    }
    if has("eventVersion") && has("userIdentity") {
        return Likeness::new(100, "has eventVersion, eventName, eventSource and userIdentity");
    }
    Likeness::new(80, "has eventName and eventSource")
}
