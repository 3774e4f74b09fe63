//! A note is accepted in one form only, and only with the signature of a key that is known.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;

fn signer(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn key(name: &str, n: u8) -> VerifierKey {
    VerifierKey::new(name, PublicKey::from_bytes(&Signer::public(&signer(n))).unwrap()).unwrap()
}

fn sample() -> String {
    Note::sign("one\n\ntwo\n".into(), "log.example/a", &signer(1)).unwrap().to_string()
}

#[test]
fn a_signed_note_is_read_back_and_verified() {
    let text = sample();
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.text(), "one\n\ntwo\n");
    assert_eq!(note.to_string(), text);
    let keys = [key("log.example/b", 1), key("log.example/a", 1)];
    assert_eq!(note.verify(&keys).unwrap(), [&keys[1]]);
}

#[test]
fn every_changed_bit_of_a_note_is_noticed() {
    // N1. A change may make the note malformed, the key unknown or the signature wrong.
    let text = sample();
    let keys = [key("log.example/a", 1)];
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bad = text.as_bytes().to_vec();
            bad[at] ^= 1 << bit;
            assert!(Note::parse(&bad).and_then(|note| note.verify(&keys).map(drop)).is_err(), "bit {bit} of byte {at}");
        }
        assert!(Note::parse(&text.as_bytes()[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_key_is_known_by_name_and_identifier_together() {
    // N2.
    let note = Note::parse(sample().as_bytes()).unwrap();
    assert_eq!(note.verify(&[key("log.example/b", 1)]), Err(LedgerError::Unsigned));
    assert_eq!(note.verify(&[key("log.example/a", 2)]), Err(LedgerError::Unsigned));
    assert_eq!(note.verify(&[]), Err(LedgerError::Unsigned));
    // A line that claims the name and identifier of a known key must verify, whatever stands beside.
    let mut forged = note.clone();
    let id = key("log.example/c", 3).id();
    forged.add(NoteSignature { name: "log.example/c".into(), id, bytes: vec![7; 64] }).unwrap();
    assert!(forged.verify(&[key("log.example/a", 1)]).is_ok(), "the other key is not known");
    let both = [key("log.example/a", 1), key("log.example/c", 3)];
    assert_eq!(forged.verify(&both), Err(LedgerError::BadSignature { key: "log.example/c".into() }));
    let mut short = note;
    short.add(NoteSignature { name: "log.example/c".into(), id, bytes: vec![7] }).unwrap();
    assert!(short.verify(&both).is_err(), "not even 64 bytes");
}

#[test]
fn text_and_signatures_part_at_the_last_empty_line() {
    // N3: the inner text looks like a complete note of its own.
    let inner = sample();
    let outer = Note::sign(inner.clone(), "log.example/b", &signer(2)).unwrap();
    let parsed = Note::parse(outer.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.text(), inner);
    assert_eq!(parsed.verify(&[key("log.example/a", 1)]), Err(LedgerError::Unsigned));
    assert!(parsed.verify(&[key("log.example/b", 2)]).is_ok());
}

#[test]
fn every_other_form_of_a_note_is_refused() {
    let good = sample();
    let line = good.lines().last().unwrap().to_owned();
    let refuse = |note: &str, why: &str| assert!(Note::parse(note.as_bytes()).is_err(), "{why}");
    refuse("", "empty");
    refuse("text\n", "no signature");
    refuse("text\n\n", "no signature line");
    refuse(&good[..good.len() - 1], "no final line feed");
    refuse(&format!("{good}\n"), "empty line at the end");
    refuse(&format!("{good}{line}\n"), "the same line twice");
    refuse(&format!("{good}more\n"), "text below the signatures");
    refuse(&good.replace('\n', "\r\n"), "carriage returns");
    refuse(&good.replace("one", "o\tne"), "a tab");
    refuse(&good.replace('\u{2014}', "-"), "a hyphen for the dash");
    refuse(&good.replace("\u{2014} ", "\u{2014}"), "no space behind the dash");
    refuse(&good.replace("\u{2014} ", "\u{2014}  "), "two spaces");
    refuse(&good.replace("log.example/a ", "log.example/a  "), "two spaces before the signature");
    refuse(&good.replace("log.example/a", "log+a"), "a plus in the name");
    refuse(&good.replace("log.example/a", "log\u{a0}a"), "a no-break space in the name");
    refuse(&good.replace("log.example/a ", ""), "no name");
    refuse(&good.replace('=', ""), "no padding");
    refuse("t\n\n\u{2014} a AAAAAA==\n\u{2014} a AAAA\n", "a line without a signature");
    assert!(Note::parse(b"t\n\n\xe2\x80\x94 a AAAAAAA=\n").is_ok(), "one byte of signature of a kind not known here");
    assert!(Note::parse(&[good.as_bytes(), &[0xff]].concat()).is_err(), "not UTF-8");
    assert!(Note::sign("no line feed".into(), "a", &signer(1)).is_err());
    assert!(Note::sign("a\rb\n".into(), "a", &signer(1)).is_err());
    assert!(Note::sign("text\n".into(), "a b", &signer(1)).is_err());
}

#[test]
fn long_notes_and_many_signatures_are_refused_by_number() {
    let line = |n: u8| NoteSignature { name: "w".into(), id: [0, 0, 0, n], bytes: vec![1] };
    let mut note = Note::sign("text\n".into(), "a", &signer(1)).unwrap();
    for n in 1..64 {
        note.add(line(n)).unwrap();
    }
    assert!(Note::parse(note.to_string().as_bytes()).is_ok());
    assert!(note.add(line(64)).is_err());
    assert!(Note::parse(format!("{note}{}", line(64)).as_bytes()).is_err());
    let long = Note::sign(format!("{}\n", "x".repeat(NOTE_BYTES_MAX)), "a", &signer(1)).unwrap();
    assert!(matches!(Note::parse(long.to_string().as_bytes()), Err(LedgerError::Limit { .. })));
}

#[test]
fn a_verifier_key_has_one_spelling() {
    let key = key("log.example/a", 1);
    let vkey = key.to_string();
    assert_eq!(vkey.parse(), Ok(key.clone()));
    let typed = |kind: u8| {
        let bytes = [&[kind][..], &key.key().to_bytes()].concat();
        format!("log.example/a+{}+{}", to_hex(&key.id()), to_base64(&bytes))
    };
    assert_eq!(typed(1), vkey);
    let small_order = format!("a+{}+{}", to_hex(&key_id("a", &[0; 32])), to_base64(&[&[1][..], &[0; 32]].concat()));
    let fields: Vec<&str> = vkey.splitn(3, '+').collect();
    let other = |n: usize, field: &str| {
        let mut fields = fields.clone();
        fields[n] = field;
        fields.join("+")
    };
    for bad in [
        String::new(),
        "a+b".into(),
        typed(2),
        typed(4),
        small_order,
        other(0, ""),
        other(0, "log.example/b"),
        other(0, "log example"),
        other(1, "00000000"),
        other(1, &fields[1].to_uppercase()),
        other(1, &format!("0{}", fields[1])),
        other(2, fields[2].trim_end_matches('=')),
        other(2, &fields[2][4..]),
        format!("{vkey}\n"),
        format!(" {vkey}"),
    ] {
        assert!(bad == vkey || bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_signed_and_read_back(text in "[^\\x00-\\x1f]{0,40}(\n[^\\x00-\\x1f]{0,20}){0,5}", seed: u8) {
        let note = Note::sign(format!("{text}\n"), "log.example", &signer(seed)).unwrap();
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&parsed, &note);
        prop_assert!(parsed.verify(&[key("log.example", seed)]).is_ok());
    }

    #[test]
    fn what_parses_is_printed_the_same(text in "[a\n]{0,4}\n\n(\u{2014} [a+ ]{1,2} [A-D=]{4,12}\n){0,3}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
