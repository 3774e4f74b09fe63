//! The slots of a text are where its writer, its reader and the general canonical writer say.

use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::canonical::canonical;
use crate::draft::Draft;

fn object(text: &str) -> Object {
    match Json::parse(text.as_bytes()) {
        Ok(Json::Object(object)) => object,
        other => panic!("{text}: {other:?}"),
    }
}

fn shown(part: &PartText) -> Vec<(&str, &str)> {
    let value = |slot: &SlotSpan| part.value(slot.path).expect("present");
    part.slots.iter().map(|slot| (slot.path, value(slot))).collect()
}

#[test]
fn slots_are_listed_in_byte_order_and_never_nest() {
    for pair in SLOTS.windows(2) {
        assert!(pair[0] < pair[1], "{pair:?}");
        assert!(!pair[1].starts_with(&format!("{}/", pair[0])), "{pair:?}");
    }
    for path in SLOTS {
        let top = path[1..].split('/').next().expect("a segment");
        assert!(MEMBERS.contains(&top), "{path}");
        assert_eq!(path.matches('/').count() == 2, holds_slots(top), "{path}");
    }
}

#[test]
fn an_object_is_written_canonically_with_its_slots() {
    let part = PartText::of(&object(
        r#"{"time":"t","raw":"r","resource":{"type":"x","name":null,"id":"1"},
            "actor":{"type":"user","id":"a","on_behalf_of":{"id":"b","email":"c"}},
            "actor/id":1,"origin":7,"metadata":{"b":1,"a":[2.0]}}"#,
    ));
    assert_eq!(
        part.text,
        r#"{"actor":{"id":"a","on_behalf_of":{"email":"c","id":"b"},"type":"user"},"actor/id":1,"metadata":{"a":[2],"b":1},"origin":7,"raw":"r","resource":{"id":"1","name":null,"type":"x"},"time":"t"}"#
    );
    let expected = [
        ("/actor/id", r#""a""#),
        ("/actor/on_behalf_of", r#"{"email":"c","id":"b"}"#),
        ("/metadata", r#"{"a":[2],"b":1}"#),
        ("/raw", r#""r""#),
        ("/resource/id", r#""1""#),
        ("/resource/name", "null"),
    ];
    assert_eq!(shown(&part), expected);
    assert_eq!(PartText::from_text(part.text.clone()), Ok(part));
}

#[test]
fn a_text_that_is_no_part_is_refused() {
    for text in [
        "",
        "[]",
        "{",
        r#"{"raw":1} x"#,
        r#"{"raw":1,"raw":2}"#,
        r#"{"raw":1,"after":2}"#,
        r#"{"actor":{"id":1,"id":2}}"#,
        r#"{"raw":tru}"#,
    ] {
        assert!(PartText::from_text(text).is_err(), "{text}");
    }
    assert_eq!(PartText::from_text("{}").expect("empty").slots, []);
}

#[test]
fn a_redacted_part_keeps_all_but_the_hidden_values() {
    let part = PartText::of(&object(r#"{"actor":{"email":"a@b","id":"a"},"metadata":{"x":1},"time":"t"}"#));
    let hidden = part.redacted(|path| path != "/actor/id");
    assert_eq!(hidden.text, r#"{"actor":{"email":null,"id":"a"},"metadata":null,"time":"t"}"#);
    let expected = [("/actor/email", "null"), ("/actor/id", r#""a""#), ("/metadata", "null")];
    assert_eq!(shown(&hidden), expected);
    assert_eq!(part.redacted(|_| false), part);
    assert_eq!(PartText::from_text(hidden.text.clone()), Ok(hidden));
}

#[test]
fn parts_merge_in_the_order_of_the_contract() {
    let producer = Json::Object(object(r#"{"action":"a.b","time":"t","x":1,"metadata":{}}"#));
    let server = Json::Object(object(r#"{"id":"i","raw":"r","received_at":"r","action":"other"}"#));
    assert_eq!(
        merge(producer, server).to_text(),
        r#"{"id":"i","time":"t","received_at":"r","action":"a.b","metadata":{},"raw":"r","x":1}"#
    );
}

proptest! {
    #[test]
    fn a_draft_is_written_as_the_canonical_writer_would(event in arbitrary::event()) {
        let part = Draft::from_json(event).expect("generated").part();
        let json = Json::parse(part.text.as_bytes()).expect("JSON");
        prop_assert_eq!(&canonical(&json, Numbers::AsWritten), &part.text);
        prop_assert_eq!(&PartText::of(json.as_object().expect("object")), &part);
        prop_assert_eq!(PartText::from_text(part.text.clone()), Ok(part));
    }

    #[test]
    fn hiding_all_slots_leaves_the_core(event in arbitrary::event()) {
        let part = Draft::from_json(event).expect("generated").part();
        let core = part.redacted(|_| true);
        let json = Json::parse(core.text.as_bytes()).expect("JSON");
        for slot in &core.slots {
            prop_assert_eq!(json.pointer(slot.path), Some(&Json::Null));
        }
        prop_assert_eq!(core.slots.len(), part.slots.len());
    }

    #[test]
    fn no_text_makes_the_slot_finder_panic(text in r#"(\{|\}|"raw"|"actor"|"id"|:|,|1|\[|\]| ){0,24}"#) {
        let _ = PartText::from_text(text);
    }
}
