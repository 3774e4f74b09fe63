//! The two threads of a store: one writes the log, one seals it.

use crate::commit::sequencer::Run;
use crate::commit::writer::{CommitError, RunReply, Writer};
use crate::error::{StoreError, io_error};
use crate::seal::{self, Sealed};
use crate::shared::Shared;
use crate::trail::Trail;
use cairn_event::TrailRef;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Takes the writer's answer to one request. Called on the writer's thread: it must not block.
pub type Reply = Box<dyn FnOnce(Result<Vec<RunReply>, StoreError>) + Send>;

/// One request on its way to the writer.
pub(crate) struct Submission {
    pub(crate) runs: Vec<Run>,
    pub(crate) bytes: u64,
    pub(crate) reply: Reply,
}

pub(crate) enum ToWriter {
    Commit(Submission),
    /// Finish what is queued, publish, and say when that is done.
    Close(Sender<Result<(), StoreError>>),
}

pub(crate) enum ToSealer {
    /// Seal everything of one trail, or of all.
    Seal(Option<TrailRef>, Sender<Result<Vec<Sealed>, StoreError>>),
    Stop,
}

/// How often free space is looked at.
const SPACE_CHECK: Duration = Duration::from_millis(200);
/// How often the sealer looks for trails that are due.
const SEAL_CHECK: Duration = Duration::from_millis(200);
/// How long the sealer leaves a trail alone after it could not seal it.
const SEAL_RETRY: Duration = Duration::from_secs(10);

/// The writer's thread.
pub(crate) struct WriterLoop {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
    pub(crate) inbox: Receiver<ToWriter>,
    pub(crate) queued_bytes: Arc<AtomicU64>,
    published: Instant,
    space_checked: Option<Instant>,
    free_bytes: u64,
}

impl WriterLoop {
    pub(crate) fn new(
        shared: Arc<Shared>,
        writer: Writer,
        inbox: Receiver<ToWriter>,
        queued_bytes: Arc<AtomicU64>,
    ) -> WriterLoop {
        let published = Instant::now();
        WriterLoop { shared, writer, inbox, queued_bytes, published, space_checked: None, free_bytes: 0 }
    }

