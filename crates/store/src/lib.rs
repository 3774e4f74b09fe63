//! Makes admitted events durable and, by rule alone, makes them end.
//!
//! The only crate that writes evidence. The line through it: [`Store::prepare`] commits to an event's slots on the
//! caller's thread, `commit` orders, writes, syncs and answers on the one writer thread, `seal` turns ranges of the log
//! into Parquet segments, [`Reader`] gives both back by position, and [`verify()`] recomputes everything from the bytes.
//! What lies on the disk is described in `formats/`.

mod blobs;
mod check;
mod commit;
mod config;
mod durable;
mod error;
mod files;
mod instance;
mod keyfiles;
mod keys;
mod layout;
pub mod planted;
mod read;
mod redact;
mod seal;
pub mod seams;
mod shared;
mod stats;
pub mod steps;
mod store;
mod threads;
mod trail;
mod verify;

pub use cairn_event::idempotency::conflict_key;
pub use commit::record::Prepared;
pub use commit::recover::Recovered;
pub use commit::sequencer::{Placed, Run};
pub use commit::writer::{Receipt, RunReply};
pub use config::StoreConfig;
pub use error::{Corrupt, StoreError};
pub use instance::Instance;
pub use keyfiles::{KeyFile, keep_first_token};
pub use keys::{LogKey, public_key};
pub use read::Reader;
pub use seal::Sealed;
pub use shared::Engines;
pub use stats::{Histogram, StoreStats};
pub use store::{Health, Store};
pub use threads::Reply;
pub use trail::SignedCheckpoint;
pub use verify::{Finding, Progress, Report, Scope, verify};
