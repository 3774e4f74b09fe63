//! What the process knows about one trail: its tree, where its unsealed events stand, its segments.

use crate::commit::Seeds;
use crate::commit::record::Prepared;
use crate::redact::Redactions;
use crate::seal::SegmentRef;
use crate::seams::{DiskFile, KeyEntry};
use crate::shared::Shared;
use cairn_event::TrailRef;
use cairn_ledger::{Checkpoint, Hash, Tree};
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One trail. The seeds have their own lock since requests draw from them while the writer works.
pub(crate) struct Trail {
    pub(crate) name: TrailRef,
    pub(crate) origin: String,
    seeds: Mutex<Seeds>,
    state: RwLock<TrailState>,
    redactions: Mutex<Arc<Redactions>>,
}

/// A WAL file that events still stand in.
pub(crate) struct WalFile {
    pub(crate) path: String,
    pub(crate) first_seq: u64,
    pub(crate) file: Box<dyn DiskFile>,
}

/// Where an unsealed event's record stands.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) file: Arc<WalFile>,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// A checkpoint as issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Tree size.
    pub size: u64,
    /// Tree root.
    pub root: Hash,
    /// The signed note.
    pub note: String,
}

impl SignedCheckpoint {
    pub(crate) fn sign(shared: &Shared, origin: &str, size: u64, root: Hash) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(origin, size, root).expect("origins and sizes of ours are well formed");
        SignedCheckpoint { size, root, note: checkpoint.sign(shared.signer.as_ref()).to_string() }
    }
}

/// The part of a trail that the writer advances and readers look at.
pub(crate) struct TrailState {
    pub(crate) tree: Tree,
    /// Index of `unsealed[0]`: everything below stands in `segments`.
    pub(crate) sealed: u64,
    pub(crate) unsealed: VecDeque<Place>,
    pub(crate) unsealed_bytes: u64,
    /// When the oldest unsealed event was committed.
    pub(crate) unsealed_since: Option<Timestamp>,
    /// Keys of events that the key index does not cover yet.
    pub(crate) keys: HashMap<[u8; 32], KeyEntry>,
    pub(crate) segments: Vec<Arc<SegmentRef>>,
    /// Where a seal that did not finish wanted to end: the next try must make the same files.
    pub(crate) sealing: Option<u64>,
    pub(crate) checkpoint: Option<Arc<SignedCheckpoint>>,
}

impl TrailState {
    pub(crate) fn empty() -> TrailState {
        TrailState {
            tree: Tree::new(),
            sealed: 0,
            unsealed: VecDeque::new(),
            unsealed_bytes: 0,
            unsealed_since: None,
            keys: HashMap::new(),
            segments: Vec::new(),
            sealing: None,
            checkpoint: None,
        }
    }

    /// Takes one durable event into the state: the only way the head of a trail moves, in service and in recovery.
    pub(crate) fn advance(&mut self, leaf: Hash, key: [u8; 32], fingerprint: [u8; 16], place: Place, now: Timestamp) {
        let index = self.tree.size();
        assert_eq!(index, self.sealed + self.unsealed.len() as u64, "every index has exactly one place");
        self.tree.push(leaf);
        self.keys.entry(key).or_insert(KeyEntry { index, fingerprint });
        self.unsealed_bytes += u64::from(place.length);
        self.unsealed.push_back(place);
        self.unsealed_since.get_or_insert(now);
    }
}

impl Trail {
    pub(crate) fn new(name: TrailRef, origin: String, seeds: Seeds, state: TrailState) -> Trail {
        Trail { name, origin, seeds: Mutex::new(seeds), state: RwLock::new(state), redactions: Mutex::default() }
    }

    /// The slots that were hidden after the fact. Held while their file is replaced.
    pub(crate) fn redactions(&self) -> MutexGuard<'_, Arc<Redactions>> {
        self.redactions.lock().expect("no holder of the redactions panics")
    }

    pub(crate) fn seeds(&self) -> MutexGuard<'_, Seeds> {
        self.seeds.lock().expect("no holder of the seeds panics")
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, TrailState> {
        self.state.read().expect("no holder of the trail state panics")
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, TrailState> {
        self.state.write().expect("no holder of the trail state panics")
    }
}

/// Bytes that prepared events are going to write.
pub(crate) fn bytes_of(events: &[Prepared]) -> u64 {
    let blobs = |event: &Prepared| event.blobs.iter().map(|blob| blob.reference.size_bytes).sum::<u64>();
    events.iter().map(|event| event.record.len() as u64 + blobs(event)).sum()
}
