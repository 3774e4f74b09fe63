//! `cairn bench ingest`: how many events become durable, how soon, and how much room they take.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_api::ExitCode;
use clap::Args;
use hdrhistogram::Histogram;

use super::events::EventFile;
use super::load::{self, Load, Outcome, new_histogram, percentile_ms};
use super::peer::Peer;
use super::process::{Room, Usage, Used};
use super::report::{Aim, Line, Report, amount};
use super::target::{INDEX_LAGS, Setting, Target};
use super::{Common, disk};
use crate::commands::Context;
use crate::failure::{Ended, Failure};

/// Events in one request, as a collector would send them.
const BATCH: usize = 500;
/// Enough to keep both sides busy while one of them waits.
const BATCH_CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;
/// The pace at which the wait for an answer is measured.
const PACE_PER_S: u32 = 20_000;
/// Of that pace, what comes in batches when both kinds are sent.
const PACE_IN_BATCHES_PER_S: u32 = 16_000;
/// The peer is slow at single rows; its rate is steady long before this.
const PEER_TIME: Duration = Duration::from_secs(12);
/// Turns of single events and of the disk by itself.
const DISK_TURNS: usize = 10;
/// Why histograms can be added up.
const SAME_RANGE: &str = "both have the same range";
/// What zstd would make of the raw file.
const RAW_ZSTD_LEVEL: i32 = 3;

/// How many events become durable in a second, how soon, and how much room they take.
#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    #[command(flatten)]
    common: Common,
    /// Events in the file that the phases send
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = super::at_least_10_000)]
    events: usize,
    /// Leave PostgreSQL out
    #[arg(long)]
    no_peer: bool,
}

/// What all phases need.
struct Bench<'b> {
    /// Where the peer may work: outside of folders that are closed to the account it runs as.
    beside: &'b Path,
    folder: &'b Path,
    file: Arc<EventFile>,
    report: Report,
    rss_peak_bytes: u64,
    /// Cores that others kept busy, at most over the phases.
    others_cores: f64,
}

pub(crate) fn run(args: IngestArgs, context: &mut Context) -> Ended {
    let kept = args.common.folder(context)?;
    // Every phase begins with an empty server, whatever an earlier run left in the user's folder.
    let folder = tempfile::Builder::new().prefix("ingest-").tempdir_in(kept.path())?;
    context.printer.hint(&format!("making {} events", crate::print::times::count(args.events as u64)));
    let file = EventFile::make(&folder.path().join("events.ndjson"), args.common.seed, args.events)?;
    let mut bench = Bench {
        beside: kept.path().parent().unwrap_or(kept.path()),
        folder: folder.path(),
        file: Arc::new(file),
        report: Report::default(),
        rss_peak_bytes: 0,
        others_cores: 0.0,
    };
    let report = &mut bench.report;
    report.count("events", args.events as u64);
    report.count("seed", args.common.seed);
    report.number("event_bytes", bench.file.bytes() as f64 / args.events as f64);
    context.printer.hint("batches, index lagging");
    let batches = bench.batches_index_lagging()?;
    context.printer.hint("batches, index keeping up");
    bench.batches_index_keeping_up()?;
    context.printer.hint("single events");
    let singles = bench.singles()?;
    if args.no_peer {
        context.printer.hint("the peer was left out");
    } else {
        context.printer.hint("the peer");
        bench.peer(batches, singles, &context.printer)?;
    }
    let Bench { mut report, rss_peak_bytes, others_cores, .. } = bench;
    rss(&mut report, rss_peak_bytes);
    report.number("others_cores", others_cores);
    report.print(&mut context.printer)?;
    if others_cores > 0.2 {
        let text = format!(
            "other processes kept up to {others_cores:.1} cores busy: neither rates nor ratios hold; run it again"
        );
        context.printer.hint(&text);
    }
    Ok(ExitCode::Ok)
}

/// The line about memory that every bench ends with.
pub(super) fn rss(report: &mut Report, peak_bytes: u64) {
    let megabytes = peak_bytes as f64 / 1e6;
    let line = Line::new("resident memory of the server, peak", format!("{} MB", amount(megabytes)));
    report.line(line.aim(Aim::AtMost(600.0), megabytes, " MB"));
    report.count("rss_peak_bytes", peak_bytes);
}

