//! Events found again.

use cairn_event::{Json, JsonError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event as a person sees it: the union of what the producer said and what the server added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// `tenant/trail@index`.
    pub position: String,
    /// RFC 6962 leaf hash of its log entry, base64.
    pub leaf_hash: String,
    /// The event. Numbers have the digits they were written with, so it is kept as text here.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
}

/// What the tail stream sends for each event.
pub type TailEvent = EventView;

impl EventView {
    /// The event parsed, without loss.
    ///
    /// # Errors
    /// If the text is not JSON that Cairn would have written: the other side is not a Cairn server.
    pub fn event(&self) -> Result<Json, JsonError> {
        Json::parse(self.event.get().as_bytes())
    }
}

/// One page of a search.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchPage {
    /// The query as it was understood, in canonical form.
    pub query: String,
    /// The events, newest first unless asked otherwise.
    pub hits: Vec<EventView>,
    /// How many events match in all.
    pub total: Total,
    /// Where the next page starts; absent on the last one. Events that arrive later do not shift pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Why the answer may lack events, if it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// Remarks on a query that is valid and perhaps not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// Time the search took on the server, in milliseconds.
    pub took_ms: f64,
}

/// How many events match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Total {
    /// The number.
    pub count: u64,
    /// Whether it is exact; else it is an estimate.
    pub exact: bool,
}

/// A remark on a part of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hint {
    /// First byte of the part.
    pub start: usize,
    /// Byte behind the part.
    pub end: usize,
    /// The remark.
    pub message: String,
}

/// Correlated events, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// The query that selects them, in canonical form.
    pub query: String,
    /// The events, by time, then by position.
    pub events: Vec<EventView>,
    /// Where the next page starts; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Why the answer may lack events, if it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}
