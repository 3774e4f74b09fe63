//! Paths have one spelling; bundles hold what was put in.

use proptest::prelude::*;

use super::*;

fn hashes(level: u8, index: u64, width: u16) -> TileId {
    TileId::new(TileKind::Hashes { level }, index, width).unwrap()
}

#[test]
fn paths_are_those_of_the_specification() {
    let check = |id: TileId, path: &str| {
        assert_eq!(id.to_string(), path);
        assert_eq!(path.parse(), Ok(id));
    };
    check(hashes(0, 1_234_067, 256), "tile/0/x001/x234/067");
    check(hashes(0, 273, 112), "tile/0/273.p/112");
    check(hashes(63, 0, 1), "tile/63/000.p/1");
    check(hashes(1, 1000, 256), "tile/1/x001/000");
    check(TileId::new(TileKind::Entries, 999, 255).unwrap(), "tile/entries/999.p/255");
    check(hashes(0, TREE_SIZE_MAX / 256, 256), "tile/0/x036/x028/x797/x018/x963/967");
}

#[test]
fn every_other_spelling_is_refused() {
    let bad = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/ 1/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/a00",
        "tile/0/0٣0",
        "tile/0/../000",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile//000",
        "tile/0/000\n",
        "tile/0/000?x",
    ];
    for path in bad {
        assert!(path.parse::<TileId>().is_err(), "{path}");
    }
    assert!(TileId::new(TileKind::Hashes { level: 64 }, 0, 1).is_err());
    assert!(TileId::new(TileKind::Entries, 0, 0).is_err());
    assert!(TileId::new(TileKind::Entries, 0, 257).is_err());
    assert!(TileId::new(TileKind::Entries, u64::MAX, 1).is_err());
}

#[test]
fn a_size_has_the_tiles_of_the_specification() {
    let shape = |size| [0, 1, 2, 3].map(|level| (full_tiles(size, level), partial_width(size, level)));
    assert_eq!(shape(70_000), [(273, 112), (1, 17), (0, 1), (0, 0)]);
    assert_eq!(shape(256), [(1, 0), (0, 1), (0, 0), (0, 0)]);
    assert_eq!(shape(0), [(0, 0); 4]);
    assert_eq!((full_tiles(u64::MAX, 63), partial_width(u64::MAX, 63)), (0, 0));
    assert!(hashes(0, 273, 112).is_within(70_000) && !hashes(0, 273, 113).is_within(70_000));
    assert!(hashes(2, 0, 1).is_within(70_000) && !hashes(2, 0, 2).is_within(70_000));
    assert!(!hashes(40, 0, 1).is_within(u64::MAX));
}

#[test]
fn a_bundle_that_ends_within_an_entry_is_refused() {
    let bundle = encode_bundle([&[1u8, 2][..], &[], &[3]]).unwrap();
    assert_eq!(bundle, [0, 2, 1, 2, 0, 0, 0, 1, 3]);
    assert_eq!(decode_bundle(&bundle).unwrap(), [&[1u8, 2][..], &[], &[3]]);
    for cut in [1, 2, 3, 5, 7, 8] {
        assert!(decode_bundle(&bundle[..cut]).is_err(), "cut at {cut}");
    }
    assert!(encode_bundle([&[0; 65_536][..]]).is_err());
    assert!(encode_bundle([&[][..]; 257]).is_err());
    assert!(decode_bundle(&[0; 2 * 257]).is_err());
    assert_eq!(decode_bundle(&[0; 2 * 256]).unwrap().len(), 256);
}

proptest! {
    #[test]
    fn a_path_is_read_back(level in 0u8..64, index in 0..=TREE_SIZE_MAX / 256, width in 1u16..=256, entries: bool) {
        let kind = if entries { TileKind::Entries } else { TileKind::Hashes { level } };
        let id = TileId::new(kind, index, width).unwrap();
        prop_assert_eq!(id.to_string().parse::<TileId>(), Ok(id));
    }

    #[test]
    fn what_parses_is_printed_the_same(path in "tile/(entries|[0-9]{1,2})/(x?[0-9]{3}/){0,3}x?[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(id) = path.parse::<TileId>() {
            prop_assert_eq!(id.to_string(), path);
        }
    }

    #[test]
    fn a_bundle_is_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..256)) {
        let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(decode_bundle(&bundle).unwrap(), entries);
    }
}
