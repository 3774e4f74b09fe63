//! The JSON parser against a suite for JSON parsers, and naughty strings through the event.

use cairn_event::json::JsonErrorKind;
use cairn_event::{Admission, Class, Draft, Event, EventId, Json, PartText, Producer, Severity};

use crate::corpus;

/// RFC 8259 leaves these open, and we refuse them: which of two values counts is a guess.
const DUPLICATE_KEYS: &[&str] = &["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

#[test]
fn the_suite_for_json_parsers_is_decided_as_it_asks() {
    let Some(suite) = corpus::folder("hostile/JSONTestSuite") else {
        return;
    };
    let mut counts = [0; 3];
    for (name, text) in all_files(&suite) {
        let parsed = Json::parse(&text);
        match name.get(..2) {
            Some("y_") if DUPLICATE_KEYS.contains(&name.as_str()) => {
                let kind = parsed.expect_err(&name).kind;
                assert_eq!(kind, JsonErrorKind::DuplicateKey, "{name}");
                counts[0] += 1;
            }
            Some("y_") => {
                let json = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(Json::parse(json.to_text().as_bytes()), Ok(json), "{name}");
                counts[0] += 1;
            }
            Some("n_") => {
                assert!(parsed.is_err(), "{name}");
                counts[1] += 1;
            }
            // Whichever way these go, coming here means that none caused a panic.
            Some("i_") => counts[2] += 1,
            _ => {}
        }
    }
    assert_eq!(counts, [65, 117, 24]);
}

/// All files of the suite, which may lie in folders below.
fn all_files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files = corpus::files(folder);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(all_files(&path));
        }
    }
    files
}

#[test]
fn naughty_strings_survive() {
    let Some(folder) = corpus::folder("hostile/blns") else {
        return;
    };
    let text = std::fs::read(folder.join("blns.json")).expect("readable");
    let list = Json::parse(&text).expect("JSON");
    let strings = list.as_array().expect("an array");
    assert_eq!(strings.len(), 515);
    for string in strings {
        let text = string.to_text();
        let event = Json::parse(
            format!(
                r#"{{"time":"2024-05-01T12:30:00Z","actor":{{"id":"a","type":"user","name":{text}}},
                "action":"x.y","resource":{{"type":"t","id":"1"}},"metadata":{{{text}:[{text}]}},
                "raw":{text}}}"#
            )
            .as_bytes(),
        )
        .expect("JSON");
        let event = Event::new(Draft::from_json(event).expect("valid"), admission()).expect("small");
        for part in [event.producer_part(), event.server_part()] {
            assert_eq!(PartText::from_text(part.text.clone()).as_ref(), Ok(part));
        }
        let seen = event.to_json();
        for pointer in ["/actor/name", "/raw"] {
            assert_eq!(seen.pointer(pointer), Some(string), "{text}");
        }
        let key = string.as_str().expect("a string");
        let metadata = seen.get("metadata").expect("metadata");
        assert_eq!(metadata.get(key), Some(&Json::Array(vec![string.clone()])), "{text}");
    }
}

fn admission() -> Admission {
    Admission {
        id: EventId::from_bytes([7; 16]),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        producer: Producer {
            principal: "p".to_owned(),
            source_kind: "native".to_owned(),
            source_name: "n".to_owned(),
            sequence: None,
        },
        class: Class::Standard,
        severity: Severity::Informational,
        identified: cairn_event::Identified::Id,
        conflict_with: None,
        policy: None,
        protected: None,
        retried_from: None,
    }
}
