//! No kind stumbles over a member that holds something else than its documentation says. The golden
//! inputs of every kind are taken, one member after the other is taken out or replaced, and the mapping
//! may refuse the record by naming the member, but must not fail.

use std::fs;

use cairn_event::Json;
use cairn_sources::{Delivery, MapError, Source, Sources};

use crate::golden;

/// What stands in a member that should hold something else.
const STRANGERS: &[&str] = &[
    "null",
    "\"\"",
    "\"x\"",
    "-1",
    "1e400",
    "true",
    "[]",
    "[null,{\"a\":[]}]",
    "{}",
    "{\"a\":{\"b\":null}}",
    "\"{\\\"a\\\": 1\"",
];

/// Changes of one kind that are tried; more members are passed over in even steps.
const CHANGES_MAX: usize = 1500;

#[test]
fn no_mapping_fails_on_a_member_of_another_kind() {
    let mut failed = Vec::new();
    for source in Sources::builtin().iter() {
        let mut changes = Vec::new();
        for input in golden::inputs(&**source) {
            let body = fs::read(&input).expect("the golden input was listed a moment ago");
            for record in source.split(&body).expect("a golden body splits") {
                changes.extend(changed(&record.bytes));
            }
        }
        let step = changes.len().div_ceil(CHANGES_MAX).max(1);
        failed.extend(changes.into_iter().step_by(step).filter_map(|record| failure(&**source, &record)).take(3));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The record with one member changed, in every way. Records that are not JSON lose a piece instead.
fn changed(record: &[u8]) -> Vec<Vec<u8>> {
    let Ok(json) = Json::parse(record) else {
        let cuts = (0..record.len()).step_by(7);
        return cuts.map(|at| [&record[..at], &record[(at + 5).min(record.len())..]].concat()).collect();
    };
    let mut places = Vec::new();
    each_place(&json, &mut Vec::new(), &mut places);
    let strangers: Vec<Json> = STRANGERS.iter().map(|text| Json::parse(text.as_bytes()).expect("JSON")).collect();
    let put = |place: &Vec<usize>, stranger: &Json| replaced(&json, place, stranger).to_text().into_bytes();
    places.iter().flat_map(|place| strangers.iter().map(move |stranger| put(place, stranger))).collect()
}

/// Every value inside a value, by the numbers of the members and items that lead to it.
fn each_place(json: &Json, path: &mut Vec<usize>, places: &mut Vec<Vec<usize>>) {
    let inner: Vec<&Json> = match json {
        Json::Object(object) => object.iter().map(|(_, value)| value).collect(),
        Json::Array(items) => items.iter().take(3).collect(),
        _ => Vec::new(),
    };
    for (at, value) in inner.into_iter().enumerate() {
        path.push(at);
        places.push(path.clone());
        each_place(value, path, places);
        path.pop();
    }
}

fn replaced(json: &Json, place: &[usize], stranger: &Json) -> Json {
    let Some((at, rest)) = place.split_first() else { return stranger.clone() };
    match json {
        Json::Object(object) => Json::Object(
            object
                .iter()
                .enumerate()
                .map(|(n, (key, value))| (key, if n == *at { replaced(value, rest, stranger) } else { value.clone() }))
                .collect(),
        ),
        Json::Array(items) => Json::Array(
            items
                .iter()
                .enumerate()
                .map(|(n, value)| if n == *at { replaced(value, rest, stranger) } else { value.clone() })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// What went wrong, if it is the mapping that did.
fn failure(source: &dyn Source, record: &[u8]) -> Option<String> {
    let delivery = Delivery::at(golden::RECEIVED_AT.parse().expect("a time"));
    match source.map(record, &delivery) {
        Err(MapError::Mapping(fault)) => {
            Some(format!("{}: {fault}: {}", source.kind(), String::from_utf8_lossy(record)))
        }
        _ => None,
    }
}
