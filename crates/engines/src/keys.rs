//! Idempotency keys of sealed events in an LSM tree: a cache under `index/keys`, rebuilt from the segments when it is gone.

use cairn_event::TrailRef;
use cairn_ledger::sha256;
use cairn_store::seams::{KeyEntry, KeyIndex};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::io;
use std::path::Path;

/// Bytes of decoded blocks that are kept in memory.
const CACHE_BYTES: u64 = 32 << 20;
/// Bytes of new keys in memory before they are written out as a table.
const MEMTABLE_BYTES: u64 = 16 << 20;
/// Bytes of a key that are stored: 128 bits of a SHA-256 name every event there will ever be.
const KEY_BYTES: usize = 16;

/// A [`KeyIndex`] on disk.
pub struct FjallKeys {
    database: Database,
    keys: Keyspace,
    covered: Keyspace,
}

impl FjallKeys {
    /// Opens or makes the index in this folder.
    ///
    /// # Errors
    /// When the folder can't be used or what is in it is damaged: it may be deleted then.
    pub fn open(path: &Path) -> io::Result<FjallKeys> {
        let builder = Database::builder(path).cache_size(CACHE_BYTES).worker_threads(1).manual_journal_persist(true);
        let database = builder.open().map_err(io::Error::other)?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keys = database.keyspace("keys", options).map_err(io::Error::other)?;
        let covered = database.keyspace("covered", KeyspaceCreateOptions::default).map_err(io::Error::other)?;
        Ok(FjallKeys { database, keys, covered })
    }
}

fn stored_key(trail: &TrailRef, key: &[u8; 32]) -> [u8; 8 + KEY_BYTES] {
    let mut stored = [0; 8 + KEY_BYTES];
    stored[..8].copy_from_slice(&sha256(trail.to_string().as_bytes()).as_bytes()[..8]);
    stored[8..].copy_from_slice(&key[..KEY_BYTES]);
    stored
}

impl KeyIndex for FjallKeys {
    fn get(&self, trail: &TrailRef, key: &[u8; 32]) -> io::Result<Option<KeyEntry>> {
        let Some(value) = self.keys.get(stored_key(trail, key)).map_err(io::Error::other)? else { return Ok(None) };
        let entry = value.split_first_chunk::<8>().and_then(|(index, rest)| {
            Some(KeyEntry { index: u64::from_be_bytes(*index), fingerprint: rest.try_into().ok()? })
        });
        entry
            .map(Some)
            .ok_or_else(|| io::Error::other("an entry of the key index is malformed; delete the folder index/keys"))
    }

    fn absorb(&self, trail: &TrailRef, upto: u64, keys: &[([u8; 32], KeyEntry)]) -> io::Result<()> {
        let mut batch = self.database.batch();
        for (key, entry) in keys {
            let mut value = [0; 24];
            value[..8].copy_from_slice(&entry.index.to_be_bytes());
            value[8..].copy_from_slice(&entry.fingerprint);
            batch.insert(&self.keys, stored_key(trail, key), value);
        }
        batch.insert(&self.covered, trail.to_string(), upto.to_be_bytes());
        batch.commit().map_err(io::Error::other)?;
        self.database.persist(PersistMode::Buffer).map_err(io::Error::other)
    }

    fn covered(&self, trail: &TrailRef) -> io::Result<u64> {
        let value = self.covered.get(trail.to_string()).map_err(io::Error::other)?;
        let number = |value: fjall::Slice| value.as_ref().try_into().map(u64::from_be_bytes);
        value.map_or(Ok(0), |value| {
            number(value).map_err(|_| io::Error::other("the mark of the key index is malformed"))
        })
    }
}
