//! What a stranger checks with nothing but hashes: that a leaf is in a tree, that a tree grew out of
//! another, that a run of leaves is in a tree. Algorithms of RFC 9162 §2.1.3 and §2.1.4.
//!
//! Every length is known from the numbers before a hash is looked at, and must be met exactly: a
//! proof with a hash more or less is refused even if the rest would lead to the root.
//!
//! A root alone does not tell the size of its tree, so size and root must come from one checkpoint;
//! and a node is as good as a leaf to these functions, so a leaf must be computed from its entry.

use crate::LedgerError;
use crate::hash::{Hash, empty_root, node_hash};
use crate::limits::TREE_SIZE_MAX;

/// Proof that the leaf at `index` is in the tree of `size` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index of the leaf, from zero.
    pub index: u64,
    /// Number of leaves of the tree.
    pub size: u64,
    /// The siblings of the nodes above the leaf, the leaf's own first.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// Checks the proof; see [`verify_inclusion`].
    ///
    /// # Errors
    /// As [`verify_inclusion`].
    pub fn verify(&self, leaf: &Hash, root: &Hash) -> Result<(), LedgerError> {
        verify_inclusion(leaf, self.index, self.size, &self.path, root)
    }
}

/// Proof that the tree of `from` leaves is a prefix of the tree of `to` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Number of leaves of the older tree.
    pub from: u64,
    /// Number of leaves of the newer tree.
    pub to: u64,
    /// The hashes of RFC 6962 §2.1.2.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// Checks the proof; see [`verify_consistency`].
    ///
    /// # Errors
    /// As [`verify_consistency`].
    pub fn verify(&self, from_root: &Hash, to_root: &Hash) -> Result<(), LedgerError> {
        verify_consistency(self.from, self.to, &self.path, from_root, to_root)
    }
}

/// Proof that `count` leaves in a row, from index `first` on, are in the tree of `size` leaves: the
/// complete subtrees to their left and to their right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// Index of the first leaf.
    pub first: u64,
    /// Number of leaves, at least one.
    pub count: u64,
    /// Number of leaves of the tree.
    pub size: u64,
    /// Roots of the complete subtrees that fill `[0, first)`, from left to right.
    pub left: Vec<Hash>,
    /// Roots of the complete subtrees that fill `[first + count, size)`, from left to right.
    pub right: Vec<Hash>,
}

impl RangeProof {
    /// Checks the proof; see [`verify_range`].
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if there are not exactly `count` leaves, and as [`verify_range`].
    pub fn verify(&self, leaves: &[Hash], root: &Hash) -> Result<(), LedgerError> {
        if leaves.len() as u64 != self.count {
            return Err(LedgerError::malformed("range proof", "wrong number of leaves"));
        }
        verify_range(self.first, leaves, self.size, &self.left, &self.right, root)
    }
}

/// Checks that `leaf` is at `index` of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`LedgerError::Limit`] if the index is not below the size or the size is too large,
/// [`LedgerError::Malformed`] if the path is too long or too short, [`LedgerError::Unproven`] if it
/// leads to another root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), LedgerError> {
    const WHAT: &str = "inclusion proof";
    LedgerError::check("tree size", size, TREE_SIZE_MAX)?;
    let last = size.checked_sub(1).ok_or(LedgerError::malformed(WHAT, "the tree is empty"))?;
    LedgerError::check("index", index, last)?;
    let (mut node, mut edge, mut hash) = (index, last, *leaf);
    for sibling in path {
        if edge == 0 {
            return Err(LedgerError::malformed(WHAT, "too many hashes"));
        }
        if node & 1 == 1 || node == edge {
            hash = node_hash(sibling, &hash);
            // On the right edge a node without a sibling rises unchanged.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                edge >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        edge >>= 1;
    }
    if edge != 0 {
        return Err(LedgerError::malformed(WHAT, "too few hashes"));
    }
    if hash != *root {
        return Err(LedgerError::Unproven { what: WHAT });
    }
    Ok(())
}

