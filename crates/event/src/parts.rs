//! The two texts of an event, and the places in them that can be hidden one by one.
//!
//! Part 0 is what the producer said, part 1 what the server added. Each is one canonical JSON
//! object. A *slot* is a member that can be redacted or erased alone; what is outside all slots is
//! the core, whose value is the text with `null` in place of each slot's value.

use jiter::{Jiter, Peek};

use crate::blob::{Blob, Blobs};
use crate::canonical::{self, Numbers};
use crate::json::{Json, JsonError, JsonErrorKind, Object, write_string};
use crate::limits;

/// The pointers of all members that are slots in `cairn/event/v1`, in byte order. Slots never
/// nest, and none lies deeper than two levels.
pub const SLOTS: &[&str] = &[
    "/actor/approved_by",
    "/actor/email",
    "/actor/id",
    "/actor/ip",
    "/actor/name",
    "/actor/on_behalf_of",
    "/actor/session",
    "/after",
    "/after_blob",
    "/after_hash",
    "/before",
    "/before_blob",
    "/before_hash",
    "/changes",
    "/metadata",
    "/origin/ips",
    "/origin/user_agent",
    "/outcome_reason",
    "/raw",
    "/raw_blob",
    "/related",
    "/resource/id",
    "/resource/name",
];

/// The slots that say the same as this one, and are hidden with it.
#[must_use]
pub fn hidden_with(slot: &str) -> &'static [&'static str] {
    match slot {
        "/before" => &["/before_blob", "/before_hash", "/changes"],
        "/after" => &["/after_blob", "/after_hash", "/changes"],
        "/raw" => &["/raw_blob"],
        _ => &[],
    }
}

/// The slot that a place lies in, by its pointer in the event.
#[must_use]
pub fn slot_of(pointer: &str) -> Option<&'static str> {
    let holds =
        |slot: &&&str| pointer.strip_prefix(**slot).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    SLOTS.iter().find(holds).copied()
}

/// All members of an event in the order in which they are shown.
pub const MEMBERS: &[&str] = &[
    "id",
    "time",
    "received_at",
    "actor",
    "producer",
    "action",
    "operation",
    "resource",
    "related",
    "outcome",
    "outcome_reason",
    "request_id",
    "trace_id",
    "span_id",
    "session_id",
    "correlation_id",
    "cause",
    "origin",
    "environment",
    "region",
    "service",
    "before",
    "after",
    "before_blob",
    "after_blob",
    "before_hash",
    "after_hash",
    "changes",
    "effective_change",
    "dry_run",
    "class",
    "severity",
    "schema",
    "conflict_with",
    "retried_from",
    "policy",
    "protected",
    "metadata",
    "raw",
    "raw_blob",
];

/// Where a slot's value lies in the text of its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotSpan {
    /// Its pointer, one of [`SLOTS`].
    pub path: &'static str,
    /// The first byte of the value.
    pub start: u32,
    /// The value's length in bytes.
    pub len: u32,
}

/// The text of one part with its slots in byte order of their paths, which is also their order in
/// the text. The core (path `""`) is always there and is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartText {
    /// One canonical JSON object.
    pub text: String,
    /// The slots that are present.
    pub slots: Vec<SlotSpan>,
}

impl PartText {
    /// Finds the slots in a text that was written as a part. The text is not checked to be
    /// canonical: it is evidence as it is.
    ///
    /// # Errors
    /// If the text is not one JSON object, a pointer of a slot occurs twice or out of order, or
    /// the text is 4 GiB or longer.
    pub fn from_text(text: impl Into<String>) -> Result<Self, JsonError> {
        let text = text.into();
        let slots = find_slots(&text)?;
        Ok(Self { text, slots })
    }

    /// The canonical text of an object and its slots, in one pass.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let mut writer = PartWriter::new();
        writer.sorted_members(object, "");
        writer.finish()
    }

    /// The value of a slot that is present.
    #[must_use]
    pub fn value(&self, path: &str) -> Option<&str> {
        let span = self.slots.iter().find(|slot| slot.path == path)?;
        Some(&self.text[span.start as usize..(span.start + span.len) as usize])
    }

    /// The same part with `null` at each slot that `is_hidden` names: what somebody sees who may
    /// not see those. The spans are those of the `null`s.
    #[must_use]
    pub fn redacted(&self, is_hidden: impl Fn(&str) -> bool) -> Self {
        let mut text = String::with_capacity(self.text.len());
        let mut slots = Vec::with_capacity(self.slots.len());
        let mut copied = 0;
        for slot in &self.slots {
            let (start, end) = (slot.start as usize, (slot.start + slot.len) as usize);
            text.push_str(&self.text[copied..start]);
            let value = if is_hidden(slot.path) { "null" } else { &self.text[start..end] };
            slots.push(span(slot.path, text.len(), value.len()));
            text.push_str(value);
            copied = end;
        }
        text.push_str(&self.text[copied..]);
        Self { text, slots }
    }
}

fn span(path: &'static str, start: usize, len: usize) -> SlotSpan {
    let short = |n| u32::try_from(n).expect("a part is far shorter than 4 GiB: EVENT_BYTES_MAX");
    SlotSpan { path, start: short(start), len: short(len) }
}

/// The pointer in [`SLOTS`] equal to `/key` or `/parent/key`.
fn slot_path(parent: &str, key: &str) -> Option<&'static str> {
    // A slash inside a key is `~1` in its pointer, and no slot has one.
    if key.contains('/') {
        return None;
    }
    SLOTS.iter().copied().find(|path| path.strip_prefix(parent).and_then(|rest| rest.strip_prefix('/')) == Some(key))
}

