//! The store as the rest of Cairn sees it: open, prepare, submit, read, seal, close.

use crate::commit::record::Prepared;
use crate::commit::recover::{Recovered, recover};
use crate::commit::sequencer::Run;
use crate::commit::writer::Writer;
use crate::config::StoreConfig;
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::instance::Instance;
use crate::layout;
use crate::read::Reader;
use crate::seal::{self, Sealed};
use crate::shared::{Engines, Shared};
use crate::stats::StoreStats;
use crate::threads::{Reply, Submission, ToSealer, ToWriter, WriterLoop, run_sealer};
use crate::trail::bytes_of;
use cairn_event::{Event, TrailRef};
use crossbeam_channel::{Sender, TrySendError, bounded};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How soon a producer should try again when the queue is full.
const RETRY_AFTER_MS: u64 = 250;
/// Seal requests that may wait.
const SEAL_REQUESTS_MAX: usize = 16;

/// An open data directory. Cheap to clone; the last clone does not close it, [`Store::close`] does.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    writer: Sender<ToWriter>,
    sealer: Sender<ToSealer>,
    queued_bytes: Arc<AtomicU64>,
    running: Arc<Mutex<Option<Running>>>,
}

/// What ends with the store.
struct Running {
    threads: Vec<JoinHandle<()>>,
    _lock: Box<dyn Send + Sync>,
}

/// How a store is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Why the writer stopped for good, if it did.
    pub stopped: Option<String>,
    /// Bytes free on the disk.
    pub free_bytes: u64,
    /// Bytes that are kept free.
    pub reserve_bytes: u64,
    /// Requests that wait for the writer.
    pub queued_requests: usize,
    /// Bytes that wait for the writer.
    pub queued_bytes: u64,
    /// Bytes of events that are durable in the WAL and not sealed yet.
    pub unsealed_bytes: u64,
}

