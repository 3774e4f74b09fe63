//! The durable heart: one group of requests from plan to receipts, in order.

use super::head::Head;
use super::record::Prepared;
use super::recover::End;
use super::sequencer::{self, Heads, Placed, Run};
use super::wal::{FILE_HEADER, FRAME_HEADER, FileHeader};
use crate::blobs;
use crate::durable;
use crate::error::{StoreError, io_error};
use crate::instance::Instance;
use crate::layout;
use crate::planted::{self, Bug};
use crate::seams::KeyEntry;
use crate::shared::Shared;
use crate::trail::{Place, SignedCheckpoint, WalFile};
use cairn_event::TrailRef;
use cairn_ledger::{Hash, NoTiles, RangeProof};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What the writer says about one run of a request.
#[derive(Debug, Clone)]
pub struct RunReply {
    /// The trail.
    pub trail: TrailRef,
    /// The fate of each event, in the order of the run.
    pub placed: Vec<Placed>,
    /// Proof for the new events of the run, if there are any.
    pub receipt: Option<Receipt>,
}

/// Proof that `count` events from `first` on are durable in the tree of the checkpoint (`formats/receipt.md`).
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Index of the first event.
    pub first: u64,
    /// Number of events.
    pub count: u64,
    /// The checkpoint issued after the group became durable.
    pub checkpoint: Arc<SignedCheckpoint>,
    /// Compact ranges to the left and right of the events.
    pub proof: RangeProof,
}

/// The one writer of a data directory: owns the end of the WAL.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    file: Arc<WalFile>,
    /// Where the next frame goes in the file.
    offset: u64,
    /// Sequence number of the next frame.
    seq: u64,
    /// Hash of the last durable frame.
    previous: Hash,
    /// Checkpoints issued since the last frame.
    notes: Vec<String>,
    /// Published checkpoint sizes.
    published: BTreeMap<TrailRef, u64>,
    /// Sequence number behind the frame that `wal/HEAD` names.
    head: u64,
}

impl Writer {
    /// Opens a new WAL file behind the last durable frame.
    pub(crate) fn open(shared: Arc<Shared>, end: End) -> Result<Writer, StoreError> {
        let End { seq, hash: previous } = end;
        // First the head, saying that the log is open: a new directory's WAL never stands without one, and a torn
        // frame in the new file is never taken for damage after a clean stop.
        let mut published = BTreeMap::new();
        publish(&shared, seq - 1, previous, false, &mut published)?;
        let file = open_file(&shared, seq, previous)?;
        let offset = FILE_HEADER as u64;
        Ok(Writer { shared, file, offset, seq, previous, notes: Vec::new(), published, head: seq })
    }

    /// Commits one group: everything in it is durable, or the error stops the writer for good.
    ///
    /// The outer error means that nothing was written and the group may be refused; the inner one that the disk failed
    /// in the middle and nobody may be told that anything was stored.
    // tidy: long, order is the meaning
    pub(crate) fn commit(&mut self, requests: &[Vec<Run>]) -> Result<Vec<Vec<RunReply>>, CommitError> {
        let plan = sequencer::step(requests, &self.notes, self.shared.as_ref())
            .map_err(|error| CommitError::Refused(io_error("look up an idempotency key")(error)))?;
        if plan.grown.is_empty() {
            return Ok(replies(plan.requests, &mut Vec::new()));
        }
        // A seed block must be durable before any event whose salts come from it. A crash here leaves an unused block.
        for trail in plan.grown.keys() {
            self.persist_seeds(trail).map_err(CommitError::Fatal)?;
        }
        // So must be what an event only names. A crash here leaves blobs that no event names, which harm nobody.
        for (trail, newcomers) in &plan.grown {
            for blob in newcomers.iter().flat_map(|newcomer| &newcomer.event.blobs) {
                blobs::put(self.shared.disk.as_ref(), trail, blob).map_err(CommitError::Fatal)?;
            }
        }
        if self.offset >= self.shared.config.wal_file_bytes {
            self.roll().map_err(CommitError::Fatal)?;
        }
        let (frame, hash) = plan.body.frame(self.seq, &self.previous);
        // A crash in here leaves a torn tail, which recovery cuts: nobody was answered yet.
        let written = self.file.file.pwrite(&frame, self.offset);
        written.map_err(|error| CommitError::Fatal(io_error(format!("write {}", self.file.path))(error)))?;
        if !planted::on(Bug::AckBeforeSync) {
            let synced = durable::sync(self.file.file.as_ref());
            synced.map_err(|error| CommitError::Fatal(io_error(format!("sync {}", self.file.path))(error)))?;
        }
        // The head moves only after the sync: a crash before this line replays the frame or cuts it.
        let body = self.offset + FRAME_HEADER as u64;
        let now = self.shared.clock.now();
        self.notes.clear();
        let mut receipts = Vec::new();
        for (name, newcomers) in &plan.grown {
            let trail = self.shared.trail(name);
            let mut state = trail.write();
            for newcomer in newcomers {
                let Prepared { leaf, key, fingerprint, .. } = *newcomer.event;
                let length = u32::try_from(newcomer.place.len()).expect("a record is limited to far less than 4 GiB");
                let place = Place { file: self.file.clone(), offset: body + newcomer.place.start as u64, length };
                self.shared.unsealed_bytes_add(u64::from(length));
                state.advance(leaf, key, fingerprint, place, now);
            }
            // Signed only now: a root is never signed over leaves that a crash could take back.
            let (size, root) = (state.tree.size(), state.tree.root());
            let checkpoint = Arc::new(SignedCheckpoint::sign(&self.shared, &trail.origin, size, root));
            self.notes.push(checkpoint.note.clone());
            state.checkpoint = Some(checkpoint.clone());
            // Under the lock: the sealer may prune what a fresh proof needs as soon as it is released.
            for new in plan.requests.iter().flatten().filter(|run| run.trail == *name).map(|run| &run.new) {
                let (first, count) = (new.start, new.end - new.start);
                if count > 0 {
                    let proof = state.tree.range(first, count, size, &NoTiles).expect("fresh leaves are not pruned");
                    receipts.push((name.clone(), Receipt { first, count, checkpoint: checkpoint.clone(), proof }));
                }
            }
        }
        self.shared.wal_grew(self.file.first_seq, plan.grown.keys());
        let events = plan.grown.values().map(|newcomers| newcomers.len() as u64).sum();
        self.shared.counters.group(events, frame.len() as u64);
        self.offset += frame.len() as u64;
        self.seq += 1;
        self.previous = hash;
        Ok(replies(plan.requests, &mut receipts))
    }

