//! Logs written here are read by code that is not ours: `tlog_tiles` and `signed_note` of a
//! certificate transparency log, and `ct-merkle`. What they refuse, or compute differently, fails.

use cairn_ledger::{Checkpoint, Hash, NoTiles, Note, PublicKey, Signer, TileId, Tree, VerifierKey, entry, leaf_hash};
use ed25519_dalek::SigningKey;

const ORIGIN: &str = "audit.example/t/acme/main";
const SIZES: [u64; 9] = [1, 2, 3, 255, 256, 257, 1000, 65_537, 70_000];

fn entry_bytes(i: u64) -> Vec<u8> {
    let root = cairn_ledger::sha256(&i.to_be_bytes());
    entry(cairn_ledger::Kind::Event, &root).to_vec()
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::new();
    for i in 0..size {
        tree.push(leaf_hash(&entry_bytes(i)));
    }
    tree
}

fn theirs(hash: &Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn probes(size: u64) -> impl Iterator<Item = u64> {
    [0, 1, size / 3, size / 2, size.saturating_sub(2), size - 1].into_iter().filter(move |i| *i < size)
}

/// Serves our tiles by path, as a web server would.
struct Served<'a>(&'a Tree);

impl tlog_tiles::TileReader for Served<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let id: TileId = format!("tile/{}", tile.path().strip_prefix("tile/8/").unwrap()).parse().unwrap();
            let hashes = self.0.hash_tile(tile.level(), id.index(), id.width(), &NoTiles).unwrap();
            hashes.iter().flat_map(|hash| hash.0).collect()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[tlog_tiles::Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn tlog_tiles_accepts_our_inclusion_and_consistency_proofs() {
    let tree = tree(70_000);
    for size in SIZES {
        let root = tree.root_at(size, &NoTiles).unwrap();
        for index in probes(size) {
            let path = tree.inclusion(index, size, &NoTiles).unwrap().path;
            let path: Vec<_> = path.iter().map(theirs).collect();
            let leaf = tlog_tiles::record_hash(&entry_bytes(index));
            tlog_tiles::check_record(&path, size, theirs(&root), index, leaf).unwrap();
        }
        for from in probes(size).map(|i| i + 1) {
            let path = tree.consistency(from, size, &NoTiles).unwrap().path;
            let path: Vec<_> = path.iter().map(theirs).collect();
            let from_root = tree.root_at(from, &NoTiles).unwrap();
            tlog_tiles::check_tree(&path, size, theirs(&root), from, theirs(&from_root)).unwrap();
        }
    }
}

#[test]
fn tlog_tiles_rebuilds_our_proofs_from_our_tiles() {
    for size in SIZES {
        let tree = tree(size);
        let served = Served(&tree);
        // The reader checks every tile it fetches against the root.
        let reader = tlog_tiles::TileHashReader::new(size, theirs(&tree.root()), &served);
        for index in probes(size) {
            let theirs = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let ours = tree.inclusion(index, size, &NoTiles).unwrap();
            assert_eq!(theirs.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>(), ours.path);
        }
    }
}

#[test]
fn ct_merkle_agrees_on_roots_and_proofs() {
    let mut other = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    let mut ours = Tree::new();
    for i in 0..600u64 {
        other.push(entry_bytes(i));
        ours.push(leaf_hash(&entry_bytes(i)));
        let root = other.root();
        assert_eq!(root.as_bytes().as_slice(), ours.root().0);
        let size = i + 1;
        for index in probes(size) {
            let path: Vec<u8> =
                ours.inclusion(index, size, &NoTiles).unwrap().path.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(other.prove_inclusion(index as usize).as_bytes(), path);
            let proof = ct_merkle::InclusionProof::try_from_bytes(path).unwrap();
            root.verify_inclusion(&entry_bytes(index), index, &proof).unwrap();
            if index > 0 {
                let path: Vec<u8> =
                    ours.consistency(index, size, &NoTiles).unwrap().path.iter().flat_map(|hash| hash.0).collect();
                assert_eq!(other.prove_consistency((size - index) as usize).as_bytes(), path);
            }
        }
    }
}

#[test]
fn signed_note_verifies_our_checkpoints_and_we_theirs() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let key = VerifierKey::new(ORIGIN, PublicKey::from_bytes(&Signer::public(&signer)).unwrap()).unwrap();
    let tree = tree(1000);
    let checkpoint = Checkpoint::new(ORIGIN, 1000, tree.root()).unwrap();
    let ours = checkpoint.sign(&signer).to_string();

    let verifier = signed_note::StandardVerifier::new(&key.to_string()).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let note = signed_note::Note::from_bytes(ours.as_bytes()).unwrap();
    let (verified, unknown) = note.verify(&known).unwrap();
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((read.origin(), read.size(), read.hash().0), (ORIGIN, 1000, tree.root().0));

    // Their signer with the same secret: Ed25519 is deterministic, so the bytes are the same.
    let secret = [&[1][..], &[7; 32]].concat();
    let id = u32::from_be_bytes(key.id());
    let encoded = ours_base64(&secret);
    let skey = format!("PRIVATE+KEY+{ORIGIN}+{id:08x}+{encoded}");
    let their_signer = signed_note::StandardSigner::new(&skey).unwrap();
    let mut theirs = signed_note::Note::new(checkpoint.to_text().as_bytes(), &[]).unwrap();
    theirs.add_sigs(&[&their_signer]).unwrap();
    assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), ours);
    assert_eq!(Checkpoint::open(&theirs.to_bytes(), &[key]), Ok(checkpoint));
}

#[test]
fn signed_note_and_we_accept_and_refuse_the_same_notes() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let good = Note::sign("text\n\nmore\n".into(), ORIGIN, &signer).unwrap().to_string();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let ours = Note::parse(&bytes).is_ok();
            let theirs = signed_note::Note::from_bytes(&bytes).is_ok();
            assert_eq!(ours, theirs, "bit {bit} of byte {at}");
        }
    }
}

fn ours_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
