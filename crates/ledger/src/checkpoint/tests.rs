//! A checkpoint speaks of the log that the reader's keys name, in one spelling.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::{PublicKey, sha256};

const ORIGIN: &str = "audit.example/t/acme/main";

fn signer(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn key(name: &str, n: u8) -> VerifierKey {
    VerifierKey::new(name, PublicKey::from_bytes(&Signer::public(&signer(n))).unwrap()).unwrap()
}

fn sample() -> Checkpoint {
    Checkpoint::new(ORIGIN, 70_000, sha256(b"root")).unwrap()
}

#[test]
fn a_signed_checkpoint_is_opened_by_the_key_of_its_origin() {
    let checkpoint = sample();
    let note = checkpoint.sign(&signer(1)).to_string();
    assert_eq!(note, checkpoint.sign(&signer(1)).to_string(), "the same head gives the same bytes");
    assert!(note.starts_with("audit.example/t/acme/main\n70000\nSBNJTRN+FjG7owHV"), "{note}");
    assert_eq!(Checkpoint::open(note.as_bytes(), &[key("w", 9), key(ORIGIN, 1)]), Ok(checkpoint));
    assert!(Checkpoint::open(note.as_bytes(), &[key(ORIGIN, 2)]).is_err());
    for at in 0..note.len() {
        let mut bad = note.as_bytes().to_vec();
        bad[at] ^= 1;
        assert!(Checkpoint::open(&bad, &[key(ORIGIN, 1)]).is_err(), "byte {at}");
    }
}

#[test]
fn a_trusted_key_of_another_log_does_not_vouch_for_this_one() {
    // N9, N11: the note names its own log, but the keys decide.
    let text = sample().to_text();
    let foreign = Note::sign(text, "audit.example/t/evil/main", &signer(2)).unwrap().to_string();
    let keys = [key(ORIGIN, 1), key("audit.example/t/evil/main", 2)];
    assert_eq!(Checkpoint::open(foreign.as_bytes(), &keys), Err(LedgerError::Unsigned));
}

#[test]
fn every_other_spelling_is_refused() {
    // N4, N5.
    let root = sha256(b"root").to_string();
    let check = |text: &str| Checkpoint::from_text(text).is_ok();
    assert!(check(&format!("o\n7\n{root}\n")));
    assert!(check(&format!("o\n{TREE_SIZE_MAX}\n{root}\n")));
    for size in ["", "07", "+7", "-7", "-0", " 7", "7 ", "7.0", "0x7", "9223372036854775808", "18446744073709551616"] {
        assert!(!check(&format!("o\n{size}\n{root}\n")), "size {size}");
    }
    let last = root.as_bytes()[42];
    let noncanonical = format!("{}{}=", &root[..42], char::from(last + 1));
    for bad in [&root[..43], &root[1..], &noncanonical, "", "AAAA"] {
        assert!(!check(&format!("o\n7\n{bad}\n")), "root {bad}");
    }
    for bad in [
        format!("\n7\n{root}\n"),
        format!("o o\n7\n{root}\n"),
        format!("o+o\n7\n{root}\n"),
        format!("o\n7\n{root}"),
        format!("o\n7\n{root}\nextension\n"),
        format!("o\n7\n{root}\n\n"),
        format!("o\n\n7\n{root}\n"),
        "o\n7\n".to_owned(),
    ] {
        assert!(!check(&bad), "{bad:?}");
    }
}

#[test]
fn the_empty_log_has_the_empty_root() {
    assert!(Checkpoint::new("o", 0, empty_root()).is_ok());
    assert!(Checkpoint::new("o", 0, sha256(b"root")).is_err());
    assert!(Checkpoint::from_text(&format!("o\n0\n{}\n", sha256(b"root"))).is_err());
    assert!(Checkpoint::new("o", TREE_SIZE_MAX + 1, sha256(b"root")).is_err());
    assert!(Checkpoint::new("", 1, sha256(b"root")).is_err());
}

proptest! {
    #[test]
    fn a_checkpoint_is_read_back(origin in "[a-z./-]{1,30}", size in 1..=TREE_SIZE_MAX, root: [u8; 32]) {
        let checkpoint = Checkpoint::new(&origin, size, Hash(root)).unwrap();
        prop_assert_eq!(Checkpoint::from_text(&checkpoint.to_text()), Ok(checkpoint.clone()));
        let note = checkpoint.sign(&signer(1)).to_string();
        prop_assert_eq!(Checkpoint::open(note.as_bytes(), &[key(&origin, 1)]), Ok(checkpoint));
    }
}
