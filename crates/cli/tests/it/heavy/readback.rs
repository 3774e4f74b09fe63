//! Reads everything that is in the trails, over HTTP, and proves what can be proved.

use cairn_api::v1::{EventView, Receipt, Status, SubmitAnswer};
use cairn_api::{Client, TailRequest};
use cairn_ledger::{
    Checkpoint, Hash, TileId, TileKind, VerifierKey, decode_bundle, leaf_hash, verify_inclusion, verify_range,
};
use serde_json::Value;

use super::books::{Books, Found, Trail};

/// Entries in a full tile (C2SP tlog-tiles).
const TILE: u64 = 256;

/// Reads what came behind what is known of both trails, and settles the books.
pub(super) fn settle(client: &Client, keys: &[VerifierKey; 2], books: &mut Books, answered_all: bool) {
    for trail in Trail::ALL {
        let before = books.size(trail);
        let checkpoint = newest_checkpoint(client, keys, trail);
        let size = checkpoint.as_ref().map_or(0, Checkpoint::size);
        assert!(size >= before, "{trail:?} shrank from {before} to {size}");
        let tiles = leaves(client, trail, before / TILE * TILE, size);
        let (known, new) = tiles.split_at((before % TILE) as usize);
        for (index, leaf) in (before / TILE * TILE..).zip(known) {
            assert_eq!(*leaf, books.leaf(trail, index), "{trail:?}@{index} changed");
        }
        books.grow(trail, new, checkpoint.as_ref());
        events(client, trail, before..size, |found| books.found(trail, &found));
    }
    books.settle(answered_all);
}

/// Reads both trails from their first event on.
pub(super) fn compare_all(client: &Client, books: &Books) {
    for trail in Trail::ALL {
        let size = books.size(trail);
        for (index, leaf) in (0..).zip(leaves(client, trail, 0, size)) {
            assert_eq!(leaf, books.leaf(trail, index), "{trail:?}@{index} changed");
        }
        events(client, trail, 0..size, |found| books.found_again(trail, &found));
    }
}

/// The newest checkpoint of a trail, if it has one, signed as it must be.
pub(super) fn newest_checkpoint(client: &Client, keys: &[VerifierKey; 2], trail: Trail) -> Option<Checkpoint> {
    match client.checkpoint(trail.name()) {
        Ok(note) => Some(open(&note, &keys[trail as usize])),
        Err(error) if error.problem().is_some_and(|problem| problem.code == "not_found") => None,
        Err(error) => panic!("{error}"),
    }
}

/// A checkpoint, signed by the key of its trail.
#[track_caller]
pub(super) fn open(note: &str, key: &VerifierKey) -> Checkpoint {
    Checkpoint::open(note.as_bytes(), std::slice::from_ref(key)).expect("signed by the key of the trail")
}

/// Leaf hashes from index `from`, the first of a tile, up to `size`: recomputed from the entries, and
/// as the tree has them.
fn leaves(client: &Client, trail: Trail, from: u64, size: u64) -> Vec<Hash> {
    let mut leaves = Vec::new();
    for first in (from..size).step_by(TILE as usize) {
        let width = TILE.min(size - first) as u16;
        let tile = |kind| {
            let id = TileId::new(kind, first / TILE, width).unwrap();
            client.tile(trail.name(), &id.to_string()).expect("a tile below the checkpoint")
        };
        let (bundle, hashes) = (tile(TileKind::Entries), tile(TileKind::Hashes { level: 0 }));
        let computed: Vec<Hash> = decode_bundle(&bundle).unwrap().into_iter().map(leaf_hash).collect();
        let bytes: Vec<u8> = computed.iter().flat_map(|hash| *hash.as_bytes()).collect();
        assert!(bytes == hashes, "{trail:?}: the tile at {first} has other leaves than the entries");
        leaves.extend(computed);
    }
    assert_eq!(leaves.len() as u64, size - from.min(size));
    leaves
}

