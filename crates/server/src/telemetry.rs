//! What the node counts, and how Prometheus sees it. Series are named in `docs/reference/http.md`.

mod export;

use cairn_api::v1::SubmitAnswer;
use cairn_event::Class;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(crate) use export::scrape;

/// Upper bounds in seconds. Ingest is expected between 0.2 ms and 25 ms, searches below 100 ms.
const SECONDS: [f64; 15] =
    [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Events older than this when they arrive are history that is loaded later; how long ago it happened
/// says nothing about how fast the path from the producer is.
const HISTORY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a read was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Search,
    Who,
    Timeline,
    Event,
}

impl Read {
    const ALL: [Read; 4] = [Read::Search, Read::Who, Read::Timeline, Read::Event];

    const fn as_str(self) -> &'static str {
        match self {
            Read::Search => "search",
            Read::Who => "who",
            Read::Timeline => "timeline",
            Read::Event => "event",
        }
    }
}

/// The counters of one node, since its start.
pub(crate) struct Telemetry {
    received_to_durable: [Buckets; 3],
    emitted_to_durable: [Buckets; 3],
    reads: [Buckets; 4],
    received: AtomicU64,
    stored: AtomicU64,
    duplicate: AtomicU64,
    quarantined: AtomicU64,
    sampled: AtomicU64,
    refused: AtomicU64,
    conflicts: AtomicU64,
    /// Requests that were not done, by the code of their problem. The codes are a short fixed list.
    problems: Mutex<BTreeMap<String, u64>>,
    events_checked: AtomicU64,
    events_damaged: AtomicU64,
    /// Seconds since 1970 of the last time that every stored event was checked; 0 if not since the start.
    full_pass_at: AtomicU64,
    /// Stored events that were looked at for values that a rule covers, and those with such a value.
    redaction_scanned: AtomicU64,
    redaction_failing: AtomicU64,
}

/// A histogram that many threads add to.
struct Buckets {
    counts: [AtomicU64; SECONDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Buckets {
    const fn new() -> Buckets {
        Buckets { counts: [const { AtomicU64::new(0) }; SECONDS.len() + 1], sum_micros: AtomicU64::new(0) }
    }

    fn add(&self, value: Duration, times: u64) {
        let seconds = value.as_secs_f64();
        let bucket = SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(SECONDS.len());
        self.counts[bucket].fetch_add(times, Relaxed);
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros.saturating_mul(times), Relaxed);
    }
}

fn class_number(class: Class) -> usize {
    match class {
        Class::Critical => 0,
        Class::Standard => 1,
        Class::Bulk => 2,
    }
}

const CLASSES: [Class; 3] = [Class::Critical, Class::Standard, Class::Bulk];

impl Telemetry {
    pub(crate) fn new() -> Telemetry {
        Telemetry {
            received_to_durable: [const { Buckets::new() }; 3],
            emitted_to_durable: [const { Buckets::new() }; 3],
            reads: [const { Buckets::new() }; 4],
            received: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            duplicate: AtomicU64::new(0),
            quarantined: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            problems: Mutex::default(),
            events_checked: AtomicU64::new(0),
            events_damaged: AtomicU64::new(0),
            full_pass_at: AtomicU64::new(0),
            redaction_scanned: AtomicU64::new(0),
            redaction_failing: AtomicU64::new(0),
        }
    }

    /// One request was answered. Its counts add up, so the sums do.
    pub(crate) fn answered(&self, answer: &SubmitAnswer) {
        self.received.fetch_add(answer.received, Relaxed);
        self.stored.fetch_add(answer.stored, Relaxed);
        self.duplicate.fetch_add(answer.duplicate, Relaxed);
        self.quarantined.fetch_add(answer.quarantined, Relaxed);
        self.sampled.fetch_add(answer.sampled, Relaxed);
        self.refused.fetch_add(answer.refused, Relaxed);
        self.conflicts.fetch_add(answer.conflicts, Relaxed);
    }

    /// Events of one class became durable this long after their request had arrived.
    pub(crate) fn received_to_durable(&self, class: Class, waited: Duration, events: u64) {
        self.received_to_durable[class_number(class)].add(waited, events);
    }

    /// An event became durable this long after it had happened.
    pub(crate) fn emitted_to_durable(&self, class: Class, waited: Duration) {
        if waited < HISTORY {
            self.emitted_to_durable[class_number(class)].add(waited, 1);
        }
    }

    /// A read was answered.
    pub(crate) fn read(&self, read: Read, took: Duration) {
        self.reads[read as usize].add(took, 1);
    }

    /// A request was not done.
    pub(crate) fn problem(&self, code: &str) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problems.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(problems.insert(code.to_owned(), 1)),
        }
    }

    /// Stored events were read and found to be what was committed to.
    pub(crate) fn checked(&self, events: u64) {
        self.events_checked.fetch_add(events, Relaxed);
    }

    /// Everything was checked, at this second since 1970.
    pub(crate) fn full_pass(&self, at: u64) {
        self.full_pass_at.store(at, Relaxed);
    }

    /// Stored events were looked at for values that a rule covers.
    pub(crate) fn scanned(&self, events: u64, failing: u64) {
        self.redaction_scanned.fetch_add(events, Relaxed);
        self.redaction_failing.fetch_add(failing, Relaxed);
    }

    /// A stored event is not what was committed to.
    pub(crate) fn damaged(&self) {
        self.events_checked.fetch_add(1, Relaxed);
        self.events_damaged.fetch_add(1, Relaxed);
    }
}
