//! Cairn's own events, `cairn/event/v1`: one object, an array of them, or one per line.

use cairn_event::Draft;

use crate::detect::{Glimpse, best_likeness};
use crate::{Likeness, MapError, Mapped, Record, Records, Source, SplitError};

/// Cairn's own events.
#[derive(Debug, Clone, Copy)]
pub struct Native;

impl Source for Native {
    fn kind(&self) -> &'static str {
        "native"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, None, judge)
    }

    fn split<'a>(&self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Records::of(body, None)
    }

    fn map(&self, record: Record<'_>) -> Result<Mapped, MapError> {
        let draft = Draft::from_json(record.json?)?;
        Ok(Mapped { draft, natural_key: None })
    }
}

fn judge(seen: Glimpse<'_>) -> Likeness {
    let required = ["action", "actor", "resource", "time"];
    if seen.has_all(&required) {
        return Likeness::new(100, "has action, actor, resource and time");
    }
    if seen.has_all(&["action", "actor"]) {
        return Likeness::new(90, "has action and actor");
    }
    // A draft with a forgotten member is still meant as an event, and deserves to be told what lacks.
    match required.iter().filter(|name| seen.has(name)).count() {
        2.. => Likeness::new(30, "has two of action, actor, resource and time"),
        _ => Likeness::NONE,
    }
}
