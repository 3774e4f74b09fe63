//! A part of an event as a list of salted commitments, one for each member that can be hidden.

use crate::disclosure::DisclosedSlot;
use crate::hash::{Hash, Sha256, Tag};
use crate::limits::{SLOT_PATH_BYTES_MAX, SLOTS_MAX};
use crate::{LedgerError, Seed};

static SLOT: Tag = Tag::new("cairn/slot/v1");
static PART: Tag = Tag::new("cairn/part/v1");

/// What stands in the core in place of a slot's value.
const HOLE: &[u8] = b"null";

/// The two parts of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Part {
    /// What the producer said.
    Producer = 0,
    /// What the server added.
    Server = 1,
}

impl Part {
    /// The number of the part, as it is hashed.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A slot given by itself: its value as pieces, or the commitment that stands for a hidden value.
#[derive(Clone, Copy, Debug)]
pub enum SlotValue<'a> {
    /// The value is at hand.
    Open {
        /// RFC 6901 pointer of the member; empty for the core.
        path: &'a str,
        /// The value, in pieces that follow one another.
        value: &'a [&'a [u8]],
    },
    /// The value is hidden or erased.
    Hidden {
        /// RFC 6901 pointer of the member; empty for the core.
        path: &'a str,
        /// What was committed to.
        commitment: Hash,
    },
}

impl<'a> SlotValue<'a> {
    const fn path(&self) -> &'a str {
        match self {
            Self::Open { path, .. } | Self::Hidden { path, .. } => path,
        }
    }
}

/// Where a slot's value stands in the text of its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSpan<'a> {
    /// RFC 6901 pointer of the member, never empty.
    pub path: &'a str,
    /// Offset of the first byte of the value.
    pub start: u32,
    /// Length of the value in bytes, at least one.
    pub len: u32,
    /// For a hidden slot, the commitment; the text then holds `null` at this place.
    pub hidden: Option<Hash>,
}

/// The text of a part and the places of its slots, in ascending byte order of their paths. The core
/// slot is not listed: it is the text with each slot's value replaced by `null`.
#[derive(Clone, Copy, Debug)]
pub struct PartText<'a> {
    /// The text, as it was committed to, or with `null` in place of hidden values.
    pub text: &'a [u8],
    /// The slots beside the core.
    pub slots: &'a [SlotSpan<'a>],
}

impl<'a> PartText<'a> {
    /// The hash of the part. Nothing is allocated.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] on more than [`SLOTS_MAX`] slots or too long a path,
    /// [`LedgerError::Malformed`] on spans that are out of order, overlap or leave the text.
    pub fn commit(&self, part: Part, seed: &Seed) -> Result<Hash, LedgerError> {
        let order = self.order()?;
        let mut hasher = start_part(part, self.slots.len() + 1);
        hasher.update(&self.core_commitment(&order, &seed.salt(part, 0)).0);
        for (i, slot) in (1..).zip(self.slots) {
            hasher.update(&self.commitment(slot, &seed.salt(part, i)).0);
        }
        Ok(hasher.finish())
    }

    /// The commitments of the part in order, the core's first: what is shown of a slot when it is
    /// hidden or erased.
    ///
    /// # Errors
    /// As [`PartText::commit`].
    pub fn commitments(&self, part: Part, seed: &Seed) -> Result<Vec<Hash>, LedgerError> {
        let order = self.order()?;
        let core = self.core_commitment(&order, &seed.salt(part, 0));
        let others = (1..).zip(self.slots).map(|(i, slot)| self.commitment(slot, &seed.salt(part, i)));
        Ok(std::iter::once(core).chain(others).collect())
    }

    /// The part as a disclosure: every slot opened, save those that are hidden here already.
    ///
    /// # Errors
    /// As [`PartText::commit`].
    pub fn disclose(&self, part: Part, seed: &Seed) -> Result<Vec<DisclosedSlot>, LedgerError> {
        let order = self.order()?;
        let mut core = Vec::with_capacity(self.text.len());
        self.core_pieces(&order, |piece| core.extend_from_slice(piece));
        let mut slots = Vec::with_capacity(self.slots.len() + 1);
        slots.push(DisclosedSlot::Open { salt: seed.salt(part, 0), path: String::new(), value: core });
        for (i, slot) in (1..).zip(self.slots) {
            slots.push(match slot.hidden {
                Some(commitment) => DisclosedSlot::Hidden(commitment),
                None => DisclosedSlot::Open {
                    salt: seed.salt(part, i),
                    path: slot.path.to_owned(),
                    value: self.value(slot).to_vec(),
                },
            });
        }
        Ok(slots)
    }

    /// Checks the spans and gives their order in the text, which need not be the order of the paths.
    fn order(&self) -> Result<[u8; SLOTS_MAX], LedgerError> {
        check_count(self.slots.len() + 1)?;
        let mut before = "";
        for slot in self.slots {
            check_path(before, slot.path)?;
            before = slot.path;
        }
        let mut order = [0; SLOTS_MAX];
        for (i, place) in (0..).zip(&mut order[..self.slots.len()]) {
            *place = i;
        }
        order[..self.slots.len()].sort_unstable_by_key(|i| self.slots[usize::from(*i)].start);
        let mut end = 0;
        for i in &order[..self.slots.len()] {
            let slot = &self.slots[usize::from(*i)];
            let span = u64::from(slot.start)..u64::from(slot.start) + u64::from(slot.len);
            if span.is_empty() || span.start < end || span.end > self.text.len() as u64 {
                return Err(LedgerError::malformed("slot span", "empty, overlapping or outside of the text"));
            }
            if slot.hidden.is_some() && self.value(slot) != HOLE {
                return Err(LedgerError::malformed("hidden slot", "the text does not hold null in its place"));
            }
            end = span.end;
        }
        Ok(order)
    }

