//! Values too large to stand in an event: they are kept beside it, named by their hash, which the event holds.

use std::sync::Arc;

use crate::ids::Digest;
use crate::json::Json;

/// The members whose value may be kept beside the event, each with the member that stands in its place then.
pub const BLOBS: [(&str, &str); 3] = [("before", "before_blob"), ("after", "after_blob"), ("raw", "raw_blob")];

/// A value kept beside its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What stands in the event.
    pub reference: BlobRef,
    /// The canonical text of a state, or the bytes of a raw record as they are. Shared, since they are large.
    pub bytes: Arc<[u8]>,
}

/// Values that are too large for a part, each with the path that it would have there.
pub(crate) type Blobs = Vec<(&'static str, Blob)>;

/// What stands in the event for a value kept beside it: `{"sha256":"…","size_bytes":…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// How many bytes there are.
    pub size_bytes: u64,
}

impl Blob {
    /// The blob of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let reference = BlobRef { sha256: Digest::of(bytes), size_bytes: bytes.len() as u64 };
        Self { reference, bytes: bytes.into() }
    }
}

impl BlobRef {
    /// Reads the text that stands in an event; `None` if it is not one that [`Self::to_text`] gives.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let json = Json::parse(text.as_bytes()).ok()?;
        let sha256 = json.get("sha256")?.as_str()?.parse().ok()?;
        let reference = Self { sha256, size_bytes: json.get("size_bytes")?.as_u64()? };
        (reference.to_text() == text).then_some(reference)
    }

    /// The canonical text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{{\"sha256\":\"{}\",\"size_bytes\":{}}}", self.sha256, self.size_bytes)
    }
}
