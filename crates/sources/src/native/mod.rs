//! Cairn's own events, `cairn/event/v1`: one object, an array of them, or one per line.

use cairn_event::{Draft, Json};

use crate::detect::{Glimpse, best_likeness};
use crate::frame::json::{JsonRecords, NO_ENVELOPE};
use crate::{Delivery, Likeness, MapError, Mapped, Records, Source, SplitError};

/// Cairn's own events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native;

impl Source for Native {
    fn kind(&self) -> &str {
        "native"
    }

    fn title(&self) -> &str {
        "Cairn's own events"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, NO_ENVELOPE, judge)
    }

    fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Ok(Box::new(JsonRecords::of(body, NO_ENVELOPE)?))
    }

    fn map(&self, record: &[u8], _: &Delivery<'_>) -> Result<Mapped, MapError> {
        let draft = Draft::from_json(Json::parse(record)?)?;
        Ok(Mapped { draft, natural_key: None })
    }
}

fn judge(seen: Glimpse<'_>) -> Likeness {
    let required = ["action", "actor", "resource", "time"];
    // Other audit logs have an action and an actor too, but name the actor in a string.
    let has_actor = seen.has_object("actor");
    if seen.has_all(&required) && has_actor {
        return Likeness::new(100, "has action, actor, resource and time");
    }
    if seen.has("action") && has_actor {
        return Likeness::new(90, "has action and actor");
    }
    // A draft with a forgotten member is still meant as an event, and deserves to be told what lacks.
    match required.iter().filter(|name| seen.has(name)).count() {
        2.. => Likeness::new(30, "has two of action, actor, resource and time"),
        _ => Likeness::NONE,
    }
}
