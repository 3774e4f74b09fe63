//! What protection did to an event before it was stored: part of the event, so that nobody takes a changed value for what
//! the producer sent.

use crate::json::{Json, Object};

/// What was done to one event. The values themselves are gone by then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected {
    /// What the content is recognised by, under a key, since it is that of the content as it came.
    pub fingerprint: [u8; 16],
    /// Slots whose values are committed to and not kept.
    pub withheld: Vec<&'static str>,
    /// What was done where.
    pub notes: Vec<Note>,
}

/// Values of one member that one rule covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The member of the event: `actor`, `metadata`, `raw`.
    pub member: String,
    /// The rule: the name of a detector, a key or a pointer, as the policy has it.
    pub rule: String,
    /// What was done: a word of the policy.
    pub action: &'static str,
    /// How many values.
    pub count: u64,
}

impl Protected {
    /// As the member `protected`.
    pub(crate) fn to_json(&self) -> Json {
        let note = |note: &Note| {
            let mut object = Object::new();
            object.insert("action", note.action);
            object.insert("count", note.count);
            object.insert("member", note.member.as_str());
            object.insert("rule", note.rule.as_str());
            Json::Object(object)
        };
        Json::Array(self.notes.iter().map(note).collect())
    }
}
