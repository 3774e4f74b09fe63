//! An event on its way into the log and as it stands in a WAL frame (`formats/wal.md`, type 1).

use crate::error::Corrupt;
use cairn_event::{Blob, EventId};
use cairn_ledger::{Hash, Kind, SlotSpan};

/// An admitted event with its commitments: everything but its index, which the writer gives.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Event id.
    pub id: EventId,
    /// Idempotency key.
    pub key: [u8; 32],
    /// Fingerprint of the content.
    pub fingerprint: [u8; 16],
    /// Number of the event key that its salts are derived from.
    pub key_number: u64,
    /// RFC 6962 leaf hash of its log entry.
    pub leaf: Hash,
    /// The event as it will stand in the WAL.
    pub(crate) record: Vec<u8>,
    /// Values that are kept beside it.
    pub(crate) blobs: Vec<Blob>,
}

/// An event record read back from a WAL frame. Texts borrow from the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRecord<'a> {
    /// Number of the event key that its salts are derived from.
    pub(crate) key_number: u64,
    /// Kind of the log entry.
    pub(crate) kind: Kind,
    /// Idempotency key.
    pub(crate) key: [u8; 32],
    /// Fingerprint of the content.
    pub(crate) fingerprint: [u8; 16],
    /// Texts of part 0 (what the producer said) and part 1 (what the server added).
    pub(crate) texts: [&'a str; 2],
    /// Slot spans of part 0 and part 1, without the implied core slot.
    pub(crate) slots: [Vec<Span>; 2],
}

/// One event whose texts lie elsewhere: in a row of a segment or in a WAL frame. It is what its leaf hash is
/// computed from, with the trail's seeds.
#[derive(Clone, Copy)]
pub(crate) struct RowView<'a> {
    pub(crate) index: u64,
    pub(crate) key_number: u64,
    pub(crate) kind: Kind,
    pub(crate) texts: [&'a str; 2],
    pub(crate) slots: &'a [Vec<Span>; 2],
}

impl EventRecord<'_> {
    /// What the leaf hash is computed from, once the event has its index.
    pub(crate) fn view(&self, index: u64) -> RowView<'_> {
        let EventRecord { key_number, kind, texts, ref slots, .. } = *self;
        RowView { index, key_number, kind, texts, slots }
    }
}

/// Where a slot's value stands in the text of its part, or its commitment when it is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// RFC 6901 pointer of the member.
    pub(crate) path: String,
    /// First byte of the value in the text.
    pub(crate) start: u32,
    /// Bytes of the value.
    pub(crate) length: u32,
    /// The commitment of a hidden slot, whose place in the text holds `null`.
    pub(crate) hidden: Option<Hash>,
}

const HIDDEN: u8 = 0x80;

/// What [`encode`] writes besides the texts.
pub(crate) struct RecordHead {
    pub(crate) key_number: u64,
    pub(crate) kind: Kind,
    pub(crate) key: [u8; 32],
    pub(crate) fingerprint: [u8; 16],
}

/// Writes an event record.
pub(crate) fn encode(head: &RecordHead, texts: [&str; 2], slots: [&[SlotSpan<'_>]; 2]) -> Vec<u8> {
    let mut out = Vec::with_capacity(texts[0].len() + texts[1].len() + 80 + 32 * (slots[0].len() + slots[1].len()));
    out.extend([0; 4]);
    out.extend(head.key_number.to_be_bytes());
    out.push(head.kind.code());
    out.extend(head.key);
    out.extend(head.fingerprint);
    for text in texts {
        out.extend(length32(text.len()));
        out.extend(text.as_bytes());
    }
    out.push(u8::try_from(slots[0].len() + slots[1].len()).expect("an event has at most 64 slots"));
    for (part, spans) in slots.into_iter().enumerate() {
        for span in spans {
            out.push(part as u8 | if span.hidden.is_some() { HIDDEN } else { 0 });
            out.push(u8::try_from(span.path.len()).expect("slot paths are a short fixed list"));
            out.extend(span.path.as_bytes());
            out.extend(span.start.to_be_bytes());
            out.extend(span.len.to_be_bytes());
            out.extend(span.hidden.iter().flat_map(|commitment| commitment.0));
        }
    }
    let length = length32(out.len() - 4);
    out[..4].copy_from_slice(&length);
    out
}

fn length32(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("events are limited to far less than 4 GiB").to_be_bytes()
}

/// Takes bytes off the front of a buffer, never past its end.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A length or count inside a checked frame that does not fit: a writer's fault or a forged frame.
#[derive(Debug)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl Malformed {
    pub(crate) fn corrupt(&self, file: &str, offset: u64) -> Corrupt {
        Corrupt::in_file(file, format!("a frame whose hash holds has a malformed {}", self.0)).at(offset)
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let rest = &self.bytes[self.at..];
        if length > rest.len() {
            return Err(Malformed(what));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        Ok(self.take(N, what)?.try_into().expect("take returns the length asked for"))
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn text(&mut self, length: usize, what: &'static str) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(length, what)?).map_err(|_| Malformed(what))
    }
}

/// Reads one event record, its length included.
pub(crate) fn decode<'a>(cursor: &mut Cursor<'a>) -> Result<EventRecord<'a>, Malformed> {
    let length = cursor.u32("event length")? as usize;
    let mut event = Cursor::new(cursor.take(length, "event length")?);
    let key_number = event.u64("key number")?;
    let kind = Kind::from_code(event.u8("kind")?).map_err(|_| Malformed("kind"))?;
    let key = event.array("idempotency key")?;
    let fingerprint = event.array("fingerprint")?;
    let mut texts = [""; 2];
    for text in &mut texts {
        let length = event.u32("text length")? as usize;
        *text = event.text(length, "text")?;
    }
    let mut slots = [Vec::new(), Vec::new()];
    for _ in 0..event.u8("slot count")? {
        let mark = event.u8("slot part")?;
        let part = usize::from(mark & !HIDDEN);
        if part > 1 {
            return Err(Malformed("slot part"));
        }
        let path_length = usize::from(event.u8("slot path")?);
        let path = event.text(path_length, "slot path")?.to_owned();
        let (start, length) = (event.u32("slot start")?, event.u32("slot length")?);
        let hidden = if mark & HIDDEN != 0 { Some(Hash::from(event.array::<32>("commitment")?)) } else { None };
        slots[part].push(Span { path, start, length, hidden });
    }
    if !event.is_empty() {
        return Err(Malformed("event end"));
    }
    Ok(EventRecord { key_number, kind, key, fingerprint, texts, slots })
}

#[cfg(test)]
mod tests;
