//! Every `src/<kind>/golden/<name>.in.json` is split and mapped, and what comes out must be
//! `<name>.out.json` beside it. `UPDATE_GOLDEN=1` rewrites the outputs.

use std::fs;
use std::path::{Path, PathBuf};

use cairn_event::Json;
use cairn_event::json::Object;
use cairn_sources::{ALL, Mapped, Source, detect};

#[test]
fn every_golden_input_gives_its_golden_output() {
    let mut wrong = Vec::new();
    for source in ALL {
        let inputs = inputs(*source);
        assert!(!inputs.is_empty(), "{} has no goldens", source.kind());
        for input in inputs {
            let body = fs::read(&input).expect("the golden input was listed a moment ago");
            let kind = detect(&body).map(|found| found.source.kind());
            assert_eq!(kind, Some(source.kind()), "{} is taken for another kind", input.display());
            let output = output_path(&input);
            let now = shown(*source, &body);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&output, &now).expect("the golden folder can be written");
            } else if fs::read_to_string(&output).unwrap_or_default() != now {
                wrong.push(output);
            }
        }
    }
    assert!(wrong.is_empty(), "differ (UPDATE_GOLDEN=1 rewrites them): {wrong:#?}");
}

fn inputs(source: &dyn Source) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source.kind()).join("golden");
    let entries = fs::read_dir(folder).expect("every kind has a folder of goldens");
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    let mut inputs: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(".in.json")).collect();
    inputs.sort();
    inputs
}

fn output_path(input: &Path) -> PathBuf {
    let name = input.to_string_lossy();
    PathBuf::from(format!("{}.out.json", name.trim_end_matches(".in.json")))
}

/// All records of a body: the draft as it will be stored, or the reason why there is none.
fn shown(source: &dyn Source, body: &[u8]) -> String {
    let records = source.split(body).expect("a golden body splits");
    let outputs = records.map(|record| {
        let bytes = record.bytes;
        source.map(record).map_or_else(|error| refused(&error.to_string()), |mapped| accepted(mapped, bytes))
    });
    let mut text = String::new();
    pretty(&Json::Array(outputs.collect()), 0, &mut text);
    text.push('\n');
    text
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

/// One member a line, so that a difference is read at a glance.
fn pretty(json: &Json, depth: usize, out: &mut String) {
    let indent = |depth: usize| format!("\n{}", "  ".repeat(depth));
    let mut lines: Vec<(String, &Json)> = Vec::new();
    let (open, close) = match json {
        Json::Array(items) if !items.is_empty() => {
            lines.extend(items.iter().map(|item| (String::new(), item)));
            ('[', ']')
        }
        Json::Object(object) if !object.is_empty() => {
            lines.extend(object.iter().map(|(key, value)| (format!("{}: ", Json::from(key)), value)));
            ('{', '}')
        }
        plain => return out.push_str(&plain.to_text()),
    };
    out.push(open);
    for (at, (label, value)) in lines.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(&indent(depth + 1));
        out.push_str(label);
        pretty(value, depth + 1, out);
    }
    out.push_str(&indent(depth));
    out.push(close);
}
