//! Feeds the index from the trails, by position.

use std::collections::BTreeMap;

use cairn_event::{Position, Positions, ReadError, TrailRef};

use crate::doc::{Document, Extractor};
use crate::index::{Index, IndexError, Reached};

/// Events read from a trail at once.
const READ_EVENTS: u64 = 1000;

/// Reads what the index does not have yet and adds it. One per index; whoever runs it decides how
/// often to step and to commit.
#[derive(Debug)]
pub struct Follower {
    extractor: Extractor,
    /// How far each trail was added, committed or not.
    added: BTreeMap<TrailRef, Reached>,
    is_committed: bool,
    checked: bool,
}

/// Whether a step ends with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Make everything added so far durable and visible.
    Now,
    /// Leave it to a later step.
    Later,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events added by this step.
    pub added: u64,
    /// Events that are in the index, committed, over all trails.
    pub indexed: u64,
    /// Events that are stored and not yet committed to the index.
    pub behind: u64,
}

/// Why a step failed. The follower begins again from the last commit at the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// Stored events can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stored event is not JSON: the store is damaged.
    #[error("corrupt: {trail} at index {index}: the stored text is not an event")]
    Corrupt {
        /// The trail.
        trail: TrailRef,
        /// The index of the event.
        index: u64,
    },
    /// The index holds events that the trail does not have, or other ones: it was made from another
    /// data directory or a newer state of this one. Only [`Follower::rebuild`] helps.
    #[error("the index was not made from {trail} as it is stored now; rebuild it")]
    Foreign {
        /// The trail.
        trail: TrailRef,
    },
    /// The index refused.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl Default for Follower {
    fn default() -> Self {
        Self::new()
    }
}

impl Follower {
    /// A follower that goes on from what the index has reached.
    #[must_use]
    pub fn new() -> Self {
        Self { extractor: Extractor::new(), added: BTreeMap::new(), is_committed: true, checked: false }
    }

    /// Forgets the index; the next steps build it again.
    ///
    /// # Errors
    /// The index refused.
    pub fn rebuild(&mut self, index: &dyn Index) -> Result<(), FollowError> {
        index.clear()?;
        *self = Self::new();
        Ok(())
    }

    /// Adds up to `max` events, shared evenly among the trails that are behind.
    ///
    /// # Errors
    /// By [`FollowError`]; what was added since the last commit will be added again.
    pub fn step(
        &mut self,
        positions: &dyn Positions,
        index: &dyn Index,
        max: u64,
        commit: Commit,
    ) -> Result<Progress, FollowError> {
        let result = self.add_and_commit(positions, index, max, commit);
        if result.is_err() {
            self.checked = false;
        }
        result
    }

    fn add_and_commit(
        &mut self,
        positions: &dyn Positions,
        index: &dyn Index,
        max: u64,
        commit: Commit,
    ) -> Result<Progress, FollowError> {
        if !self.checked {
            self.resume(positions, index)?;
        }
        let sizes: Vec<_> = positions.trails().into_iter().map(|trail| (positions.size(&trail), trail)).collect();
        let mut behind: Vec<_> = sizes.iter().filter(|(size, trail)| self.added_of(trail) < *size).collect();
        // The shortest queue first, so that what it leaves of its share goes to the longer ones.
        behind.sort_by_key(|(size, trail)| size - self.added_of(trail));
        let mut left = max;
        let waiting = behind.len() as u64;
        for (done, (size, trail)) in (0..).zip(behind) {
            let share = left.div_ceil(waiting - done);
            left -= self.add(positions, index, trail, *size, share)?;
        }
        if commit == Commit::Now && !self.is_committed {
            let reached: Vec<_> = self.added.values().cloned().collect();
            index.commit(&reached)?;
            self.is_committed = true;
        }
        let stored: u64 = sizes.iter().map(|(size, _)| size).sum();
        let indexed = index.reached().iter().map(|reached| reached.size).sum();
        Ok(Progress { added: max - left, indexed, behind: stored.saturating_sub(indexed) })
    }

    /// Reads an event again of which less may be shown now. One that was not added yet will be read as it is then.
    ///
    /// # Errors
    /// By [`FollowError`]; it has to be asked for again.
    pub fn renew(
        &mut self,
        positions: &dyn Positions,
        index: &dyn Index,
        position: &Position,
    ) -> Result<(), FollowError> {
        let (trail, at) = (&position.trail, position.index.0);
        if !self.checked {
            self.resume(positions, index)?;
        }
        if at >= self.added_of(trail) {
            return Ok(());
        }
        for event in positions.read(trail, at..at + 1)? {
            let json = event.event().map_err(|_| FollowError::Corrupt { trail: trail.clone(), index: at })?;
            self.is_committed = false;
            index.replace(trail, self.extractor.document(&json, &event.position))?;
        }
        Ok(())
    }

    fn added_of(&self, trail: &TrailRef) -> u64 {
        self.added.get(trail).map_or(0, |reached| reached.size)
    }

    /// Takes over what the index has, once it is sure that it was made from these trails.
    fn resume(&mut self, positions: &dyn Positions, index: &dyn Index) -> Result<(), FollowError> {
        let all = index.reached();
        for reached in &all {
            let foreign = || FollowError::Foreign { trail: reached.trail.clone() };
            let last = reached.size.checked_sub(1).ok_or_else(foreign)?;
            if positions.size(&reached.trail) <= last {
                return Err(foreign());
            }
            let stored = positions.read(&reached.trail, last..last + 1)?;
            let is_same = stored.first().is_some_and(|event| event.leaf_hash == reached.last_leaf);
            if !is_same {
                return Err(foreign());
            }
        }
        // After a failure the engine may hold a part of what was added, which would come twice.
        index.rollback()?;
        self.added = all.into_iter().map(|reached| (reached.trail.clone(), reached)).collect();
        self.is_committed = true;
        self.checked = true;
        Ok(())
    }

    /// Adds up to `max` events of one trail and says how many.
    fn add(
        &mut self,
        positions: &dyn Positions,
        index: &dyn Index,
        trail: &TrailRef,
        size: u64,
        max: u64,
    ) -> Result<u64, FollowError> {
        let first = self.added_of(trail);
        let end = size.min(first.saturating_add(max));
        let mut next = first;
        while next < end {
            let stored = positions.read(trail, next..end.min(next + READ_EVENTS))?;
            let Some(last) = stored.last() else { break };
            let reached = Reached { trail: trail.clone(), size: last.position.index.0 + 1, last_leaf: last.leaf_hash };
            let documents: Result<Vec<Document>, _> = stored
                .iter()
                .map(|event| {
                    let corrupt = || FollowError::Corrupt { trail: trail.clone(), index: event.position.index.0 };
                    let json = event.event().map_err(|_| corrupt())?;
                    Ok::<_, FollowError>(self.extractor.document(&json, &event.position))
                })
                .collect();
            self.is_committed = false;
            index.add(trail, documents?)?;
            next = reached.size;
            self.added.insert(trail.clone(), reached);
        }
        Ok(next - first)
    }
}
