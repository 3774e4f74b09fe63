//! Every `src/<kind>/golden/<name>.in.*` is split and mapped, and what comes out must be
//! `<name>.out.json` beside it; `<name>.headers` holds the headers of its delivery, if it needs any.
//! `UPDATE_GOLDEN=1` rewrites the outputs.

use std::fs;
use std::path::{Path, PathBuf};

use cairn_event::Json;
use cairn_event::json::Object;
use cairn_sources::{Delivery, Mapped, Source, Sources};

/// When the deliveries of all goldens arrived.
pub(crate) const RECEIVED_AT: &str = "2025-06-01T00:00:00Z";

#[test]
fn every_golden_input_gives_its_golden_output() {
    let mut wrong = Vec::new();
    let sources = Sources::builtin();
    for source in sources.iter() {
        let inputs = inputs(&**source);
        assert!(!inputs.is_empty(), "{} has no goldens", source.kind());
        for input in inputs {
            let body = fs::read(&input).expect("the golden input was listed a moment ago");
            let found = sources.detect(&body);
            let kind = found.as_ref().map(|found| found.source.kind());
            assert_eq!(kind, Some(source.kind()), "{} is taken for another kind", input.display());
            let output = beside(&input, "out.json");
            let now = shown(&**source, &body, &headers(&input));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&output, &now).expect("the golden folder can be written");
            } else if fs::read_to_string(&output).unwrap_or_default() != now {
                wrong.push(output);
            }
        }
    }
    assert!(wrong.is_empty(), "differ (UPDATE_GOLDEN=1 rewrites them): {wrong:#?}");
}

pub(crate) fn inputs(source: &dyn Source) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source.kind()).join("golden");
    let entries = fs::read_dir(folder).expect("every kind has a folder of goldens");
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    let mut inputs: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().contains(".in.")).collect();
    inputs.sort();
    inputs
}

/// The path beside an input with another ending.
fn beside(input: &Path, ending: &str) -> PathBuf {
    let text = input.to_string_lossy();
    let (name, _) = text.rsplit_once(".in.").expect("an input is named so");
    PathBuf::from(format!("{name}.{ending}"))
}

/// `name: value` lines.
fn headers(input: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(beside(input, "headers")).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// All records of a body: the draft as it will be stored, or the reason why there is none.
fn shown(source: &dyn Source, body: &[u8], headers: &[(String, String)]) -> String {
    let delivery = Delivery { received_at: RECEIVED_AT.parse().expect("a time"), headers };
    let records = source.split(body).expect("a golden body splits");
    let outputs = records.map(|record| {
        let bytes = record.bytes;
        let mapped = source.map(&bytes, &delivery);
        mapped.map_or_else(|error| refused(&error.to_string()), |mapped| accepted(mapped, &bytes))
    });
    Json::Array(outputs.collect()).to_pretty() + "\n"
}

fn refused(reason: &str) -> Json {
    let mut output = Object::new();
    output.insert("error", reason);
    output.into()
}

fn accepted(mapped: Mapped, bytes: &[u8]) -> Json {
    if let Some(raw) = &mapped.draft.raw {
        assert_eq!(raw.as_bytes(), bytes, "raw is the record, byte for byte");
    }
    let mut output = Object::new();
    if let Some(key) = mapped.natural_key {
        output.insert("natural_key", key);
    }
    let draft = Json::parse(mapped.draft.part().text.as_bytes()).expect("a part is JSON");
    output.insert("draft", draft);
    output.into()
}
