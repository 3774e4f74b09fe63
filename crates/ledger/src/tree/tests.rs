//! The tree is compared with the recursive definitions of RFC 6962 §2.1, for every size up to 600
//! and every index, and then again after pruning and after being made from its edge.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{empty_root, leaf_hash};

fn leaf(i: u64) -> Hash {
    leaf_hash(&i.to_be_bytes())
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::new();
    for i in 0..size {
        assert_eq!(tree.push(leaf(i)), i);
    }
    tree
}

/// RFC 6962 §2.1 word for word, with the results kept.
#[derive(Default)]
struct Rfc {
    known: HashMap<(u64, u64), Hash>,
}

impl Rfc {
    fn mth(&mut self, low: u64, high: u64) -> Hash {
        if let Some(hash) = self.known.get(&(low, high)) {
            return *hash;
        }
        let hash = match high - low {
            0 => empty_root(),
            1 => leaf(low),
            n => {
                let k = n.next_power_of_two() / 2;
                node_hash(&self.mth(low, low + k), &self.mth(low + k, high))
            }
        };
        self.known.insert((low, high), hash);
        hash
    }

    fn path(&mut self, m: u64, low: u64, high: u64) -> Vec<Hash> {
        let n = high - low;
        if n <= 1 {
            return Vec::new();
        }
        let k = n.next_power_of_two() / 2;
        let (mut path, sibling) = if m < k {
            (self.path(m, low, low + k), self.mth(low + k, high))
        } else {
            (self.path(m - k, low + k, high), self.mth(low, low + k))
        };
        path.push(sibling);
        path
    }

    fn subproof(&mut self, m: u64, low: u64, high: u64, complete: bool) -> Vec<Hash> {
        let n = high - low;
        if m == n {
            return if complete { Vec::new() } else { vec![self.mth(low, high)] };
        }
        let k = n.next_power_of_two() / 2;
        let (mut path, sibling) = if m <= k {
            (self.subproof(m, low, low + k, complete), self.mth(low + k, high))
        } else {
            (self.subproof(m - k, low + k, high, false), self.mth(low, low + k))
        };
        path.push(sibling);
        path
    }
}

/// Gives leaf hashes of a log of some size, as a store would.
struct Stored(u64);

impl LeafTiles for Stored {
    type Error = NoTiles;

    fn tile(&self, n: u64) -> Result<Vec<Hash>, NoTiles> {
        let first = n * TILE_WIDTH;
        if first >= self.0 {
            return Err(NoTiles);
        }
        Ok((first..self.0.min(first + TILE_WIDTH)).map(leaf).collect())
    }
}

#[test]
fn the_known_roots_of_certificate_transparency_come_out() {
    let entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    assert_eq!(tree.root(), empty_root());
    for (entry, root) in entries.iter().zip(roots) {
        let bytes: Vec<u8> =
            (0..entry.len()).step_by(2).map(|i| u8::from_str_radix(&entry[i..i + 2], 16).unwrap()).collect();
        tree.push(leaf_hash(&bytes));
        assert_eq!(tree.root().to_hex(), root);
    }
}

#[test]
fn every_root_and_inclusion_proof_up_to_600_is_that_of_the_definition() {
    let mut rfc = Rfc::default();
    let full = tree(600);
    let mut grown = Tree::new();
    for size in 0..=600 {
        let root = rfc.mth(0, size);
        assert_eq!(grown.root(), root);
        assert_eq!(full.root_at(size, &NoTiles), Ok(root));
        for index in 0..size {
            let proof = full.inclusion(index, size, &NoTiles).unwrap();
            assert_eq!(proof.path, rfc.path(index, 0, size), "leaf {index} of {size}");
            // The proofs equal the definition's, so a sample of them is verified here.
            if (index + size) % 17 == 0 {
                assert_eq!(proof.verify(&leaf(index), &root), Ok(()));
            }
        }
        grown.push(leaf(size));
    }
}

#[test]
fn every_consistency_proof_up_to_200_is_that_of_the_definition() {
    let mut rfc = Rfc::default();
    let full = tree(200);
    for to in 1..=200 {
        for from in 1..=to {
            let proof = full.consistency(from, to, &NoTiles).unwrap();
            assert_eq!(proof.path, rfc.subproof(from, 0, to, true), "{from} to {to}");
            assert_eq!(proof.verify(&rfc.mth(0, from), &rfc.mth(0, to)), Ok(()));
        }
        assert_eq!(full.consistency(0, to, &NoTiles).unwrap().path, []);
    }
}

