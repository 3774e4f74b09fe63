//! Events that a request names again: who they are, and receipts for them. A producer that lost its
//! answer gets with its retry all that the answer had said.

use super::results::Proven;
use crate::failure::Failure;
use cairn_event::{Json, Stored, TrailRef};
use cairn_ledger::{Hash, RangeProof, node_hash};
use cairn_store::{Reader, Receipt, SignedCheckpoint, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stored events this close together are read in one go, with what is between them.
const GAP_MAX: u64 = 64;

/// Levels of the tree in one hash tile (C2SP tlog-tiles).
const TILE_LEVELS: u32 = 8;

/// What was found.
pub(crate) struct Earlier {
    pub(crate) events: Vec<EarlierEvent>,
    /// One per run of neighbours, in the newest tree of their trail.
    pub(crate) proven: Vec<Proven>,
}

/// An event that was there before this request.
pub(crate) struct EarlierEvent {
    pub(crate) ordinals: Vec<usize>,
    pub(crate) id: Option<String>,
    pub(crate) leaf: Hash,
}

/// Reads the events at these places. The ordinals say which results name each of them.
pub(crate) fn look_up(reader: &Reader, places: &BTreeMap<(TrailRef, u64), Vec<usize>>) -> Result<Earlier, Failure> {
    let mut found = Earlier { events: Vec::with_capacity(places.len()), proven: Vec::new() };
    let mut newest: Option<(&TrailRef, Arc<SignedCheckpoint>)> = None;
    let mut window: BTreeMap<u64, Stored> = BTreeMap::new();
    let order: Vec<(&TrailRef, u64)> = places.keys().map(|(trail, index)| (trail, *index)).collect();
    for (at, ((trail, index), ordinals)) in places.iter().enumerate() {
        let absent = || Failure::internal("an event that is stored was not found", &format!("{trail}@{index}"));
        if newest.as_ref().is_none_or(|(of, _)| *of != trail) {
            // One tree for all receipts of the trail. The event was committed before, so it is in it.
            newest = Some((trail, reader.checkpoint(trail).ok_or_else(absent)?));
            window.clear();
        }
        if !window.contains_key(index) {
            let is_near = |pair: &&[(&TrailRef, u64)]| pair[1].0 == trail && pair[1].1 - pair[0].1 <= GAP_MAX;
            let end = order[at..].windows(2).take_while(is_near).last().map_or(*index, |pair| pair[1].1) + 1;
            let stored = reader.stored(trail, *index..end)?;
            window = stored.into_iter().map(|stored| (stored.position.index.0, stored)).collect();
        }
        let stored = window.get(index).ok_or_else(absent)?;
        let leaf = Hash(stored.leaf_hash);
        found.events.push(EarlierEvent { ordinals: ordinals.clone(), id: id_of(stored), leaf });
        let members = ordinals.iter().map(|ordinal| (*index, *ordinal));
        match found.proven.last_mut() {
            Some(run) if run.trail == *trail && run.receipt.first + run.receipt.count == *index => {
                run.receipt.count += 1;
                run.leaves.push(leaf);
                run.members.extend(members);
            }
            _ => {
                let (_, checkpoint) = newest.as_ref().expect("set above");
                let receipt = unproven(*index, checkpoint.clone());
                found.proven.push(Proven {
                    trail: trail.clone(),
                    receipt,
                    leaves: vec![leaf],
                    members: members.collect(),
                });
            }
        }
    }
    for run in &mut found.proven {
        let receipt = &mut run.receipt;
        let size = receipt.checkpoint.size;
        receipt.proof = RangeProof {
            first: receipt.first,
            count: receipt.count,
            size,
            left: subtrees(reader, &run.trail, 0, receipt.first)?,
            right: subtrees(reader, &run.trail, receipt.first + receipt.count, size)?,
        };
    }
    Ok(found)
}

/// A receipt for one event whose proof is made when it is known how far its run reaches.
fn unproven(first: u64, checkpoint: Arc<SignedCheckpoint>) -> Receipt {
    let proof = RangeProof { first, count: 1, size: checkpoint.size, left: Vec::new(), right: Vec::new() };
    Receipt { first, count: 1, checkpoint, proof }
}

fn id_of(stored: &Stored) -> Option<String> {
    // In the server's part if the server assigned it, else in the producer's.
    [&stored.server_text, &stored.producer_text].into_iter().find_map(|text| {
        let part = Json::parse(text.as_bytes()).ok()?;
        part.get("id")?.as_str().map(str::to_owned)
    })
}

/// Roots of the complete subtrees that fill `[from, to)`, from left to right (`formats/receipt.md`).
fn subtrees(reader: &Reader, trail: &TrailRef, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    let mut roots = Vec::new();
    let mut at = from;
    while at < to {
        let aligned = if at == 0 { u32::MAX } else { at.trailing_zeros() };
        let level = aligned.min((to - at).ilog2());
        roots.push(node(reader, trail, level, at >> level)?);
        at += 1 << level;
    }
    Ok(roots)
}

/// A node of which all leaves are there, from the tile that holds it or the nodes below it.
fn node(reader: &Reader, trail: &TrailRef, level: u32, index: u64) -> Result<Hash, StoreError> {
    let (tile_level, height) = (level / TILE_LEVELS, level % TILE_LEVELS);
    let first = index << height;
    let (tile, offset) = (first >> TILE_LEVELS, first & 0xff);
    let width = offset + (1 << height);
    let tile_level = u8::try_from(tile_level).expect("a tree has at most 64 levels");
    let bytes = reader.tile(trail, tile_level, tile, u16::try_from(width).expect("a tile holds at most 256 hashes"))?;
    let (hashes, _) = bytes.as_chunks::<32>();
    let mut hashes: Vec<Hash> = hashes[offset as usize..].iter().map(|hash| Hash(*hash)).collect();
    while hashes.len() > 1 {
        hashes = hashes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    Ok(hashes[0])
}
