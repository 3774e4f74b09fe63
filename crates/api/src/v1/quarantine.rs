//! Records that could not be read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What waits in the quarantine of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineList {
    /// `tenant/quarantine`.
    pub trail: String,
    /// Records that wait.
    pub waiting: u64,
    /// Records that were tried again with success.
    pub solved: u64,
    /// Whether there are older records that were not looked at.
    pub partial: bool,
    /// By source, side at fault and cause; those with the most records first.
    pub groups: Vec<QuarantineGroup>,
}

/// Records of one source that wait for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineGroup {
    /// `kind/name` of the source.
    pub source: String,
    /// `record`: whoever sends it has to mend it; `mapping`: whoever keeps the mapping has to.
    pub fault: String,
    /// `not_json`, `invalid`, `too_large`.
    pub code: String,
    /// The field that is wrong, by dotted path; empty for the whole record.
    pub field: String,
    /// The reason of the first one.
    pub reason: String,
    /// How many records.
    pub count: u64,
    /// When the first one came, RFC 3339.
    pub first: String,
    /// When the last one came.
    pub last: String,
    /// Position of the first one.
    pub example: String,
}

/// Asks for records to be tried again under the mappings and rules of today.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Only these, by position; all that wait if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Vec<String>>,
    /// Only those of this source, `kind/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only those behind this index: `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// What became of records that were tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetryAnswer {
    /// Records that were tried.
    pub tried: u64,
    /// Those that are events now.
    pub stored: u64,
    /// Those that had come in another way meanwhile.
    pub duplicate: u64,
    /// Those that still can't be read.
    pub still: u64,
    /// One for each that was tried.
    pub results: Vec<Retried>,
    /// `after` of the next request, if more wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retried {
    /// Its position in the quarantine.
    pub position: String,
    /// Position of the event that it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Why it still can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