#[test]
fn requests_outside_of_the_tree_are_refused() {
    let tree = tree(10);
    assert!(tree.inclusion(10, 10, &NoTiles).is_err());
    assert!(tree.inclusion(0, 11, &NoTiles).is_err());
    assert!(tree.inclusion(0, 0, &NoTiles).is_err());
    assert!(tree.inclusion(u64::MAX, 10, &NoTiles).is_err());
    assert!(tree.consistency(5, 11, &NoTiles).is_err());
    assert!(tree.consistency(6, 5, &NoTiles).is_err());
    assert!(tree.range(0, 0, 10, &NoTiles).is_err());
    assert!(tree.range(5, 6, 10, &NoTiles).is_err());
    assert!(tree.range(5, u64::MAX, 10, &NoTiles).is_err());
    assert!(tree.root_at(11, &NoTiles).is_err());
    assert!(tree.subtree(4, 4, &NoTiles).is_err());
    assert!(tree.subtree(2, 5, &NoTiles).is_err(), "unaligned");
    assert!(tree.subtree(8, 11, &NoTiles).is_err());
    assert_eq!(tree.subtree(8, 10, &NoTiles), Ok(node_hash(&leaf(8), &leaf(9))));
    for (level, n, width) in [(0, 0, 0), (0, 0, 11), (0, 1, 1), (1, 0, 1), (64, 0, 1), (63, 0, 1), (0, u64::MAX, 1)] {
        assert!(tree.hash_tile(level, n, width, &NoTiles).is_err(), "{level} {n} {width}");
    }
}

#[test]
fn tiles_hold_the_hashes_of_the_specification() {
    // The example of C2SP tlog-tiles: 70,000 leaves, so 273 full tiles and one of width 112.
    let mut tree = tree(70_000);
    let leaves: Vec<Hash> = (0..70_000).map(leaf).collect();
    let roots: Vec<Hash> = leaves.as_chunks::<256>().0.iter().map(|tile| mth(tile)).collect();
    tree.prune(70_000);
    let stored = Stored(70_000);
    assert_eq!(tree.hash_tile(0, 272, 256, &stored), Ok(leaves[272 * 256..273 * 256].to_vec()));
    assert_eq!(tree.hash_tile(0, 273, 112, &stored), Ok(leaves[273 * 256..].to_vec()));
    assert_eq!(tree.hash_tile(1, 0, 256, &NoTiles), Ok(roots[..256].to_vec()));
    assert_eq!(tree.hash_tile(1, 1, 17, &NoTiles), Ok(roots[256..].to_vec()));
    assert_eq!(tree.hash_tile(2, 0, 1, &NoTiles), Ok(vec![mth(&roots[..256])]));
    assert_eq!(tree.nodes8(0..273), roots);
    assert_eq!(tree.nodes8(5..7), roots[5..7]);
    assert_eq!(tree.root(), mth(&leaves));
}

#[test]
fn pruning_frees_the_lower_levels_and_keeps_the_right_edge() {
    let mut tree = tree(1000);
    let held = |tree: &Tree| tree.levels.iter().map(|level| level.hashes.len()).sum::<usize>();
    let before = held(&tree);
    tree.prune(255);
    assert_eq!(held(&tree), before, "no full tile lies below");
    tree.prune(600);
    assert_eq!(tree.levels[0].first, 512);
    tree.prune(u64::MAX);
    tree.prune(0);
    assert_eq!(tree.levels[0].first, 768);
    assert!(held(&tree) < 500);
    let last_tile = tree.inclusion(999, 1000, &NoTiles).unwrap();
    assert_eq!(last_tile.verify(&leaf(999), &tree.root()), Ok(()), "asks for no tile");
    assert_eq!(tree.inclusion(3, 1000, &NoTiles), Err(TreeError::Tiles { tile: 0, source: NoTiles }));
}

