//! A proof text carries all that is needed, in one form.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::{NoTiles, PublicKey, Signer, Tree};

const ORIGIN: &str = "audit.example/t/acme/main";

fn keys() -> [VerifierKey; 1] {
    let public = Signer::public(&SigningKey::from_bytes(&[1; 32]));
    [VerifierKey::new(ORIGIN, PublicKey::from_bytes(&public).unwrap()).unwrap()]
}

fn sample(size: u64, index: u64, extra: Option<Vec<u8>>) -> ProofText {
    let mut tree = Tree::new();
    for i in 0..size {
        tree.push(leaf_hash(&i.to_be_bytes()));
    }
    let checkpoint = Checkpoint::new(ORIGIN, size, tree.root()).unwrap();
    let note = checkpoint.sign(&SigningKey::from_bytes(&[1; 32])).to_string();
    let path = tree.inclusion(index, size, &NoTiles).unwrap().path;
    ProofText::new(extra, index, path, note).unwrap()
}

#[test]
fn a_proof_text_is_read_back_and_verified() {
    for (size, index) in [(1, 0), (5, 4), (300, 17)] {
        for extra in [None, Some(b"a disclosure".to_vec())] {
            let proof = sample(size, index, extra);
            let parsed = ProofText::parse(proof.to_string().as_bytes()).unwrap();
            assert_eq!(parsed, proof);
            assert_eq!(parsed.verify(&index.to_be_bytes(), &keys()).unwrap().size(), size);
            assert!(parsed.verify(&(index + 1).to_be_bytes(), &keys()).is_err());
            assert!(parsed.verify(&index.to_be_bytes(), &[]).is_err());
        }
    }
}

#[test]
fn every_changed_bit_is_noticed_save_in_the_extra_line() {
    let proof = sample(6, 2, Some(b"extra".to_vec()));
    let text = proof.to_string();
    let extra = text.find("extra").unwrap()..text.find("index").unwrap();
    for at in (0..text.len()).filter(|at| !extra.contains(at)) {
        for bit in 0..8 {
            let mut bad = text.as_bytes().to_vec();
            bad[at] ^= 1 << bit;
            let passed = ProofText::parse(&bad).is_ok_and(|bad| bad.verify(&2u64.to_be_bytes(), &keys()).is_ok());
            assert!(!passed, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_other_form_is_refused() {
    let good = sample(6, 2, Some(b"extra".to_vec())).to_string();
    for (from, to, why) in [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2", "version"),
        ("c2sp.org", "\nc2sp.org", "empty line before"),
        ("extra ZXh0cmE=", "extra ", "empty extra"),
        ("extra ZXh0cmE=", "extra ZXh0cmE", "padding"),
        ("extra ZXh0cmE=\n", "extra ZXh0cmE=\nextra ZXh0cmE=\n", "two extra lines"),
        ("index 2", "index 02", "leading zero"),
        ("index 2", "index +2", "sign"),
        ("index 2", "index", "no number"),
        ("index 2\n", "index 2\nindex 2\n", "two indexes"),
        ("index 2", "Index 2", "case"),
        ("index 2", "index 9223372036854775808", "too large"),
        ("=\n\n", "=\n \n", "a space for the empty line"),
        ("=\n\n", "=\n\n\n", "two empty lines"),
        ("\n", "\r\n", "carriage returns"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let passed = ProofText::parse(bad.as_bytes()).is_ok_and(|bad| bad.verify(&2u64.to_be_bytes(), &keys()).is_ok());
        assert!(!passed, "{why}");
    }
    let hash = leaf_hash(b"").to_string();
    let long = good.replacen("index 2\n", &format!("index 2\n{}", format!("{hash}\n").repeat(70)), 1);
    assert!(matches!(ProofText::parse(long.as_bytes()), Err(LedgerError::Limit { .. })));
    assert!(ProofText::new(None, 0, Vec::new(), "no note".into()).is_err());
    assert!(ProofText::parse(&[0xff; 4]).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        extra in prop::option::of(prop::collection::vec(any::<u8>(), 1..60)),
        index in 0..=TREE_SIZE_MAX,
        path in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..64),
    ) {
        let note = sample(1, 0, None).checkpoint().to_owned();
        let proof = ProofText::new(extra, index, path, note).unwrap();
        prop_assert_eq!(ProofText::parse(proof.to_string().as_bytes()), Ok(proof));
    }
}