impl Bench<'_> {
    fn start(&self, name: &str, settings: &[Setting]) -> Result<Target, Failure> {
        Target::start(&self.folder.join(name).join("cairn-data"), settings)
    }

    /// Remembers what a server used, and stops it.
    fn stop(&mut self, target: Target) -> Result<(), Failure> {
        self.rss_peak_bytes = self.rss_peak_bytes.max(target.resident_peak_bytes());
        target.stop()
    }

    fn all_in_batches(&self) -> Load {
        Load { events: 0..self.file.events(), per_request: BATCH, connections: BATCH_CONNECTIONS, per_second: None }
    }

    fn batches_index_lagging(&mut self) -> Result<f64, Failure> {
        let target = self.start("lagging", INDEX_LAGS)?;
        let (began, before) = (Instant::now(), Usage::now(target.process()));
        let outcome = only(load::run(&target, &self.file, &[self.all_in_batches()])?);
        let rate = outcome.per_second();
        let line = Line::new("batches of 500, index lagging", format!("{} events/s", amount(rate)));
        self.report.line(line.aim(Aim::AtLeast(50_000.0), rate, "/s"));
        self.cost("batch", outcome.events, &outcome.used, outcome.waits);
        // Acknowledged events may still wait for the sealer. What goes on for long must pay for that too.
        target.client().seal(None)?;
        let sealed_rate = self.file.events() as f64 / began.elapsed().as_secs_f64();
        let used = Usage::now(target.process()).since(&before);
        self.report
            .line(Line::new("batches of 500, until all are sealed", format!("{} events/s", amount(sealed_rate))));
        self.cost("sealed", outcome.events, &used, 0);
        self.report.number("events_per_s", rate);
        self.report.number("events_per_s_sealed", sealed_rate);
        self.report.number("batch_p99_ms", percentile_ms(&outcome.latencies, 99.0));
        self.stop(target)?;
        Ok(rate)
    }

    fn batches_index_keeping_up(&mut self) -> Result<(), Failure> {
        let target = self.start("indexed", &[])?;
        let began = Instant::now();
        let outcome = only(load::run(&target, &self.file, &[self.all_in_batches()])?);
        let (acked, before) = (outcome.per_second(), Usage::now(target.process()));
        target.wait_indexed(self.file.events())?;
        let rate = self.file.events() as f64 / began.elapsed().as_secs_f64();
        let used = outcome.used.and(Usage::now(target.process()).since(&before));
        let line = Line::new("batches of 500, until all are indexed", format!("{} events/s", amount(rate)));
        let line = line.beside(format!("acknowledged at {}/s", amount(acked)));
        self.report.line(line.aim(Aim::AtLeast(20_000.0), rate, "/s"));
        self.cost("indexed", self.file.events(), &used, outcome.waits);
        self.report.number("events_per_s_indexed", rate);
        let wal = target.metric("cairn_wal_bytes_total")?;
        target.client().seal(None)?;
        let data = self.folder.join("indexed/cairn-data");
        self.stop(target)?;
        self.stored(&data, wal)
    }

    /// Bytes per event by part, beside what zstd makes of the raw file.
    fn stored(&mut self, data: &Path, wal: f64) -> Result<(), Failure> {
        let events = self.file.events() as f64;
        let per_event = |bytes: u64| bytes as f64 / events;
        let below = |folder: &str, suffix: &str| disk::bytes_below(&data.join(folder), suffix).map(per_event);
        let segment = below("trails", ".parquet")?;
        let tree = below("trails", ".manifest.json")? + below("trails", ".seed")? + below("trails", "checkpoint")?;
        let (keys, search) = (below("index/keys", "")?, below("index/search", "")?);
        let index = below("index", "")?;
        let raw = per_event(self.file.bytes());
        let mut zstd = zstd::Encoder::new(Counter(0), RAW_ZSTD_LEVEL)?;
        let mut source = std::fs::File::open(self.folder.join("events.ndjson"))?;
        std::io::copy(&mut source, &mut zstd)?;
        let zstd = per_event(zstd.finish()?.0);
        let sealed = segment + tree;
        let bytes = |number: f64| format!("{} B/event", amount(number));
        let beside = format!("zstd -3 of the raw file: {}", bytes(zstd));
        let line = Line::new("stored: segments and tree", bytes(sealed)).beside(beside);
        self.report.line(line.ratio_aim(sealed / zstd, Aim::AtMost(1.3)));
        let parts = format!("{} {} {}", amount(segment), amount(tree), amount(wal / events));
        self.report
            .line(Line::new("  segments, tree, log before sealing", parts).beside(format!("raw: {}", bytes(raw))));
        let parts = format!("{} {}", amount(search), amount(keys));
        self.report.line(Line::new("  caches: search index, idempotency keys", parts));
        let parts = [
            ("wal", wal / events),
            ("segment", segment),
            ("tree", tree),
            ("index", index),
            ("index_search", search),
            ("index_keys", keys),
        ];
        self.report.group("stored_bytes_per_event", &parts);
        self.report.number("raw_bytes_per_event", raw);
        self.report.number("raw_zstd_bytes_per_event", zstd);
        Ok(())
    }

    /// One at a time beside the disk itself, then as many as go, then at a pace. Gives the rate of the
    /// middle one.
    fn singles(&mut self) -> Result<f64, Failure> {
        let target = self.start("singles", &[])?;
        let events = self.file.events();
        // Shares of the file: no event is sent twice.
        let (one, many, mixed) = (events / 50, events * 3 / 10, events * 13 / 20);
        self.beside_disk(&target, one)?;
        let load = Load { events: one..many, per_request: 1, connections: SINGLE_CONNECTIONS, per_second: None };
        let full = only(load::run(&target, &self.file, &[load])?);
        let line = Line::new("single events, 64 connections", format!("{} events/s", amount(full.per_second())));
        self.report.line(line.beside(latency(&full.latencies)));
        self.cost("single", full.events, &full.used, full.waits);
        self.report.number("single_events_per_s", full.per_second());
        // A pace is what a server lives with: nothing is left to do from before.
        target.wait_indexed(many)?;
        self.paced(&target, many, mixed)?;
        self.stop(target)?;
        Ok(full.per_second())
    }

    /// One event after the other on one connection, in turns with small appends to the same disk, so that
    /// whatever else the machine does meets both.
    fn beside_disk(&mut self, target: &Target, events: usize) -> Result<(), Failure> {
        let (mut ours, mut disk) = (new_histogram(), new_histogram());
        let each = events / DISK_TURNS;
        for turn in 0..DISK_TURNS {
            disk.add(disk::probe(self.folder, each)?).expect(SAME_RANGE);
            let load =
                Load { events: turn * each..(turn + 1) * each, per_request: 1, connections: 1, per_second: None };
            ours.add(only(load::run(target, &self.file, &[load])?).latencies).expect(SAME_RANGE);
        }
        for (name, percentile) in [("p50", 50.0), ("p99", 99.0)] {
            let (ours, disk) = (percentile_ms(&ours, percentile), percentile_ms(&disk, percentile));
            let line = Line::new(format!("single event, one connection: {name}"), format!("{} ms", amount(ours)));
            let line = line.beside(format!("fdatasync {name} {} ms", amount(disk)));
            let aim = Aim::AtMost(2.5);
            self.report.line(if name == "p50" { line.ratio_aim(ours / disk, aim) } else { line.ratio(ours / disk) });
            self.report.number(&format!("single_{name}_ms"), ours);
            self.report.number(&format!("fdatasync_{name}_ms"), disk);
        }
        Ok(())
    }

    /// At 20,000 events a second: batches and single events side by side, then single events alone.
    fn paced(&mut self, target: &Target, first: usize, mixed: usize) -> Result<(), Failure> {
        let in_batches = (mixed - first) / PACE_PER_S as usize * PACE_IN_BATCHES_PER_S as usize;
        let in_batches = in_batches.max((mixed - first) * 4 / 5) / BATCH * BATCH;
        let batches = Load {
            events: first..first + in_batches,
            per_request: BATCH,
            connections: BATCH_CONNECTIONS,
            per_second: Some(PACE_IN_BATCHES_PER_S),
        };
        let singles = Load {
            events: first + in_batches..mixed,
            per_request: 1,
            connections: SINGLE_CONNECTIONS,
            per_second: Some(PACE_PER_S - PACE_IN_BATCHES_PER_S),
        };
        let outcomes = load::run(target, &self.file, &[batches, singles])?;
        let [batches, singles] = <[Outcome; 2]>::try_from(outcomes).expect("one outcome per load");
        let mut both = batches.latencies.clone();
        both.add(&singles.latencies).expect(SAME_RANGE);
        let rate = (batches.events + singles.events) as f64 / batches.elapsed.max(singles.elapsed).as_secs_f64();
        self.pace_line("at 20,000 events/s, 80 % in batches: p99", rate, &both);
        self.report.number("mixed_p99_ms", percentile_ms(&both, 99.0));
        let load = Load {
            events: mixed..self.file.events(),
            per_request: 1,
            connections: SINGLE_CONNECTIONS,
            per_second: Some(PACE_PER_S),
        };
        let alone = only(load::run(target, &self.file, &[load])?);
        self.pace_line("at 20,000 events/s, single events: p99", alone.per_second(), &alone.latencies);
        self.cost("paced", alone.events, &alone.used, alone.waits);
        self.report.number("ack_p50_ms", percentile_ms(&alone.latencies, 50.0));
        self.report.number("ack_p99_ms", percentile_ms(&alone.latencies, 99.0));
        Ok(())
    }

    fn pace_line(&mut self, what: &str, rate: f64, latencies: &Histogram<u64>) {
        let p99 = percentile_ms(latencies, 99.0);
        let beside = format!("p50 {} ms, reached {}/s", amount(percentile_ms(latencies, 50.0)), amount(rate));
        self.report.line(Line::new(what, format!("{} ms", amount(p99))).beside(beside).aim(
            Aim::AtMost(25.0),
            p99,
            " ms",
        ));
    }

    fn peer(&mut self, batches: f64, singles: f64, printer: &crate::print::Printer) -> Result<(), Failure> {
        let Some(peer) = Peer::start(self.beside)? else {
            printer.hint("PostgreSQL 15 is not installed: there is no peer");
            return Ok(());
        };
        let half = self.file.events() / 2;
        let rate = |(events, elapsed): (usize, Duration)| events as f64 / elapsed.as_secs_f64();
        let of_batches = rate(peer.insert(&self.file, &(0..half), BATCH, BATCH_CONNECTIONS, PEER_TIME)?);
        let of_singles =
            rate(peer.insert(&self.file, &(half..self.file.events()), 1, SINGLE_CONNECTIONS, PEER_TIME)?);
        peer.check()?;
        let both = [
            ("batches of 500", batches, of_batches, ""),
            ("single events, 64 connections", singles, of_singles, "single_"),
        ];
        for (what, ours, theirs, prefix) in both {
            let line = Line::new(format!("{what}, beside PostgreSQL"), format!("{} events/s", amount(ours)));
            let line = line.beside(format!("{} events/s", amount(theirs)));
            self.report.line(line.ratio_aim(ours / theirs, Aim::AtLeast(3.0)));
            self.report.number(&format!("peer_{prefix}events_per_s"), theirs);
        }
        Ok(())
    }

    /// Where the processor time of a phase went, in microseconds per event.
    fn cost(&mut self, name: &str, events: usize, used: &Used, waits: u64) {
        let each = 1e6 / events.max(1) as f64;
        let (server, generator) = (used.server_s * each, used.generator_s * each);
        let rooms = Room::ALL.map(|room| (room.as_str(), used.rooms_s.get(&room).copied().unwrap_or(0.0) * each));
        let parts: Vec<String> = rooms.iter().map(|(room, micros)| format!("{room} {}", amount(*micros))).collect();
        let line = Line::new("  processor time per event", format!("{} µs: {}", amount(server), parts.join(", ")));
        let waits = if waits > 0 { format!("; told to wait {waits} times") } else { String::new() };
        let others = amount(used.others_cores);
        self.report
            .line(line.beside(format!("generator {} µs; other processes {others} cores{waits}", amount(generator))));
        let mut members = vec![("server", server), ("generator", generator)];
        members.extend(rooms);
        self.report.group(&format!("{name}_cpu_us_per_event"), &members);
        self.others_cores = self.others_cores.max(used.others_cores);
    }
}

fn latency(latencies: &Histogram<u64>) -> String {
    format!("p50 {} ms, p99 {} ms", amount(percentile_ms(latencies, 50.0)), amount(percentile_ms(latencies, 99.0)))
}

fn only(outcomes: Vec<Outcome>) -> Outcome {
    outcomes.into_iter().next().expect("one outcome per load")
}

/// Counts what is written to it.
struct Counter(u64);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
