//! The log of a trail, checked by code that is not ours: crates `tlog_tiles` and `signed_note`.

use crate::support::{Server, bytes, event, lines};
use cairn_ledger::{Disclosure, Hash, Kind, ProofText, entry, leaf_hash};
use signed_note::{Ed25519NoteVerifier, Note, VerifierList};
use tlog_tiles::{Checkpoint, TlogError, TlogIterator};

#[test]
fn checkpoint_and_tiles_have_the_headers_of_the_specification() {
    let server = Server::start();
    server.submit(&lines(0..300));
    let checkpoint = server.get("/t/default/main/checkpoint");
    assert_eq!(checkpoint.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(checkpoint.header("cache-control"), Some("no-cache"));
    let _ = (TlogError::InvalidProof, std::any::type_name::<TlogIterator<'static, ()>>());
    for path in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"] {
        let tile = server.get(&format!("/t/default/main/{path}"));
        assert_eq!(tile.status, 200, "{path}: {}", tile.text());
        assert_eq!(tile.header("content-type"), Some("application/octet-stream"));
        assert!(tile.header("cache-control").is_some_and(|value| value.contains("immutable")));
    }
    assert_eq!(server.get("/t/default/main/tile/0/000").body.len(), 256 * 32);
    assert_eq!(server.get("/t/default/main/tile/entries/001.p/44").body.len(), 44 * 36);
    for path in ["tile/0/001", "tile/0/001.p/45", "tile/0/1", "tile/64/000", "tile/1/001.p/1", "tile/2/000.p/1", "tile/0/000.p/0"] {
        assert_eq!(server.get(&format!("/t/default/main/{path}")).status, 404, "{path}");
    }
}
