//! Commitments of an admitted event, made on the request's own thread before the writer sees it.

use super::record::{self, Prepared, RecordHead};
use crate::shared::Shared;
use cairn_event::{Event, PartText, TrailRef};
use cairn_ledger::{Hash, Kind, LedgerError, Part, Seed, SlotSpan, entry, event_root, leaf_hash};

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
    let record = match event.withheld() {
        [] => record::encode(&head, [&producer.text, &server.text], [&open(producer), &open(server)]),
        paths => {
            let [producer, server] = [(Part::Producer, producer), (Part::Server, server)]
                .map(|(part, text)| withhold(part, &seed, text, paths));
            let ((producer, producer_slots), (server, server_slots)) = (producer?, server?);
            record::encode(&head, [&producer, &server], [&producer_slots, &server_slots])
        }
    };
    let blobs = event.blobs().to_vec();
    Ok(Prepared { id: event.id(), key, fingerprint, key_number, leaf, record, blobs })
}

fn leaf(kind: Kind, seed: &Seed, producer: &PartText, server: &PartText) -> Result<Hash, LedgerError> {
    let commit = |text: &PartText, part: Part| {
        cairn_ledger::PartText { text: text.text.as_bytes(), slots: &open(text) }.commit(part, seed)
    };
    let root = event_root(&commit(producer, Part::Producer)?, &commit(server, Part::Server)?);
    Ok(leaf_hash(&entry(kind, &root)))
}

/// The spans of a part in which nothing is hidden.
fn open(part: &PartText) -> Vec<SlotSpan<'static>> {
    let span =
        |span: &cairn_event::SlotSpan| SlotSpan { path: span.path, start: span.start, len: span.len, hidden: None };
    part.slots.iter().map(span).collect()
}

/// The text of a part without the values of these slots, and its spans with what was committed to in their place.
fn withhold(
    part: Part,
    seed: &Seed,
    text: &PartText,
    paths: &[&str],
) -> Result<(String, Vec<SlotSpan<'static>>), LedgerError> {
    let commitments =
        cairn_ledger::PartText { text: text.text.as_bytes(), slots: &open(text) }.commitments(part, seed)?;
    let shown = text.redacted(|path| paths.contains(&path));
    let mut spans = open(&shown);
    // The first commitment is the core's, which is no slot.
    for (span, commitment) in spans.iter_mut().zip(&commitments[1..]) {
        span.hidden = paths.contains(&span.path).then_some(*commitment);
    }
    Ok((shown.text, spans))
}
