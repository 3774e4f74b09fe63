//! The shapes of version 1. Members that do not apply are left out, never `null`; readers ignore members
//! they do not know, so new ones may appear.

mod admin;
mod events;
mod proof;
mod quarantine;
mod redactions;
mod search;

pub use admin::{
    Dependency, NewToken, NewTokenRequest, Readiness, RebuildAnswer, SealAnswer, SealRequest, SealedSegment, TokenList,
    TokenView, TrailList, TrailView,
};
pub use events::{EventResult, RangeHashes, Receipt, Status, SubmitAnswer};
pub use proof::ProofView;
pub use quarantine::{QuarantineGroup, QuarantineList, Retried, RetryAnswer, RetryRequest};
pub use redactions::{
    EpochList, EpochRequest, Finding, Redaction, RedactionRequest, Reveal, RevealRequest, Scan, Uncovered,
};
pub use search::{EventView, Hint, SearchPage, TailEvent, Timeline, Total};
