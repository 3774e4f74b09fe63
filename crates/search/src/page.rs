//! What is asked for and what comes back: options and budget, a page, and why there is none.

use cairn_event::{Json, Position, ReadError, Stored};
use jiff::Timestamp;

use crate::cursor::{Cursor, CursorError, TRAILS_MAX};
use crate::index::{IndexError, Order};

/// How a search is run.
#[derive(Clone, Copy)]
pub struct SearchOptions<'a> {
    /// Events before this time don't count.
    pub from: Option<Timestamp>,
    /// Events after this time don't count; those at it do.
    pub to: Option<Timestamp>,
    /// The clock reading that the query and the range were read with. On a later page it must be
    /// [`Cursor::as_of`].
    pub as_of: Timestamp,
    /// Most events of the page, cut to [`crate::run::LIMIT_MAX`] and to what [`crate::run::PAGE_BYTES_MAX`] holds. 0 asks
    /// for the total alone.
    pub limit: usize,
    /// Where to go on; `None` for the first page.
    pub cursor: Option<&'a Cursor>,
    /// What comes first.
    pub order: Order,
    /// What the search may cost.
    pub budget: Budget<'a>,
}

/// What a search may cost before it answers in part.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Most candidates of the index that are read and checked.
    pub candidates: u64,
    /// Most events read directly because the index does not have them yet.
    pub unindexed: u64,
    /// Asked now and then; `true` ends the search with what it has.
    pub stop: &'a dyn Fn() -> bool,
}

impl Default for Budget<'_> {
    /// 20,000 events of each kind, and no stop.
    fn default() -> Self {
        Self { candidates: 20_000, unindexed: 20_000, stop: &|| false }
    }
}

/// One page of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The events in order, each read from its trail and checked.
    pub hits: Vec<FoundEvent>,
    /// How many events match in all, as of the first page.
    pub total: Total,
    /// Where the next page begins; `None` if there is nothing more.
    pub next: Option<Cursor>,
    /// Why the page may lack events that match.
    pub partial: Option<Partial>,
    /// Events that were stored when the search began and are not in the index.
    pub behind: u64,
    /// Events that were read and checked for this page.
    pub read: u64,
}

/// A hit, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundEvent {
    /// Where it lies.
    pub position: Position,
    /// Its leaf hash in the trail's tree.
    pub leaf_hash: [u8; 32],
    /// The event a person sees.
    pub event: Json,
    /// Bytes of its texts as stored.
    pub bytes: usize,
}

impl FoundEvent {
    /// A stored event with what a person sees of it.
    #[must_use]
    pub fn new(stored: Stored, event: Json) -> Self {
        let Stored { position, leaf_hash, producer_text, server_text, .. } = stored;
        Self { position, leaf_hash, event, bytes: producer_text.len() + server_text.len() }
    }
}

/// How many events match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, or the best guess.
    pub count: u64,
    /// Whether it is the number.
    pub is_exact: bool,
}

/// Why a page may lack events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// The stop signal came. The next page goes on from here.
    Stopped,
    /// As many candidates as allowed were read. The next page goes on from here.
    Budget,
    /// So many stored events are not in the index yet and were too many to read directly.
    Unindexed {
        /// How many were not looked at.
        events: u64,
    },
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The cursor is not one of this search.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// More trails than one search can span.
    #[error("{0} trails, and one search spans at most {TRAILS_MAX}: name some of them")]
    TooManyTrails(usize),
    /// Stored events can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The index can't answer; [`crate::NoIndex`] in its place reads the newest events directly.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The index was cleared while it was asked.
    #[error("the index was cleared while it was searched; search again")]
    IndexCleared,
}
