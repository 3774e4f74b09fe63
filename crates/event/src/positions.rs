//! How stored events are read by those who find, follow and forward them.

use std::ops::Range;

use crate::ids::{Position, TrailRef};
use crate::json::{Json, JsonError};
use crate::parts::merge;

/// One event as it lies in a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it lies.
    pub position: Position,
    /// Its leaf hash in the trail's tree (RFC 6962 section 2.1).
    pub leaf_hash: [u8; 32],
    /// The text of part 0.
    pub producer_text: String,
    /// The text of part 1.
    pub server_text: String,
    /// The slots whose value is not shown: the text has `null` there.
    pub hidden: Vec<HiddenSlot>,
}

/// A slot of which only the commitment is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenSlot {
    /// 0 for the producer's part, 1 for the server's.
    pub part: u8,
    /// Its pointer in the event.
    pub path: String,
    /// What stands for its value in the leaf.
    pub commitment: [u8; 32],
}

impl Stored {
    /// The event a person sees: both parts together.
    ///
    /// # Errors
    /// If one of the texts is not JSON, which means that the store is damaged.
    pub fn event(&self) -> Result<Json, JsonError> {
        let producer = Json::parse(self.producer_text.as_bytes())?;
        let server = Json::parse(self.server_text.as_bytes())?;
        Ok(merge(producer, server))
    }
}

/// Reads stored events by position. Events never change, so two reads of one position give the
/// same bytes; a trail only grows.
pub trait Positions: Send + Sync {
    /// All trails there are, in the order of their names.
    fn trails(&self) -> Vec<TrailRef>;

    /// How many events of a trail are durable; 0 for a trail that does not exist.
    fn size(&self, trail: &TrailRef) -> u64;

    /// The events at these indexes, in order. The range may reach beyond the end of the trail,
    /// and an implementation may give fewer events than are there, but at least one if there is
    /// one: the caller asks again from where it stands.
    ///
    /// # Errors
    /// If the trail does not exist, or its bytes can't be read or are not what was written.
    fn read(&self, trail: &TrailRef, range: Range<u64>) -> Result<Vec<Stored>, ReadError>;

    /// The events at these indexes, which rise; those behind the end of the trail are left out.
    ///
    /// # Errors
    /// As [`Positions::read`].
    fn read_each(&self, trail: &TrailRef, indexes: &[u64]) -> Result<Vec<Stored>, ReadError> {
        let read = indexes.iter().map(|&index| self.read(trail, index..index + 1));
        Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

/// Why stored events can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No trail has this name.
    #[error("no trail {0}")]
    UnknownTrail(TrailRef),
    /// The bytes are not what was written: evidence is damaged.
    #[error("corrupt: {trail} at index {index}: {place}: {reason}")]
    Corrupt {
        /// The trail.
        trail: TrailRef,
        /// The first index that can't be read.
        index: u64,
        /// The file and offset.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// The bytes can't be reached now; trying again may help.
    #[error("unavailable: {trail}: {reason}")]
    Unavailable {
        /// The trail.
        trail: TrailRef,
        /// Why.
        reason: String,
    },
}
