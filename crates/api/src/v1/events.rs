//! The answer to events that were sent.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a request's events. Every event left by exactly one door:
/// `received = stored + duplicate + quarantined + sampled + refused`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubmitAnswer {
    /// Events in the request.
    pub received: u64,
    /// Events that are durable now and were not before, conflicts included.
    pub stored: u64,
    /// Events that were stored already under the same key with the same content.
    pub duplicate: u64,
    /// Records that could not be mapped; kept with their bytes on the trail `quarantine`.
    pub quarantined: u64,
    /// Events left out by a recorded sampling policy.
    pub sampled: u64,
    /// Events that break a rule; nothing of them was kept.
    pub refused: u64,
    /// Of the stored events, those whose key had been used for other content: kept and flagged.
    pub conflicts: u64,
    /// One result per event, in the order of the request.
    pub results: Vec<EventResult>,
    /// Proof for the events of this request, one receipt per trail and run of events: all new ones, and
    /// duplicates as far as they lie together.
    pub receipts: Vec<Receipt>,
}

impl SubmitAnswer {
    /// Whether the counts add up, among themselves and with the results.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let doors = self.stored + self.duplicate + self.quarantined + self.sampled + self.refused;
        self.received == doors && self.results.len() as u64 == self.received && self.conflicts <= self.stored
    }

    /// Takes the counts of another answer in; results and receipts are not taken over.
    pub fn add_counts(&mut self, other: &SubmitAnswer) {
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.sampled += other.sampled;
        self.refused += other.refused;
        self.conflicts += other.conflicts;
    }
}

/// The door by which an event left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Durable now, and was not before.
    Stored,
    /// Stored already; the result names the first one.
    Duplicate,
    /// Could not be mapped; kept on the trail `quarantine`.
    Quarantined,
    /// Left out by a recorded sampling policy.
    Sampled,
    /// Breaks a rule; not kept.
    Refused,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventResult {
    /// The door by which it left.
    pub status: Status,
    /// Event id (UUID).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `tenant/trail@index`: the event's name for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Index in its trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// RFC 6962 leaf hash of its log entry, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf_hash: Option<String>,
    /// The position of the event that used the same key for other content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<String>,
    /// RFC 6962 path from the leaf to the root of the receipt's checkpoint with [`tree_size`](Self::tree_size), base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion_proof: Option<Vec<String>>,
    /// Size of the tree that [`inclusion_proof`](Self::inclusion_proof) leads to the root of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_size: Option<u64>,
    /// Why it was refused or quarantined, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The member at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it was refused or quarantined, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl EventResult {
    /// A result that says nothing but the door.
    #[must_use]
    pub fn new(status: Status) -> EventResult {
        EventResult {
            status,
            id: None,
            position: None,
            index: None,
            leaf_hash: None,
            conflict_of: None,
            inclusion_proof: None,
            tree_size: None,
            code: None,
            field: None,
            detail: None,
            hint: None,
        }
    }
}

/// Proof that a run of events is durable in the tree of a signed checkpoint (`formats/receipt.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// `tenant/trail`.
    pub trail: String,
    /// What "durable" means here: `fsync` is written and synced on the node's disk.
    pub durability: String,
    /// Index of the first event of the run.
    pub first: u64,
    /// Number of events in the run.
    pub count: u64,
    /// The signed note of (origin, tree size, root): a C2SP tlog-checkpoint.
    pub checkpoint: String,
    /// Compact ranges beside the run.
    pub proof: RangeHashes,
}

/// The complete subtrees to the left and to the right of a run, base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RangeHashes {
    /// Fill `[0, first)`, from left to right.
    pub left: Vec<String>,
    /// Fill `[first + count, size)`, from left to right.
    pub right: Vec<String>,
}
