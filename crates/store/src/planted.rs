//! Deliberate faults for proving that the test harnesses bite. Compiled in only with the feature `planted`.

/// A fault that can be switched on in a build with the feature `planted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// Receipts go out although the frame was not synced.
    AckBeforeSync = 1,
    /// Files appear and move without their folder being synced.
    SkipDirSync = 2,
    /// The frame hash leaves out the last byte of the body.
    HashMissesLastByte = 3,
    /// A repeated idempotency key gets a new index.
    RetryTakesNewIndex = 4,
}

#[cfg(feature = "planted")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Switches one fault on, or all off with `None`, for the whole process.
#[cfg(feature = "planted")]
pub fn set(bug: Option<Bug>) {
    ACTIVE.store(bug.map_or(0, |bug| bug as u8), std::sync::atomic::Ordering::SeqCst);
}

#[cfg(feature = "planted")]
pub(crate) fn on(bug: Bug) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::SeqCst) == bug as u8
}

#[cfg(not(feature = "planted"))]
pub(crate) const fn on(_: Bug) -> bool {
    false
}
