//! Proofs are taken from the tree and then altered in every way that once fooled a verifier: each
//! alteration must be refused.

use proptest::prelude::*;

use super::*;
use crate::{NoTiles, Tree, leaf_hash, mth};

fn leaf(i: u64) -> Hash {
    leaf_hash(&i.to_be_bytes())
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::new();
    (0..size).for_each(|i| {
        tree.push(leaf(i));
    });
    tree
}

/// Every path that differs from a good one by one hash: flipped, removed, doubled, exchanged, added.
fn altered(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..path.len() {
        let mut flipped = path.to_vec();
        flipped[at].0[at % 32] ^= 1;
        all.push(flipped);
        let mut fewer = path.to_vec();
        fewer.remove(at);
        all.push(fewer);
        let mut doubled = path.to_vec();
        doubled.insert(at, path[at]);
        all.push(doubled);
        if at > 0 {
            let mut exchanged = path.to_vec();
            exchanged.swap(at - 1, at);
            all.push(exchanged);
        }
    }
    let mut more = path.to_vec();
    more.push(Hash([0; 32]));
    all.push(more);
    all
}

#[test]
fn an_altered_inclusion_proof_is_refused() {
    for size in 1..=40 {
        let tree = tree(size);
        let root = tree.root();
        for index in 0..size {
            let proof = tree.inclusion(index, size, &NoTiles).unwrap();
            assert_eq!(proof.verify(&leaf(index), &root), Ok(()));
            for path in altered(&proof.path) {
                assert!(InclusionProof { path, ..proof }.verify(&leaf(index), &root).is_err());
            }
            // N7: the same path at another index, or at one behind the tree.
            for other in [index + 1, index.wrapping_sub(1), size, size + 1, u64::MAX] {
                let moved = InclusionProof { index: other, ..proof.clone() };
                assert!(moved.verify(&leaf(index), &root).is_err(), "{index} of {size} at {other}");
            }
            assert!(proof.verify(&leaf(index + 1), &root).is_err(), "another leaf");
            assert!(proof.verify(&leaf(index), &leaf(0)).is_err() || size == 1, "another root");
        }
    }
}

#[test]
fn a_proof_from_another_size_is_refused() {
    // N9. The shape of the path can be the same; then the root differs.
    let tree = tree(64);
    for size in 1..=64 {
        for other in (1..=64).filter(|other| *other != size) {
            let index = size.min(other) - 1;
            let proof = tree.inclusion(index, size, &NoTiles).unwrap();
            let root = tree.root_at(other, &NoTiles).unwrap();
            assert!(verify_inclusion(&leaf(index), index, other, &proof.path, &root).is_err());
        }
    }
}

#[test]
fn an_inner_node_is_not_accepted_as_a_leaf() {
    // N8: the path of a node, seen as a smaller tree with the node as its leaf.
    let tree = tree(8);
    let proof = tree.inclusion(0, 8, &NoTiles).unwrap();
    let node = node_hash(&leaf(0), &leaf(1));
    let as_leaf = leaf_hash(&[&[1][..], &leaf(0).0, &leaf(1).0].concat());
    assert!(verify_inclusion(&as_leaf, 0, 4, &proof.path[1..], &tree.root()).is_err());
    // The node itself fits a tree of four: that is why only hashes of entries may be given.
    assert!(verify_inclusion(&node, 0, 4, &proof.path[1..], &tree.root()).is_ok());
    assert!(verify_inclusion(&node, 0, 8, &proof.path[1..], &tree.root()).is_err());
}

#[test]
fn an_altered_consistency_proof_is_refused() {
    let tree = tree(40);
    let root = |size| tree.root_at(size, &NoTiles).unwrap();
    for to in 1..=40 {
        for from in 1..=to {
            let proof = tree.consistency(from, to, &NoTiles).unwrap();
            assert_eq!(proof.verify(&root(from), &root(to)), Ok(()), "{from} to {to}");
            for path in altered(&proof.path) {
                assert!(ConsistencyProof { path, ..proof }.verify(&root(from), &root(to)).is_err());
            }
            assert!(proof.verify(&leaf(99), &root(to)).is_err(), "another older root");
            assert!(proof.verify(&root(from), &leaf(99)).is_err(), "another newer root");
            if from < to {
                assert!(proof.verify(&root(to), &root(from)).is_err(), "exchanged");
                let turned = ConsistencyProof { from: to, to: from, path: proof.path };
                assert!(turned.verify(&root(to), &root(from)).is_err(), "shrunk");
            }
        }
    }
}

