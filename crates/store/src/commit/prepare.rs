//! Commitments of an admitted event, made on the request's own thread before the writer sees it.

use super::record::{self, Prepared, RecordHead};
use crate::shared::Shared;
use cairn_event::{Event, PartText, SlotSpan, TrailRef};
use cairn_ledger::{Hash, Kind, LedgerError, Part, Seed, entry, event_root, leaf_hash};

/// Draws a key number, commits to every slot and writes the record.
///
/// # Errors
/// [`LedgerError::Limit`] when the event has more slots than a part may have.
pub(crate) fn prepare(
    shared: &Shared,
    trail: &TrailRef,
    event: &Event,
    key: [u8; 32],
    fingerprint: [u8; 16],
) -> Result<Prepared, LedgerError> {
    let (producer, server) = (event.producer_part(), event.server_part());
    let (key_number, seed) = shared.trail(trail).seeds().draw(shared.entropy.as_ref());
    let kind = Kind::Event;
    let leaf = leaf(kind, &seed, producer, server)?;
    let head = RecordHead { key_number, kind, key, fingerprint };
    let record = record::encode(&head, [&producer.text, &server.text], [&producer.slots, &server.slots]);
    let blobs = event.blobs().to_vec();
    Ok(Prepared { id: event.id(), key, fingerprint, key_number, leaf, record, blobs })
}

fn leaf(kind: Kind, seed: &Seed, producer: &PartText, server: &PartText) -> Result<Hash, LedgerError> {
    let commit = |text: &PartText, part: Part| {
        let slots: Vec<_> = text.slots.iter().map(open_span).collect();
        cairn_ledger::PartText { text: text.text.as_bytes(), slots: &slots }.commit(part, seed)
    };
    let root = event_root(&commit(producer, Part::Producer)?, &commit(server, Part::Server)?);
    Ok(leaf_hash(&entry(kind, &root)))
}

fn open_span(span: &SlotSpan) -> cairn_ledger::SlotSpan<'static> {
    cairn_ledger::SlotSpan { path: span.path, start: span.start, len: span.len, hidden: None }
}
