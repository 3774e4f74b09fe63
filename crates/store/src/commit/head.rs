//! `wal/HEAD`: the signed end of the WAL as last published (`formats/manifest.md`).

use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::{Envelope, Hash, PublicKey, Signer};
use serde::{Deserialize, Serialize};

const TYPE: &str = "application/vnd.cairn.wal-head.v1+json";

/// The end of the WAL at the time of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) host: String,
    pub(crate) instance: String,
    pub(crate) seq: u64,
    pub(crate) frame_hash: Hash,
    pub(crate) closed: bool,
    /// Sorted by name.
    pub(crate) trails: Vec<(TrailRef, u64, Hash)>,
}

// Members in alphabetical order, so that serde writes the RFC 8785 form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    closed: bool,
    frame_hash: String,
    host: String,
    instance: String,
    seq: u64,
    trails: Vec<TrailHead>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrailHead {
    root: String,
    size: u64,
    trail: String,
}

impl Head {
    pub(crate) fn write(&self, disk: &dyn Disk, signer: &dyn Signer) -> Result<(), StoreError> {
        let trail = |(name, size, root): &(TrailRef, u64, Hash)| TrailHead {
            root: root.to_base64(),
            size: *size,
            trail: name.to_string(),
        };
        let payload = Payload {
            closed: self.closed,
            frame_hash: self.frame_hash.to_base64(),
            host: self.host.clone(),
            instance: self.instance.clone(),
            seq: self.seq,
            trails: self.trails.iter().map(trail).collect(),
        };
        let json = serde_json::to_vec(&payload).expect("strings and numbers always serialize");
        let envelope = Envelope::sign(TYPE, json, signer).expect("a head is small");
        let text = envelope.to_text();
        durable::put(disk, layout::HEAD, text.as_bytes()).map_err(io_error("write wal/HEAD"))
    }

    /// Reads and checks the head; `None` when the file is missing.
    pub(crate) fn read(disk: &dyn Disk, public: &[u8; 32]) -> Result<Option<Head>, StoreError> {
        let Some(bytes) = files::read_if_any(disk, layout::HEAD)? else { return Ok(None) };
        let damaged = |what: String| Corrupt::in_file(layout::HEAD, what).at(0);
        let payload = open_envelope(&bytes, TYPE, public).map_err(damaged)?;
        let head: Payload = serde_json::from_slice(&payload).map_err(|error| damaged(error.to_string()))?;
        let hash = |text: &str| Hash::from_base64(text).map_err(|error| damaged(error.to_string()));
        let mut trails = Vec::with_capacity(head.trails.len());
        for trail in &head.trails {
            let name = trail.trail.parse().map_err(|_| damaged("a trail name is malformed".to_owned()))?;
            trails.push((name, trail.size, hash(&trail.root)?));
        }
        let frame_hash = hash(&head.frame_hash)?;
        Ok(Some(Head {
            host: head.host,
            instance: head.instance,
            seq: head.seq,
            frame_hash,
            closed: head.closed,
            trails,
        }))
    }
}

/// Opens a signed JSON file of one type; the error says what does not hold.
pub(crate) fn open_envelope(bytes: &[u8], payload_type: &str, public: &[u8; 32]) -> Result<Vec<u8>, String> {
    let key = PublicKey::from_bytes(public).map_err(|error| error.to_string())?;
    let envelope = Envelope::parse(bytes).map_err(|error| error.to_string())?;
    let payload = envelope.open(payload_type, &[key]).map_err(|error| error.to_string())?;
    Ok(payload.to_vec())
}
