//! What belongs together, in the order in which it happened.

use cairn_event::filter::{Diagnostic, Query};
use cairn_event::{Positions, TrailRef};

use crate::index::{Index, Order};
use crate::page::{Page, SearchError, SearchOptions};
use crate::run::search;

/// What holds the events of a timeline together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineBy {
    /// One request, across services.
    Request,
    /// One trace (W3C Trace Context).
    Trace,
    /// One session.
    Session,
    /// One actor, by id, name or e-mail.
    Actor,
    /// One resource, by id, name, `type/id` or `type:id`.
    Resource,
}

impl TimelineBy {
    /// The field of the query language that is compared.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Trace => "trace",
            Self::Session => "session",
            Self::Actor => "actor",
            Self::Resource => "res",
        }
    }

    /// The query for `value`, taken as it is.
    ///
    /// # Errors
    /// If the language refuses the value.
    pub fn query(self, value: &str) -> Result<Query, Diagnostic> {
        Query::term(self.field(), value)
    }
}

/// The events of one request, trace, session, actor or resource, the earliest first; events of the
/// same nanosecond by trail and index. `query` is what [`TimelineBy::query`] made, perhaps narrowed.
/// Pages and budgets are those of [`search`]; the order of `options` is not looked at.
///
/// # Errors
/// As for [`search`].
pub fn timeline(
    index: &dyn Index,
    positions: &dyn Positions,
    trails: &[TrailRef],
    query: &Query,
    options: &SearchOptions<'_>,
) -> Result<Page, SearchError> {
    let options = SearchOptions { order: Order::Oldest, ..*options };
    search(index, positions, trails, query, &options)
}
