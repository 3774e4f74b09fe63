//! Nodes that the tree no longer holds, computed from leaf tiles.

use super::Tree;
use crate::TreeError;
use crate::hash::{Hash, node_hash};
use crate::limits::{TILE_HEIGHT, TILE_WIDTH};
use crate::proof::{Place, fold, subtrees};

/// Where the leaf hashes of pruned tiles come from.
pub trait LeafTiles {
    /// Why a tile could not be read.
    type Error: std::error::Error + 'static;

    /// The leaf hashes from index `256·n` on: all 256, or as many as the log holds there. Called
    /// only for tiles that the tree no longer holds itself. What is returned is compared with the
    /// tree, so the source need not be trusted.
    ///
    /// # Errors
    /// If the tile can't be read; the request for a proof then fails with [`TreeError::Tiles`].
    fn tile(&self, n: u64) -> Result<Vec<Hash>, Self::Error>;
}

/// For trees of which nothing was pruned: there are no tiles to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("no leaf tiles are kept")]
pub struct NoTiles;

impl LeafTiles for NoTiles {
    type Error = Self;

    fn tile(&self, _n: u64) -> Result<Vec<Hash>, Self> {
        Err(Self)
    }
}

/// Looks nodes up for one request. The leaf tile read last is kept: a proof needs at most two.
pub(super) struct Nodes<'a, T> {
    tree: &'a Tree,
    tiles: &'a T,
    loaded: Option<Tile>,
}

/// A leaf tile and the complete nodes above its leaves; `levels[0]` are the leaves.
struct Tile {
    n: u64,
    levels: Vec<Vec<Hash>>,
}

impl<'a, T: LeafTiles> Nodes<'a, T> {
    pub(super) const fn new(tree: &'a Tree, tiles: &'a T) -> Self {
        Self { tree, tiles, loaded: None }
    }

    /// A complete node.
    pub(super) fn get(&mut self, at: Place) -> Result<Hash, TreeError<T::Error>> {
        if let Some(hash) = self.tree.node(at) {
            return Ok(hash);
        }
        assert!(at.level < TILE_HEIGHT, "nodes from level 8 on are kept");
        let n = at.index >> (TILE_HEIGHT - at.level);
        if self.loaded.as_ref().is_none_or(|tile| tile.n != n) {
            self.loaded = Some(self.load(n)?);
        }
        let offset = at.index - (n << (TILE_HEIGHT - at.level));
        self.loaded
            .as_ref()
            .and_then(|tile| tile.levels[usize::from(at.level)].get(offset as usize).copied())
            .ok_or(TreeError::Corrupt { tile: n })
    }

    /// The root over `[low, high)`, a range that the recursion of RFC 6962 §2.1 reaches.
    pub(super) fn range(&mut self, low: u64, high: u64) -> Result<Hash, TreeError<T::Error>> {
        let edge: Vec<Hash> = subtrees(low, high).map(|place| self.get(place)).collect::<Result<_, _>>()?;
        Ok(fold(edge.into_iter()))
    }

    /// Reads a leaf tile and compares it with every node above it that the tree holds. For a full
    /// tile that is at least its root, for the last tile the right edge at the time when the tree was
    /// made from it; leaves are required up to there, so none escapes the comparison.
    fn load(&self, n: u64) -> Result<Tile, TreeError<T::Error>> {
        let leaves = self.tiles.tile(n).map_err(|source| TreeError::Tiles { tile: n, source })?;
        let expected = TILE_WIDTH.min(self.tree.size - n * TILE_WIDTH);
        let required = expected.min(self.tree.levels[0].first.saturating_sub(n * TILE_WIDTH));
        if !(required..=expected).contains(&(leaves.len() as u64)) {
            return Err(TreeError::Corrupt { tile: n });
        }
        let mut levels = vec![leaves];
        for level in 0..usize::from(TILE_HEIGHT) {
            let pairs = levels[level].as_chunks::<2>().0;
            levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        for (level, hashes) in (0..).zip(&levels) {
            for (index, hash) in (n << (TILE_HEIGHT - level)..).zip(hashes) {
                if self.tree.node(Place { level, index }).is_some_and(|known| known != *hash) {
                    return Err(TreeError::Corrupt { tile: n });
                }
            }
        }
        Ok(Tile { n, levels })
    }
}
