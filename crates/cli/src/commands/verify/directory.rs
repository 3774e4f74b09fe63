//! Verifies a data directory from its files, read-only, with a server on it or without.

use std::ops::Range;
use std::path::Path;

use cairn_api::ExitCode;
use cairn_engines::LocalDisk;
use cairn_event::json::Object;
use cairn_event::{Json, TrailRef};
use cairn_ledger::sha256;
use cairn_store::{Corrupt, Finding, KeyFile, Report, Scope, StoreError, public_key};

use super::{Bar, amounts};
use crate::commands::Context;
use crate::connect::{TOKEN_FILE, running_at};
use crate::failure::{Ended, Failure};
use crate::print::table::{Cell, Row};
use crate::print::{Printer, Tone, escape, times};

/// A directory that a server writes to changes between two reads. What is really damaged is damaged
/// each time.
const TRIES_MAX: usize = 4;

pub(super) fn verify(only: Option<(TrailRef, Option<Range<u64>>)>, context: &mut Context) -> Ended {
    let data = context.config.data().to_owned();
    let scope = match only {
        None => Scope::All,
        Some((trail, None)) => Scope::Trail(trail),
        Some((trail, Some(range))) => Scope::Range(trail, range),
    };
    let disk = LocalDisk::existing(&data).map_err(|error| {
        Failure::error(format!("can't read the data directory {}", data.display()))
            .why(error)
            .next("name it with --data DIR")
    })?;
    let bar = Bar::new(&context.printer);
    let mut report = once(&disk, &data, &scope, &bar)?;
    let is_served = running_at(&data).is_some();
    for _ in 1..TRIES_MAX {
        if report.findings.is_empty() || !is_served {
            break;
        }
        let again = once(&disk, &data, &scope, &bar)?;
        let before = std::mem::replace(&mut report, again).findings;
        report.findings.retain(|finding| before.contains(finding));
    }
    bar.end();
    if let Scope::Trail(trail) | Scope::Range(trail, _) = &scope
        && report.findings.is_empty()
        && !report.trails.iter().any(|checked| checked.trail == *trail)
    {
        return Err(Failure::error(format!("there is no trail {trail} in {}", data.display())));
    }
    print(&report, &data, &mut context.printer)
}

fn once(disk: &LocalDisk, data: &Path, scope: &Scope, bar: &Bar) -> Result<Report, Failure> {
    let unreadable =
        |error: StoreError| Failure::error(format!("can't read the data directory {}", data.display())).why(error);
    let public = match public_key(disk) {
        Ok(public) => public,
        Err(StoreError::Corrupt(corrupt)) => {
            return Ok(Report { findings: vec![*corrupt], ..Report::default() });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let progress = &mut |progress: cairn_store::Progress| bar.at(progress.events, progress.total);
    let mut report = cairn_store::verify(disk, public, scope.clone(), progress).map_err(unreadable)?;
    report.findings.extend(local_credential(disk, data, &public));
    Ok(report)
}

/// The credential that is kept beside the signing key must be one that the signed list knows, to the
/// last byte.
fn local_credential(disk: &LocalDisk, data: &Path, public: &[u8; 32]) -> Option<Finding> {
    // Without the file there is nothing to check; a damaged list has been found already.
    let kept = std::fs::read(data.join(TOKEN_FILE)).ok()?;
    let payload = KeyFile::Tokens.read(disk, public).ok().flatten()?;
    let list = Json::parse(&payload).ok()?;
    let hash = kept.strip_suffix(b"\n").map(|secret| sha256(secret).to_hex());
    let is_known = |token: &Json| token.get("hash").and_then(Json::as_str) == hash.as_deref();
    let tokens = list.get("tokens").and_then(Json::as_array);
    let known = hash.is_some() && tokens.is_some_and(|tokens| tokens.iter().any(is_known));
    (!known).then(|| {
        let what = "the credential is not one that keys/tokens.json knows";
        Corrupt::in_file(TOKEN_FILE, what).at(0)
    })
}

fn print(report: &Report, data: &Path, printer: &mut Printer) -> Ended {
    for note in &report.notes {
        printer.hint(&format!("note: {}", escape::line(note)));
    }
    let Some(first) = report.findings.first() else {
        intact(report, printer)?;
        return Ok(ExitCode::Ok);
    };
    if printer.for_program() {
        let rows: Vec<Row> = report.findings.iter().map(finding).collect();
        printer.table(&["FILE", "OFFSET", "TRAIL", "FIRST", "LAST", "WHAT"], &rows)?;
    } else {
        for found in &report.findings {
            let line = printer.tint(Tone::Bad, &escape::line(&format!("✗ {found}"))).into_owned();
            printer.line(&line)?;
        }
    }
    printer.flush()?;
    let places = times::plural(report.findings.len() as u64, "place");
    Err(Failure::new(ExitCode::IntegrityFailure, format!("{} is damaged: {places}", data.display()))
        .why(first)
        .next("keep a copy as it is; restore the named file from a backup or a mirror and verify again"))
}

fn intact(report: &Report, printer: &mut Printer) -> std::io::Result<()> {
    if printer.wants_json() {
        for trail in &report.trails {
            let mut json = Object::new();
            json.insert("trail", trail.trail.to_string());
            json.insert("verified", true);
            json.insert("events", trail.events);
            json.insert("root", trail.root.to_string());
            json.insert("segments", trail.segments);
            json.insert("checkpoints", trail.checkpoints);
            printer.json(&Json::Object(json))?;
        }
        return Ok(());
    }
    for trail in &report.trails {
        let amounts = amounts(trail.events, trail.checkpoints);
        let segments = times::plural(trail.segments, "segment");
        let good = printer.tint(Tone::Good, "✓").into_owned();
        printer.line(&format!("{good} {}: {amounts}, {segments}, root {}", trail.trail, trail.root))?;
    }
    if report.trails.is_empty() {
        printer.line("✓ no trail has an event yet")?;
    }
    printer.flush()?;
    printer.hint(&format!("{} of files were read", times::size(report.file_bytes)));
    Ok(())
}

fn finding(found: &Finding) -> Row {
    let mut json = Object::new();
    let number = |number: Option<u64>| number.map_or(Json::Null, Json::from);
    let trail = found.trail.as_ref().map(ToString::to_string);
    json.insert("file", found.file.as_str());
    json.insert("offset", number(found.offset));
    json.insert("trail", trail.clone().map_or(Json::Null, Json::from));
    json.insert("first", number(found.range.map(|range| range.0)));
    json.insert("last", number(found.range.map(|range| range.1)));
    json.insert("what", found.what.as_str());
    let text = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let cells = vec![
        Cell::new(found.file.as_str()),
        Cell::new(text(found.offset)),
        Cell::new(trail.unwrap_or_default()),
        Cell::new(text(found.range.map(|range| range.0))),
        Cell::new(text(found.range.map(|range| range.1))),
        Cell::new(found.what.as_str()),
    ];
    Row { cells, json: Json::Object(json) }
}
