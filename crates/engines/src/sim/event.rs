//! Events for simulations and tests of the store.

use cairn_event::{Admission, Class, Draft, Event, EventId, Identified, Json, Producer, Severity, limits};
use jiff::Timestamp;

/// A small event with this name; `number` sets the rest of it.
pub fn event(name: &str, number: u64, now: Timestamp) -> Event {
    with(name, number, now, "")
}

/// The same with a raw record that is too large for it and stands beside it.
#[must_use]
pub fn large_event(name: &str, number: u64, now: Timestamp) -> Event {
    let record = format!("{name} {}", "x".repeat(limits::INLINE_BYTES_MAX));
    with(name, number, now, &format!(r#","raw":"{record}""#))
}

fn with(name: &str, number: u64, now: Timestamp, more: &str) -> Event {
    const VALID: &str = "the event is written here";
    let text = format!(
        r#"{{"time":"2026-11-25T08:00:00Z","actor":{{"id":"actor-{}","type":"user","email":"a{number}@example.com"}},"action":"thing.update","operation":"update","resource":{{"type":"thing","id":"{number}","name":"{name}"}},"outcome":"success","metadata":{{"n":{number}}}{more}}}"#,
        number % 7,
    );
    let draft = Draft::from_json(Json::parse(text.as_bytes()).expect(VALID)).expect(VALID);
    let producer = Producer {
        principal: "sim".to_owned(),
        source_kind: "native".to_owned(),
        source_name: "sim".to_owned(),
        sequence: None,
    };
    let admission = Admission {
        id: EventId::from_parts(now.as_millisecond() as u64, [number as u8; 10]),
        received_at: now,
        producer,
        class: Class::Standard,
        severity: Severity::Informational,
        identified: Identified::Given(format!("key-{number}")),
        conflict_with: None,
        policy: None,
        protected: None,
        retried_from: None,
    };
    Event::new(draft, admission).expect(VALID)
}