impl Store {
    /// Opens a data directory, or makes a new one, and starts its two threads.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it, [`StoreError::Corrupt`] when its bytes do not hold.
    pub fn open(engines: Engines, config: StoreConfig) -> Result<(Store, Recovered), StoreError> {
        let give_way = engines.give_way;
        let (shared, writer, lock, recovered) = open(engines, config)?;
        let (to_writer, inbox) = bounded(shared.config.queue_requests_max);
        let (to_sealer, seal_inbox) = bounded(SEAL_REQUESTS_MAX);
        let queued_bytes = Arc::new(AtomicU64::new(0));
        let writer_loop = WriterLoop::new(shared.clone(), writer, inbox, queued_bytes.clone());
        let sealing = shared.clone();
        let threads = vec![
            spawn("cairn-writer", move || writer_loop.run())?,
            spawn("cairn-sealer", move || {
                give_way();
                run_sealer(&sealing, &seal_inbox);
            })?,
        ];
        let running = Arc::new(Mutex::new(Some(Running { threads, _lock: lock })));
        Ok((Store { shared, writer: to_writer, sealer: to_sealer, queued_bytes, running }, recovered))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Who the data directory is.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// Draws a key number for an event and commits to its slots: all the work that needs no order.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the event has more slots than a log entry can hold.
    pub fn prepare(
        &self,
        trail: &TrailRef,
        event: &Event,
        key: [u8; 32],
        fingerprint: [u8; 16],
    ) -> Result<Prepared, StoreError> {
        crate::commit::prepare(&self.shared, trail, event, key, fingerprint)
            .map_err(|error| StoreError::Io { what: "commit to an event".to_owned(), error: error.to_string() })
    }

    /// Hands a request to the writer. Never blocks; `reply` is called once, soon with an error when nothing was taken,
    /// else when the request's group is durable.
    pub fn submit(&self, runs: Vec<Run>, reply: Reply) {
        let bytes: u64 = runs.iter().map(|run| bytes_of(&run.events)).sum();
        if let Some(reason) = self.shared.stopped.get() {
            return reply(Err(StoreError::WriterStopped { reason: reason.clone() }));
        }
        let config = &self.shared.config;
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let full = queued > 0 && queued + bytes > config.queue_bytes_max;
        if full || self.shared.unsealed_bytes() > config.unsealed_bytes_max {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return reply(Err(StoreError::Busy { retry_after_ms: RETRY_AFTER_MS }));
        }
        match self.writer.try_send(ToWriter::Commit(Submission { runs, bytes, reply })) {
            Ok(()) => {}
            Err(TrySendError::Full(ToWriter::Commit(Submission { reply, .. }))) => {
                self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                reply(Err(StoreError::Busy { retry_after_ms: RETRY_AFTER_MS }));
            }
            Err(TrySendError::Disconnected(ToWriter::Commit(Submission { reply, .. }))) => {
                reply(Err(StoreError::WriterStopped { reason: "the store is closed".to_owned() }));
            }
            Err(_) => unreachable!("try_send gives back what it was given"),
        }
    }

    /// Reads events and proofs.
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone() }
    }

    /// Seals what one trail, or all, have now. Blocks until it is done.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; the events stay in the WAL then.
    pub fn seal(&self, trail: Option<&TrailRef>) -> Result<Vec<Sealed>, StoreError> {
        let closed = || StoreError::WriterStopped { reason: "the store is closed".to_owned() };
        let (reply, answer) = bounded(1);
        self.sealer.send(ToSealer::Seal(trail.cloned(), reply)).map_err(|_| closed())?;
        answer.recv().map_err(|_| closed())?
    }

    /// How the store is doing.
    pub fn health(&self) -> Health {
        Health {
            stopped: self.shared.stopped.get().cloned(),
            free_bytes: self.shared.disk.free_bytes().unwrap_or(0),
            reserve_bytes: self.shared.config.disk_reserve_bytes,
            queued_requests: self.writer.len(),
            queued_bytes: self.queued_bytes.load(Ordering::Relaxed),
            unsealed_bytes: self.shared.unsealed_bytes(),
        }
    }

    /// Counters of the write path.
    pub fn stats(&self) -> StoreStats {
        self.shared.counters.read()
    }

    /// Stored bytes of each trail: in segments, and unsealed in the WAL.
    pub fn sizes(&self) -> Vec<(TrailRef, u64, u64)> {
        let size = |trail: Arc<crate::trail::Trail>| {
            let state = trail.read();
            let sealed = state.segments.iter().map(|segment| segment.file_bytes).sum();
            (trail.name.clone(), sealed, state.unsealed_bytes)
        };
        self.shared.trails().into_iter().map(size).collect()
    }

    /// Commits what is queued, publishes the heads and gives the directory back. Later submissions are refused.
    ///
    /// # Errors
    /// [`StoreError::WriterStopped`] when the writer had stopped before; nothing that was acknowledged is lost then
    /// either.
    pub fn close(&self) -> Result<(), StoreError> {
        let Some(running) = self.running.lock().expect("no holder of the threads panics").take() else {
            return Ok(());
        };
        // The sealer first: it must not move while the last heads are written.
        let _ = self.sealer.send(ToSealer::Stop);
        let (done, closed) = bounded(1);
        let sent = self.writer.send(ToWriter::Close(done));
        let result = match sent {
            Ok(()) => closed.recv().unwrap_or(Ok(())),
            Err(_) => Ok(()),
        };
        for thread in running.threads {
            // A thread that panicked has said so; the directory must be given back all the same.
            let _ = thread.join();
        }
        result
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(io_error(format!("start {name}")))
}

type Opened = (Arc<Shared>, Writer, Box<dyn Send + Sync>, Recovered);

/// Locks, identifies and recovers a directory; the threads are not started yet.
pub(crate) fn open(engines: Engines, config: StoreConfig) -> Result<Opened, StoreError> {
    let disk = engines.disk.as_ref();
    let lock = disk.lock(layout::LOCK).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StoreError::Locked,
        _ => io_error("lock the data directory")(error),
    })?;
    durable::create_dirs(disk, layout::KEYS).map_err(io_error("create the keys folder"))?;
    let instance = match Instance::read(disk)? {
        Some(instance) => instance,
        None if disk.list(layout::WAL).is_ok() => {
            return Err(Corrupt::in_file(layout::ID, "the file is missing, but there is a WAL").into());
        }
        None => Instance::create(disk, engines.entropy.as_ref(), config.host.as_deref())?,
    };
    let shared = Arc::new(Shared::new(engines, instance, config));
    let (end, recovered) = recover(&shared)?;
    let writer = Writer::open(shared.clone(), end)?;
    seal::release_wal(&shared)?;
    Ok((shared, writer, lock, recovered))
}
