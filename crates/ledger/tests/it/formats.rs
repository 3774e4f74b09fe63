//! The worked examples of the format descriptions are what this crate computes: each value printed
//! there is computed here and looked up in the text.

use cairn_ledger::*;
use ed25519_dalek::SigningKey;

const LEAF: &str = include_str!("../../../../formats/leaf.md");
const TREE: &str = include_str!("../../../../formats/tree.md");
const RECEIPT: &str = include_str!("../../../../formats/receipt.md");

#[track_caller]
fn printed(document: &str, value: &str) {
    assert!(document.contains(value), "not in the document:\n{value}");
}

#[test]
fn the_example_of_the_leaf_format_is_computed() {
    let mut root = [0; 32];
    (0u8..).zip(&mut root).for_each(|(i, byte)| *byte = i);
    let number = KeyNumber(0x0003_0005);
    let cover = Cover::whole(number.block(), &BlockRoot::from_bytes(root)).unwrap();
    let seed = cover.seed(number.leaf()).unwrap();
    printed(LEAF, &Hash(*seed.as_bytes()).to_hex());

    let text = br#"{"action":"document.delete","actor":{"id":"u-17","type":"user"},"before":{"pages":12}}"#;
    let span = |path, value: &str| {
        let start = text.windows(value.len()).position(|window| window == value.as_bytes()).unwrap();
        SlotSpan { path, start: start as u32, len: value.len() as u32, hidden: None }
    };
    let slots = [span("/actor/id", "\"u-17\""), span("/before", "{\"pages\":12}")];
    let producer = PartText { text, slots: &slots };
    let server = PartText { text: br#"{"received_at":"2026-11-25T09:00:00Z"}"#, slots: &[] };
    let mut parts = Vec::new();
    for (part, text) in [(Part::Producer, producer), (Part::Server, server)] {
        printed(LEAF, str::from_utf8(text.text).unwrap());
        for (i, commitment) in (0..).zip(text.commitments(part, &seed).unwrap()) {
            let salt: String = seed.salt(part, i).iter().map(|byte| format!("{byte:02x}")).collect();
            printed(LEAF, &salt);
            printed(LEAF, &commitment.to_hex());
        }
        parts.push(text.commit(part, &seed).unwrap());
        printed(LEAF, &parts.last().unwrap().to_hex());
    }
    let root = event_root(&parts[0], &parts[1]);
    let entry = entry(Kind::Event, &root);
    printed(LEAF, &format!("0100{}", root.to_hex()));
    printed(LEAF, &leaf_hash(&entry).to_hex());

    let mut disclosure = Disclosure::new(
        producer.disclose(Part::Producer, &seed).unwrap(),
        server.disclose(Part::Server, &seed).unwrap(),
    )
    .unwrap();
    disclosure.hide(Part::Producer, "/actor/id");
    assert_eq!(disclosure.root(), root);
    let hex: String = disclosure.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let folded: Vec<&str> = hex.as_bytes().chunks(96).map(|line| str::from_utf8(line).unwrap()).collect();
    printed(LEAF, &folded.join("\n"));
}

/// Seven leaves whose entries are the numbers 0 to 6 as 64 bits.
fn example_tree() -> (Tree, Vec<Hash>) {
    let leaves: Vec<Hash> = (0..7u64).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| {
        tree.push(*leaf);
    });
    (tree, leaves)
}

#[test]
fn the_example_of_the_tree_format_is_computed() {
    let (tree, _) = example_tree();
    let signer = SigningKey::from_bytes(&[7; 32]);
    let origin = "audit.example/t/acme/main";
    let key = VerifierKey::new(origin, PublicKey::from_bytes(&Signer::public(&signer)).unwrap()).unwrap();
    printed(TREE, &key.to_string());
    let note = Checkpoint::new(origin, 7, tree.root()).unwrap().sign(&signer).to_string();
    let path = tree.inclusion(4, 7, &NoTiles).unwrap().path;
    let proof = ProofText::new(None, 4, path, note).unwrap();
    assert!(proof.verify(&4u64.to_be_bytes(), &[key]).is_ok());
    printed(TREE, &proof.to_string());
    let consistency = tree.consistency(3, 7, &NoTiles).unwrap();
    let lines: Vec<String> = consistency.path.iter().map(Hash::to_base64).collect();
    printed(TREE, &lines.join("\n"));
    printed(TREE, &tree.root_at(3, &NoTiles).unwrap().to_base64());
}

#[test]
fn the_example_of_the_receipt_format_is_computed() {
    let (tree, leaves) = example_tree();
    let proof = tree.range(2, 3, 7, &NoTiles).unwrap();
    assert_eq!(proof.verify(&leaves[2..5], &tree.root()), Ok(()));
    for hash in proof.left.iter().chain(&proof.right).chain(&leaves[2..5]).chain([&tree.root()]) {
        printed(RECEIPT, &hash.to_base64());
    }
}
