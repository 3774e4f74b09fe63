//! Recomputes leaf hashes from stored bytes: what recovery, sealing, reading and verification all rest on.

use crate::commit::record::{RowView, Span};
use crate::error::{Corrupt, StoreError};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::{
    Cover, ENTRY_BYTES, Hash, KeyNumber, LedgerError, Part, PartText, Seed, SeedWalk, SlotSpan, entry, event_root,
    leaf_hash,
};
use std::collections::BTreeMap;

/// Leaf hashes of one trail's events, from their texts and the trail's seed files. Remembers a few blocks.
pub(crate) struct LeafCheck<'a> {
    disk: &'a dyn Disk,
    trail: TrailRef,
    walks: BTreeMap<u64, SeedWalk>,
}

/// Blocks whose derivation is kept: events of one range come from one or two of them.
const BLOCKS_KEPT: usize = 8;

impl<'a> LeafCheck<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, trail: &TrailRef) -> LeafCheck<'a> {
        LeafCheck { disk, trail: trail.clone(), walks: BTreeMap::new() }
    }

    /// The RFC 6962 leaf hash of an event.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its seed is missing or damaged or its slots do not fit its texts.
    pub(crate) fn leaf(&mut self, row: RowView<'_>) -> Result<Hash, StoreError> {
        Ok(leaf_hash(&self.entry(row)?))
    }

    /// The log entry of an event.
    ///
    /// # Errors
    /// As [`LeafCheck::leaf`].
    pub(crate) fn entry(&mut self, row: RowView<'_>) -> Result<[u8; ENTRY_BYTES], StoreError> {
        let RowView { index, key_number, kind, texts, slots } = row;
        let seed = self.seed(key_number, index)?;
        let root = event_root(
            &self.commit(index, Part::Producer, &seed, texts[0], &slots[0])?,
            &self.commit(index, Part::Server, &seed, texts[1], &slots[1])?,
        );
        Ok(entry(kind, &root))
    }

    fn commit(&self, index: u64, part: Part, seed: &Seed, text: &str, spans: &[Span]) -> Result<Hash, StoreError> {
        let slots = ledger_spans(spans);
        PartText { text: text.as_bytes(), slots: &slots }.commit(part, seed).map_err(|error| self.misfit(index, &error))
    }

    /// The slots of an event do not fit its texts.
    pub(crate) fn misfit(&self, index: u64, error: &LedgerError) -> StoreError {
        let file = layout::trail_dir(&self.trail);
        Corrupt::in_file(file, format!("slots: {error}")).of(&self.trail, Some((index, index))).into()
    }

    /// The seed of an event key.
    pub(crate) fn seed(&mut self, key_number: u64, index: u64) -> Result<Seed, StoreError> {
        let number = KeyNumber(key_number);
        let block = number.block();
        if !self.walks.contains_key(&block) {
            let cover = read_cover(self.disk, &self.trail, block)?;
            if self.walks.len() == BLOCKS_KEPT {
                self.walks.pop_first();
            }
            self.walks.insert(block, cover.walk());
        }
        let walk = self.walks.get_mut(&block).expect("inserted above");
        walk.seed(number.leaf()).ok_or_else(|| {
            let what = format!("the key {key_number} of the event is erased");
            Corrupt::in_file(layout::seed_file(&self.trail, block), what).of(&self.trail, Some((index, index))).into()
        })
    }
}

/// Spans as the ledger takes them.
pub(crate) fn ledger_spans(spans: &[Span]) -> Vec<SlotSpan<'_>> {
    spans.iter().map(|s| SlotSpan { path: &s.path, start: s.start, len: s.length, hidden: s.hidden }).collect()
}

/// Reads one seed file.
pub(crate) fn read_cover(disk: &dyn Disk, trail: &TrailRef, block: u64) -> Result<Cover, StoreError> {
    let path = layout::seed_file(trail, block);
    let bytes = files::read_if_any(disk, &path)?
        .ok_or_else(|| Corrupt::in_file(&path, "the seed file is missing").of(trail, None))?;
    let damaged = |what: String| Corrupt::in_file(&path, what).at(0).of(trail, None);
    let cover = Cover::decode(&bytes).map_err(|error| damaged(error.to_string()))?;
    if cover.block() != block {
        return Err(damaged("the seed file is of another block".to_owned()).into());
    }
    Ok(cover)
}
