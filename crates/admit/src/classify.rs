//! Class and severity of an event whose producer gave none.
//!
//! | operation | class | severity: success, unknown | failure | denied |
//! |---|---|---|---|---|
//! | `read`, `logout` | `bulk`, but `standard` when denied or failed | `informational` | `informational` | `low` |
//! | `create` `update` `deploy` `approve` `execute` `other`, none given | `standard` | `low` | `low` | `medium` |
//! | `login` | `standard` | `informational` | `medium` | `medium` |
//! | `delete` `export` | `standard` | `medium` | `low` | `medium` |
//! | `grant` `revoke` | `critical` | `medium` | `low` | `high` |
//!
//! A dry run changes nothing: its class is at most `standard`, its severity `informational`, unless
//! it was denied.

use cairn_event::{Class, Draft, Operation, Outcome, Severity};

/// The class by operation and outcome.
#[must_use]
pub fn class_of(draft: &Draft) -> Class {
    let is_dry_run = draft.dry_run == Some(true);
    match (draft.operation, draft.outcome) {
        (Some(Operation::Grant | Operation::Revoke), _) if !is_dry_run => Class::Critical,
        (Some(Operation::Read | Operation::Logout), Some(Outcome::Denied | Outcome::Failure)) => Class::Standard,
        (Some(Operation::Read | Operation::Logout), _) => Class::Bulk,
        _ => Class::Standard,
    }
}

/// The severity by operation and outcome.
#[must_use]
pub fn severity_of(draft: &Draft) -> Severity {
    let [done, failed, denied] = match draft.operation {
        Some(Operation::Read | Operation::Logout) => [Severity::Informational, Severity::Informational, Severity::Low],
        Some(Operation::Login) => [Severity::Informational, Severity::Medium, Severity::Medium],
        Some(Operation::Delete | Operation::Export) => [Severity::Medium, Severity::Low, Severity::Medium],
        Some(Operation::Grant | Operation::Revoke) => [Severity::Medium, Severity::Low, Severity::High],
        Some(
            Operation::Create
            | Operation::Update
            | Operation::Deploy
            | Operation::Approve
            | Operation::Execute
            | Operation::Other,
        )
        | None => [Severity::Low, Severity::Low, Severity::Medium],
    };
    match draft.outcome {
        Some(Outcome::Denied) => denied,
        _ if draft.dry_run == Some(true) => Severity::Informational,
        Some(Outcome::Failure) => failed,
        Some(Outcome::Success | Outcome::Unknown) | None => done,
    }
}
