//! Values that are hidden, that should be, and that somebody may read all the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for members of a stored event to be hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactionRequest {
    /// The event, by id or position.
    pub event: String,
    /// What to hide: `metadata`, `actor.email`, `raw`.
    pub members: Vec<String>,
    /// Why; it stands in the trail.
    pub reason: String,
}

/// What was hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redaction {
    /// The event.
    pub position: String,
    /// Pointers of what is hidden now.
    pub members: Vec<String>,
    /// Position of the event that says so.
    pub recorded: String,
}

/// A part of a trail, checked against the rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scan {
    /// `tenant/trail`.
    pub trail: String,
    /// Events in it.
    pub size: u64,
    /// Events that were looked at.
    pub scanned: u64,
    /// Those with a value in them that a rule covers.
    pub uncovered: Vec<Uncovered>,
    /// `from` of the next part, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// An event with values that a rule covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uncovered {
    /// Where it lies.
    pub position: String,
    /// What was found; never the values.
    pub findings: Vec<Finding>,
}

/// Values that one rule covers in one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The member: `metadata`.
    pub member: String,
    /// The rule, as the policy has it.
    pub rule: String,
    /// How many values.
    pub count: u64,
}

/// Asks for the value behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealRequest {
    /// `tok_1_...`, whole.
    pub token: String,
    /// Why; it stands in the trail `access`.
    pub reason: String,
}

/// The value behind a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reveal {
    /// The value.
    pub value: String,
    /// Position of the event that says who read it, and why.
    pub recorded: String,
}

/// The epochs whose keys are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EpochList {
    /// Rising; the present one last.
    pub epochs: Vec<u32>,
}

/// Asks for the next epoch to begin, or for the key of an old one to be destroyed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EpochRequest {
    /// The epoch whose key is to be destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget: Option<u32>,
    /// Why; it stands in the trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
