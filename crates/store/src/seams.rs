//! Where the store meets the outside world: small traits, one production and one simulated implementation each.
//!
//! Everything durable, timed, random or external enters through here, so that a simulator can drive the whole
//! commit, seal and recovery path and inject a fault at any call.

use cairn_event::TrailRef;
use jiff::Timestamp;
use std::io;

/// A folder that holds a data directory. Paths are relative, with `/`, and never contain event data.
///
/// Nothing is durable before the file's [`DiskFile::sync_data`] returned and, for a file that appeared or moved,
/// [`Disk::sync_dir`] of its folder returned. Calls may come from several threads; the store never writes one file
/// from two of them.
pub trait Disk: Send + Sync {
    /// Creates a file that must not exist, readable by the owner alone.
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that exists, for reading and, where the user may, for writing.
    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Moves a file over another in one step. Durable after `sync_dir` of the target's folder.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after `sync_dir` of its folder.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Names in a folder, sorted, folders included. A missing folder is `NotFound`.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Creates one folder whose parent exists, for the owner alone. An existing one is not an error.
    fn create_dir(&self, dir: &str) -> io::Result<()>;
    /// Makes the names in a folder durable. `""` is the data directory itself.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Bytes that can still be written.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Takes the one exclusive lock on the directory; it ends when the guard is dropped or the process dies.
    /// `WouldBlock` when somebody else holds it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Send + Sync>>;
}

/// One open file of a [`Disk`].
pub trait DiskFile: Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; 0 at or after the end.
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset` or fails; after a failure any part of them may be there.
    fn pwrite(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes all bytes written so far and the file's length durable (`fdatasync`). After a failure nothing may be
    /// assumed about the bytes written since the last success, also not that a second call will notice.
    fn sync_data(&self) -> io::Result<()>;
    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file to `size` bytes.
    fn truncate(&self, size: u64) -> io::Result<()>;
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now, by the server's clock.
    fn now(&self) -> Timestamp;
}

/// Secret randomness for seed blocks and identifiers.
pub trait Entropy: Send + Sync {
    /// 32 bytes that nobody can guess.
    fn secret(&self) -> [u8; 32];
}

/// Where an idempotency key was first used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Index of the event in its trail.
    pub index: u64,
    /// Fingerprint of its content.
    pub fingerprint: [u8; 16],
}

/// The idempotency keys of sealed events: a cache over the segments.
///
/// Keys of unsealed events live in memory, rebuilt from the WAL. `absorb` and its `covered` mark must become durable
/// together or not at all, in the order of the calls; losing the newest calls in a crash is allowed, since the store
/// feeds again everything from `covered` on at the next start.
pub trait KeyIndex: Send + Sync {
    /// Looks a key up.
    fn get(&self, trail: &TrailRef, key: &[u8; 32]) -> io::Result<Option<KeyEntry>>;
    /// Adds the keys of the events `covered(trail)..upto`. A key that is present already keeps its first entry.
    fn absorb(&self, trail: &TrailRef, upto: u64, keys: &[([u8; 32], KeyEntry)]) -> io::Result<()>;
    /// All events of the trail below this index have been absorbed.
    fn covered(&self, trail: &TrailRef) -> io::Result<u64>;
}
