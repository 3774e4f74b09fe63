//! The thread that reads everything again, slowly: each event against its leaf hash, all leaf hashes
//! against the root of the newest checkpoint, the checkpoint against the key, and values against the rules
//! of protection. `cairn verify` checks more (files, manifests, the write-ahead log); this one runs beside
//! the work and feeds the metrics.

use crate::config::ScrubConfig;
use crate::protection::Keys;
use crate::telemetry::Telemetry;
use cairn_admit::Protection;
use cairn_admit::protect::{Rules, uncovered};
use cairn_event::{Positions, ReadError, Stored, TrailRef};
use cairn_ledger::{Checkpoint, Hash, PublicKey, Tree, VerifierKey};
use cairn_store::Reader;
use cairn_store::seams::Clock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Events read at once.
const STEP_EVENTS: u64 = 512;

pub(crate) struct Scrub {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is read, and under which key it must hold.
pub(crate) struct Subject {
    pub(crate) reader: Reader,
    pub(crate) public: [u8; 32],
    /// Host part of every log origin.
    pub(crate) host: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telemetry: Arc<Telemetry>,
    /// What must not be in a trail, and the keys of each tenant.
    pub(crate) rules: Arc<Rules>,
    pub(crate) keys: Arc<Keys>,
}

impl Scrub {
    /// Starts the thread, unless the settings turn it off.
    pub(crate) fn start(subject: Subject, config: ScrubConfig) -> std::io::Result<Scrub> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut thread = None;
        if config.interval_ms > 0 {
            let stop = stop.clone();
            let run = move || Loop { subject, config, stop }.run();
            thread = Some(thread::Builder::new().name("cairn-scrub".to_owned()).spawn(run)?);
        }
        Ok(Scrub { stop, thread: Mutex::new(thread) })
    }

    /// Ends the thread within one step.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            thread.thread().unpark();
            // A thread that panicked has said so; it holds nothing.
            let _ = thread.join();
        }
    }
}

struct Loop {
    subject: Subject,
    config: ScrubConfig,
    stop: Arc<AtomicBool>,
}

/// How a pass over one trail ended.
enum Outcome {
    Whole,
    Stopped,
    Damaged(String),
}

impl Loop {
    fn run(self) {
        self.wait(Duration::from_millis(self.config.first_after_ms));
        while !self.is_stopped() {
            let began = Instant::now();
            if self.pass() {
                let now = u64::try_from(self.subject.clock.now().as_second()).unwrap_or(0);
                self.subject.telemetry.full_pass(now);
                tracing::info!(seconds = began.elapsed().as_secs(), "every stored event was checked");
            }
            self.wait(Duration::from_millis(self.config.interval_ms));
        }
    }

    /// Checks every trail; true if all of them were whole.
    fn pass(&self) -> bool {
        let mut whole = true;
        for trail in self.subject.reader.trails() {
            match self.check(&trail) {
                Outcome::Whole => {}
                Outcome::Stopped => return false,
                Outcome::Damaged(reason) => {
                    tracing::error!(%trail, reason, "stored events do not hold; `cairn verify trail` says more");
                    self.subject.telemetry.damaged();
                    whole = false;
                }
            }
        }
        whole
    }

    fn check(&self, trail: &TrailRef) -> Outcome {
        let Some(newest) = self.subject.reader.checkpoint(trail) else { return Outcome::Whole };
        let mut tree = Tree::new();
        while tree.size() < newest.size {
            if self.is_stopped() {
                return Outcome::Stopped;
            }
            let began = Instant::now();
            let first = tree.size();
            let stored = match self.subject.reader.read(trail, first..newest.size.min(first + STEP_EVENTS)) {
                Ok(stored) if stored.is_empty() => return Outcome::Damaged(format!("index {first} can't be found")),
                Ok(stored) => stored,
                // What can't be reached now is looked at in the next pass.
                Err(ReadError::Unavailable { .. } | ReadError::UnknownTrail(_)) => return Outcome::Stopped,
                Err(error @ ReadError::Corrupt { .. }) => return Outcome::Damaged(error.to_string()),
            };
            for event in &stored {
                tree.push(Hash(event.leaf_hash));
            }
            self.look_for_values(trail, &stored);
            tree.prune(tree.size());
            self.subject.telemetry.checked(stored.len() as u64);
            self.rest(began.elapsed());
        }
        if tree.root() != newest.root {
            return Outcome::Damaged(format!(
                "the events do not lead to the root of the checkpoint of size {}",
                newest.size
            ));
        }
        match self.opened(trail, &newest.note) {
            Some(checkpoint) if checkpoint.size() == newest.size && *checkpoint.root() == newest.root => Outcome::Whole,
            _ => Outcome::Damaged(format!("the checkpoint of size {} is not signed by the log", newest.size)),
        }
    }

    /// Counts events with values that a rule covers: one that was added since, or one that missed them (M9).
    fn look_for_values(&self, trail: &TrailRef, stored: &[Stored]) {
        let keys = self.subject.keys.of(&trail.tenant);
        let protection = Protection { rules: &self.subject.rules, keys: &keys };
        let holds_one = |stored: &&Stored| stored.event().is_ok_and(|event| !uncovered(protection, event).is_empty());
        let failing = stored.iter().filter(holds_one).count();
        self.subject.telemetry.scanned(stored.len() as u64, failing as u64);
        if failing > 0 {
            tracing::warn!(%trail, failing, "stored events hold values that a rule covers; `cairn redaction scan` names them");
        }
    }

    fn opened(&self, trail: &TrailRef, note: &str) -> Option<Checkpoint> {
        let key = PublicKey::from_bytes(&self.subject.public).ok()?;
        let key = VerifierKey::new(&format!("{}/t/{trail}", self.subject.host), key).ok()?;
        Checkpoint::open(note.as_bytes(), &[key]).ok()
    }

    fn rest(&self, worked: Duration) {
        let share = self.config.share_percent.clamp(1, 100);
        self.wait(worked * (100 - share) / share);
    }

    fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
