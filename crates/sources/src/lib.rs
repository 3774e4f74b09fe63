//! Turns each foreign format into drafts and says what should have come.
//!
//! A *source* is one format: it recognises its own bytes, cuts a body into records and maps a record
//! to a [`Draft`]. One folder per kind; a new kind is a new folder and one line in [`Sources::builtin`].
//! Where the mapping language can say it, the folder holds a [`mapping`]: two files of data, no code.
//!
//! ```text
//! body ── detect() or by_kind() ──▶ source ── split() ──▶ records ── map() ──▶ Mapped | MapError
//! ```
//!
//! **Invariant:** pure. No socket, no file, no clock, no randomness: the same bytes, delivered with
//! the same facts, always give the same drafts. **Invariant:** a broken record never takes its
//! neighbours with it.

mod all;
pub mod cloudevents;
mod cloudtrail;
mod decode;
mod detect;
mod field;
mod fit;
mod frame;
mod kubernetes;
pub mod mapping;
mod native;
mod scan;
mod time;

use std::sync::Arc;

use cairn_event::json::Object;
use cairn_event::raw::Raw;
use cairn_event::{Draft, Invalid, Json, JsonError, limits};
use jiff::Timestamp;

pub use all::Sources;
pub use decode::kind_of_message;
pub use detect::{Detected, Likeness, SNIFF_BYTES_MAX};
pub use frame::{Framing, Record, Records, SplitError, SyslogFrames};

/// One format that events arrive in.
///
/// Every method is pure and may be called from any thread. None of them allocates more than a small
/// multiple of the bytes it is given.
pub trait Source: Send + Sync {
    /// The name of the kind as it stands in URLs and in `producer.source_kind`: `cloudtrail`.
    fn kind(&self) -> &str;

    /// What it is, for people: `AWS CloudTrail`.
    fn title(&self) -> &str;

    /// How much the beginning of a body looks like this kind. `head` may be cut anywhere.
    fn sniff(&self, head: &[u8]) -> Likeness;

    /// How records of this kind stand in a body.
    fn framing(&self) -> Framing {
        Framing::Json
    }

    /// Whether records are JSON.
    fn is_json(&self) -> bool {
        true
    }

    /// The request headers that say something about a delivery of this kind, in lower case.
    fn headers(&self) -> &[String] {
        &[]
    }

    /// Cuts a body into its records, in the order in which they stand.
    ///
    /// The records come lazily, so that a caller can stop at its own limit. What is wrong with one
    /// record shows when it is mapped; the records before and behind it are not affected.
    ///
    /// # Errors
    /// [`SplitError`] if the body as a whole can't be of this kind: empty, not text, another shape.
    fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError>;

    /// Maps one record to what the producer said.
    ///
    /// # Errors
    /// [`MapError`], naming the member of the *record* that can't be mapped.
    fn map(&self, record: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError>;

    /// Whether a record can be mapped at once. A kind that was never used may have to be made ready first,
    /// which can take seconds; whoever must not wait so long does it elsewhere.
    fn is_ready(&self) -> bool {
        true
    }

    /// The members of a record that the mapping looks at, as JSON pointers; `None` if it can't say.
    fn reads(&self) -> Option<Vec<String>> {
        None
    }
}

/// What is known of a delivery beside its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// When it arrived, by the server's clock. It dates what carries no date of its own, or half of one.
    pub received_at: Timestamp,
    /// The headers that [`Source::headers`] asked for, those that came: name in lower case, value.
    pub headers: &'a [(String, String)],
}

impl Delivery<'_> {
    /// A delivery of which only the time is known.
    #[must_use]
    pub fn at(received_at: Timestamp) -> Delivery<'static> {
        Delivery { received_at, headers: &[] }
    }
}

/// A record, mapped.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// What the producer said. For every kind but `native`, `raw` holds the record's own bytes.
    pub draft: Draft,
    /// What the source itself uses to tell records apart, if the record has it: unique inside one
    /// source (kind and name), the same when the source delivers the record again.
    pub natural_key: Option<String>,
}

/// Why a record can't become a draft.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MapError {
    /// The record is not JSON that can be kept: syntax, duplicate key, depth, encoding.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The record could be read, but a member is absent or is not what the format says. The field is
    /// named as the source names it (`userIdentity`), except where the draft itself is at fault.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The record may be what it should; what the mapping made of it is not. Whoever wrote the mapping
    /// can mend it.
    #[error("the mapping is at fault: {0}")]
    Mapping(Invalid),
}

/// A shared source: one of the built-in kinds, or one that a user has added.
pub type SharedSource = Arc<dyn Source>;

/// A member of a record that is required and not there.
fn absent(field: &str, want: &str) -> Invalid {
    Invalid::new("nothing", want).under(field)
}

/// A member of a record that holds something else than it should.
fn unlike(field: &str, got: &Json, want: &str) -> Invalid {
    Invalid::new(got.kind(), want).under(field)
}

/// A natural key, unless it is longer than any identifier: then the content decides.
fn natural_key(key: &str) -> Option<String> {
    (key.len() <= limits::ID_BYTES_MAX).then(|| key.to_owned())
}

/// The draft of a foreign record: what was mapped, with the record's own bytes as `raw`.
fn foreign_draft(mapped: Object, bytes: &[u8], delivery: &Delivery<'_>) -> Result<Draft, MapError> {
    let fitted = Json::Object(fit::fit(mapped, delivery.received_at));
    let mut draft = Draft::from_json(fitted).map_err(MapError::Mapping)?;
    draft.raw = Some(Raw::new(bytes)?);
    Ok(draft)
}
