//! One file form, one meaning: type, payload and key are bound by the signature.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;

const TYPE_A: &str = "application/vnd.cairn.manifest.v1+json";

fn signer(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes(&Signer::public(&signer(n))).unwrap()
}

fn sample() -> Envelope {
    Envelope::sign(TYPE_A, b"{\"a\":1}".to_vec(), &signer(1)).unwrap()
}

#[test]
fn an_envelope_is_read_back_and_opened() {
    let text = sample().to_text();
    assert!(text.starts_with(r#"{"payload":"eyJhIjoxfQ==","payloadType":"application/vnd.cairn.manifest.v1+json","#));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["signatures"][0]["keyid"], key(1).short_id());
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    assert_eq!(envelope, sample());
    assert_eq!(envelope.open(TYPE_A, &[key(2), key(1)]), Ok(&b"{\"a\":1}"[..]));
    assert_eq!(envelope.open(TYPE_A, &[key(2)]), Err(LedgerError::Unsigned));
    assert!(envelope.open("another/type", &[key(1)]).is_err());
}

#[test]
fn the_signed_bytes_keep_type_and_payload_apart() {
    // N18, and the example in the DSSE specification.
    assert_eq!(
        encoding_to_sign("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_ne!(encoding_to_sign("a", b"bc"), encoding_to_sign("ab", b"c"));
    let moved = Envelope { payload_type: "another/type".into(), ..sample() };
    assert!(moved.open("another/type", &[key(1)]).is_err());
}

#[test]
fn every_changed_bit_of_a_file_is_noticed() {
    let text = sample().to_text();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bad = text.as_bytes().to_vec();
            bad[at] ^= 1 << bit;
            let opened = Envelope::parse(&bad).is_ok_and(|envelope| envelope.open(TYPE_A, &[key(1)]).is_ok());
            assert!(!opened, "bit {bit} of byte {at}");
        }
        assert!(Envelope::parse(&text.as_bytes()[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn every_other_spelling_is_refused() {
    let good = sample().to_text();
    for (from, to) in [
        ("{\"payload\"", "{ \"payload\""),
        ("payloadType", "payloadtype"),
        ("==", ""),
        ("application", "\\u0061pplication"),
        ("application", ""),
        ("application/vnd", "application vnd"),
        ("}]}", "}]}\n"),
        ("}]}", "},{}]}"),
        ("\"keyid\":\"", "\"keyid\":\"0"),
        ("\"sig\":\"", "\"sig\":\"AAAA"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(from == "application" && to.is_empty() || Envelope::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(Envelope::parse(&[good.as_bytes(), &[0xff]].concat()).is_err());
    for bad in ["", "a b", "a\"b", "a\\b", "a\nb", "é"] {
        assert!(Envelope::sign(bad, Vec::new(), &signer(1)).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_payload_is_read_back(payload in prop::collection::vec(any::<u8>(), 0..80), seed: u8) {
        let text = Envelope::sign(TYPE_A, payload.clone(), &signer(seed)).unwrap().to_text();
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(envelope.to_text(), text);
        prop_assert_eq!(envelope.open(TYPE_A, &[key(seed)]), Ok(&payload[..]));
    }
}
