//! Finds events again and proves each hit against stored bytes.
//!
//! A [`Query`](cairn_event::filter::Query) becomes a [`Plan`], which an [`Index`] answers with
//! candidates; [`search`] reads each of them from the trail and lets the query itself decide. What
//! the index does not have yet is read directly, so an event is found as soon as it is
//! acknowledged. A [`Follower`] feeds the index by position. The index is a cache: it can be
//! deleted and built again at any time.
//!
//! No clock, no files, no asynchrony: time limits come in as a stop signal.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cursor;
pub mod doc;
pub mod filter;
pub mod follow;
pub mod index;
pub mod page;
pub mod plan;
pub mod run;
mod tail;
pub mod timeline;
pub mod who;

pub use cursor::{Cursor, CursorError};
pub use doc::{Document, Extractor};
pub use filter::{Filter, NumberField, TermField};
pub use follow::{Commit, FollowError, Follower, Progress};
pub use index::{Hit, Index, IndexError, NoIndex, Order, Reached, Scope};
pub use page::{Budget, FoundEvent, Page, Partial, SearchError, SearchOptions, Total};
pub use plan::Plan;
pub use run::search;
pub use timeline::{TimelineBy, timeline};
pub use who::{WhoError, who};
