//! What must be true of a store, kept apart from the store: every answer it ever gave.

use anyhow::{Context, bail, ensure};
use cairn_event::{Positions, TrailRef};
use cairn_ledger::{Hash, verify_consistency};
use cairn_store::Reader;
use std::collections::{BTreeMap, HashMap};

/// An event that was offered to the store.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) trail: TrailRef,
    /// Which of the scenario's events: also its text in the store.
    pub(crate) name: String,
}

/// Everything the store has acknowledged or left open.
#[derive(Default)]
pub(crate) struct Model {
    /// Acknowledged events: their index and leaf hash.
    acknowledged: BTreeMap<(TrailRef, String), (u64, Hash)>,
    /// Events whose request failed: they may be there or not.
    open: BTreeMap<(TrailRef, String), ()>,
    /// Checkpoints that were handed out.
    checkpoints: BTreeMap<TrailRef, BTreeMap<u64, Hash>>,
}

impl Model {
    pub(crate) fn acknowledge(&mut self, offered: &Offered, index: u64, leaf: Option<Hash>) -> anyhow::Result<()> {
        let key = (offered.trail.clone(), offered.name.clone());
        self.open.remove(&key);
        match self.acknowledged.get_mut(&key) {
            Some((before, _)) => ensure!(*before == index, "{} had index {before}, now {index}", offered.name),
            None => {
                // The leaf of an event that a failed request left behind is only known when it is read.
                self.acknowledged.insert(key, (index, leaf.unwrap_or_default()));
            }
        }
        Ok(())
    }

    pub(crate) fn leave_open(&mut self, offered: &Offered) {
        let key = (offered.trail.clone(), offered.name.clone());
        if !self.acknowledged.contains_key(&key) {
            self.open.insert(key, ());
        }
    }

    pub(crate) fn is_acknowledged(&self, offered: &Offered) -> bool {
        self.acknowledged.contains_key(&(offered.trail.clone(), offered.name.clone()))
    }

    pub(crate) fn checkpoint(&mut self, trail: &TrailRef, size: u64, root: Hash) -> anyhow::Result<()> {
        let sizes = self.checkpoints.entry(trail.clone()).or_default();
        match sizes.insert(size, root) {
            Some(before) if before != root => bail!("two roots were signed for {trail} at size {size}"),
            _ => Ok(()),
        }
    }

    /// Compares everything with what the store holds now.
    pub(crate) fn check(&self, reader: &Reader) -> anyhow::Result<()> {
        let mut found: HashMap<(TrailRef, String), Vec<(u64, Hash)>> = HashMap::new();
        for trail in reader.trails() {
            let size = reader.size(&trail);
            let mut at = 0;
            while at < size {
                let events = reader.stored(&trail, at..size).context("read the trail")?;
                ensure!(!events.is_empty(), "{trail} has {size} events, but none can be read at {at}");
                for event in events {
                    ensure!(event.position.index.0 == at, "{trail}@{at} is followed by {}", event.position);
                    let name = name_of(&event.producer_text)?;
                    found.entry((trail.clone(), name)).or_default().push((at, Hash::from(event.leaf_hash)));
                    at += 1;
                }
            }
        }
        for ((trail, name), places) in &found {
            ensure!(places.len() == 1, "{name} stands {} times in {trail}: {places:?}", places.len());
            let key = (trail.clone(), name.clone());
            let known = self.acknowledged.contains_key(&key) || self.open.contains_key(&key);
            ensure!(known, "{name} stands in {trail}, but nobody offered it");
        }
        for ((trail, name), (index, leaf)) in &self.acknowledged {
            let place = found.get(&(trail.clone(), name.clone())).and_then(|places| places.first());
            let Some((at, found)) = place else { bail!("{name} was acknowledged at {trail}@{index} and is lost") };
            ensure!(at == index, "{name} was acknowledged at {trail}@{index} and stands at {at}");
            ensure!(*leaf == Hash::default() || leaf == found, "{name} has another leaf hash than was acknowledged");
        }
        self.check_checkpoints(reader)
    }

    /// Every checkpoint ever handed out is a prefix of the present tree.
    fn check_checkpoints(&self, reader: &Reader) -> anyhow::Result<()> {
        for (trail, sizes) in &self.checkpoints {
            let now = reader.checkpoint(trail).with_context(|| format!("{trail} lost its checkpoint"))?;
            for (size, root) in sizes {
                ensure!(*size <= now.size, "{trail} was signed at size {size} and has {} now", now.size);
                let proof = reader.consistency(trail, *size, now.size).context("prove consistency")?;
                verify_consistency(*size, now.size, &proof.path, root, &now.root).with_context(|| {
                    format!("{trail}: the tree of size {size} is not a prefix of that of {}", now.size)
                })?;
            }
        }
        Ok(())
    }
}

/// The scenario's name of an event, out of its text.
fn name_of(text: &str) -> anyhow::Result<String> {
    let json = cairn_event::Json::parse(text.as_bytes()).context("an event's text")?;
    let name =
        json.pointer("/resource/name").and_then(cairn_event::Json::as_str).context("an event without its name")?;
    Ok(name.to_owned())
}
