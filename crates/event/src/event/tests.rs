//! What the server adds, and that a person sees all of it.

use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::blob::BlobRef;
use crate::draft::Draft;
use crate::idempotency;
use crate::ids::TrailRef;
use crate::json::Object;

fn admission() -> Admission {
    Admission {
        id: EventId::from_parts(1_714_566_600_123, [7; 10]),
        received_at: "2024-05-01T12:30:00.123Z".parse().expect("a time"),
        producer: Producer {
            principal: "token:\"ci\"".to_owned(),
            source_kind: "native".to_owned(),
            source_name: "default".to_owned(),
            sequence: Some(u64::MAX),
        },
        class: Class::Standard,
        severity: Severity::Low,
        identified: crate::idempotency::Identified::Id,
        conflict_with: None,
        policy: None,
        protected: None,
        retried_from: None,
    }
}

fn draft(members: &str) -> Draft {
    let least = r#""time":"2024-05-01T12:30:00Z","actor":{"id":"a","type":"user"},"action":"x.y","resource":{"type":"t","id":"1"}"#;
    let text = format!("{{{least}{members}}}");
    let json = Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    Draft::from_json(json).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn event(members: &str) -> Event {
    Event::new(draft(members), admission()).unwrap_or_else(|error| panic!("{members}: {error}"))
}

#[test]
fn the_server_adds_its_facts() {
    let plain = event("");
    assert_eq!(
        plain.server_part().text,
        concat!(
            r#"{"class":"standard","id":"018f3422-15bb-7707-8707-070707070707","#,
            r#""producer":{"principal":"token:\"ci\"","sequence":18446744073709551615,"#,
            r#""source_kind":"native","source_name":"default"},"#,
            r#""received_at":"2024-05-01T12:30:00.123Z","severity":"low"}"#
        )
    );
    assert_eq!(plain.to_json().pointer("/producer/sequence").and_then(Json::as_u64), Some(u64::MAX));
}

#[test]
fn what_the_producer_gave_is_not_said_twice() {
    let given = event(r#","id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","class":"bulk","severity":"critical""#);
    for member in ["\"id\"", "\"class\"", "\"severity\""] {
        assert!(!given.server_part().text.contains(member), "{}", given.server_part().text);
    }
    assert_eq!(given.id().to_string(), "f47ac10b-58cc-4372-a567-0e02b2c3d479");
    assert_eq!((given.class(), given.severity()), (Class::Bulk, Severity::Critical));
    assert_eq!((event("").class(), event("").severity()), (Class::Standard, Severity::Low));
}

#[test]
fn states_are_hashed_and_compared() {
    let update = event(r#","before":{"b":1.0,"a":2},"after":{"b":1,"a":3}"#).to_json();
    let text = |pointer: &str| update.pointer(pointer).map(Json::to_text);
    let quoted = |state: &str| Some(format!("\"{}\"", Digest::of(state.as_bytes())));
    assert_eq!(text("/before_hash"), quoted(r#"{"a":2,"b":1}"#));
    assert_eq!(text("/after_hash"), quoted(r#"{"a":3,"b":1}"#));
    let changes = r#"[{"old":2,"op":"replace","path":"/a","value":3}]"#;
    assert_eq!(text("/changes").as_deref(), Some(changes));
    assert_eq!(text("/effective_change").as_deref(), Some("true"));
}

#[test]
fn equal_states_are_no_change() {
    let same = event(r#","before":{"b":1.0,"a":2},"after":{"a":2,"b":1}"#).to_json();
    assert_eq!(same.pointer("/changes"), Some(&Json::Array(Vec::new())));
    assert_eq!(same.pointer("/effective_change"), Some(&Json::Bool(false)));
}

#[test]
fn one_state_alone_has_a_hash_and_no_changes() {
    let created = event(r#","after":null"#).to_json();
    assert!(created.get("after_hash").is_some());
    for absent in ["before_hash", "changes", "effective_change"] {
        assert!(created.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn what_the_producer_says_about_the_states_stands() {
    let given = event(r#","before":1,"after":2,"changes":[],"effective_change":false"#);
    assert!(!given.server_part().text.contains("change"));
    let seen = given.to_json();
    assert_eq!(seen.pointer("/effective_change"), Some(&Json::Bool(false)));
    let half = event(r#","before":1,"after":2,"changes":[]"#);
    assert!(half.server_part().text.contains(r#""effective_change":true"#));
}

#[test]
fn a_given_hash_must_be_right() {
    let exact = Digest::of(b"9007199254740993");
    let rounded = Digest::of(b"9007199254740992");
    for hash in [exact, rounded] {
        let event = event(&format!(r#","after":9007199254740993,"after_hash":"{hash}""#));
        assert!(!event.server_part().text.contains("after_hash"));
    }
    let wrong = draft(&format!(r#","before":1,"before_hash":"{exact}""#));
    let refused = Event::new(wrong, admission()).expect_err("wrong hash");
    assert_eq!(
        refused.to_string(),
        "before_hash: got the hash of something else, want SHA-256 of the state's RFC 8785 text; leave it out and the server computes it"
    );
    let alone = event(&format!(r#","before_hash":"{exact}""#));
    assert!(alone.producer_part().value("/before_hash").is_some());
}

#[test]
fn an_event_has_a_size_limit() {
    let with_metadata = |n: usize| draft(&format!(r#","metadata":{{"x":"{}"}}"#, "x".repeat(n)));
    let overhead = Event::new(with_metadata(0), admission()).expect("small").size_bytes();
    let most = limits::EVENT_BYTES_MAX - overhead;
    let largest = Event::new(with_metadata(most), admission()).expect("at the limit");
    assert_eq!(largest.size_bytes(), limits::EVENT_BYTES_MAX);
    let refused = Event::new(with_metadata(most + 1), admission()).expect_err("too large");
    assert!(refused.is_too_large);
    assert!(refused.to_string().contains("got 1048577 bytes, want an event of at most 1048576 bytes"));
    let position = "t/main@7".parse().expect("a position");
    assert!(largest.in_conflict_with(position).is_err());
}

#[test]
fn changes_that_would_not_fit_are_left_to_the_states() {
    let state = |letter: &str| letter.repeat(600 << 10);
    let event = event(&format!(r#","before":"{}","after":"{}""#, state("a"), state("b"))).to_json();
    assert!(event.get("changes").is_none());
    assert_eq!(event.get("effective_change"), Some(&Json::Bool(true)));
}

#[test]
fn a_value_too_large_for_an_event_stands_beside_it() {
    let large = "é\n".repeat(limits::INLINE_BYTES_MAX);
    let text = |value: &str| Json::from(value).to_text();
    let extra = format!(r#","before":{{"z":1,"a":{}}},"after":{{"a":"b"}},"raw":{}"#, text(&large), text(&large));
    let event = event(&extra);
    let [before, raw] = event.blobs() else { panic!("{} blobs", event.blobs().len()) };
    // A state is kept as its canonical text, which is what its hash is over; a record byte by byte.
    assert_eq!(*before.bytes, *format!(r#"{{"a":{},"z":1}}"#, text(&large)).as_bytes());
    assert_eq!(*raw.bytes, *large.as_bytes());
    let shown = event.to_json();
    assert!(shown.get("before").is_none() && shown.get("raw").is_none());
    assert_eq!(shown.get("after").map(Json::to_text).as_deref(), Some(r#"{"a":"b"}"#));
    assert_eq!(shown.pointer("/before_blob/sha256"), shown.get("before_hash"));
    assert_eq!(shown.pointer("/raw_blob/size_bytes").and_then(Json::as_u64), Some(large.len() as u64));
    let named = |part: &PartText, path: &str| part.value(path).and_then(BlobRef::from_text);
    assert_eq!(named(event.producer_part(), "/before_blob"), Some(before.reference));
    assert_eq!(named(event.server_part(), "/raw_blob"), Some(raw.reference));
    // What changed was compared while both states were here; the one in the list would be as large again.
    assert_eq!(shown.get("effective_change"), Some(&Json::Bool(true)));
    assert!(event.size_bytes() < limits::EVENT_BYTES_MAX);
}

#[test]
fn a_value_stands_in_the_event_up_to_its_limit_and_is_recognised_again_on_both_sides_of_it() {
    let trail: TrailRef = "t/main".parse().expect("a name");
    // A control character takes six bytes in JSON.
    for (character, bytes) in [("x", 1), ("\u{1}", 6)] {
        for more in [0, 1] {
            let count = (limits::INLINE_BYTES_MAX - 2) / bytes + more;
            for member in ["raw", "before", "after"] {
                let value = Json::from(character.repeat(count)).to_text();
                let event = event(&format!(r#","{member}":{value}"#));
                assert_eq!(event.blobs().len(), more, "{count} bytes of {member}");
                assert_eq!(
                    event.producer_part(),
                    &PartText::from_text(event.producer_part().text.clone()).expect("JSON")
                );
                let stored = idempotency::of_stored(&trail, &event.producer_part().text, &event.server_part().text);
                assert_eq!(stored.expect("JSON").1, event.fingerprint(), "{count} bytes of {member}");
            }
        }
    }
}

#[test]
fn a_conflict_is_marked() {
    let marked = event("").in_conflict_with("t/main@7".parse().expect("a position")).expect("small");
    assert_eq!(marked.to_json().get("conflict_with"), Some(&Json::from("t/main@7")));
    assert_eq!(marked.fingerprint(), event("").fingerprint());
}

#[test]
fn deep_states_can_be_read_back() {
    let nested = |n: usize, v: u8| format!("{}{v}{}", "[".repeat(n), "]".repeat(n));
    let deep = event(&format!(r#","before":{},"after":{{"x":{}}}"#, nested(64, 1), nested(63, 2)));
    assert_eq!(deep.to_json().pointer("/changes/0/op"), Some(&Json::from("replace")));
}

#[test]
fn the_event_comes_in_the_order_of_the_contract() {
    let seen = event(r#","metadata":{},"raw":"r","outcome":"denied","service":"s""#).to_json();
    let keys: Vec<_> = seen.as_object().expect("an object").iter().map(|(k, _)| k).collect();
    assert_eq!(
        keys,
        [
            "id",
            "time",
            "received_at",
            "actor",
            "producer",
            "action",
            "resource",
            "outcome",
            "service",
            "class",
            "severity",
            "metadata",
            "raw"
        ]
    );
}

/// The canonical text of each member, so that numbers compare by value.
fn canonical_members(json: &Json) -> Vec<(String, String)> {
    let object = json.as_object().expect("an object");
    let member = |(key, value): (&str, &Json)| (key.to_owned(), canonical(value, Numbers::AsWritten));
    object.iter().map(member).collect()
}

proptest! {
    #[test]
    fn all_that_was_said_is_seen(said in arbitrary::event()) {
        let event = Event::new(Draft::from_json(said.clone()).expect("generated"), admission());
        let seen = event.expect("small").to_json();
        for member in canonical_members(&said) {
            prop_assert!(canonical_members(&seen).contains(&member), "{:?}", member);
        }
    }

    #[test]
    fn a_member_is_in_one_part_only(said in arbitrary::event()) {
        let event = Event::new(Draft::from_json(said).expect("generated"), admission()).expect("small");
        let members = |part: &PartText| -> Object {
            match Json::parse(part.text.as_bytes()) {
                Ok(Json::Object(object)) => object,
                other => panic!("{other:?}"),
            }
        };
        let (producer, server) = (members(event.producer_part()), members(event.server_part()));
        prop_assert!(producer.iter().all(|(key, _)| !server.contains(key)));
        let seen = event.to_json();
        prop_assert_eq!(seen.as_object().expect("an object").len(), producer.len() + server.len());
        for key in seen.as_object().expect("an object").iter().map(|(key, _)| key) {
            prop_assert!(crate::parts::MEMBERS.contains(&key));
        }
    }

    #[test]
    fn the_server_part_is_canonical(said in arbitrary::event()) {
        let event = Event::new(Draft::from_json(said).expect("generated"), admission()).expect("small");
        let part = event.server_part();
        let json = Json::parse(part.text.as_bytes()).expect("JSON");
        prop_assert_eq!(&PartText::of(json.as_object().expect("an object")), part);
    }
}
