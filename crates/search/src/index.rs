//! The seam to an index engine: it stores terms by position and answers which positions may match.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use cairn_event::{Position, TrailRef};

use crate::doc::Document;
use crate::filter::Filter;

/// An index of events by position. It is a cache: whatever it holds can be built again from the
/// stored events, and nothing it says is shown before the stored event was read and checked.
///
/// Concurrency: `add`, `replace`, `commit` and `clear` are called by one thread at a time, the others from any
/// thread at any time. A reader sees all of a commit or nothing of it.
pub trait Index: Send + Sync {
    /// Takes documents of one trail in the order of their indexes. They are found after the next
    /// commit and may be lost before it.
    ///
    /// # Errors
    /// The engine can't write; nothing added since the last commit counts.
    fn add(&self, trail: &TrailRef, documents: Vec<Document>) -> Result<(), IndexError>;

    /// Puts a document in the place of the committed one with the same index: less of its event may be shown now. It takes
    /// effect with the next commit.
    ///
    /// # Errors
    /// As for [`Index::add`].
    fn replace(&self, trail: &TrailRef, document: Document) -> Result<(), IndexError>;

    /// Makes what was added durable and visible, together with how far each trail has come. Trails
    /// that are not named keep what they had.
    ///
    /// # Errors
    /// As for [`Index::add`].
    fn commit(&self, reached: &[Reached]) -> Result<(), IndexError>;

    /// Forgets what was added since the last commit.
    ///
    /// # Errors
    /// As for [`Index::add`].
    fn rollback(&self) -> Result<(), IndexError>;

    /// Forgets everything, durably.
    ///
    /// # Errors
    /// The engine can't write; what it holds then is either all or nothing.
    fn clear(&self) -> Result<(), IndexError>;

    /// How far each trail has come: what the last commit said. Candidates asked for afterwards
    /// know at least these events, unless [`Index::clear`] came between.
    fn reached(&self) -> Vec<Reached>;

    /// The first `limit` events in `order`, behind `after`, that lie in `scope` and match `filter`.
    ///
    /// # Errors
    /// The engine can't read.
    fn candidates(
        &self,
        filter: &Filter,
        scope: &Scope,
        order: Order,
        after: Option<&Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError>;

    /// How many events lie in `scope` and match `filter`.
    ///
    /// # Errors
    /// The engine can't read.
    fn count(&self, filter: &Filter, scope: &Scope) -> Result<u64, IndexError>;
}

/// How far the index of one trail has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The trail.
    pub trail: TrailRef,
    /// All events with a lower index are in the index. At least 1.
    pub size: u64,
    /// The leaf hash of the last of them: tells whether the index was made from this very trail.
    pub last_leaf: [u8; 32],
}

/// A candidate, and its place in the order of results: by time, then trail, then index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// When it happened, in nanoseconds since 1970 as in [`crate::doc::Numbers`].
    pub time_ns: i64,
    /// The trail it lies in.
    pub trail: TrailRef,
    /// Its index in the trail.
    pub index: u64,
}

impl Hit {
    /// Where the event lies.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { trail: self.trail.clone(), index: cairn_event::Index(self.index) }
    }
}

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The latest event first.
    #[default]
    Newest,
    /// The earliest event first.
    Oldest,
}

impl Order {
    /// `Less` if `a` is shown before `b`.
    #[must_use]
    pub fn compare(self, a: &Hit, b: &Hit) -> Ordering {
        match self {
            Self::Newest => b.cmp(a),
            Self::Oldest => a.cmp(b),
        }
    }
}

/// What part of the index is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The trails, each with the index below which events count.
    pub trails: Vec<(TrailRef, u64)>,
    /// The times that count, as in [`Hit::time_ns`].
    pub time_ns: RangeInclusive<i64>,
}

/// Why an index gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The files are of another version or not what was written; only a rebuild helps.
    #[error("the index can't be used: {reason}; rebuild it")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
    /// The disk or the engine refused.
    #[error("the index is unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// No index at all: every search reads stored events directly, within its budget.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIndex;

impl Index for NoIndex {
    fn add(&self, _: &TrailRef, _: Vec<Document>) -> Result<(), IndexError> {
        Ok(())
    }

    fn replace(&self, _: &TrailRef, _: Document) -> Result<(), IndexError> {
        Ok(())
    }

    fn commit(&self, _: &[Reached]) -> Result<(), IndexError> {
        Ok(())
    }

    fn rollback(&self) -> Result<(), IndexError> {
        Ok(())
    }

    fn clear(&self) -> Result<(), IndexError> {
        Ok(())
    }

    fn reached(&self) -> Vec<Reached> {
        Vec::new()
    }

    fn candidates(&self, _: &Filter, _: &Scope, _: Order, _: Option<&Hit>, _: usize) -> Result<Vec<Hit>, IndexError> {
        Ok(Vec::new())
    }

    fn count(&self, _: &Filter, _: &Scope) -> Result<u64, IndexError> {
        Ok(0)
    }
}