    /// Runs until every sender is gone or a close was asked for. After a fatal error it only refuses.
    pub(crate) fn run(mut self) {
        let interval = Duration::from_millis(self.shared.config.publish_interval_ms.max(1));
        loop {
            match self.inbox.recv_timeout(interval) {
                Ok(ToWriter::Commit(first)) => {
                    if let Some(done) = self.group(first) {
                        return self.close(done);
                    }
                }
                Ok(ToWriter::Close(done)) => return self.close(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.published.elapsed() >= interval && self.shared.stopped.get().is_none() {
                if let Err(error) = self.writer.publish(false) {
                    self.stop(&error);
                }
                self.published = Instant::now();
            }
        }
    }

    /// Gathers a group around its first request, commits it and answers. Gives back a close that arrived meanwhile.
    fn group(&mut self, first: Submission) -> Option<Sender<Result<(), StoreError>>> {
        let config = &self.shared.config;
        let deadline = Instant::now() + Duration::from_millis(config.group_wait_ms_max);
        let (mut bytes, mut group, mut close) = (first.bytes, vec![first], None);
        while bytes < config.group_bytes_max {
            match self.inbox.recv_deadline(deadline) {
                Ok(ToWriter::Commit(next)) => {
                    bytes += next.bytes;
                    group.push(next);
                }
                Ok(ToWriter::Close(done)) => {
                    close = Some(done);
                    break;
                }
                Err(_) => break,
            }
        }
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let (runs, replies): (Vec<_>, Vec<_>) = group.into_iter().map(|one| (one.runs, one.reply)).unzip();
        match self.commit(&runs) {
            Ok(answers) => replies.into_iter().zip(answers).for_each(|(reply, answer)| reply(Ok(answer))),
            Err(error) => replies.into_iter().for_each(|reply| reply(Err(error.clone()))),
        }
        close
    }

    fn commit(&mut self, runs: &[Vec<Run>]) -> Result<Vec<Vec<RunReply>>, StoreError> {
        if let Some(reason) = self.shared.stopped.get() {
            return Err(StoreError::WriterStopped { reason: reason.clone() });
        }
        self.check_space()?;
        let started = Instant::now();
        match self.writer.commit(runs) {
            Ok(answers) => {
                self.shared.counters.committed(started.elapsed().as_secs_f64());
                Ok(answers)
            }
            Err(CommitError::Refused(error)) => Err(error),
            Err(CommitError::Fatal(error)) => Err(self.stop(&error)),
        }
    }

    fn check_space(&mut self) -> Result<(), StoreError> {
        if self.space_checked.is_none_or(|checked| checked.elapsed() > SPACE_CHECK) {
            self.free_bytes = self.shared.disk.free_bytes().map_err(io_error("read the free disk space"))?;
            self.space_checked = Some(Instant::now());
        }
        let reserve_bytes = self.shared.config.disk_reserve_bytes;
        if self.free_bytes < reserve_bytes {
            return Err(StoreError::DiskReserve { free_bytes: self.free_bytes, reserve_bytes });
        }
        Ok(())
    }

    fn stop(&self, error: &StoreError) -> StoreError {
        let reason = error.to_string();
        tracing::error!(reason, "the writer stops: nothing more is accepted until a restart");
        self.shared.stop(reason.clone());
        StoreError::WriterStopped { reason }
    }

    fn close(mut self, done: Sender<Result<(), StoreError>>) {
        while let Ok(ToWriter::Commit(submission)) = self.inbox.try_recv() {
            let _ = self.group(submission);
        }
        let result = match self.shared.stopped.get() {
            Some(reason) => Err(StoreError::WriterStopped { reason: reason.clone() }),
            None => self.writer.publish(true),
        };
        // Whoever asked may have gone; the directory is closed all the same.
        let _ = done.send(result);
    }
}

/// The sealer's thread: seals what is due, and what is asked for.
pub(crate) fn run_sealer(shared: &Shared, inbox: &Receiver<ToSealer>) {
    let mut pause_until = Instant::now();
    loop {
        match inbox.recv_timeout(SEAL_CHECK) {
            Ok(ToSealer::Seal(trail, reply)) => {
                // Whoever asked may have gone; what was sealed stays sealed.
                let _ = reply.send(seal_all(shared, trail.as_ref()));
            }
            Ok(ToSealer::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() < pause_until {
            continue;
        }
        if let Err(error) = seal_due(shared, inbox) {
            tracing::error!(%error, "a trail could not be sealed; its events stay in the write-ahead log");
            pause_until = Instant::now() + SEAL_RETRY;
        }
    }
}

fn seal_due(shared: &Shared, inbox: &Receiver<ToSealer>) -> Result<(), StoreError> {
    for trail in shared.trails() {
        while inbox.is_empty() && is_due(shared, &trail) {
            if seal_one(shared, &trail)?.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn is_due(shared: &Shared, trail: &Trail) -> bool {
    let (config, state) = (&shared.config, trail.read());
    let age_ms = state
        .unsealed_since
        .map_or(0, |since| u64::try_from(shared.clock.now().as_millisecond() - since.as_millisecond()).unwrap_or(0));
    state.unsealed.len() as u64 >= config.seal_events
        || state.unsealed_bytes >= config.seal_bytes
        || (!state.unsealed.is_empty() && age_ms >= config.seal_age_ms)
}

fn seal_one(shared: &Shared, trail: &Trail) -> Result<Option<Sealed>, StoreError> {
    let started = Instant::now();
    let sealed = seal::seal(shared, trail, shared.config.seal_events)?;
    if let Some(sealed) = &sealed {
        shared.counters.sealed();
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!(trail = %sealed.trail, first = sealed.first, last = sealed.last, bytes = sealed.bytes, seconds, "sealed");
    }
    Ok(sealed)
}

fn seal_all(shared: &Shared, only: Option<&TrailRef>) -> Result<Vec<Sealed>, StoreError> {
    let mut all = Vec::new();
    for trail in shared.trails() {
        if only.is_some_and(|only| *only != trail.name) {
            continue;
        }
        // Events that arrive meanwhile are for the next call.
        let upto = trail.read().tree.size();
        while trail.read().sealed < upto {
            match seal_one(shared, &trail)? {
                Some(sealed) => all.push(sealed),
                None => break,
            }
        }
    }
    Ok(all)
}