/// Reads the events of a range in order.
fn events(client: &Client, trail: Trail, range: std::ops::Range<u64>, mut each: impl FnMut(Found)) {
    if range.is_empty() {
        return;
    }
    let first = client.event(&format!("{}@{}", trail.name(), range.start)).expect("it is there");
    let rest = client.tail(TailRequest {
        trail: Some(trail.name().to_owned()),
        after: Some(first.position.clone()),
        ..TailRequest::default()
    });
    let rest = rest.map(|event| event.expect("it is there"));
    for (index, event) in range.zip(std::iter::once(first).chain(rest)) {
        let found = found(trail, &event);
        assert_eq!(found.index, index, "{trail:?} in order and without a gap");
        each(found);
    }
}

fn found(trail: Trail, view: &EventView) -> Found {
    let text = view.event.get();
    let mut facts = text.split("fact-").skip(1).map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().expect("a number")
    });
    let fact = facts.next().unwrap_or_else(|| panic!("not an event of ours: {text}"));
    assert!(facts.all(|other: usize| other == fact), "one event of two facts: {text}");
    let event: Value = serde_json::from_str(text).expect("JSON");
    Found {
        fact,
        index: trail.index(&view.position),
        leaf: Hash::from_base64(&view.leaf_hash).unwrap(),
        conflict_with: event["conflict_with"].as_str().map(|position| trail.index(position)),
    }
}

/// Checks every receipt and every path of an answer; gives the checkpoints they are of.
pub(super) fn check_receipts(answer: &SubmitAnswer, keys: &[VerifierKey; 2]) -> Vec<(Trail, Checkpoint)> {
    let mut seen = Vec::new();
    for receipt in &answer.receipts {
        let trail = Trail::ALL.into_iter().find(|trail| trail.name() == receipt.trail).expect("one of ours");
        let checkpoint = open(&receipt.checkpoint, &keys[trail as usize]);
        check_receipt(receipt, &checkpoint, trail, answer);
        seen.push((trail, checkpoint));
    }
    for result in answer.results.iter().filter(|result| is_new(result.status)) {
        let position = result.position.as_deref().expect("a place");
        let is_proved = answer.receipts.iter().any(|receipt| {
            let index = position.strip_prefix(&receipt.trail).and_then(|rest| rest[1..].parse::<u64>().ok());
            index.is_some_and(|index| (receipt.first..receipt.first + receipt.count).contains(&index))
        });
        assert!(is_proved, "{position} has no receipt");
    }
    seen
}

fn is_new(status: Status) -> bool {
    matches!(status, Status::Stored | Status::Quarantined)
}

fn check_receipt(receipt: &Receipt, checkpoint: &Checkpoint, trail: Trail, answer: &SubmitAnswer) {
    assert_eq!(receipt.durability, "fsync");
    let hash = |text: &String| Hash::from_base64(text).unwrap();
    let range = receipt.first..receipt.first + receipt.count;
    let mut leaves = std::collections::BTreeMap::new();
    for result in &answer.results {
        let Some(position) =
            result.position.as_deref().filter(|position| position.starts_with(&format!("{}@", receipt.trail)))
        else {
            continue;
        };
        let (index, leaf) = (trail.index(position), hash(result.leaf_hash.as_ref().expect("a leaf hash")));
        if !range.contains(&index) {
            continue;
        }
        leaves.insert(index, leaf);
        if let (Some(path), Some(size)) = (&result.inclusion_proof, result.tree_size)
            && size == checkpoint.size()
        {
            let path: Vec<Hash> = path.iter().map(hash).collect();
            verify_inclusion(&leaf, index, size, &path, checkpoint.root()).expect("the path leads to the root");
        }
    }
    let leaves: Vec<Hash> =
        range.map(|index| *leaves.get(&index).expect("a receipt is of events of the answer")).collect();
    let [left, right] =
        [&receipt.proof.left, &receipt.proof.right].map(|side| side.iter().map(hash).collect::<Vec<_>>());
    verify_range(receipt.first, &leaves, checkpoint.size(), &left, &right, checkpoint.root())
        .expect("the receipt proves its events");
}
