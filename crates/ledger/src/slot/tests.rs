//! A part committed from its text, from its slots one by one, and by the formula of the format all
//! have the same hash; spans that could mean two things are refused.

use proptest::prelude::*;
use sha2::Digest as _;

use super::*;

const TEXT: &[u8] = br#"{"action":"a","actor":{"id":"u1","ip":"10.0.0.1"},"before":{"x":1},"z":[]}"#;

fn span<'a>(path: &'a str, value: &str) -> SlotSpan<'a> {
    let start = TEXT.windows(value.len()).position(|window| window == value.as_bytes()).unwrap();
    SlotSpan { path, start: start as u32, len: value.len() as u32, hidden: None }
}

fn spans() -> Vec<SlotSpan<'static>> {
    vec![span("/actor/id", "\"u1\""), span("/actor/ip", "\"10.0.0.1\""), span("/before", "{\"x\":1}")]
}

fn seed() -> Seed {
    Seed::from_bytes([3; 32])
}

fn commit(slots: &[SlotSpan<'_>]) -> Result<Hash, LedgerError> {
    PartText { text: TEXT, slots }.commit(Part::Producer, &seed())
}

fn tagged(tag: &str, message: &[u8]) -> [u8; 32] {
    let tag = sha2::Sha256::digest(tag);
    sha2::Sha256::new().chain_update(tag).chain_update(tag).chain_update(message).finalize().into()
}

fn by_definition(part: u8, slots: &[(&str, &[u8])]) -> Hash {
    let mut message = vec![part];
    message.extend((slots.len() as u16).to_be_bytes());
    for (i, (path, value)) in (0u16..).zip(slots) {
        let key = tagged("cairn/slot-key/v1", &[&[3; 32][..], &[part], &i.to_be_bytes()].concat());
        let length = (path.len() as u16).to_be_bytes();
        message.extend(tagged("cairn/slot/v1", &[&key[..16], &length, path.as_bytes(), value].concat()));
    }
    Hash(tagged("cairn/part/v1", &message))
}

#[test]
fn text_slots_and_formula_give_one_hash() {
    let core = br#"{"action":"a","actor":{"id":null,"ip":null},"before":null,"z":[]}"#;
    let values: [(&str, &[u8]); 4] =
        [("", core), ("/actor/id", b"\"u1\""), ("/actor/ip", b"\"10.0.0.1\""), ("/before", b"{\"x\":1}")];
    for (number, part) in [(0, Part::Producer), (1, Part::Server)] {
        let expected = by_definition(number, &values);
        let slots = spans();
        let text = PartText { text: TEXT, slots: &slots };
        assert_eq!(text.commit(part, &seed()), Ok(expected));
        assert_eq!(part_hash(part, &text.commitments(part, &seed()).unwrap()), Ok(expected));
        // The same values, each cut in two pieces.
        let pieces: Vec<[&[u8]; 2]> = values.iter().map(|(_, value)| value.split_at(2)).map(|(a, b)| [a, b]).collect();
        let slots: Vec<SlotValue<'_>> =
            values.iter().zip(&pieces).map(|((path, _), value)| SlotValue::Open { path, value }).collect();
        assert_eq!(commit_part(part, &seed(), &slots), Ok(expected));
    }
}

#[test]
fn the_text_order_of_the_slots_does_not_matter() {
    // By path "/a-b" comes before "/a/c"; in the text it stands behind.
    let text = br#"{"a":{"c":1},"a-b":2}"#;
    let slots = [
        SlotSpan { path: "/a-b", start: 19, len: 1, hidden: None },
        SlotSpan { path: "/a/c", start: 10, len: 1, hidden: None },
    ];
    let expected = by_definition(0, &[("", br#"{"a":{"c":null},"a-b":null}"#), ("/a-b", b"2"), ("/a/c", b"1")]);
    assert_eq!(PartText { text, slots: &slots }.commit(Part::Producer, &seed()), Ok(expected));
}

#[test]
fn a_hidden_slot_keeps_the_hash_of_the_part() {
    let open = spans();
    let commitments = PartText { text: TEXT, slots: &open }.commitments(Part::Producer, &seed()).unwrap();
    let text = br#"{"action":"a","actor":{"id":null,"ip":"10.0.0.1"},"before":{"x":1},"z":[]}"#;
    // The first value has as many bytes as the null that replaces it, so the places stay.
    let mut slots = open.clone();
    slots[0].hidden = Some(commitments[1]);
    assert_eq!(PartText { text, slots: &slots }.commit(Part::Producer, &seed()), commit(&open));
    assert!(PartText { text: TEXT, slots: &slots }.commit(Part::Producer, &seed()).is_err(), "value still there");
    let values = [
        SlotValue::Hidden { path: "", commitment: commitments[0] },
        SlotValue::Hidden { path: "/actor/id", commitment: commitments[1] },
        SlotValue::Open { path: "/actor/ip", value: &[b"\"10.0.0.1\""] },
        SlotValue::Hidden { path: "/before", commitment: commitments[3] },
    ];
    assert_eq!(commit_part(Part::Producer, &seed(), &values), commit(&open));
}

#[test]
fn spans_that_could_mean_two_things_are_refused() {
    let good = spans();
    let changed = |change: &dyn Fn(&mut Vec<SlotSpan<'static>>)| {
        let mut slots = good.clone();
        change(&mut slots);
        commit(&slots)
    };
    assert!(changed(&|_| ()).is_ok());
    assert!(changed(&|s| s.swap(0, 1)).is_err(), "order");
    assert!(changed(&|s| s[1].path = "/actor/id").is_err(), "the same path twice");
    assert!(changed(&|s| s[0].path = "").is_err(), "a second core");
    assert!(changed(&|s| s[0].path = "actor").is_err(), "not a pointer");
    assert!(changed(&|s| s[0].len = 0).is_err(), "empty");
    assert!(changed(&|s| s[0].len = 20).is_err(), "overlap");
    assert!(changed(&|s| s[1].start = s[0].start).is_err(), "the same place twice");
    assert!(changed(&|s| s[2].start = TEXT.len() as u32).is_err(), "behind the text");
    assert!(changed(&|s| s[2].len = u32::MAX).is_err(), "longer than the text");
    assert!(changed(&|s| s[2].start = u32::MAX).is_err(), "far behind the text");
    let long = format!("/{}", "p".repeat(SLOT_PATH_BYTES_MAX));
    let slots = [SlotSpan { path: &long, ..good[0] }];
    assert!(commit(&slots).is_err(), "path too long");
}

#[test]
fn sixty_four_slots_are_allowed_and_not_one_more() {
    let paths: Vec<String> = (0..64).map(|i| format!("/{i:02}")).collect();
    let slots: Vec<SlotSpan<'_>> =
        (0..).zip(&paths).map(|(start, path)| SlotSpan { path, start, len: 1, hidden: None }).collect();
    assert!(commit(&slots[..63]).is_ok());
    assert!(commit(&slots).is_err());
    let values: Vec<SlotValue<'_>> = std::iter::once("")
        .chain(paths.iter().map(String::as_str))
        .map(|path| SlotValue::Open { path, value: &[] })
        .collect();
    assert!(commit_part(Part::Server, &seed(), &values[..64]).is_ok());
    assert!(commit_part(Part::Server, &seed(), &values).is_err());
    assert!(commit_part(Part::Server, &seed(), &values[1..3]).is_err(), "no core");
    assert!(commit_part(Part::Server, &seed(), &[]).is_err());
    assert!(part_hash(Part::Server, &[]).is_err());
    assert!(part_hash(Part::Server, &[Hash([0; 32]); 65]).is_err());
}

#[test]
fn a_byte_can_not_move_between_path_and_value() {
    let salt = [1; 16];
    assert_ne!(slot_commitment(&salt, "/a", b"b"), slot_commitment(&salt, "/ab", b""));
    assert_ne!(slot_commitment(&salt, "/a", b"b"), slot_commitment(&[2; 16], "/a", b"b"));
}

proptest! {
    #[test]
    fn any_spans_are_either_committed_or_refused(
        places in prop::collection::vec((0u32..90, 0u32..20), 0..6),
    ) {
        let paths: Vec<String> = (0..places.len()).map(|i| format!("/{i}")).collect();
        let slots: Vec<SlotSpan<'_>> = paths
            .iter()
            .zip(&places)
            .map(|(path, (start, len))| SlotSpan { path, start: *start, len: *len, hidden: None })
            .collect();
        let mut order = slots.clone();
        order.sort_by_key(|slot| slot.start);
        let mut core = Vec::new();
        let mut end = 0;
        let mut sound = true;
        for slot in &order {
            let span = slot.start as usize..(slot.start + slot.len) as usize;
            sound &= slot.len > 0 && span.start >= end && span.end <= TEXT.len();
            if !sound {
                break;
            }
            core.extend(&TEXT[end..span.start]);
            core.extend(b"null");
            end = span.end;
        }
        if sound {
            core.extend(&TEXT[end..]);
            let mut values = vec![("", &core[..])];
            values.extend(slots.iter().map(|s| (s.path, &TEXT[s.start as usize..(s.start + s.len) as usize])));
            prop_assert_eq!(commit(&slots), Ok(by_definition(0, &values)));
        } else {
            prop_assert!(commit(&slots).is_err());
        }
    }
}
