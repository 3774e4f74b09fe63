//! What can go wrong in the store, named for the side at fault.

use cairn_event::TrailRef;
use std::io;

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too much is waiting; nothing was taken. Ask again after the given time.
    #[error("the write queue is full; try again in {retry_after_ms} ms")]
    Busy {
        /// Milliseconds to wait before another try.
        retry_after_ms: u64,
    },
    /// The disk reserve is reached; nothing was taken.
    #[error(
        "{free_bytes} bytes are free on the disk and {reserve_bytes} are kept in reserve; free some space or lower `disk_reserve_bytes`"
    )]
    DiskReserve {
        /// Bytes free now.
        free_bytes: u64,
        /// Bytes that must stay free.
        reserve_bytes: u64,
    },
    /// A write or sync failed earlier and the writer stopped for good: restart after the disk is repaired.
    #[error("the writer stopped: {reason}")]
    WriterStopped {
        /// What happened first.
        reason: String,
    },
    /// The directory is in use by another process.
    #[error("the data directory is in use by another process (its LOCK is held)")]
    Locked,
    /// Stored bytes are not what was written. Nothing was changed; `cairn verify` says more.
    #[error("{0}")]
    Corrupt(Box<Corrupt>),
    /// The trail has no such index.
    #[error("{trail} has {size} events; there is no index {index}")]
    NoSuchIndex {
        /// The trail asked for.
        trail: TrailRef,
        /// The index asked for.
        index: u64,
        /// Events in the trail.
        size: u64,
    },
    /// The operating system refused a file operation.
    #[error("{what}: {error}")]
    Io {
        /// The operation and the file.
        what: String,
        /// The system's words.
        error: String,
    },
}

/// A place where stored bytes do not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt {
    /// File, relative to the data directory.
    pub file: String,
    /// Byte offset in the file where the damaged part begins, when it is known.
    pub offset: Option<u64>,
    /// The trail concerned, when it is known.
    pub trail: Option<TrailRef>,
    /// First and last index concerned, when they are known.
    pub range: Option<(u64, u64)>,
    /// What does not hold.
    pub what: String,
}

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        if let Some(trail) = &self.trail {
            write!(f, ", {trail}")?;
        }
        if let Some((first, last)) = self.range {
            write!(f, "@{first}..{last}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl Corrupt {
    /// Damage in a file whose exact place is not known.
    pub fn in_file(file: impl Into<String>, what: impl Into<String>) -> Corrupt {
        Corrupt { file: file.into(), offset: None, trail: None, range: None, what: what.into() }
    }

    /// Adds the byte offset.
    pub fn at(mut self, offset: u64) -> Corrupt {
        self.offset = Some(offset);
        self
    }

    /// Adds trail and index range.
    pub fn of(mut self, trail: &TrailRef, range: Option<(u64, u64)>) -> Corrupt {
        self.trail = Some(trail.clone());
        self.range = range;
        self
    }
}

impl From<Corrupt> for StoreError {
    fn from(corrupt: Corrupt) -> Self {
        StoreError::Corrupt(Box::new(corrupt))
    }
}

/// Names the operation and the file an I/O error belongs to.
pub(crate) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::Io { what: what.into(), error: error.to_string() }
}
