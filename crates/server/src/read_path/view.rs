//! Found and stored events as they go over the wire.

use crate::failure::Failure;
use cairn_api::ProblemCode;
use cairn_api::v1::{EventView, Total};
use cairn_event::{Json, Stored};
use cairn_ledger::Hash;
use cairn_search::{FoundEvent, Partial};
use serde_json::value::RawValue;

pub(crate) fn found_view(found: FoundEvent) -> EventView {
    view(found.position.to_string(), found.leaf_hash, &found.event)
}

pub(crate) fn event_view(stored: &Stored) -> Result<EventView, Failure> {
    let event = stored.event().map_err(|error| {
        Failure::new(ProblemCode::Corrupt, format!("{}: the stored text is not an event: {error}", stored.position))
    })?;
    Ok(view(stored.position.to_string(), stored.leaf_hash, &event))
}

fn view(position: String, leaf_hash: [u8; 32], event: &Json) -> EventView {
    // As text, because a number of the JSON library in between would not keep every digit.
    let event = RawValue::from_string(event.to_text()).expect("what prints itself as JSON is JSON");
    EventView { position, leaf_hash: Hash(leaf_hash).to_base64(), event }
}

pub(crate) fn total(total: cairn_search::Total) -> Total {
    Total { count: total.count, exact: total.is_exact }
}

pub(crate) fn partial(partial: Partial) -> String {
    match partial {
        Partial::Stopped => "the time for one search is over; the next page goes on from here".to_owned(),
        Partial::Budget => {
            "as many events as one search may read were read; the next page goes on from here".to_owned()
        }
        Partial::Unindexed { events } => {
            format!("{events} stored events are not in the search index yet and were not looked at")
        }
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
