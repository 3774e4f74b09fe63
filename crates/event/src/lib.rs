//! What an event is, its limits, its canonical bytes.
//!
//! A producer's JSON becomes a [`Draft`], which can't hold anything invalid. A draft and what the
//! server adds become an [`Event`], whose two texts ([`PartText`]) are what is hashed, stored and
//! proved. Readers get it back as [`Stored`] through [`Positions`].
//!
//! ```
//! use cairn_event::{Draft, Json};
//!
//! let said = br#"{"time": "2024-05-01T14:30:00+02:00", "action": "iam.role.update",
//!                 "actor": {"type": "user", "id": "alice"},
//!                 "resource": {"type": "role", "id": "deployer"}}"#;
//! let part = Draft::from_json(Json::parse(said)?)?.part();
//! assert_eq!(part.value("/actor/id"), Some("\"alice\""));
//! assert!(part.text.ends_with(r#""time":"2024-05-01T12:30:00Z"}"#));
//!
//! let slip = Json::parse(br#"{"actoin": "iam.role.update"}"#)?;
//! let refused = Draft::from_json(slip).expect_err("no such member");
//! assert!(refused.to_string().contains("did you mean action?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Pure: no clock, no files, no sockets, no asynchrony.

pub mod actor;
#[cfg(test)]
mod arbitrary;
pub mod blob;
pub mod canonical;
pub mod changes;
pub mod draft;
pub mod event;
pub mod filter;
pub mod idempotency;
pub mod ids;
mod invalid;
pub mod json;
pub mod limits;
pub mod outcome;
pub mod parts;
pub mod positions;
pub mod protection;
pub mod raw;
pub mod resource;
pub mod text;
pub mod time;

pub use blob::{BLOBS, Blob, BlobRef};
pub use draft::places::Place;
pub use draft::{Draft, Said};
pub use event::{Admission, Derived, Event, Producer};
pub use idempotency::Identified;
pub use ids::{Digest, EventId, Index, Position, SpanId, TenantName, TraceId, TrailName, TrailRef};
pub use invalid::Invalid;
pub use json::{Json, JsonError};
pub use outcome::{ActorType, Class, Operation, Outcome, Severity, Via};
pub use parts::{PartText, SLOTS, SlotSpan, hidden_with, slot_of};
pub use positions::{HiddenSlot, Positions, ReadError, Stored};
pub use protection::{Note, Protected};
pub use raw::Raw;