    fn persist_seeds(&self, name: &TrailRef) -> Result<(), StoreError> {
        let trail = self.shared.trail(name);
        let unwritten = trail.seeds().unwritten();
        for (block, bytes) in unwritten {
            let path = layout::seed_file(name, block);
            let disk = self.shared.disk.as_ref();
            durable::create_dirs(disk, &layout::seeds_dir(name)).map_err(io_error("create the folder of a trail"))?;
            durable::put(disk, &path, &bytes).map_err(io_error(format!("write {path}")))?;
            trail.seeds().written(block);
        }
        Ok(())
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.file = open_file(&self.shared, self.seq, self.previous)?;
        self.offset = FILE_HEADER as u64;
        Ok(())
    }

    /// Writes checkpoint files and the WAL head where they are behind; `closed` says that nothing will follow.
    pub(crate) fn publish(&mut self, closed: bool) -> Result<(), StoreError> {
        if self.head != self.seq || closed {
            publish(&self.shared, self.seq - 1, self.previous, closed, &mut self.published)?;
            self.head = self.seq;
        }
        Ok(())
    }
}

/// Writes checkpoint files that are behind, then the head: a trail that the head names has a checkpoint file.
fn publish(
    shared: &Shared,
    seq: u64,
    frame_hash: Hash,
    closed: bool,
    published: &mut BTreeMap<TrailRef, u64>,
) -> Result<(), StoreError> {
    let disk = shared.disk.as_ref();
    let mut trails = Vec::new();
    for trail in shared.trails() {
        let Some(checkpoint) = trail.read().checkpoint.clone() else { continue };
        if published.get(&trail.name) != Some(&checkpoint.size) {
            let dir = layout::trail_dir(&trail.name);
            durable::create_dirs(disk, &dir).map_err(io_error("create the folder of a trail"))?;
            let path = layout::checkpoint(&trail.name);
            durable::put(disk, &path, checkpoint.note.as_bytes()).map_err(io_error(format!("write {path}")))?;
            published.insert(trail.name.clone(), checkpoint.size);
        }
        trails.push((trail.name.clone(), checkpoint.size, checkpoint.root));
    }
    let Instance { host, .. } = &shared.instance;
    let head = Head { host: host.clone(), instance: shared.instance.id_text(), seq, frame_hash, closed, trails };
    head.write(disk, shared.signer.as_ref())
}

/// Joins the fates of the events with the receipts of the runs that grew a trail.
fn replies(requests: Vec<Vec<sequencer::PlannedRun>>, receipts: &mut Vec<(TrailRef, Receipt)>) -> Vec<Vec<RunReply>> {
    let mut receipts: BTreeMap<(TrailRef, u64), Receipt> =
        receipts.drain(..).map(|(trail, receipt)| ((trail, receipt.first), receipt)).collect();
    let mut reply = |run: sequencer::PlannedRun| {
        let receipt = if run.new.is_empty() { None } else { receipts.remove(&(run.trail.clone(), run.new.start)) };
        RunReply { trail: run.trail, placed: run.placed, receipt }
    };
    requests.into_iter().map(|runs| runs.into_iter().map(&mut reply).collect()).collect()
}

/// Why a group was not committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing was written; the writer goes on.
    Refused(StoreError),
    /// The disk failed in the middle: the one kind of error that stops the writer.
    Fatal(StoreError),
}

fn open_file(shared: &Shared, seq: u64, previous: Hash) -> Result<Arc<WalFile>, StoreError> {
    let path = layout::wal_file(seq);
    let disk = shared.disk.as_ref();
    // The header appears whole or not at all. A file of this name holds no frame: a start that stopped before its first
    // group left it, and it is replaced.
    let header = FileHeader { instance: shared.instance.id, first_seq: seq, previous }.encode();
    let opened = durable::put(disk, &path, &header).and_then(|()| disk.open(&path));
    let file = opened.map_err(io_error(format!("open {path}")))?;
    let file = Arc::new(WalFile { path, first_seq: seq, file });
    shared.wal_opened(file.clone());
    Ok(file)
}

impl Heads for Shared {
    fn size(&self, trail: &TrailRef) -> u64 {
        self.trail(trail).read().tree.size()
    }

    fn find(&self, trail: &TrailRef, key: &[u8; 32]) -> io::Result<Option<KeyEntry>> {
        if let Some(entry) = self.trail(trail).read().keys.get(key) {
            return Ok(Some(*entry));
        }
        self.keys.get(trail, key)
    }
}
