//! Inclusion paths for the events of a receipt, from nothing but the receipt and their leaf hashes.
//!
//! A receipt proves a run of leaves at once (`formats/receipt.md`). A producer that wants the path of one
//! event gets it for the very tree of the receipt's checkpoint, however much the trail has grown since.

use cairn_ledger::{Hash, RangeProof, node_hash};
use std::collections::BTreeMap;

/// The nodes of a tree that are known from a range proof and its leaves, level by level.
pub(crate) struct Paths {
    /// For each level, the number of its nodes and those that are known, by index.
    levels: Vec<(u64, BTreeMap<u64, Hash>)>,
}

impl Paths {
    /// `leaves` are the `proof.count` leaves from `proof.first` on.
    pub(crate) fn new(proof: &RangeProof, leaves: &[Hash]) -> Paths {
        assert_eq!(leaves.len() as u64, proof.count, "a receipt covers exactly its leaves");
        let mut given = complete_subtrees(0, proof.first, &proof.left);
        given.extend(complete_subtrees(proof.first + proof.count, proof.size, &proof.right));
        let mut known: BTreeMap<u64, Hash> = (proof.first..).zip(leaves.iter().copied()).collect();
        let mut levels = Vec::new();
        let (mut level, mut width) = (0, proof.size);
        while width > 0 {
            known.extend(given.iter().filter(|node| node.0 == level).map(|node| (node.1, node.2)));
            let parents = parents(&known, width);
            levels.push((width, std::mem::replace(&mut known, parents)));
            (level, width) = (level + 1, if width == 1 { 0 } else { width.div_ceil(2) });
        }
        Paths { levels }
    }

    /// The RFC 6962 path of the leaf at `index`, which is one of the run.
    pub(crate) fn path(&self, index: u64) -> Vec<Hash> {
        let mut path = Vec::with_capacity(self.levels.len());
        let mut node = index;
        for (width, known) in &self.levels {
            let sibling = node ^ 1;
            // On the right edge a node without a sibling rises unchanged.
            if sibling < *width {
                path.push(*known.get(&sibling).expect("run, left and right side cover the tree"));
            }
            node >>= 1;
        }
        path
    }
}

/// Level, index and hash of each of the complete subtrees that fill `[from, to)`, from left to right.
fn complete_subtrees(from: u64, to: u64, hashes: &[Hash]) -> Vec<(u32, u64, Hash)> {
    let mut at = from;
    let mut nodes = Vec::with_capacity(hashes.len());
    for hash in hashes {
        // The largest subtree that begins here and does not reach beyond the end.
        let aligned = if at == 0 { u32::MAX } else { at.trailing_zeros() };
        let level = aligned.min((to - at).ilog2());
        nodes.push((level, at >> level, *hash));
        at += 1 << level;
    }
    assert_eq!(at, to, "the subtrees of a receipt fill its sides exactly");
    nodes
}

fn parents(known: &BTreeMap<u64, Hash>, width: u64) -> BTreeMap<u64, Hash> {
    let left = known.iter().filter(|(index, _)| *index % 2 == 0);
    let parent = |(index, hash): (&u64, &Hash)| {
        if index + 1 == width {
            return Some((index / 2, *hash));
        }
        known.get(&(index + 1)).map(|right| (index / 2, node_hash(hash, right)))
    };
    left.filter_map(parent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_ledger::{InclusionProof, NoTiles, Tree, leaf_hash};

    #[test]
    fn every_path_out_of_every_receipt_leads_to_the_root() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| leaf_hash(&[n])).collect();
        let mut tree = Tree::new();
        for (size, leaf) in (1..).zip(&leaves) {
            tree.push(*leaf);
            for first in 0..size {
                for count in 1..=size - first {
                    let proof = tree.range(first, count, size, &NoTiles).expect("nothing is pruned");
                    let run = &leaves[first as usize..(first + count) as usize];
                    let paths = Paths::new(&proof, run);
                    // The ends and the middle of the run; the others are like them.
                    for index in [first, first + count / 2, first + count - 1] {
                        let proof = InclusionProof { index, size, path: paths.path(index) };
                        proof.verify(&leaves[index as usize], &tree.root()).expect("the path leads to the root");
                    }
                }
            }
        }
    }
}