/// Checks that the tree of `from` leaves with `from_root` is a prefix of the tree of `to` leaves with
/// `to_root` (RFC 9162 §2.1.4.2). Trees of equal size have equal roots and an empty proof; the tree
/// without leaves is a prefix of every tree, again with an empty proof.
///
/// # Errors
/// [`LedgerError::Limit`] if `from` is above `to` or a size is too large, [`LedgerError::Malformed`]
/// if the path is too long or too short, [`LedgerError::Unproven`] if it leads to other roots.
pub fn verify_consistency(
    from: u64,
    to: u64,
    path: &[Hash],
    from_root: &Hash,
    to_root: &Hash,
) -> Result<(), LedgerError> {
    const WHAT: &str = "consistency proof";
    const UNPROVEN: LedgerError = LedgerError::Unproven { what: WHAT };
    LedgerError::check("tree size", to, TREE_SIZE_MAX)?;
    LedgerError::check("older tree size", from, to)?;
    for (size, root) in [(from, from_root), (to, to_root)] {
        if size == 0 && *root != empty_root() {
            return Err(UNPROVEN);
        }
    }
    if from == 0 || from == to {
        if !path.is_empty() {
            return Err(LedgerError::malformed(WHAT, "too many hashes"));
        }
        return if from == to && from_root != to_root { Err(UNPROVEN) } else { Ok(()) };
    }
    // A complete older tree is itself a node of the newer one: its root is where the proof starts.
    let (start, path) = if from.is_power_of_two() {
        (from_root, path)
    } else {
        path.split_first().ok_or(LedgerError::malformed(WHAT, "too few hashes"))?
    };
    let shift = (from - 1).trailing_ones();
    let (mut node, mut edge) = ((from - 1) >> shift, (to - 1) >> shift);
    let (mut older, mut newer) = (*start, *start);
    for hash in path {
        if edge == 0 {
            return Err(LedgerError::malformed(WHAT, "too many hashes"));
        }
        if node & 1 == 1 || node == edge {
            older = node_hash(hash, &older);
            newer = node_hash(hash, &newer);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                edge >>= 1;
            }
        } else {
            newer = node_hash(&newer, hash);
        }
        node >>= 1;
        edge >>= 1;
    }
    if edge != 0 {
        return Err(LedgerError::malformed(WHAT, "too few hashes"));
    }
    if older != *from_root || newer != *to_root {
        return Err(UNPROVEN);
    }
    Ok(())
}

/// Checks that `leaves` stand from index `first` on in the tree of `size` leaves with this root.
///
/// # Errors
/// [`LedgerError::Limit`] if the leaves do not lie within the tree or the size is too large,
/// [`LedgerError::Malformed`] if there are no leaves or a boundary has too many or too few hashes,
/// [`LedgerError::Unproven`] if it all leads to another root.
pub fn verify_range(
    first: u64,
    leaves: &[Hash],
    size: u64,
    left: &[Hash],
    right: &[Hash],
    root: &Hash,
) -> Result<(), LedgerError> {
    const WHAT: &str = "range proof";
    LedgerError::check("tree size", size, TREE_SIZE_MAX)?;
    LedgerError::check("first index", first, size)?;
    LedgerError::check("number of leaves", leaves.len() as u64, size - first)?;
    if leaves.is_empty() {
        return Err(LedgerError::malformed(WHAT, "proves no leaf"));
    }
    let end = first + leaves.len() as u64;
    if subtrees(0, first).count() != left.len() || subtrees(end, size).count() != right.len() {
        return Err(LedgerError::malformed(WHAT, "wrong number of hashes"));
    }
    let mut edge = Edge::default();
    subtrees(0, first).zip(left).for_each(|(at, hash)| edge.push(at.level, *hash));
    leaves.iter().for_each(|leaf| edge.push(0, *leaf));
    subtrees(end, size).zip(right).for_each(|(at, hash)| edge.push(at.level, *hash));
    if edge.root() != *root {
        return Err(LedgerError::Unproven { what: WHAT });
    }
    Ok(())
}

/// The place of a complete aligned subtree: its leaves are `[index·2^level, (index+1)·2^level)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

/// The fewest complete aligned subtrees that fill `[low, high)`, from left to right.
pub(crate) fn subtrees(low: u64, high: u64) -> impl Iterator<Item = Place> {
    let mut low = low;
    std::iter::from_fn(move || {
        let left = high.checked_sub(low).filter(|left| *left > 0)?;
        // 64 trailing zeros (low = 0) are never fewer than what fits.
        let level = low.trailing_zeros().min(left.ilog2());
        let place = Place { level: level as u8, index: low >> level };
        low += 1 << level;
        Some(place)
    })
}

/// The roots of the complete subtrees of a tree that grows: a binary counter.
#[derive(Default)]
pub(crate) struct Edge {
    nodes: Vec<(u8, Hash)>,
}

impl Edge {
    /// Adds a subtree whose place is aligned to its size, as every place of [`subtrees`] is.
    pub(crate) fn push(&mut self, level: u8, hash: Hash) {
        let (mut level, mut hash) = (level, hash);
        while let Some((_, left)) = self.nodes.pop_if(|(top, _)| *top == level) {
            hash = node_hash(&left, &hash);
            level += 1;
        }
        self.nodes.push((level, hash));
    }

    /// The root over all that was added.
    pub(crate) fn root(&self) -> Hash {
        fold(self.nodes.iter().map(|(_, hash)| *hash))
    }
}

/// The root over the complete subtrees of an edge, given from left to right.
pub(crate) fn fold(edge: impl DoubleEndedIterator<Item = Hash>) -> Hash {
    edge.rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
}

#[cfg(test)]
mod tests;
