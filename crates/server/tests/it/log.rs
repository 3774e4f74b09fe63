//! The log of a trail, checked by code that is not ours: crates `tlog_tiles` and `signed_note`.

use crate::support::{Server, bytes, event, lines};
use cairn_ledger::{Disclosure, Hash, Kind, ProofText, decode_bundle, entry, leaf_hash};
use serde_json::json;
use signed_note::{Note, StandardVerifier, VerifierList};
use std::cell::Cell;
use tlog_tiles::{
    Checkpoint, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    record_hash, stored_hash_index, tree_hash,
};

/// Fetches tiles over HTTP, as a stranger would.
struct Fetch<'s> {
    server: &'s Server,
    fetched: Cell<usize>,
}

impl TileReader for Fetch<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        self.fetched.set(self.fetched.get() + tiles.len());
        let fetch = |tile: &Tile| {
            // The crate writes the height into the path, the specification does not.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            let answer = self.server.get(&format!("/t/default/main/{path}"));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            answer.body
        };
        Ok(tiles.iter().map(fetch).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn checkpoint(server: &Server) -> Checkpoint {
    let note = server.client().checkpoint("default/main").expect("there is one");
    let key = server.client().trails().expect("readable").trails[0].verifier_key.clone();
    let verifier = StandardVerifier::new(&key).expect("a verifier key of C2SP signed-note");
    let note = Note::from_bytes(note.as_bytes()).expect("a signed note");
    let (verified, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("signed by the log");
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    Checkpoint::from_bytes(note.text()).expect("a checkpoint")
}

#[test]
fn strangers_tools_verify_checkpoint_tiles_and_records_before_and_after_sealing() {
    let server = Server::start();
    server.submit(&lines(0..600));
    let older = checkpoint(&server);
    assert_eq!(older.size(), 600);
    for seal in [false, true] {
        if seal {
            assert_eq!(server.client().seal(Some("main")).expect("the admin may").sealed.len(), 1);
        }
        server.submit(&lines(600..700));
        let newest = checkpoint(&server);
        assert_eq!(newest.size(), 700);
        let fetch = Fetch { server: &server, fetched: Cell::new(0) };
        let reader = TileHashReader::new(newest.size(), *newest.hash(), &fetch);
        assert_eq!(tree_hash(newest.size(), &reader).expect("authentic tiles"), *newest.hash());
        let proof = prove_tree(newest.size(), older.size(), &reader).expect("authentic tiles");
        check_tree(&proof, newest.size(), *newest.hash(), older.size(), *older.hash()).expect("a prefix");
        for index in [0, 255, 256, 599, 600, 699] {
            let entries = match index / 256 {
                2 => server.client().tile("default/main", "tile/entries/002.p/188"),
                n => server.client().tile("default/main", &format!("tile/entries/00{n}")),
            };
            let entries = entries.expect("there are as many");
            let entry = decode_bundle(&entries).expect("a bundle")[(index % 256) as usize].to_vec();
            let leaf = record_hash(&entry);
            let proof = prove_record(newest.size(), index, &reader).expect("authentic tiles");
            check_record(&proof, newest.size(), *newest.hash(), index, leaf).expect("the entry is in the log");
            assert_eq!(reader.read_hashes(&[stored_hash_index(0, index)]).expect("authentic tiles")[0], leaf);
        }
        assert!(fetch.fetched.get() > 0);
    }
}

#[test]
fn tiles_have_the_headers_of_the_specification_and_only_existing_ones_are_served() {
    let server = Server::start();
    assert_eq!(server.get("/t/default/main/checkpoint").status, 404);
    server.submit(&lines(0..300));
    let checkpoint = server.get("/t/default/main/checkpoint");
    assert_eq!(checkpoint.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(checkpoint.header("cache-control"), Some("no-cache"));
    for (path, size) in [
        ("tile/0/000", 256 * 32),
        ("tile/0/001.p/44", 44 * 32),
        ("tile/0/001.p/1", 32),
        ("tile/1/000.p/1", 32),
        ("tile/entries/000", 256 * 36),
        ("tile/entries/001.p/44", 44 * 36),
    ] {
        let tile = server.get(&format!("/t/default/main/{path}"));
        assert_eq!((tile.status, tile.body.len()), (200, size), "{path}");
        assert_eq!(tile.header("content-type"), Some("application/octet-stream"));
        assert!(tile.header("cache-control").is_some_and(|value| value.contains("immutable")));
    }
    for path in [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/1",
        "tile/64/000",
        "tile/1/001.p/1",
        "tile/2/000.p/1",
        "tile/0/001.p/0",
    ] {
        assert_eq!(server.get(&format!("/t/default/main/{path}")).status, 404, "{path}");
    }
}

#[test]
fn a_proof_as_text_holds_alone_and_opens_to_the_event_that_was_sent() {
    let server = Server::start();
    server.submit(&lines(0..10));
    let mut secret = event(10);
    secret["metadata"] = json!({"note": "only in this one"});
    let sent = server.submit(&bytes(&secret));
    server.submit(&lines(11..20));
    let position = sent.results[0].position.clone().expect("placed");
    let view = server.client().proof(&position).expect("it is there");
    let key = server.node.verifier_key(&"default/main".parse().expect("a trail")).expect("a key");
    view.verify(&key).expect("the path leads to the root");
    assert_eq!(Some(&view.leaf_hash), sent.results[0].leaf_hash.as_ref());

    let text = server.client().proof_text(&position).expect("it is there");
    let proof = ProofText::parse(text.as_bytes()).expect("a C2SP tlog-proof");
    let disclosure = Disclosure::decode(proof.extra().expect("the disclosure")).expect("whole");
    let entry = entry(Kind::Event, &disclosure.root());
    assert_eq!(proof.verify(&entry, &[key]).expect("it holds").size(), 20);
    assert_eq!(leaf_hash(&entry), Hash::from_base64(&view.leaf_hash).expect("a hash"));
    assert!(disclosure.encode().windows(16).any(|part| part == b"only in this one"));
    let id = sent.results[0].id.clone().expect("an id");
    assert_eq!(server.client().proof(&id).expect("by its id").position, position);
}
