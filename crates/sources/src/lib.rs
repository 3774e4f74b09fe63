//! Turns each foreign format into drafts and says what should have come.
//!
//! A *source* is one format: it recognises its own bytes, cuts a body into records and maps a record
//! to a [`Draft`]. One folder per kind, each with the same files; a new kind is a new folder and one
//! line in [`ALL`].
//!
//! ```text
//! body ── detect() or by_kind() ──▶ source ── split() ──▶ records ── map() ──▶ Mapped | MapError
//! ```
//!
//! **Invariant:** pure. No socket, no file, no clock, no randomness: the same bytes always give the
//! same drafts. **Invariant:** a broken record never takes its neighbours with it.

mod cloudtrail;
mod detect;
mod field;
mod kubernetes;
mod native;
mod record;
mod scan;
mod time;

use cairn_event::json::Object;
use cairn_event::raw::Raw;
use cairn_event::{Draft, Invalid, Json, JsonError, limits};

pub use cloudtrail::CloudTrail;
pub use detect::{Detected, Likeness, SNIFF_BYTES_MAX, detect};
pub use kubernetes::Kubernetes;
pub use native::Native;
pub use record::{Record, Records, SplitError};

/// One format that events arrive in.
///
/// Every method is pure and may be called from any thread. None of them allocates more than a small
/// multiple of the bytes it is given.
pub trait Source: Sync {
    /// The name of the kind as it stands in URLs and in `producer.source_kind`: `cloudtrail`.
    fn kind(&self) -> &'static str;

    /// How much the beginning of a body looks like this kind. `head` may be cut anywhere.
    fn sniff(&self, head: &[u8]) -> Likeness;

    /// Cuts a body into its records, in the order in which they stand.
    ///
    /// The records come lazily, one parse each, so that a caller can stop at its own limit and never
    /// holds more parsed records than it asked for. A record that is not JSON comes as a record whose
    /// [`Record::json`] is an error; the records before and behind it are not affected.
    ///
    /// # Errors
    /// [`SplitError`] if the body as a whole can't be of this kind: empty, not text, another shape.
    fn split<'a>(&self, body: &'a [u8]) -> Result<Records<'a>, SplitError>;

    /// Maps one record to what the producer said. Takes the record by value because its JSON becomes
    /// part of the draft; [`Record::bytes`] is `Copy` and can be kept for a quarantine.
    ///
    /// # Errors
    /// [`MapError`], naming the member of the *record* that can't be mapped.
    fn map(&self, record: Record<'_>) -> Result<Mapped, MapError>;
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
    /// The record is JSON, but a member is absent or is not what the format says. The field is
    /// named as the source names it (`userIdentity`), except where the draft itself is at fault.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Every kind, in the order in which ties of [`detect`] are decided.
pub static ALL: &[&dyn Source] = &[&Native, &Kubernetes, &CloudTrail];

/// The source of a kind, by the name it has in URLs.
#[must_use]
pub fn by_kind(kind: &str) -> Option<&'static dyn Source> {
    ALL.iter().copied().find(|source| source.kind() == kind)
}

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
fn foreign_draft(mapped: Object, bytes: &[u8]) -> Result<Draft, Invalid> {
    let mut draft = Draft::from_json(Json::Object(mapped))?;
    draft.raw = Some(Raw::new(bytes)?);
    Ok(draft)
}
