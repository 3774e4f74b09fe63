//! What is encoded is decoded again, and nothing that is cut or changed makes the decoder panic or read past the end.

use super::*;
use proptest::prelude::*;

const PATHS: [&str; 4] = ["/actor/id", "/before", "/metadata", "/resource/id"];

fn slots(text: &str, count: usize) -> Vec<SlotSpan<'static>> {
    let length = text.len() as u32;
    let hidden = |path: &str| path.len().is_multiple_of(2).then_some(Hash([7; 32]));
    let span = |&path: &&'static str| SlotSpan { path, start: length / 2, len: length / 3, hidden: hidden(path) };
    PATHS[..count].iter().map(span).collect()
}

proptest! {
    #[test]
    fn a_record_is_read_back_as_it_was_written(
        key_number: u64, key: [u8; 32], fingerprint: [u8; 16], texts in any::<(String, String)>(), counts in (0usize..5, 0usize..5),
    ) {
        let head = RecordHead { key_number, kind: Kind::Event, key, fingerprint };
        let spans = [slots(&texts.0, counts.0), slots(&texts.1, counts.1)];
        let bytes = encode(&head, [&texts.0, &texts.1], [&spans[0], &spans[1]]);
        let mut cursor = Cursor::new(&bytes);
        let record = decode(&mut cursor).expect("what was just written");
        prop_assert!(cursor.is_empty());
        prop_assert_eq!((record.key_number, record.key, record.fingerprint), (key_number, key, fingerprint));
        prop_assert_eq!(record.texts, [texts.0.as_str(), texts.1.as_str()]);
        for (found, expected) in record.slots.iter().zip(&spans) {
            let found: Vec<_> =
                found.iter().map(|span| (span.path.as_str(), span.start, span.length, span.hidden)).collect();
            let expected: Vec<_> =
                expected.iter().map(|span| (span.path, span.start, span.len, span.hidden)).collect();
            prop_assert_eq!(found, expected);
        }
        for length in 0..bytes.len() {
            prop_assert!(decode(&mut Cursor::new(&bytes[..length])).is_err());
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
        let _ = decode(&mut Cursor::new(&bytes));
    }
}
