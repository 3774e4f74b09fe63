//! The RFC 6962 tree of a log that grows without end.
//!
//! Every complete node from level 8 upwards stays in memory: one hash in 128 leaves. Below that, only
//! what was not pruned: the rest is computed from the leaf hashes of one tile when it is asked for,
//! and compared with the nodes that are known before anything is made of it.

mod nodes;

use std::collections::VecDeque;
use std::ops::Range;

use self::nodes::Nodes;
pub use self::nodes::{LeafTiles, NoTiles};
use crate::hash::{Hash, node_hash};
use crate::limits::{TILE_HEIGHT, TILE_LEVEL_MAX, TILE_WIDTH, TREE_SIZE_MAX};
use crate::proof::{ConsistencyProof, Edge, InclusionProof, Place, RangeProof, fold, subtrees};
use crate::{LedgerError, TreeError, planted};

/// The complete nodes of one level, from `first` on.
#[derive(Clone, Default)]
struct Level {
    first: u64,
    hashes: VecDeque<Hash>,
}

impl Level {
    fn get(&self, index: u64) -> Option<Hash> {
        self.hashes.get(usize::try_from(index.checked_sub(self.first)?).ok()?).copied()
    }
}

/// A tree that only grows.
#[derive(Clone, Default)]
pub struct Tree {
    size: u64,
    /// Level `l` ends with node `size >> l` (exclusive). At levels below 8 the front may be missing,
    /// but never a node of the right edge.
    levels: Vec<Level>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("size", &self.size).field("root", &self.root()).finish()
    }
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of `size` leaves from its [`Tree::edge`] and all its nodes of level 8. Leaf hashes of
    /// the whole tree are then asked from [`LeafTiles`], even those of the last, partial tile.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] on too large a size, [`LedgerError::Malformed`] if there are too many
    /// or too few hashes, [`LedgerError::Unproven`] if edge and nodes belong to different trees.
    pub fn from_edge(size: u64, edge: &[Hash], nodes8: &[Hash]) -> Result<Self, LedgerError> {
        const WHAT: &str = "edge of a tree";
        LedgerError::check("tree size", size, TREE_SIZE_MAX)?;
        let low_bits = u64::from(TILE_HEIGHT);
        if subtrees(0, size).count() != edge.len() || nodes8.len() as u64 != size >> low_bits {
            return Err(LedgerError::malformed(WHAT, "wrong number of hashes"));
        }
        let mut tree = Self { size, levels: Vec::new() };
        for level in 0..TILE_HEIGHT {
            tree.level_mut(level).first = size >> level;
        }
        for node in nodes8 {
            tree.carry(TILE_HEIGHT, *node);
        }
        for (place, hash) in subtrees(0, size).zip(edge) {
            if place.level < TILE_HEIGHT {
                let level = tree.level_mut(place.level);
                level.first = place.index;
                level.hashes.push_back(*hash);
            } else if tree.node(place) != Some(*hash) {
                return Err(LedgerError::Unproven { what: WHAT });
            }
        }
        Ok(tree)
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and returns its index. Costs one node hash on average.
    ///
    /// # Panics
    /// If the tree already has [`TREE_SIZE_MAX`] leaves.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        assert!(self.size < TREE_SIZE_MAX, "the tree is full");
        let index = self.size;
        self.carry(0, leaf);
        self.size += 1;
        index
    }

    /// Appends a node at a level, and above it every node that it completes.
    fn carry(&mut self, level: u8, node: Hash) {
        let (mut level, mut node) = (level, node);
        loop {
            let here = self.level_mut(level);
            here.hashes.push_back(node);
            let count = here.first + here.hashes.len() as u64;
            if count % 2 == 1 {
                return;
            }
            let left = here.get(count - 2).expect("a node without its parent is on the right edge, which is kept");
            node = node_hash(&left, &node);
            level += 1;
        }
    }

    fn level_mut(&mut self, level: u8) -> &mut Level {
        let level = usize::from(level);
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        &mut self.levels[level]
    }

    /// The root. Costs one node hash for each complete subtree but one.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(self.edge_of(planted::root_size(self.size)).into_iter())
    }

    /// The roots of the complete subtrees of `[0, size)`, from left to right: enough to go on
    /// appending and to give every later root. With [`Tree::nodes8`] it is the whole tree.
    #[must_use]
    pub fn edge(&self) -> Vec<Hash> {
        self.edge_of(self.size)
    }

    fn edge_of(&self, size: u64) -> Vec<Hash> {
        subtrees(0, size).map(|place| self.node(place).expect("the right edge is kept")).collect()
    }

    /// Nodes of level 8: one for each full tile of 256 leaves in `range`.
    ///
    /// # Panics
    /// If the range does not lie within the full tiles of the tree.
    #[must_use]
    pub fn nodes8(&self, range: Range<u64>) -> Vec<Hash> {
        assert!(range.start <= range.end && range.end <= self.size >> TILE_HEIGHT, "no such tiles");
        range.map(|index| self.node(Place { level: TILE_HEIGHT, index }).expect("levels from 8 on are kept")).collect()
    }

    /// Forgets the levels below 8 of every full tile before `below_index`.
    pub fn prune(&mut self, below_index: u64) {
        let below = below_index.min(self.size) / TILE_WIDTH * TILE_WIDTH;
        for (level, here) in self.levels.iter_mut().take(TILE_HEIGHT.into()).enumerate() {
            let first = below >> level;
            let gone = first.saturating_sub(here.first).min(here.hashes.len() as u64);
            here.hashes.drain(..gone as usize);
            here.first += gone;
            here.hashes.shrink_to(2 * here.hashes.len());
        }
    }

    /// A complete node, if the tree holds it.
    fn node(&self, at: Place) -> Option<Hash> {
        self.levels.get(usize::from(at.level))?.get(at.index)
    }

    fn nodes<'a, T: LeafTiles>(&'a self, tiles: &'a T) -> Nodes<'a, T> {
        Nodes::new(self, tiles)
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if the tree is smaller; the others on pruned leaf tiles.
    pub fn root_at<T: LeafTiles>(&self, size: u64, tiles: &T) -> Result<Hash, TreeError<T::Error>> {
        self.check("size", size, self.size + 1)?;
        let mut nodes = self.nodes(tiles);
        let edge: Vec<Hash> = subtrees(0, size).map(|place| nodes.get(place)).collect::<Result<_, _>>()?;
        Ok(fold(edge.into_iter()))
    }

    /// The root over the leaves `[low, high)`, which must be a subtree of some tree: `low` is a
    /// multiple of the smallest power of two that is not below `high - low`.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if it is not, or does not lie within the tree; the others on pruned
    /// leaf tiles.
    pub fn subtree<T: LeafTiles>(&self, low: u64, high: u64, tiles: &T) -> Result<Hash, TreeError<T::Error>> {
        self.check("end of a subtree", high, self.size + 1)?;
        self.check("start of a subtree", low, high)?;
        if !low.is_multiple_of((high - low).next_power_of_two()) {
            return Err(TreeError::OutOfRange { what: "unaligned start of a subtree", got: low, bound: high });
        }
        self.nodes(tiles).range(low, high)
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if not `index < size` and `size` at most the tree's own; the others
    /// on pruned leaf tiles.
    pub fn inclusion<T: LeafTiles>(
        &self,
        index: u64,
        size: u64,
        tiles: &T,
    ) -> Result<InclusionProof, TreeError<T::Error>> {
        self.check("size", size, self.size + 1)?;
        self.check("index", index, size)?;
        let mut siblings = Vec::with_capacity(TILE_LEVEL_MAX.into());
        let (mut low, mut high) = (0, size);
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                siblings.push((middle, high));
                high = middle;
            } else {
                siblings.push((low, middle));
                low = middle;
            }
        }
        let mut nodes = self.nodes(tiles);
        let path = siblings.iter().rev().map(|(low, high)| nodes.range(*low, *high)).collect::<Result<_, _>>()?;
        Ok(InclusionProof { index, size, path })
    }

    /// The proof that the first `from` leaves are a prefix of the first `to` leaves.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if not `from` ≤ `to` ≤ the tree's size; the others on pruned leaf
    /// tiles.
    pub fn consistency<T: LeafTiles>(
        &self,
        from: u64,
        to: u64,
        tiles: &T,
    ) -> Result<ConsistencyProof, TreeError<T::Error>> {
        self.check("size", to, self.size + 1)?;
        self.check("older size", from, to + 1)?;
        if from == 0 {
            return Ok(ConsistencyProof { from, to, path: Vec::new() });
        }
        let mut ranges = Vec::with_capacity(TILE_LEVEL_MAX.into());
        let (mut low, mut high) = (0, to);
        while from != high {
            let middle = low + split(high - low);
            if from <= middle {
                ranges.push((middle, high));
                high = middle;
            } else {
                ranges.push((low, middle));
                low = middle;
            }
        }
        // What is left is the last complete piece of the older tree. If that is all of it, the
        // verifier has its root already.
        if low > 0 {
            ranges.push((low, high));
        }
        let mut nodes = self.nodes(tiles);
        let path = ranges.iter().rev().map(|(low, high)| nodes.range(*low, *high)).collect::<Result<_, _>>()?;
        Ok(ConsistencyProof { from, to, path })
    }

    /// The proof that `count` leaves from `first` on are in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if `count` is zero or the leaves do not lie within the first `size`
    /// of the tree; the others on pruned leaf tiles.
    pub fn range<T: LeafTiles>(
        &self,
        first: u64,
        count: u64,
        size: u64,
        tiles: &T,
    ) -> Result<RangeProof, TreeError<T::Error>> {
        self.check("size", size, self.size + 1)?;
        self.check("first index", first, size)?;
        self.check("number of leaves before the first", 0, count)?;
        self.check("number of leaves", count, size - first + 1)?;
        let mut nodes = self.nodes(tiles);
        let left = subtrees(0, first).map(|place| nodes.get(place)).collect::<Result<_, _>>()?;
        let right = subtrees(first + count, size).map(|place| nodes.get(place)).collect::<Result<_, _>>()?;
        Ok(RangeProof { first, count, size, left, right })
    }

    /// The first `width` hashes of C2SP tile `n` of a tile level: leaf hashes at level 0, above that
    /// the roots of full tiles of the level below.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`] if the tree has no such hashes or the width is not 1 to 256; the
    /// others on pruned leaf tiles.
    pub fn hash_tile<T: LeafTiles>(
        &self,
        level: u8,
        n: u64,
        width: u16,
        tiles: &T,
    ) -> Result<Vec<Hash>, TreeError<T::Error>> {
        self.check("tile level", level.into(), u64::from(TILE_LEVEL_MAX) + 1)?;
        self.check("zero width of a tile", 0, width.into())?;
        self.check("tile width", width.into(), TILE_WIDTH + 1)?;
        let height = u32::from(level) * u32::from(TILE_HEIGHT);
        let available = self.size.checked_shr(height).unwrap_or(0);
        self.check("tile number", n, available.div_ceil(TILE_WIDTH))?;
        let first = n * TILE_WIDTH;
        self.check("tile width", width.into(), available - first + 1)?;
        let mut nodes = self.nodes(tiles);
        let level = u8::try_from(height).expect("a level with nodes is below 64");
        (first..first + u64::from(width)).map(|index| nodes.get(Place { level, index })).collect()
    }

    /// Refuses `got` unless it is below `bound`.
    fn check<E: std::error::Error + 'static>(
        &self,
        what: &'static str,
        got: u64,
        bound: u64,
    ) -> Result<(), TreeError<E>> {
        if got < bound { Ok(()) } else { Err(TreeError::OutOfRange { what, got, bound }) }
    }
}

/// The root over leaf hashes (RFC 6962 §2.1).
#[must_use]
pub fn mth(leaves: &[Hash]) -> Hash {
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(0, *leaf));
    edge.root()
}

/// The largest power of two below `count`, which is at least two (RFC 6962 §2.1).
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
