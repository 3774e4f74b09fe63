//! The planted fault is visible to whoever verifies, and gone when it is switched off.

#![allow(clippy::unwrap_used)]

use cairn_ledger::planted::{Bug, set};
use cairn_ledger::{NoTiles, Tree, leaf_hash};

#[test]
fn a_verifier_notices_the_fault_at_the_right_edge() {
    let mut tree = Tree::new();
    for i in 0..9u64 {
        tree.push(leaf_hash(&i.to_be_bytes()));
    }
    let verifies = |tree: &Tree| {
        let size = tree.size();
        let proof = tree.inclusion(size - 1, size, &NoTiles).unwrap();
        proof.verify(&leaf_hash(&(size - 1).to_be_bytes()), &tree.root()).is_ok()
    };
    assert!(verifies(&tree));
    set(Bug::RightEdge);
    assert!(!verifies(&tree));
    set(Bug::None);
    assert!(verifies(&tree));
}
