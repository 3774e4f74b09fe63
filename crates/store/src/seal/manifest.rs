//! The signed statement about one segment (`formats/manifest.md`).

use crate::commit::head::open_envelope;
use crate::error::{Corrupt, StoreError};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::{Envelope, Hash, Signer, sha256};
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: &str = "cairn/segment/v1";
const TYPE: &str = "application/vnd.cairn.segment-manifest.v1+json";
/// Bytes of a file that one block hash covers.
pub(crate) const BLOCK_SIZE: usize = 64 << 10;

// Members in alphabetical order throughout, so that serde writes the RFC 8785 form.

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Newest signed note of the trail when the segment was sealed.
    pub(crate) checkpoint: String,
    /// The Parquet file.
    pub(crate) file: FileFacts,
    /// Index of the first event.
    pub(crate) first: u64,
    /// `cairn/segment/v1`.
    pub(crate) format: String,
    /// Index of the last event.
    pub(crate) last: u64,
    /// One more than the largest key number used so far in the trail.
    pub(crate) next_key_number: u64,
    /// Origin of the log.
    pub(crate) origin: String,
    /// Hex SHA-256 of the manifest file before, empty for the first.
    pub(crate) previous: String,
    /// Largest `received_at` inside, RFC 3339.
    pub(crate) received_max: String,
    /// Smallest `received_at` inside, RFC 3339.
    pub(crate) received_min: String,
    /// When the segment was sealed, RFC 3339.
    pub(crate) sealed_at: String,
    /// Largest `time` inside, RFC 3339.
    pub(crate) time_max: String,
    /// Smallest `time` inside, RFC 3339.
    pub(crate) time_min: String,
    /// `tenant/trail`.
    pub(crate) trail: String,
    /// The tree around the segment.
    pub(crate) tree: TreeFacts,
}

/// The bytes of a segment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFacts {
    /// Bytes per block hash.
    pub(crate) block_size: u64,
    /// Base64 SHA-256 of each block.
    pub(crate) blocks: Vec<String>,
    /// Name of the file.
    pub(crate) name: String,
    /// Hex SHA-256 of the file.
    pub(crate) sha256: String,
    /// Length of the file in bytes.
    pub(crate) size: u64,
}

/// The tree before and after a segment, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TreeFacts {
    /// Complete subtree roots of the tree of size `last + 1`.
    pub(crate) edge: Vec<String>,
    /// Roots of the 256-leaf blocks that end in this segment.
    pub(crate) level8: Vec<String>,
    /// Root at size `last + 1`.
    pub(crate) root_after: String,
    /// Root at size `first`.
    pub(crate) root_before: String,
}

impl FileFacts {
    /// The facts about a file's bytes.
    pub(crate) fn of(name: String, bytes: &[u8]) -> FileFacts {
        FileFacts {
            block_size: BLOCK_SIZE as u64,
            blocks: bytes.chunks(BLOCK_SIZE).map(|block| sha256(block).to_base64()).collect(),
            name,
            sha256: sha256(bytes).to_hex(),
            size: bytes.len() as u64,
        }
    }

    /// The first place where the bytes differ from these facts, with words for it.
    pub(crate) fn differs(&self, bytes: &[u8]) -> Option<(u64, String)> {
        for (number, (block, expected)) in bytes.chunks(BLOCK_SIZE).zip(&self.blocks).enumerate() {
            if sha256(block).to_base64() != *expected {
                let at = (number * BLOCK_SIZE) as u64;
                return Some((
                    at,
                    format!("bytes {at} to {} are not those that were sealed", at + block.len() as u64 - 1),
                ));
            }
        }
        if bytes.len() as u64 != self.size {
            let what = format!("the file has {} bytes, {} were sealed", bytes.len(), self.size);
            return Some((self.size.min(bytes.len() as u64), what));
        }
        (sha256(bytes).to_hex() != self.sha256)
            .then(|| (0, "the file's SHA-256 is not the one that was sealed".to_owned()))
    }
}

impl Manifest {
    pub(crate) fn to_file(&self, signer: &dyn Signer) -> String {
        let json = serde_json::to_vec(self).expect("strings and numbers always serialize");
        Envelope::sign(TYPE, json, signer).expect("a manifest is within the limit of an envelope").to_text()
    }

    /// Reads and checks the manifest of one index range; also the hex SHA-256 of its file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not what this key signed for this trail and range.
    pub(crate) fn read(
        disk: &dyn Disk,
        trail: &TrailRef,
        origin: &str,
        range: (u64, u64),
        public: &[u8; 32],
    ) -> Result<(Manifest, String), StoreError> {
        let path = layout::manifest(trail, range.0, range.1);
        let damaged = |what: String| StoreError::from(Corrupt::in_file(&path, what).at(0).of(trail, Some(range)));
        let bytes = files::read(disk, &path)?;
        let payload = open_envelope(&bytes, TYPE, public).map_err(damaged)?;
        let manifest: Manifest = serde_json::from_slice(&payload).map_err(|error| damaged(error.to_string()))?;
        let same = manifest.format == FORMAT
            && manifest.origin == origin
            && manifest.trail == trail.to_string()
            && (manifest.first, manifest.last) == range
            && manifest.file.name == layout::segment_name(range.0, range.1);
        if !same {
            return Err(damaged("the manifest speaks of another segment".to_owned()));
        }
        Ok((manifest, sha256(&bytes).to_hex()))
    }
}

/// Reads a list of base64 hashes.
pub(crate) fn hashes(list: &[String]) -> Option<Vec<Hash>> {
    list.iter().map(|text| Hash::from_base64(text).ok()).collect()
}
