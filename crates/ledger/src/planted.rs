//! Faults that are compiled only with the feature `planted`. Each test harness has to notice them;
//! one that stays silent proves nothing.

use std::sync::atomic::{AtomicU8, Ordering};

/// A fault that can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// None: the crate works as it should.
    None = 0,
    /// The root of a tree of odd size leaves out the last leaf.
    RightEdge = 1,
}

static BUG: AtomicU8 = AtomicU8::new(Bug::None as u8);

/// Switches a fault on for the whole process, or all of them off with [`Bug::None`].
pub fn set(bug: Bug) {
    BUG.store(bug as u8, Ordering::SeqCst);
}

/// The size whose right edge makes the root: with the fault, an odd size loses its last leaf.
pub(crate) fn root_size(size: u64) -> u64 {
    if BUG.load(Ordering::SeqCst) == Bug::RightEdge as u8 && size > 1 { size & !1 } else { size }
}
