//! Slots that were hidden after the fact: `trails/<tenant>/<trail>/redactions.json` (`formats/manifest.md`).
//!
//! A reader sees the commitment of such a slot in place of its value, as of one that was withheld at admission: the leaf
//! hash, and so every proof, stays what it was. The bytes leave the disk when the event ends.

use crate::check::{LeafCheck, ledger_spans};
use crate::commit::head::open_envelope;
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seal::segment::Row;
use crate::seams::Disk;
use crate::shared::Shared;
use crate::store::Store;
use cairn_event::TrailRef;
use cairn_ledger::{Envelope, Part, PartText};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const TYPE: &str = "application/vnd.cairn.redactions.v1+json";
/// What stands in a text in place of a hidden value.
const HOLE: &str = "null";

/// The hidden slots of one trail, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Redactions(BTreeMap<u64, BTreeSet<String>>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    trail: String,
    redactions: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    index: u64,
    slots: BTreeSet<String>,
}

impl Redactions {
    /// What the file of a trail says; nothing if there is no file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when this directory's key did not sign it, or it is that of another trail.
    pub(crate) fn read(disk: &dyn Disk, public: &[u8; 32], trail: &TrailRef) -> Result<Redactions, StoreError> {
        let path = layout::redactions(trail);
        let Some(bytes) = files::read_if_any(disk, &path)? else { return Ok(Redactions::default()) };
        let damaged = |what: &str| Corrupt::in_file(&path, what).at(0).of(trail, None);
        let payload = open_envelope(&bytes, TYPE, public).map_err(|what| damaged(&what))?;
        let file: File = serde_json::from_slice(&payload).map_err(|_| damaged("not a list of redactions"))?;
        if file.trail != trail.to_string() {
            return Err(damaged("the file belongs to another trail").into());
        }
        Ok(Redactions(file.redactions.into_iter().map(|entry| (entry.index, entry.slots)).collect()))
    }

    fn write(&self, shared: &Shared, trail: &TrailRef) -> Result<(), StoreError> {
        let entry = |(index, slots): (&u64, &BTreeSet<String>)| Entry { index: *index, slots: slots.clone() };
        let file = File { trail: trail.to_string(), redactions: self.0.iter().map(entry).collect() };
        let payload = serde_json::to_vec(&file).expect("numbers and texts are JSON");
        let envelope = Envelope::sign(TYPE, payload, shared.signer.as_ref()).expect("the type is a plain word");
        let path = layout::redactions(trail);
        durable::put(shared.disk.as_ref(), &path, envelope.to_text().as_bytes())
            .map_err(io_error("write the redactions of a trail"))
    }

    /// Hides what is to be hidden of an event whose leaf hash was checked.
    ///
    /// # Errors
    /// As [`LeafCheck::seed`].
    pub(crate) fn hide(&self, check: &mut LeafCheck<'_>, row: &mut Row) -> Result<(), StoreError> {
        let Some(paths) = self.0.get(&row.index) else { return Ok(()) };
        let seed = check.seed(row.key_number, row.index)?;
        for (number, part) in [(0, Part::Producer), (1, Part::Server)] {
            let text = PartText { text: row.texts[number].as_bytes(), slots: &ledger_spans(&row.slots[number]) };
            let commitments = text.commitments(part, &seed).map_err(|error| check.misfit(row.index, &error))?;
            let mut shift = 0_i64;
            // In the order of the text; the first commitment is the core's, which is no slot.
            let mut order: Vec<_> = (0..row.slots[number].len()).collect();
            order.sort_by_key(|at| row.slots[number][*at].start);
            for at in order {
                let span = &mut row.slots[number][at];
                span.start =
                    u32::try_from(i64::from(span.start) + shift).expect("a text only becomes shorter or stays small");
                if span.hidden.is_none() && paths.contains(&span.path) {
                    let (start, end) = (span.start as usize, (span.start + span.length) as usize);
                    row.texts[number].replace_range(start..end, HOLE);
                    shift += HOLE.len() as i64 - i64::from(span.length);
                    span.length = HOLE.len() as u32;
                    span.hidden = Some(commitments[at + 1]);
                }
            }
        }
        Ok(())
    }
}

impl Store {
    /// Hides slots of a stored event from every reader, durable when this returns. Slots that are hidden already, and
    /// slots that the event does not have, stay as they are.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`]; [`StoreError::Io`] when the disk refuses: then nothing is hidden.
    pub fn redact(&self, trail: &TrailRef, index: u64, slots: &[&str]) -> Result<(), StoreError> {
        let shared = self.shared();
        let found = shared.known(trail);
        let size = found.as_ref().map_or(0, |found| found.read().tree.size());
        let found = found.filter(|_| index < size);
        let found = found.ok_or_else(|| StoreError::NoSuchIndex { trail: trail.clone(), index, size })?;
        let mut held = found.redactions();
        let mut redactions = (**held).clone();
        redactions.0.entry(index).or_default().extend(slots.iter().map(|slot| (*slot).to_owned()));
        redactions.write(shared, trail)?;
        *held = std::sync::Arc::new(redactions);
        Ok(())
    }
}
