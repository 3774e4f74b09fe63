//! Trails in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use cairn_event::canonical::{Numbers, canonical};
use cairn_event::{Digest, Index, Json, Position, Positions, ReadError, Stored, TrailRef};

/// Most events that one read gives, so that callers have to ask again.
const READ_MAX: usize = 64;

/// Trails in memory, to be read by position while they grow.
#[derive(Debug, Default)]
pub struct MemoryTrails {
    trails: Mutex<BTreeMap<TrailRef, Vec<Stored>>>,
    read_max: usize,
}

impl MemoryTrails {
    /// No trails.
    #[must_use]
    pub fn new() -> Self {
        Self { trails: Mutex::default(), read_max: READ_MAX }
    }

    /// No trails; reads give all that is asked for.
    #[must_use]
    pub fn with_whole_reads() -> Self {
        Self { trails: Mutex::default(), read_max: usize::MAX }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<TrailRef, Vec<Stored>>> {
        self.trails.lock().expect("no holder of the lock panics")
    }

    /// Appends an event of two parts.
    pub fn push(&self, trail: &TrailRef, producer: &Json, server: &Json) {
        let producer_text = canonical(producer, Numbers::AsWritten);
        let server_text = canonical(server, Numbers::AsWritten);
        let mut trails = self.locked();
        let events = trails.entry(trail.clone()).or_default();
        let index = Index(events.len() as u64);
        let leaf = format!("{trail}@{index}{producer_text}{server_text}");
        events.push(Stored {
            position: Position { trail: trail.clone(), index },
            leaf_hash: *Digest::of(leaf.as_bytes()).as_bytes(),
            producer_text,
            server_text,
            hidden: Vec::new(),
        });
    }

    /// Puts an event of two parts in the place of another: less of it may be shown now.
    ///
    /// # Panics
    /// If there is no event with this index.
    pub fn put(&self, trail: &TrailRef, index: usize, producer: &Json, server: &Json) {
        let mut trails = self.locked();
        let event = &mut trails.get_mut(trail).expect("a trail of this name")[index];
        event.producer_text = canonical(producer, Numbers::AsWritten);
        event.server_text = canonical(server, Numbers::AsWritten);
    }

    /// All events of a trail.
    #[must_use]
    pub fn all(&self, trail: &TrailRef) -> Vec<Stored> {
        self.locked().get(trail).cloned().unwrap_or_default()
    }
}

impl Positions for MemoryTrails {
    fn trails(&self) -> Vec<TrailRef> {
        self.locked().keys().cloned().collect()
    }

    fn size(&self, trail: &TrailRef) -> u64 {
        self.locked().get(trail).map_or(0, |events| events.len() as u64)
    }

    fn read(&self, trail: &TrailRef, range: Range<u64>) -> Result<Vec<Stored>, ReadError> {
        let trails = self.locked();
        let events = trails.get(trail).ok_or_else(|| ReadError::UnknownTrail(trail.clone()))?;
        let place = |index: u64| usize::try_from(index).unwrap_or(usize::MAX).min(events.len());
        let (start, end) = (place(range.start), place(range.end));
        Ok(events[start..end].iter().take(self.read_max).cloned().collect())
    }
}