#[test]
fn consistency_of_equal_and_of_empty_trees_proves_nothing_else() {
    // N10: equal sizes with different roots, the empty tree with a proof, a tree that shrank.
    let (a, b) = (tree(5).root(), leaf(1));
    assert_eq!(verify_consistency(5, 5, &[], &a, &a), Ok(()));
    assert!(verify_consistency(5, 5, &[], &a, &b).is_err());
    assert!(verify_consistency(5, 5, &[a], &a, &a).is_err());
    assert_eq!(verify_consistency(0, 5, &[], &empty_root(), &a), Ok(()));
    assert_eq!(verify_consistency(0, 0, &[], &empty_root(), &empty_root()), Ok(()));
    assert!(verify_consistency(0, 5, &[a], &empty_root(), &a).is_err());
    assert!(verify_consistency(0, 5, &[], &b, &a).is_err());
    assert!(verify_consistency(0, 0, &[], &b, &b).is_err());
    assert!(verify_consistency(6, 5, &[], &a, &a).is_err());
    assert!(verify_consistency(1, u64::MAX, &[], &a, &a).is_err());
}

#[test]
fn an_altered_range_proof_is_refused() {
    let longest = tree(21);
    for size in 1..=20 {
        let tree = tree(size);
        let root = tree.root();
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        for first in 0..size {
            for end in first + 1..=size {
                let proof = tree.range(first, end - first, size, &NoTiles).unwrap();
                let run = &leaves[first as usize..end as usize];
                assert_eq!(proof.verify(run, &root), Ok(()), "{first}..{end} of {size}");
                for left in altered(&proof.left) {
                    assert!(RangeProof { left, ..proof.clone() }.verify(run, &root).is_err());
                }
                for right in altered(&proof.right) {
                    assert!(RangeProof { right, ..proof.clone() }.verify(run, &root).is_err());
                }
                for bad in altered(run) {
                    assert!(proof.verify(&bad, &root).is_err());
                    let (left, right) = (&proof.left, &proof.right);
                    assert!(verify_range(first, &bad, size, left, right, &root).is_err());
                }
                for other in [first + 1, first.wrapping_sub(1), size, u64::MAX] {
                    let moved = RangeProof { first: other, ..proof.clone() };
                    assert!(moved.verify(run, &root).is_err());
                }
                let grown = RangeProof { size: size + 1, ..proof };
                let grown_root = longest.root_at(size + 1, &NoTiles).unwrap();
                assert!(grown.verify(run, &grown_root).is_err(), "another size");
            }
        }
        assert!(verify_range(0, &[], size, &[], &[root], &root).is_err(), "proves nothing");
    }
}

#[test]
fn sizes_beyond_every_tree_are_refused_at_once() {
    let hash = leaf(0);
    for size in [TREE_SIZE_MAX + 1, u64::MAX] {
        assert!(verify_inclusion(&hash, 0, size, &[hash; 64], &hash).is_err());
        assert!(verify_consistency(1, size, &[hash; 64], &hash, &hash).is_err());
        assert!(verify_range(0, &[hash], size, &[], &[hash; 64], &hash).is_err());
    }
    // The largest tree has proofs of 63 hashes: computed, then refused for their root.
    let deep = verify_inclusion(&hash, 0, TREE_SIZE_MAX, &[hash; 63], &hash);
    assert_eq!(deep, Err(LedgerError::Unproven { what: "inclusion proof" }));
    assert!(verify_inclusion(&hash, 0, 0, &[], &hash).is_err());
}

proptest! {
    #[test]
    fn subtrees_fill_the_range_without_gap_or_overlap(a in 0..=TREE_SIZE_MAX, b in 0..=TREE_SIZE_MAX) {
        let (low, high) = (a.min(b), a.max(b));
        let mut at = low;
        let mut count = 0;
        for place in subtrees(low, high) {
            prop_assert_eq!(place.index << place.level, at);
            at += 1 << place.level;
            count += 1;
        }
        prop_assert_eq!(at, high);
        prop_assert!(count <= 126);
    }

    #[test]
    fn an_edge_fed_with_leaves_or_with_subtrees_has_one_root(size in 0u64..300, cut in 0u64..300) {
        let cut = cut.min(size);
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        let mut edge = Edge::default();
        for place in subtrees(0, cut).chain(subtrees(cut, size)) {
            let first = (place.index << place.level) as usize;
            edge.push(place.level, mth(&leaves[first..first + (1 << place.level)]));
        }
        prop_assert_eq!(edge.root(), mth(&leaves));
    }
}
