//! `cairn source test FILE`

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::{Object, push_segment};
use cairn_sources::{Delivery, MapError, SharedSource};
use clap::Args;
use jiff::Timestamp;

use crate::commands::Context;
use crate::commands::ingest::input::{Place, WHOLE_BYTES_MAX};
use crate::failure::{Ended, Failure};
use crate::policy;
use crate::print::{Printer, Tone, escape, times};

/// Shows what the records of a file would become: the event, the record beside it, and the members of the
/// record that the mapping does not look at. Nothing is sent or stored.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn source test okta.json\n  cairn source test --source github/x --header x-github-event=push payload.json\n  cairn source test --mapping policy/sources/my-app --json events.ndjson"
)]
pub(crate) struct TestArgs {
    /// The file, or - for standard input
    file: PathBuf,
    /// The kind of the file [default: found by content]
    #[arg(long, value_name = "KIND", conflicts_with = "mapping")]
    source: Option<String>,
    /// A folder with source.toml and map.vrl to use instead of a kind
    #[arg(long, value_name = "FOLDER")]
    mapping: Option<PathBuf>,
    /// A header that came with the delivery, NAME=VALUE; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// When the delivery arrived, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    received: Option<Timestamp>,
    /// Records that are shown; the others are only counted
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    limit: u64,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("want NAME=VALUE")?;
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

pub(crate) fn run(args: TestArgs, context: &mut Context) -> Ended {
    let (source, body, how) = open(&args, context)?;
    let printer = &mut context.printer;
    printer.hint(&format!("{} ({}){how}", source.kind(), source.title()));
    let headers: Vec<(String, String)> =
        args.headers.into_iter().filter(|(name, _)| source.headers().contains(name)).collect();
    let delivery = Delivery { received_at: args.received.unwrap_or_else(Timestamp::now), headers: &headers };
    let records = source.split(&body).map_err(|error| Failure::error(error.to_string()))?;
    let (mut mapped, mut refused) = (0_u64, 0_u64);
    for (number, record) in (0_u64..).zip(records) {
        let shown = match source.map(&record.bytes, &delivery) {
            Ok(drafted) => {
                mapped += 1;
                let event = Json::parse(drafted.draft.part().text.as_bytes()).expect("a part is JSON");
                let unmapped = unmapped(&record.bytes, &event, source.reads().as_deref());
                Shown { natural_key: drafted.natural_key, event: Ok(event), unmapped }
            }
            Err(error) => {
                refused += 1;
                Shown { natural_key: None, event: Err(error), unmapped: Vec::new() }
            }
        };
        if number < args.limit {
            shown.print(number, &record.bytes, printer)?;
        }
    }
    let counts = format!("{}: {mapped} mapped, {refused} not", times::plural(mapped + refused, "record"));
    printer.hint(&counts);
    Ok(if refused > 0 { ExitCode::Error } else { ExitCode::Ok })
}

fn open(args: &TestArgs, context: &Context) -> Result<(SharedSource, Vec<u8>, String), Failure> {
    let mut sources = policy::read(&context.config)?.sources;
    let mut named = args.source.as_deref().map(|source| source.split('/').next().unwrap_or_default().to_owned());
    if let Some(folder) = &args.mapping {
        let mapping: SharedSource = Arc::new(policy::mapping(folder, &mut policy::Files::default())?);
        named = Some(mapping.kind().to_owned());
        sources.add(mapping);
    }
    let place = Place::named(&args.file);
    let cannot = |why: String| Failure::error(format!("{} can't be read", place.name())).why(why);
    let input = place.open(&sources, named.as_deref(), &Arc::default()).map_err(|error| cannot(error.to_string()))?;
    let how = input.likeness.map(|likeness| format!(": {}", likeness.reason)).unwrap_or_default();
    let mut body = Vec::new();
    input.bytes.take(WHOLE_BYTES_MAX).read_to_end(&mut body).map_err(|error| cannot(error.to_string()))?;
    Ok((input.source, body, how))
}

struct Shown {
    natural_key: Option<String>,
    event: Result<Json, MapError>,
    /// Pointers to members of the record that the mapping does not look at.
    unmapped: Vec<String>,
}

impl Shown {
    fn print(self, number: u64, record: &[u8], printer: &mut Printer) -> std::io::Result<()> {
        let raw = String::from_utf8_lossy(record);
        if printer.for_program() {
            let mut json = Object::new();
            json.insert("record", number);
            if let Some(key) = self.natural_key {
                json.insert("natural_key", key);
            }
            match self.event {
                Ok(event) => drop(json.insert("event", event)),
                Err(error) => drop(json.insert("error", error.to_string())),
            }
            json.insert("unmapped", self.unmapped);
            json.insert("raw", raw.into_owned());
            return printer.json(&Json::Object(json));
        }
        let heading = printer.tint(Tone::Bold, &format!("record {number}")).into_owned();
        printer.line(&heading)?;
        for line in raw.lines() {
            let line = printer.tint(Tone::Dim, &format!("  {}", escape::line(line))).into_owned();
            printer.line(&line)?;
        }
        match self.event {
            Ok(event) => {
                for line in event.to_pretty().lines() {
                    printer.line(&format!("  {}", escape::line(line)))?;
                }
            }
            Err(error) => {
                let line = printer.tint(Tone::Bad, &format!("  {}", escape::line(&error.to_string()))).into_owned();
                printer.line(&line)?;
            }
        }
        if let Some(key) = self.natural_key {
            printer.line(&format!("  natural key: {}", escape::line(&key)))?;
        }
        if !self.unmapped.is_empty() {
            let line = format!("  not mapped: {}", escape::line(&self.unmapped.join(" ")));
            let line = printer.tint(Tone::Warn, &line).into_owned();
            printer.line(&line)?;
        }
        printer.line("")
    }
}

/// The members of a record that neither the mapping names nor the event holds as a value.
fn unmapped(record: &[u8], event: &Json, reads: Option<&[String]>) -> Vec<String> {
    let Ok(record) = Json::parse(record) else { return Vec::new() };
    let mut held = BTreeSet::new();
    each_scalar(event, String::new(), &mut |_, scalar| {
        held.insert(text(scalar));
    });
    let is_read = |pointer: &str| {
        let inside = |read: &String| {
            pointer == read || pointer.strip_prefix(read.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        reads.is_some_and(|reads| reads.iter().any(inside))
    };
    let mut unmapped = Vec::new();
    each_scalar(&record, String::new(), &mut |pointer, scalar| {
        let says_nothing = scalar.is_null() || scalar.as_str() == Some("");
        if !says_nothing && !is_read(pointer) && !held.contains(&text(scalar)) {
            unmapped.push(pointer.to_owned());
        }
    });
    unmapped
}

fn text(scalar: &Json) -> String {
    scalar.as_str().map_or_else(|| scalar.to_text(), str::to_owned)
}

/// The pointer to what stands under a segment.
fn inside(pointer: &str, segment: &str) -> String {
    let mut inside = pointer.to_owned();
    push_segment(&mut inside, segment);
    inside
}

fn each_scalar(json: &Json, pointer: String, give: &mut dyn FnMut(&str, &Json)) {
    match json {
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                each_scalar(item, inside(&pointer, &at.to_string()), give);
            }
        }
        Json::Object(object) => {
            for (key, value) in object.iter() {
                each_scalar(value, inside(&pointer, key), give);
            }
        }
        scalar => give(&pointer, scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_read_nor_held_is_not_mapped() {
        let record = br#"{"a":"alice","b":{"c":7,"d":""},"e":["x"],"f":{"g":true}}"#;
        let event = Json::parse(br#"{"actor":{"id":"alice"},"metadata":{"n":7}}"#).expect("JSON");
        assert_eq!(unmapped(record, &event, None), ["/e/0", "/f/g"]);
        assert_eq!(unmapped(record, &event, Some(&["/f".to_owned()])), ["/e/0"]);
        assert!(unmapped(b"a line", &event, None).is_empty());
    }
}