#[test]
fn a_leaf_tile_that_does_not_agree_with_the_tree_is_never_used() {
    struct Damaged(u64, usize, u8);
    impl LeafTiles for Damaged {
        type Error = NoTiles;
        fn tile(&self, n: u64) -> Result<Vec<Hash>, NoTiles> {
            let mut leaves = Stored(self.0).tile(n)?;
            leaves[self.1].0[7] ^= self.2;
            Ok(leaves)
        }
    }
    struct Cut(u64, usize);
    impl LeafTiles for Cut {
        type Error = NoTiles;
        fn tile(&self, n: u64) -> Result<Vec<Hash>, NoTiles> {
            let mut leaves = Stored(self.0).tile(n)?;
            leaves.resize(self.1, leaf(0));
            Ok(leaves)
        }
    }
    let whole = tree(300);
    let mut tree = Tree::from_edge(300, &whole.edge(), &whole.nodes8(0..1)).unwrap();
    for (tile, width, probe) in [(0, 256, 17), (1, 44, 290)] {
        for at in 0..width {
            assert!(tree.inclusion(probe, 300, &Damaged(300, at, 0)).is_ok());
            let answer = tree.inclusion(probe, 300, &Damaged(300, at, 1));
            assert_eq!(answer, Err(TreeError::Corrupt { tile }), "leaf {at}");
        }
        for length in [0, 1, width - 1, width + 1, 257] {
            assert!(tree.inclusion(probe, 300, &Cut(300, length)).is_err(), "{length} leaves");
        }
    }
    // The log goes on: leaves that came after the edge are in the tree itself.
    for i in 300..400 {
        tree.push(leaf(i));
    }
    for length in [44, 45, 144] {
        let expected = super::tests::tree(400).inclusion(290, 400, &NoTiles);
        assert_eq!(tree.inclusion(290, 400, &Stored(256 + length)), expected);
    }
    assert!(tree.inclusion(290, 400, &Stored(256 + 43)).is_err());
}

#[test]
fn an_edge_of_another_tree_is_refused() {
    let whole = tree(1000);
    let (edge, nodes) = (whole.edge(), whole.nodes8(0..3));
    assert!(Tree::from_edge(1000, &edge, &nodes).is_ok());
    assert!(Tree::from_edge(1001, &edge, &nodes).is_err());
    assert!(Tree::from_edge(1000, &edge[1..], &nodes).is_err());
    assert!(Tree::from_edge(1000, &edge, &nodes[1..]).is_err());
    assert!(Tree::from_edge(TREE_SIZE_MAX + 1, &edge, &nodes).is_err());
    let mut other = nodes.clone();
    other[1].0[0] ^= 1;
    assert!(Tree::from_edge(1000, &edge, &other).is_err());
    assert_eq!(Tree::from_edge(0, &[], &[]).unwrap().root(), empty_root());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pruned_or_restored_tree_answers_like_the_whole_one(
        steps in prop::collection::vec((1u64..700, 0u64..4000, any::<bool>()), 1..6),
        asks in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 20),
    ) {
        let (mut whole, mut pruned) = (Tree::new(), Tree::new());
        for (count, below, restore) in steps {
            for _ in 0..count {
                whole.push(leaf(whole.size()));
                pruned.push(leaf(pruned.size()));
            }
            if restore {
                let nodes = pruned.nodes8(0..pruned.size() >> 8);
                pruned = Tree::from_edge(pruned.size(), &pruned.edge(), &nodes).unwrap();
            }
            pruned.prune(below);
            prop_assert_eq!(pruned.root(), whole.root());
        }
        let stored = Stored(whole.size());
        for (a, b, c) in asks {
            let size = a % whole.size() + 1;
            let index = b % size;
            let root = whole.root_at(size, &NoTiles).unwrap();
            let proof = pruned.inclusion(index, size, &stored).unwrap();
            prop_assert_eq!(proof.verify(&leaf(index), &root), Ok(()));
            prop_assert_eq!(Ok(proof), whole.inclusion(index, size, &NoTiles));

            let older = c % (size + 1);
            let proof = pruned.consistency(older, size, &stored).unwrap();
            prop_assert_eq!(proof.verify(&whole.root_at(older, &NoTiles).unwrap(), &root), Ok(()));
            prop_assert_eq!(Ok(proof), whole.consistency(older, size, &NoTiles));

            let count = c % (size - index) + 1;
            let proof = pruned.range(index, count, size, &stored).unwrap();
            let leaves: Vec<Hash> = (index..index + count).map(leaf).collect();
            prop_assert_eq!(proof.verify(&leaves, &root), Ok(()));
            prop_assert!(proof.left.len() + proof.right.len() <= 2 * 64);
            prop_assert_eq!(Ok(proof), whole.range(index, count, size, &NoTiles));

            let n = index / 256;
            let width = (whole.size() - n * 256).min(256) as u16;
            prop_assert_eq!(pruned.hash_tile(0, n, width, &stored), whole.hash_tile(0, n, width, &NoTiles));
        }
    }
}
