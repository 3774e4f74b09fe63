//! A disclosure opens some slots of an entry and shows only the commitment of the others. Whoever
//! holds it recomputes the root, and so the leaf, without any secret.

use crate::entry::event_root;
use crate::hash::Hash;
use crate::slot::{Part, check_count, check_path, part_hash, slot_commitment};
use crate::text::Reader;
use crate::{LedgerError, SLOT_PATH_BYTES_MAX};

const VERSION: u8 = 1;
const HIDDEN: u8 = 0;
const OPEN: u8 = 1;

/// One slot of a disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisclosedSlot {
    /// Redacted or erased: only what was committed to. Which of the two, only an erasure entry of
    /// the log can tell.
    Hidden(Hash),
    /// Opened.
    Open {
        /// The salt of the commitment.
        salt: [u8; 16],
        /// RFC 6901 pointer of the member; empty for the core.
        path: String,
        /// The bytes committed to.
        value: Vec<u8>,
    },
}

impl DisclosedSlot {
    /// The commitment of the slot.
    #[must_use]
    pub fn commitment(&self) -> Hash {
        match self {
            Self::Hidden(commitment) => *commitment,
            Self::Open { salt, path, value } => slot_commitment(salt, path, value),
        }
    }
}

/// What is shown of an entry: the slots of the producer's part and of the server's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    producer: Vec<DisclosedSlot>,
    server: Vec<DisclosedSlot>,
}

impl Disclosure {
    /// Joins two parts, as [`crate::PartText::disclose`] gives them.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] on too many slots or too long a path or value,
    /// [`LedgerError::Malformed`] on a part without slots, on an open slot at the core's place that
    /// is not the core, and on paths that do not ascend.
    pub fn new(producer: Vec<DisclosedSlot>, server: Vec<DisclosedSlot>) -> Result<Self, LedgerError> {
        check_slots(&producer)?;
        check_slots(&server)?;
        Ok(Self { producer, server })
    }

    /// The slots of one part, in the order of their numbers.
    #[must_use]
    pub fn part(&self, part: Part) -> &[DisclosedSlot] {
        match part {
            Part::Producer => &self.producer,
            Part::Server => &self.server,
        }
    }

    /// Hides an open slot; its value leaves the disclosure, the root stays the same. Returns whether
    /// there was such a slot.
    pub fn hide(&mut self, part: Part, path: &str) -> bool {
        let slots = match part {
            Part::Producer => &mut self.producer,
            Part::Server => &mut self.server,
        };
        let open = |slot: &&mut DisclosedSlot| matches!(slot, DisclosedSlot::Open { path: p, .. } if p == path);
        match slots.iter_mut().find(open) {
            Some(slot) => {
                *slot = DisclosedSlot::Hidden(slot.commitment());
                true
            }
            None => false,
        }
    }

    /// The root of the event that this disclosure belongs to. Compare the leaf of its entry with the
    /// one in the log: a disclosure proves nothing by itself.
    #[must_use]
    pub fn root(&self) -> Hash {
        let hash = |part| {
            let commitments: Vec<Hash> = self.part(part).iter().map(DisclosedSlot::commitment).collect();
            part_hash(part, &commitments).expect("the count was checked when the disclosure was made")
        };
        event_root(&hash(Part::Producer), &hash(Part::Server))
    }

    /// `0x01 ‖ part ‖ part`; a part is `u16 count`, then for each slot `0x00 ‖ commitment` or
    /// `0x01 ‖ salt ‖ u16 length ‖ path ‖ u32 length ‖ value`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        const FITS: &str = "lengths were checked when the disclosure was made";
        let mut bytes = vec![VERSION];
        for slots in [&self.producer, &self.server] {
            bytes.extend(u16::try_from(slots.len()).expect(FITS).to_be_bytes());
            for slot in slots {
                match slot {
                    DisclosedSlot::Hidden(commitment) => {
                        bytes.push(HIDDEN);
                        bytes.extend(commitment.0);
                    }
                    DisclosedSlot::Open { salt, path, value } => {
                        bytes.push(OPEN);
                        bytes.extend(salt);
                        bytes.extend(u16::try_from(path.len()).expect(FITS).to_be_bytes());
                        bytes.extend(path.as_bytes());
                        bytes.extend(u32::try_from(value.len()).expect(FITS).to_be_bytes());
                        bytes.extend(value);
                    }
                }
            }
        }
        bytes
    }

    /// Reads exactly what [`Disclosure::encode`] writes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on another version, on truncation, on trailing bytes, on a path
    /// that is not UTF-8, and as [`Disclosure::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut reader = Reader::new(bytes);
        if reader.u8() != Some(VERSION) {
            return Err(LedgerError::malformed("disclosure", "not version 1"));
        }
        let producer = decode_part(&mut reader)?;
        let server = decode_part(&mut reader)?;
        if !reader.is_at_end() {
            return Err(LedgerError::malformed("disclosure", "bytes after the end"));
        }
        Self::new(producer, server)
    }
}

fn decode_part(reader: &mut Reader<'_>) -> Result<Vec<DisclosedSlot>, LedgerError> {
    const CUT: LedgerError = LedgerError::malformed("disclosure", "ends too early");
    let count = usize::from(reader.u16().ok_or(CUT)?);
    check_count(count)?;
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let slot = match reader.u8().ok_or(CUT)? {
            HIDDEN => DisclosedSlot::Hidden(Hash(reader.array().ok_or(CUT)?)),
            OPEN => {
                let salt = reader.array().ok_or(CUT)?;
                let path_bytes = reader.u16().ok_or(CUT)?;
                let path = reader.take(path_bytes.into()).ok_or(CUT)?;
                let path =
                    str::from_utf8(path).map_err(|_| LedgerError::malformed("slot path", "not UTF-8"))?.to_owned();
                let value_bytes = reader.u32().ok_or(CUT)?;
                let value = reader.take(value_bytes as usize).ok_or(CUT)?.to_vec();
                DisclosedSlot::Open { salt, path, value }
            }
            _ => {
                return Err(LedgerError::malformed("disclosed slot", "neither hidden nor open"));
            }
        };
        slots.push(slot);
    }
    Ok(slots)
}

/// The path of a hidden slot is unknown, so only the order among the open ones can be checked.
fn check_slots(slots: &[DisclosedSlot]) -> Result<(), LedgerError> {
    check_count(slots.len())?;
    let mut before = "";
    for (i, slot) in slots.iter().enumerate() {
        let DisclosedSlot::Open { path, value, .. } = slot else {
            continue;
        };
        LedgerError::check("length of a slot path", path.len() as u64, SLOT_PATH_BYTES_MAX as u64)?;
        LedgerError::check("length of a slot value", value.len() as u64, u32::MAX.into())?;
        if i > 0 {
            check_path(before, path)?;
        } else if !path.is_empty() {
            return Err(LedgerError::malformed("part", "the first slot is not the core"));
        }
        before = path;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
