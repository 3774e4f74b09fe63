//! The compression function is driven by hand here, so every length around the block boundaries and
//! every way of cutting the input is compared with the hash of the `sha2` crate.

use proptest::prelude::*;
use sha2::Digest as _;

use super::*;

fn reference(bytes: &[u8]) -> Hash {
    Hash(sha2::Sha256::digest(bytes).into())
}

#[test]
fn every_length_across_four_blocks_hashes_like_the_reference() {
    let bytes: Vec<u8> = (0..=255).collect();
    for length in 0..=bytes.len() {
        assert_eq!(sha256(&bytes[..length]), reference(&bytes[..length]), "{length} bytes");
    }
}

#[test]
fn a_tagged_hash_is_the_one_of_bip_340() {
    static TAG: Tag = Tag::new("cairn/test/v1");
    let tag = reference(b"cairn/test/v1");
    for message in [&b""[..], b"a", &[7; 55], &[7; 56], &[7; 64], &[7; 200]] {
        let long = [&tag.0[..], &tag.0, message].concat();
        assert_eq!(TAG.hash(&[message]), reference(&long));
    }
}

#[test]
fn leaf_and_node_hashes_are_those_of_rfc_6962() {
    assert_eq!(empty_root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(leaf_hash(b"").to_hex(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    let (left, right) = (Hash([1; 32]), Hash([2; 32]));
    assert_eq!(node_hash(&left, &right), reference(&[&[1][..], &left.0, &right.0].concat()));
    assert_eq!(leaf_hash(&[9; 34]), reference(&[&[0][..], &[9; 34]].concat()));
}

#[test]
fn a_leaf_is_never_taken_for_a_node() {
    // An entry that spells a node's input differs from the node by the first byte hashed.
    let (left, right) = (Hash([1; 32]), Hash([2; 32]));
    let spelled = [&[1][..], &left.0, &right.0].concat();
    assert_ne!(leaf_hash(&spelled), node_hash(&left, &right));
    assert_ne!(leaf_hash(&spelled[1..]), node_hash(&left, &right));
}

#[test]
fn a_hash_has_one_spelling_in_base64_and_one_in_hexadecimal() {
    let hash = sha256(b"x");
    assert_eq!(Hash::from_base64(&hash.to_string()), Ok(hash));
    assert_eq!(Hash::from_hex(&hash.to_hex()), Ok(hash));
    let text = hash.to_base64();
    for bad in [&text[..43], &format!("{text}="), &text.replace('=', ""), &format!("{text}\n"), ""] {
        assert!(Hash::from_base64(bad).is_err(), "{bad}");
    }
    assert!(Hash::from_hex(&hash.to_hex().to_uppercase()).is_err());
    // 32 bytes leave two unused bits in the last character before the padding.
    let last = text.as_bytes()[42];
    let other = format!("{}{}=", &text[..42], char::from(last + 1));
    assert!(Hash::from_base64(&other).is_err());
}

proptest! {
    #[test]
    fn the_cut_of_the_input_does_not_matter(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        cuts in prop::collection::vec(0usize..700, 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(0);
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        let mut hasher = Sha256::new();
        pieces.iter().for_each(|piece| hasher.update(piece));
        prop_assert_eq!(hasher.finish(), reference(&bytes));
    }
}
