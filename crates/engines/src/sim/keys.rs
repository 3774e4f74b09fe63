//! Idempotency keys in memory.

use cairn_event::TrailRef;
use cairn_store::seams::{KeyEntry, KeyIndex};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Mutex;

/// A [`KeyIndex`] that is gone when the process is, as a deleted cache would be.
#[derive(Default)]
pub struct MemoryKeys(Mutex<Maps>);

#[derive(Default)]
struct Maps {
    keys: HashMap<(TrailRef, [u8; 32]), KeyEntry>,
    covered: BTreeMap<TrailRef, u64>,
}

impl KeyIndex for MemoryKeys {
    fn get(&self, trail: &TrailRef, key: &[u8; 32]) -> io::Result<Option<KeyEntry>> {
        Ok(self.0.lock().expect("no holder panics").keys.get(&(trail.clone(), *key)).copied())
    }

    fn absorb(&self, trail: &TrailRef, upto: u64, keys: &[([u8; 32], KeyEntry)]) -> io::Result<()> {
        let mut maps = self.0.lock().expect("no holder panics");
        for (key, entry) in keys {
            maps.keys.entry((trail.clone(), *key)).or_insert(*entry);
        }
        maps.covered.insert(trail.clone(), upto);
        Ok(())
    }

    fn covered(&self, trail: &TrailRef) -> io::Result<u64> {
        Ok(self.0.lock().expect("no holder panics").covered.get(trail).copied().unwrap_or(0))
    }
}
