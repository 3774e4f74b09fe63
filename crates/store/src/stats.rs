//! Counters and histograms of the write path, read by whoever exports metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Seconds; a commit is expected between 0.1 and 25 ms.
const SECONDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
/// Events in a group.
const EVENTS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0];

/// A histogram at one moment: `counts[i]` values are at most `bounds[i]` and above the bound before; one more count
/// stands for those above all bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds.
    pub bounds: Vec<f64>,
    /// Values per bound, and above all.
    pub counts: Vec<u64>,
    /// Sum of all values.
    pub sum: f64,
}

/// The write path at one moment, since the start of the process.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreStats {
    /// Commit groups written.
    pub groups: u64,
    /// Events that got an index.
    pub events: u64,
    /// Bytes written to the WAL.
    pub wal_bytes: u64,
    /// Segments sealed.
    pub segments: u64,
    /// Events per group.
    pub group_events: Histogram,
    /// Seconds from the start of a group to its durability.
    pub commit_seconds: Histogram,
}

struct Buckets {
    bounds: &'static [f64; 12],
    counts: [AtomicU64; 13],
    sum_millionths: AtomicU64,
}

impl Buckets {
    const fn new(bounds: &'static [f64; 12]) -> Buckets {
        Buckets { bounds, counts: [const { AtomicU64::new(0) }; 13], sum_millionths: AtomicU64::new(0) }
    }

    fn add(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_millionths.fetch_add((value * 1e6) as u64, Relaxed);
    }

    fn read(&self) -> Histogram {
        Histogram {
            bounds: self.bounds.to_vec(),
            counts: self.counts.iter().map(|count| count.load(Relaxed)).collect(),
            sum: self.sum_millionths.load(Relaxed) as f64 / 1e6,
        }
    }
}

/// Where the threads of the store count.
pub(crate) struct Counters {
    groups: AtomicU64,
    events: AtomicU64,
    wal_bytes: AtomicU64,
    segments: AtomicU64,
    group_events: Buckets,
    commit_seconds: Buckets,
}

impl Counters {
    pub(crate) const fn new() -> Counters {
        Counters {
            groups: AtomicU64::new(0),
            events: AtomicU64::new(0),
            wal_bytes: AtomicU64::new(0),
            segments: AtomicU64::new(0),
            group_events: Buckets::new(&EVENTS),
            commit_seconds: Buckets::new(&SECONDS),
        }
    }

    pub(crate) fn group(&self, events: u64, bytes: u64) {
        self.groups.fetch_add(1, Relaxed);
        self.events.fetch_add(events, Relaxed);
        self.wal_bytes.fetch_add(bytes, Relaxed);
        self.group_events.add(events as f64);
    }

    pub(crate) fn committed(&self, seconds: f64) {
        self.commit_seconds.add(seconds);
    }

    pub(crate) fn sealed(&self) {
        self.segments.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> StoreStats {
        StoreStats {
            groups: self.groups.load(Relaxed),
            events: self.events.load(Relaxed),
            wal_bytes: self.wal_bytes.load(Relaxed),
            segments: self.segments.load(Relaxed),
            group_events: self.group_events.read(),
            commit_seconds: self.commit_seconds.read(),
        }
    }
}
