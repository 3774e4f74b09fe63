//! What the writer, the sealer and the readers of one data directory share.

use crate::commit::Seeds;
use crate::config::StoreConfig;
use crate::instance::Instance;
use crate::seams::{Clock, Disk, Entropy, KeyIndex};
use crate::stats::Counters;
use crate::trail::TrailState;
use crate::trail::{Trail, WalFile};
use cairn_event::TrailRef;
use cairn_ledger::Signer;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

/// The outside world that a store stands on.
#[derive(Clone)]
pub struct Engines {
    /// The data directory.
    pub disk: Arc<dyn Disk>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Secret randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The log key.
    pub signer: Arc<dyn Signer + Send + Sync>,
    /// Keys of sealed events.
    pub keys: Arc<dyn KeyIndex>,
    /// Called by the sealer's thread when it starts, so that it stands behind the threads that answer. It may do nothing.
    pub give_way: fn(),
}

pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) signer: Arc<dyn Signer + Send + Sync>,
    pub(crate) keys: Arc<dyn KeyIndex>,
    pub(crate) instance: Instance,
    pub(crate) config: StoreConfig,
    trails: RwLock<BTreeMap<TrailRef, Arc<Trail>>>,
    wal: Mutex<Vec<WalUse>>,
    unsealed_bytes: AtomicU64,
    pub(crate) counters: Counters,
    /// Set once, when the writer stops for good.
    pub(crate) stopped: OnceLock<String>,
}

/// A WAL file and the trails that stand in it, each with the index behind its last event there.
struct WalUse {
    file: Arc<WalFile>,
    upto: BTreeMap<TrailRef, u64>,
}

impl Shared {
    pub(crate) fn new(engines: Engines, instance: Instance, config: StoreConfig) -> Shared {
        let Engines { disk, clock, entropy, signer, keys, give_way: _ } = engines;
        Shared {
            disk,
            clock,
            entropy,
            signer,
            keys,
            instance,
            config,
            trails: RwLock::default(),
            wal: Mutex::default(),
            unsealed_bytes: AtomicU64::new(0),
            counters: Counters::new(),
            stopped: OnceLock::new(),
        }
    }

    /// The trail of this name, empty if it is new. Nothing reaches the disk before its first event does.
    pub(crate) fn trail(&self, name: &TrailRef) -> Arc<Trail> {
        if let Some(trail) = self.known(name) {
            return trail;
        }
        let mut trails = self.trails.write().expect("no holder of the trail list panics");
        let new = || Trail::new(name.clone(), self.instance.origin(name), Seeds::new(0), TrailState::empty());
        trails.entry(name.clone()).or_insert_with(|| Arc::new(new())).clone()
    }

    /// The trail of this name, if there is one.
    pub(crate) fn known(&self, name: &TrailRef) -> Option<Arc<Trail>> {
        self.trails.read().expect("no holder of the trail list panics").get(name).cloned()
    }

    /// All trails, sorted by name.
    pub(crate) fn trails(&self) -> Vec<Arc<Trail>> {
        self.trails.read().expect("no holder of the trail list panics").values().cloned().collect()
    }

    pub(crate) fn insert_trail(&self, trail: Trail) {
        let mut trails = self.trails.write().expect("no holder of the trail list panics");
        trails.insert(trail.name.clone(), Arc::new(trail));
    }

    pub(crate) fn unsealed_bytes(&self) -> u64 {
        self.unsealed_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn unsealed_bytes_add(&self, bytes: u64) {
        self.unsealed_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn unsealed_bytes_sub(&self, bytes: u64) {
        self.unsealed_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A WAL file joins; events go to the newest one.
    pub(crate) fn wal_opened(&self, file: Arc<WalFile>) {
        let mut wal = self.wal.lock().expect("no holder of the WAL list panics");
        wal.retain(|known| known.file.first_seq != file.first_seq);
        wal.push(WalUse { file, upto: BTreeMap::new() });
    }

    /// Events were added to a file.
    pub(crate) fn wal_grew<'a>(&self, first_seq: u64, grown: impl Iterator<Item = &'a TrailRef>) {
        let mut wal = self.wal.lock().expect("no holder of the WAL list panics");
        let Some(entry) = wal.iter_mut().find(|known| known.file.first_seq == first_seq) else { return };
        for trail in grown {
            let size = self.known(trail).map_or(0, |trail| trail.read().tree.size());
            entry.upto.insert(trail.clone(), size);
        }
    }

    /// Takes the oldest files that no unsealed event stands in out of the list, never the newest: what is left is one chain.
    pub(crate) fn wal_released(&self) -> Vec<Arc<WalFile>> {
        let mut wal = self.wal.lock().expect("no holder of the WAL list panics");
        let sealed = |trail: &TrailRef| self.known(trail).map_or(0, |trail| trail.read().sealed);
        let is_free = |known: &WalUse| known.upto.iter().all(|(trail, upto)| *upto <= sealed(trail));
        let free = wal.iter().take(wal.len().saturating_sub(1)).take_while(|known| is_free(known)).count();
        wal.drain(..free).map(|known| known.file).collect()
    }

    /// The reason, once the writer stopped for good.
    pub(crate) fn stop(&self, reason: String) {
        // A second reason is a consequence of the first.
        let _ = self.stopped.set(reason);
    }
}
