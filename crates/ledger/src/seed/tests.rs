//! The walk with its remembered path is compared with a derivation from the root by definition; the
//! seed file is damaged in every byte.

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const ROOT: [u8; 32] = [5; 32];

fn tagged(tag: &str, message: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    Sha256::new().chain_update(tag).chain_update(tag).chain_update(message).finalize().into()
}

fn by_definition(leaf: u16) -> [u8; 32] {
    let bits = (0..16).rev().map(|bit| (leaf >> bit & 1) as u8);
    let key = bits.fold(ROOT, |node, bit| tagged("cairn/ggm/v1", &[&node[..], &[bit]].concat()));
    tagged("cairn/seed/v1", &key)
}

fn whole() -> Cover {
    Cover::whole(3, &BlockRoot::from_bytes(ROOT)).unwrap()
}

/// The cover of a block from which one leaf is erased: the siblings along its path.
fn punctured(leaf: u16) -> Cover {
    let mut nodes = Vec::new();
    let mut node = ROOT;
    for depth in 1..=SEED_DEPTH {
        let prefix = leaf >> (SEED_DEPTH - depth);
        let child = |bit: u16| tagged("cairn/ggm/v1", &[&node[..], &[bit as u8]].concat());
        nodes.push(CoverNode { depth, prefix: prefix ^ 1, secret: child(prefix & 1 ^ 1) });
        node = child(prefix & 1);
    }
    nodes.sort_by_key(|node| node.leaves().start);
    Cover { block: 3, nodes }
}

/// Puts a right checksum under a changed body.
fn resealed(body: &[u8]) -> Vec<u8> {
    [body, &sha256(body).0].concat()
}

#[test]
fn a_key_number_is_block_and_leaf() {
    let number = KeyNumber(0x0001_0002_0003_fffe);
    assert_eq!((number.block(), number.leaf()), (0x1_0002_0003, 0xfffe));
    assert_eq!(KeyNumber(u64::MAX).block(), BLOCK_MAX);
    assert!(Cover::whole(BLOCK_MAX + 1, &BlockRoot::from_bytes(ROOT)).is_err());
}

#[test]
fn a_walk_over_a_whole_block_gives_the_seeds_of_the_definition() {
    let cover = whole();
    let mut walk = cover.walk();
    for leaf in 0..=u16::MAX {
        let seed = walk.seed(leaf).unwrap();
        // By definition it takes 17 long hashes; a sample and both ends are enough.
        if leaf % 251 == 0 || !(70..=u16::MAX - 70).contains(&leaf) {
            assert_eq!(*seed.as_bytes(), by_definition(leaf), "leaf {leaf}");
        }
    }
}

#[test]
fn an_erased_leaf_has_no_seed_and_all_others_keep_theirs() {
    for erased in [0, 1, 0x1234, 0x7fff, 0x8000, u16::MAX] {
        let cover = Cover::decode(&punctured(erased).encode()).unwrap();
        let mut walk = cover.walk();
        assert!(walk.seed(erased).is_none());
        for leaf in (0..=u16::MAX).step_by(509).chain([erased.wrapping_add(1), erased.wrapping_sub(1)]) {
            if leaf != erased {
                assert_eq!(*walk.seed(leaf).unwrap().as_bytes(), by_definition(leaf));
                assert_eq!(*cover.seed(leaf).unwrap().as_bytes(), by_definition(leaf));
            }
        }
    }
    let empty = Cover { block: 3, nodes: Vec::new() };
    assert!(Cover::decode(&empty.encode()).unwrap().seed(7).is_none());
}

#[test]
fn salts_differ_by_part_and_slot() {
    let seed = Seed::from_bytes([8; 32]);
    let key = tagged("cairn/slot-key/v1", &[&[8; 32][..], &[1, 0x01, 0x02]].concat());
    assert_eq!(seed.salt(Part::Server, 0x0102), key[..16]);
    assert_ne!(seed.salt(Part::Producer, 0), seed.salt(Part::Server, 0));
    assert_ne!(seed.salt(Part::Producer, 0), seed.salt(Part::Producer, 1));
}

#[test]
fn every_changed_bit_and_every_cut_of_a_seed_file_is_noticed() {
    let file = punctured(77).encode();
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut bad = file.to_vec();
            bad[at] ^= 1 << bit;
            assert!(Cover::decode(&bad).is_err(), "bit {bit} of byte {at}");
        }
        assert!(Cover::decode(&file[..at]).is_err(), "cut at {at}");
    }
    assert!(Cover::decode(&[&file[..], &[0]].concat()).is_err());
}

#[test]
fn a_sealed_file_that_makes_no_sense_is_refused() {
    let file = punctured(77).encode();
    let body = &file[..file.len() - 32];
    assert!(Cover::decode(&resealed(body)).is_ok());
    let changed = |at: usize, bytes: &[u8]| {
        let mut body = body.to_vec();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        Cover::decode(&resealed(&body)).is_err()
    };
    assert!(changed(0, b"cairn-seed/2\n"), "magic");
    assert!(changed(13, &[1]), "block number above 48 bits");
    assert!(changed(21, &[0, 15]), "one node fewer than announced");
    assert!(changed(21, &[0xff, 0xff]), "more nodes than there are");
    assert!(changed(23, &[17]), "depth 17");
    assert!(changed(23, &[0]), "a node that covers the others");
    assert!(changed(24, &[0xff, 0xff]), "prefix with more bits than the depth");
    // Two nodes exchanged: the same keys, but not the one order.
    let (first, second) = (&body[23..58], &body[58..93]);
    assert!(changed(23, &[second, first].concat()), "order");
}

proptest! {
    #[test]
    fn leaves_in_any_order_get_the_same_seeds(leaves in prop::collection::vec(any::<u16>(), 1..20), erased: u16) {
        let (mut walk, mut holed) = (whole().walk(), punctured(erased).walk());
        for leaf in leaves {
            let expected = by_definition(leaf);
            prop_assert_eq!(walk.seed(leaf).map(|seed| *seed.as_bytes()), Some(expected));
            let expected = (leaf != erased).then_some(expected);
            prop_assert_eq!(holed.seed(leaf).map(|seed| *seed.as_bytes()), expected);
        }
    }

    #[test]
    fn a_seed_file_is_read_back_byte_for_byte(block in 0..=BLOCK_MAX, root: [u8; 32]) {
        let file = Cover::whole(block, &BlockRoot::from_bytes(root)).unwrap().encode();
        let cover = Cover::decode(&file).unwrap();
        prop_assert_eq!(cover.block(), block);
        prop_assert_eq!(cover.encode(), file);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..120)) {
        let head = [&MAGIC[..], &[0; 8]].concat();
        let _ = Cover::decode(&resealed(&[&head[..], &body].concat()));
    }
}
