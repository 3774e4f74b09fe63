//! The thread that feeds the search index from the store. It is never needed to take an event: when it
//! lags, searches read the newest events directly; when it fails, it says so and tries again.

use crate::config::IndexConfig;
use crate::telemetry::Telemetry;
use cairn_engines::priority;
use cairn_event::Position;
use cairn_search::{Commit, FollowError, Follower, Index, IndexError, Progress};
use cairn_store::Reader;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How soon the thread looks again when nothing told it to.
const IDLE: Duration = Duration::from_millis(100);
/// How long it leaves the index alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What the thread says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FollowState {
    /// Events in the index.
    pub(crate) indexed: u64,
    /// Events that are stored and not in the index yet.
    pub(crate) behind: u64,
    /// Why it can't go on at the moment.
    pub(crate) failed: Option<String>,
}

pub(crate) struct Follow {
    shared: Arc<Mutex<Shared>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: FollowState,
    rebuild: bool,
    /// Events of which less may be shown than when they were added.
    renew: Vec<Position>,
    stop: bool,
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    // Plain flags and counts: a panic elsewhere leaves nothing half done in them.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn start(
    reader: Reader,
    index: Arc<dyn Index>,
    config: &IndexConfig,
    telemetry: Arc<Telemetry>,
) -> std::io::Result<Follow> {
    let shared = Arc::new(Mutex::new(Shared::default()));
    let thread = Loop { reader, index, config: config.clone(), telemetry, shared: shared.clone() };
    let thread = thread::Builder::new().name("cairn-follow".to_owned()).spawn(move || thread.run())?;
    Ok(Follow { shared, thread: Mutex::new(Some(thread)) })
}

impl Follow {
    pub(crate) fn state(&self) -> FollowState {
        lock(&self.shared).state.clone()
    }

    /// Has the index thrown away and built again; returns at once.
    pub(crate) fn rebuild(&self) {
        lock(&self.shared).rebuild = true;
        self.wake();
    }

    /// Has one event read again, of which less may be shown now; returns at once.
    pub(crate) fn renew(&self, position: Position) {
        lock(&self.shared).renew.push(position);
        self.wake();
    }

    /// Commits what was added and ends the thread.
    pub(crate) fn stop(&self) {
        lock(&self.shared).stop = true;
        self.wake();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that panicked has said so; the index is a cache.
            let _ = thread.join();
        }
    }

    fn wake(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.thread().unpark();
        }
    }
}

struct Loop {
    reader: Reader,
    index: Arc<dyn Index>,
    config: IndexConfig,
    telemetry: Arc<Telemetry>,
    shared: Arc<Mutex<Shared>>,
}

impl Loop {
    fn run(self) {
        priority::give_way(priority::INDEX);
        let mut follower = Follower::new();
        let mut committed = Instant::now();
        let mut uncommitted = 0;
        loop {
            let (stop, rebuild, renew) = {
                let mut shared = lock(&self.shared);
                (shared.stop, std::mem::take(&mut shared.rebuild), std::mem::take(&mut shared.renew))
            };
            if rebuild {
                tracing::info!("the search index is built anew");
                let cleared = follower.rebuild(self.index.as_ref());
                self.note(cleared.map(|()| None));
                uncommitted = 0;
            }
            for position in renew {
                let renewed = follower.renew(&self.reader, self.index.as_ref(), &position);
                if let Err(error) = renewed {
                    // Every event is read again, this one among them.
                    tracing::warn!(%error, "an event can't be replaced in the search index, which is built anew");
                    lock(&self.shared).rebuild = true;
                }
            }
            let interval = Duration::from_millis(self.config.commit_interval_ms);
            let is_due = stop || uncommitted >= self.config.commit_events || committed.elapsed() >= interval;
            let commit = if is_due { Commit::Now } else { Commit::Later };
            let max = if stop { 0 } else { self.config.step_events };
            let began = Instant::now();
            let step = follower.step(&self.reader, self.index.as_ref(), max, commit);
            let took = began.elapsed();
            if commit == Commit::Now {
                (committed, uncommitted) = (Instant::now(), 0);
            }
            let added = match &step {
                Ok(progress) => progress.added,
                Err(error) => self.recover(&mut follower, error),
            };
            let failed = step.is_err();
            self.note(step.map(Some));
            if stop {
                return;
            }
            uncommitted += added;
            // Every event on its way into the index was compared with its leaf hash.
            self.telemetry.checked(added);
            self.rest(added, failed, took);
        }
    }

    /// A cache that can't be used is built anew; anything else may pass.
    fn recover(&self, follower: &mut Follower, error: &FollowError) -> u64 {
        if matches!(error, FollowError::Foreign { .. } | FollowError::Index(IndexError::Unusable { .. })) {
            tracing::warn!(%error, "the search index is thrown away and built anew");
            if let Err(error) = follower.rebuild(self.index.as_ref()) {
                tracing::error!(%error, "the search index can't be cleared");
            }
        }
        0
    }

    fn rest(&self, added: u64, failed: bool, took: Duration) {
        if failed {
            thread::park_timeout(AFTER_FAILURE);
        } else if added == 0 {
            thread::park_timeout(IDLE);
        } else {
            let share = self.config.share_percent.clamp(1, 100);
            if share < 100 {
                thread::park_timeout(took * (100 - share) / share);
            }
        }
    }

    fn note(&self, step: Result<Option<Progress>, FollowError>) {
        let mut shared = lock(&self.shared);
        match step {
            Ok(Some(progress)) => {
                shared.state = FollowState { indexed: progress.indexed, behind: progress.behind, failed: None };
            }
            Ok(None) => shared.state.failed = None,
            Err(error) => {
                let reason = error.to_string();
                if shared.state.failed.as_ref() != Some(&reason) {
                    tracing::error!(%error, "the search index does not follow; searches read events directly");
                }
                shared.state.failed = Some(reason);
            }
        }
    }
}
