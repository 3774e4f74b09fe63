//! A world in memory for simulations: a disk that loses what was not synced, and fails where it is told to.
//!
//! One seed decides everything, so the same seed gives the same run, operation by operation; [`World::trace`] proves it.

mod disk;
mod event;
mod keys;

pub use disk::{Fault, SimDisk, World};
pub use event::{event, large_event};
pub use keys::MemoryKeys;

use cairn_store::seams::{Clock, Entropy};
use jiff::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A clock that moves only when it is told to.
pub struct SimClock(AtomicI64);

impl SimClock {
    /// A clock that shows this second since the epoch.
    pub fn at(second: i64) -> SimClock {
        SimClock(AtomicI64::new(second * 1000))
    }

    /// Moves the clock, forwards or backwards.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).expect("a simulation stays within all years")
    }
}

/// A small fast generator for decisions (splitmix64); no secret comes from it outside simulations.
#[derive(Debug)]
pub struct Dice(AtomicU64);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn roll(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Secrets of a simulation, from its seed.
pub struct SimEntropy(Dice);

impl SimEntropy {
    /// The secrets of a seed.
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Dice::new(seed ^ 0x5eed))
    }
}

impl Entropy for SimEntropy {
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.0.roll().to_be_bytes()));
        bytes
    }
}
