//! `cairn verify trail [NAME] | RANGE | ID | PROOF-FILE`

mod directory;
mod over_http;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use cairn_api::ExitCode;
use cairn_event::{Position, TrailRef};
use cairn_ledger::{ProofText, VerifierKey};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Context, checkpoint, show};
use crate::connect::{Session, TrailKey, pinned_key};
use crate::evidence::{self, Proved};
use crate::failure::{Ended, Failure};
use crate::print::{Printer, Tone, times};

/// Recomputes leaf hashes, trees, checkpoints and signatures from the stored bytes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn verify trail                      # every trail of the data directory\n  cairn verify trail main\n  cairn verify default/main@100..200\n  cairn verify default/main@5\n  cairn verify event.tlog-proof --key 'example.com/t/default/main+1a2b3c4d+AQ…'\n  cairn verify trail --data /backup/cairn-data\nExits with 5 and names the place if anything does not hold."
)]
pub(crate) struct VerifyArgs {
    /// `trail`, an index range (tenant/trail@a..b), an event (id or position), or a proof file
    what: String,
    /// With `trail`: the trail; without it every trail
    name: Option<String>,
    /// For a proof file: the verifier key, when there is no data directory to take it from
    #[arg(long, value_name = "VERIFIER KEY")]
    key: Option<VerifierKey>,
}

/// What is to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Trail(Option<TrailRef>),
    Range(TrailRef, Range<u64>),
    Proof,
    Event,
}

pub(crate) fn run(args: VerifyArgs, context: &mut Context) -> Ended {
    let target = target(&args, context)?;
    // The bytes themselves, where they can be reached: they are what everything else is made from.
    let data = context.config.data();
    let is_here =
        context.config.server().is_none() && (context.config.is_set("data") || data.join("cairn.id").is_file());
    match target {
        Target::Proof => proof_file(&args, context),
        Target::Event => event(&args.what, context),
        Target::Trail(trail) if is_here => directory::verify(trail.map(|trail| (trail, None)), context),
        Target::Range(trail, range) if is_here => directory::verify(Some((trail, Some(range))), context),
        Target::Trail(trail) => over_http::verify(trail, None, context),
        Target::Range(trail, range) => over_http::verify(Some(trail), Some(range), context),
    }
}

fn target(args: &VerifyArgs, context: &Context) -> Result<Target, Failure> {
    if args.what == "trail" {
        let named = args.name.as_deref().map(|name| checkpoint::trail_named(Some(name), context));
        return Ok(Target::Trail(named.transpose()?));
    }
    if args.name.is_some() {
        return Err(Failure::usage("a second name is for `cairn verify trail NAME` alone"));
    }
    if let Some((trail, range)) = args.what.split_once('@').filter(|(_, range)| range.contains("..")) {
        let trail = checkpoint::trail_named(Some(trail), context)?;
        return Ok(Target::Range(trail, index_range(range)?));
    }
    Ok(if Path::new(&args.what).is_file() { Target::Proof } else { Target::Event })
}

/// Reads `a..b`: from `a` to `b`, both included, as searches write ranges.
fn index_range(text: &str) -> Result<Range<u64>, Failure> {
    let bad = || Failure::usage("this is not a range of indexes").next("write it as tenant/trail@first..last");
    let (first, last) = text.split_once("..").ok_or_else(bad)?;
    let first: u64 = if first.is_empty() { 0 } else { first.parse().map_err(|_| bad())? };
    let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().map_err(|_| bad())?.saturating_add(1) };
    if first < end { Ok(first..end) } else { Err(bad()) }
}

/// One event: its evidence is fetched and checked to the last byte.
fn event(named: &str, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let found = show::find(named, &session, context)?;
    let key = evidence::key_of(&session, &found.position)?;
    let proved = evidence::check(&session, &found, &key)?;
    session.close()?;
    print_proved(&found.position, &proved, &mut context.printer)
}

/// A proof file: nothing else is needed, save a key to trust.
fn proof_file(args: &VerifyArgs, context: &mut Context) -> Ended {
    let file = &args.what;
    let broken = |why: String| Failure::new(ExitCode::IntegrityFailure, format!("{file} proves nothing")).why(why);
    let bytes = std::fs::read(file).map_err(|error| Failure::error(format!("can't read {file}")).why(error))?;
    let proof = ProofText::parse(&bytes).map_err(|error| broken(error.to_string()))?;
    let key = match (&args.key, pinned_key(context.config.data())) {
        (Some(key), _) => key.clone(),
        (None, Some(host)) => key_for_origin(&proof, &host).map_err(broken)?,
        (None, None) => {
            return Err(Failure::usage("a proof is only worth as much as the key it is checked with")
                .next("give the verifier key of the trail with --key, or its data directory with --data"));
        }
    };
    let key = TrailKey { key, pinned: true };
    let proved = evidence::check_text(&proof, &key).map_err(broken)?;
    print_proved(&format!("{}@{}", proved.checkpoint.origin(), proved.index), &proved, &mut context.printer)
}

/// The key of a data directory under the name of the log that the proof is from.
fn key_for_origin(proof: &ProofText, host: &VerifierKey) -> Result<VerifierKey, String> {
    let origin = proof.checkpoint().lines().next().unwrap_or_default();
    VerifierKey::new(origin, host.key().clone()).map_err(|error| error.to_string())
}

fn print_proved(name: &str, proved: &Proved, printer: &mut Printer) -> Ended {
    if printer.wants_json() {
        printer.json(&proved.json())?;
    } else {
        let line = printer.tint(Tone::Good, &proved.line()).into_owned();
        printer.line(&format!("{} {line}", crate::print::escape::line(name)))?;
    }
    Ok(ExitCode::Ok)
}

/// Shows how far a long verification is.
struct Bar(ProgressBar);

impl Bar {
    fn new(printer: &Printer) -> Bar {
        if !printer.progress {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::no_length();
        let template = "leaves {human_pos}/{human_len} {wide_bar} {percent} %  {per_sec}";
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar(bar)
    }

    fn at(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// `1,448 events, 3 checkpoints` for a person.
fn amounts(events: u64, checkpoints: u64) -> String {
    format!("{}, {}", times::plural(events, "event"), times::plural(checkpoints, "checkpoint"))
}

/// The trail and index that a place names, for a failure.
fn place(trail: &TrailRef, index: u64) -> String {
    Position { trail: trail.clone(), index: cairn_event::Index(index) }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_of_its_ends() {
        assert_eq!(index_range("2..9"), Ok(2..10));
        assert_eq!(index_range("..9"), Ok(0..10));
        assert_eq!(index_range("5.."), Ok(5..u64::MAX));
        assert_eq!(index_range("7..7"), Ok(7..8));
        for bad in ["9..2", "a..b", "5", "1..2..3", "-1..2"] {
            assert!(index_range(bad).is_err(), "{bad}");
        }
    }
}
