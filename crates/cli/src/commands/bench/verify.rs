//! `cairn bench verify`: how fast everything stored is proved again, and how soon a server with much of it
//! is ready.

use std::path::Path;
use std::time::{Duration, Instant};

use cairn_api::ExitCode;
use cairn_engines::LocalDisk;
use cairn_store::Scope;
use clap::Args;

use super::dataset::Dataset;
use super::events::Generator;
use super::process::{Usage, resident_peak_bytes};
use super::report::{Aim, Line, Report, amount};
use super::target::Target;
use super::{Common, disk, ingest};
use crate::commands::Context;
use crate::failure::{Ended, Failure};
use crate::print::times;

/// Plain SHA-256 goes over generated events in pieces of this size, as often as it takes.
const PIECE_BYTES: usize = 32 << 20;
/// Starts that are timed; the middle one counts.
const STARTS: usize = 5;

/// How fast stored events are proved again, and how soon a server with many of them is ready.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    common: Common,
    /// Events to verify
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = super::at_least_10_000)]
    events: usize,
}

pub(crate) fn run(args: VerifyArgs, context: &mut Context) -> Ended {
    let folder = args.common.folder(context)?;
    let dataset = Dataset::sealed(folder.path(), args.common.seed, args.events, &context.printer)?;
    let mut report = Report::default();
    report.count("events", args.events as u64);
    report.count("seed", args.common.seed);
    context.printer.hint("verifying");
    verify(&mut report, &dataset.data, args.common.seed)?;
    context.printer.hint("starting");
    let peak = start(&mut report, &dataset.data)?;
    ingest::rss(&mut report, peak.max(dataset.load_rss_peak_bytes));
    report.print(&mut context.printer)?;
    Ok(ExitCode::Ok)
}

fn verify(report: &mut Report, data: &Path, seed: u64) -> Result<(), Failure> {
    let disk = LocalDisk::existing(data)?;
    let unreadable = |error| Failure::error("the data directory can't be verified").why(error);
    let public = cairn_store::public_key(&disk).map_err(unreadable)?;
    let (usage, began) = (Usage::now(std::process::id()), Instant::now());
    let verified = cairn_store::verify(&disk, public, Scope::All, &mut |_| {}).map_err(unreadable)?;
    let elapsed = began.elapsed();
    let used = Usage::now(std::process::id()).since(&usage);
    if let Some(finding) = verified.findings.first() {
        return Err(Failure::new(ExitCode::IntegrityFailure, "what the bench stored does not verify").why(finding));
    }
    let events: u64 = verified.trails.iter().map(|trail| trail.events).sum();
    let bytes = verified.event_bytes as f64;
    let (rate, plain) = (bytes / elapsed.as_secs_f64(), sha256(seed, verified.event_bytes));
    let line = Line::new("verify, bytes of event texts", per_second(rate));
    let line = line.beside(format!("plain SHA-256 on one core: {}", per_second(plain.per_second)));
    report.line(line.ratio_aim(rate / plain.per_second, Aim::AtLeast(0.5)));
    // What others leave of the machine does not change these.
    let rate_per_core = bytes / used.generator_s;
    let line = Line::new("  for each second of processor time", per_second(rate_per_core));
    report.line(line.beside(per_second(plain.per_cpu_second)).ratio(rate_per_core / plain.per_cpu_second));
    let cores = used.generator_s / elapsed.as_secs_f64();
    let line = Line::new("  events", format!("{}/s", amount(events as f64 / elapsed.as_secs_f64())));
    report.line(line.beside(format!("{} cores for {}", amount(cores), times::duration(elapsed))));
    report.number("verify_bytes_per_s", rate);
    report.number("verify_bytes_per_cpu_s", rate_per_core);
    report.number("sha256_bytes_per_s", plain.per_second);
    report.number("sha256_bytes_per_cpu_s", plain.per_cpu_second);
    report.number("verify_events_per_s", events as f64 / elapsed.as_secs_f64());
    report.count("verify_rss_peak_bytes", resident_peak_bytes(std::process::id()));
    Ok(())
}

fn per_second(bytes: f64) -> String {
    format!("{}/s", times::size(bytes as u64))
}

/// The rate of plain SHA-256, by the clock and by processor time.
struct Plain {
    per_second: f64,
    per_cpu_second: f64,
}

/// Plain hashing of as many bytes of the same events, on this thread.
fn sha256(seed: u64, bytes: u64) -> Plain {
    let (mut generator, mut text) = (Generator::new(seed), String::new());
    while text.len() < PIECE_BYTES {
        generator.write(&mut text);
    }
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    let (usage, began) = (Usage::now(std::process::id()), Instant::now());
    while left > 0 {
        let piece = &text.as_bytes()[..left.min(text.len())];
        std::hint::black_box(cairn_ledger::sha256(piece));
        left -= piece.len();
    }
    let elapsed_s = began.elapsed().as_secs_f64();
    let used = Usage::now(std::process::id()).since(&usage);
    // The kernel counts in hundredths of a second: so short a time has none.
    let cpu_s = if used.generator_s > 0.1 { used.generator_s } else { elapsed_s };
    Plain { per_second: bytes as f64 / elapsed_s, per_cpu_second: bytes as f64 / cpu_s }
}

/// Times starts of a server on the data directory; the most memory that one had resident.
fn start(report: &mut Report, data: &Path) -> Result<u64, Failure> {
    let mut peak = 0;
    let mut timed = |cold: bool| -> Result<Duration, Failure> {
        if cold {
            disk::forget(data)?;
        }
        let target = Target::start(data, &[])?;
        peak = peak.max(target.resident_peak_bytes());
        let took = target.started_in;
        target.stop()?;
        Ok(took)
    };
    let cold = timed(true)?.as_secs_f64();
    let mut warm = (0..STARTS).map(|_| timed(false)).collect::<Result<Vec<_>, _>>()?;
    warm.sort_unstable();
    let middle = warm[STARTS / 2].as_secs_f64();
    let line = Line::new("start of the server until ready", format!("{} s", amount(middle)));
    report.line(line.beside(format!("cold: {} s", amount(cold))).aim(Aim::AtMost(1.0), middle, " s"));
    report.number("start_s", middle);
    report.number("start_cold_s", cold);
    Ok(peak)
}