/// Whether slots lie directly under the top-level member `key`.
fn holds_slots(key: &str) -> bool {
    matches!(key, "actor" | "origin" | "resource")
}

/// Puts the two parts together again: the event a person sees, in the order of [`MEMBERS`].
/// Members that are not listed there come last; if both parts had a member, which no writer
/// produces, the producer's is kept.
#[must_use]
pub fn merge(producer: Json, server: Json) -> Json {
    let mut members: Vec<(usize, (String, Json))> = [producer, server]
        .into_iter()
        .filter_map(|part| match part {
            Json::Object(object) => Some(object),
            _ => None,
        })
        .flatten()
        .map(|member| {
            let place = MEMBERS.iter().position(|name| *name == member.0);
            (place.unwrap_or(MEMBERS.len()), member)
        })
        .collect();
    members.sort_by_key(|(place, _)| *place);
    let mut event = Object::new();
    for (_, (key, value)) in members {
        if !event.contains(&key) {
            event.push(key, value);
        }
    }
    Json::Object(event)
}

/// Writes the text of a part and notes where its slots are. The caller brings the members of each
/// object in canonical order.
#[derive(Debug)]
pub(crate) struct PartWriter {
    text: String,
    slots: Vec<SlotSpan>,
    blobs: Blobs,
}

impl PartWriter {
    pub(crate) fn new() -> Self {
        let mut text = String::with_capacity(1024);
        text.push('{');
        Self { text, slots: Vec::with_capacity(12), blobs: Vec::new() }
    }

    pub(crate) fn finish(self) -> PartText {
        self.finish_with_blobs().0
    }

    /// The part, and the values that are too large for it.
    pub(crate) fn finish_with_blobs(mut self) -> (PartText, Blobs) {
        self.text.push('}');
        (PartText { text: self.text, slots: self.slots }, self.blobs)
    }

    fn key(&mut self, key: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        write_string(key, &mut self.text);
        self.text.push(':');
    }

    /// Bytes written so far.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    /// A member that belongs to the core.
    pub(crate) fn member(&mut self, key: &str, write: impl FnOnce(&mut String)) {
        self.key(key);
        write(&mut self.text);
    }

    /// A member that is a slot: `path` ends in its key.
    pub(crate) fn slot(&mut self, path: &'static str, write: impl FnOnce(&mut String)) {
        let key = path.rsplit('/').next().expect("a path in SLOTS has a segment");
        self.key(key);
        let start = self.text.len();
        write(&mut self.text);
        self.slots.push(span(path, start, self.text.len() - start));
    }

    /// A slot whose value is kept beside the event if it is too large; then the slot `blob_path` says where.
    pub(crate) fn slot_or_blob(
        &mut self,
        path: &'static str,
        blob_path: &'static str,
        write: impl FnOnce(&mut String),
    ) {
        let before = self.text.len();
        self.slot(path, write);
        let slot = self.slots.pop().expect("a slot was written");
        if slot.len as usize <= limits::INLINE_BYTES_MAX {
            return self.slots.push(slot);
        }
        let blob = Blob::of(&self.text.as_bytes()[slot.start as usize..]);
        self.text.truncate(before);
        self.blob(path, blob_path, blob);
    }

    /// A value that is kept beside the event.
    pub(crate) fn blob(&mut self, path: &'static str, blob_path: &'static str, blob: Blob) {
        self.slot(blob_path, |out| out.push_str(&blob.reference.to_text()));
        self.blobs.push((path, blob));
    }

    /// A member that is an object in which slots lie.
    pub(crate) fn object(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.text.push('{');
        write(self);
        self.text.push('}');
    }

    fn sorted_members(&mut self, object: &Object, parent: &str) {
        let mut members: Vec<_> = object.iter().collect();
        members.sort_unstable_by(|(a, _), (b, _)| canonical::key_order(a, b));
        for (key, value) in members {
            let write = |out: &mut String| canonical::write(value, Numbers::AsWritten, out);
            match (slot_path(parent, key), value) {
                (Some(path), _) => self.slot(path, write),
                (None, Json::Object(inner)) if parent.is_empty() && holds_slots(key) => {
                    let path = format!("/{key}");
                    self.object(key, |writer| writer.sorted_members(inner, &path));
                }
                (None, _) => self.member(key, write),
            }
        }
    }
}

fn find_slots(text: &str) -> Result<Vec<SlotSpan>, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError::new(JsonErrorKind::TrailingBytes, u32::MAX as usize));
    }
    let mut jiter = Jiter::new(text.as_bytes());
    let mut slots = Vec::with_capacity(12);
    object_slots(&mut jiter, "", &mut slots)?;
    jiter.finish()?;
    if slots.windows(2).any(|pair| pair[0].path >= pair[1].path) {
        return Err(JsonError::new(JsonErrorKind::DuplicateKey, 0));
    }
    Ok(slots)
}

/// Walks the object that comes next, skipping over all values that can't hold slots.
fn object_slots(jiter: &mut Jiter<'_>, parent: &str, slots: &mut Vec<SlotSpan>) -> Result<(), JsonError> {
    let mut key = jiter.next_object()?.map(str::to_owned);
    while let Some(name) = key {
        let first = jiter.peek()?;
        let start = jiter.current_index();
        match slot_path(parent, &name) {
            None if parent.is_empty() && holds_slots(&name) && first == Peek::Object => {
                object_slots(jiter, &format!("/{name}"), slots)?;
            }
            path => {
                jiter.known_skip(first)?;
                if let Some(path) = path {
                    slots.push(span(path, start, jiter.current_index() - start));
                }
            }
        }
        key = jiter.next_key()?.map(str::to_owned);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