    fn value(&self, slot: &SlotSpan<'_>) -> &'a [u8] {
        let start = slot.start as usize;
        &self.text[start..start + slot.len as usize]
    }

    /// Gives the pieces of the core's value: the text around the slots, with `null` between.
    fn core_pieces(&self, order: &[u8; SLOTS_MAX], mut each: impl FnMut(&[u8])) {
        let mut at = 0;
        for i in &order[..self.slots.len()] {
            let slot = &self.slots[usize::from(*i)];
            each(&self.text[at..slot.start as usize]);
            each(HOLE);
            at = slot.start as usize + slot.len as usize;
        }
        each(&self.text[at..]);
    }

    fn core_commitment(&self, order: &[u8; SLOTS_MAX], salt: &[u8; 16]) -> Hash {
        let mut hasher = start_slot(salt, "");
        self.core_pieces(order, |piece| hasher.update(piece));
        hasher.finish()
    }

    fn commitment(&self, slot: &SlotSpan<'_>, salt: &[u8; 16]) -> Hash {
        slot.hidden.unwrap_or_else(|| slot_commitment(salt, slot.path, self.value(slot)))
    }
}

/// The hash of a part whose slots are given one by one, the core first.
///
/// # Errors
/// [`LedgerError::Limit`] on more than [`SLOTS_MAX`] slots or too long a path,
/// [`LedgerError::Malformed`] if the first is not the core or the paths do not ascend.
pub fn commit_part(part: Part, seed: &Seed, slots: &[SlotValue<'_>]) -> Result<Hash, LedgerError> {
    check_count(slots.len())?;
    if slots[0].path() != "" {
        return Err(LedgerError::malformed("part", "the first slot is not the core"));
    }
    let mut hasher = start_part(part, slots.len());
    let mut before = "";
    for (i, slot) in (0u16..).zip(slots) {
        if i > 0 {
            check_path(before, slot.path())?;
        }
        before = slot.path();
        let commitment = match slot {
            SlotValue::Hidden { commitment, .. } => *commitment,
            SlotValue::Open { path, value } => {
                let mut hasher = start_slot(&seed.salt(part, i), path);
                value.iter().for_each(|piece| hasher.update(piece));
                hasher.finish()
            }
        };
        hasher.update(&commitment.0);
    }
    Ok(hasher.finish())
}

/// The commitment to one value: `H("cairn/slot/v1", salt ‖ u16 length of path ‖ path ‖ value)`.
///
/// # Panics
/// If the path is longer than [`SLOT_PATH_BYTES_MAX`].
#[must_use]
pub fn slot_commitment(salt: &[u8; 16], path: &str, value: &[u8]) -> Hash {
    let mut hasher = start_slot(salt, path);
    hasher.update(value);
    hasher.finish()
}

/// The hash of a part from its commitments: `H("cairn/part/v1", part ‖ u16 count ‖ commitments)`.
///
/// # Errors
/// [`LedgerError::Limit`] on more than [`SLOTS_MAX`] slots, [`LedgerError::Malformed`] on none.
pub fn part_hash(part: Part, commitments: &[Hash]) -> Result<Hash, LedgerError> {
    check_count(commitments.len())?;
    let mut hasher = start_part(part, commitments.len());
    for commitment in commitments {
        hasher.update(&commitment.0);
    }
    Ok(hasher.finish())
}

fn start_part(part: Part, count: usize) -> Sha256 {
    let count = u16::try_from(count).expect("checked against SLOTS_MAX before");
    let mut hasher = PART.start();
    hasher.update(&[part.number()]);
    hasher.update(&count.to_be_bytes());
    hasher
}

fn start_slot(salt: &[u8; 16], path: &str) -> Sha256 {
    let path_bytes = u16::try_from(path.len()).expect("a path is at most SLOT_PATH_BYTES_MAX bytes long");
    let mut hasher = SLOT.start();
    hasher.update(salt);
    hasher.update(&path_bytes.to_be_bytes());
    hasher.update(path.as_bytes());
    hasher
}

/// A part has its core, and at most [`SLOTS_MAX`] slots with it.
pub(crate) fn check_count(count: usize) -> Result<(), LedgerError> {
    if count == 0 {
        return Err(LedgerError::malformed("part", "has no core slot"));
    }
    LedgerError::check("number of slots", count as u64, SLOTS_MAX as u64)
}

/// Paths of the slots after the core are pointers, and ascend: so each occurs once.
pub(crate) fn check_path(before: &str, path: &str) -> Result<(), LedgerError> {
    LedgerError::check("length of a slot path", path.len() as u64, SLOT_PATH_BYTES_MAX as u64)?;
    if !path.starts_with('/') {
        return Err(LedgerError::malformed("slot path", "does not begin with a slash"));
    }
    if path.as_bytes() <= before.as_bytes() {
        return Err(LedgerError::malformed("slot path", "not in ascending order"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
