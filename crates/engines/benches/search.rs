//! What the index costs: events a second that the follower adds, and how long ten queries take.
//!
//! `cargo bench --profile release -p cairn-engines --bench search [-- EVENTS]`; 100,000 events of
//! about 850 bytes unless another number is given. Only ratios on one machine mean something.

use std::error::Error;
use std::time::{Duration, Instant};

use cairn_engines::tantivy::TantivyIndex;
use cairn_event::{Positions, TrailRef};
use cairn_search::conformance::{MemoryTrails, Random, options, parsed, typical_event};
use cairn_search::{Commit, Extractor, Follower, Index, Order, search};

const EVENTS: u64 = 100_000;
/// Events between two commits: about a second of a busy server.
const COMMIT_EVENTS: u64 = 20_000;
const ROUNDS: usize = 30;

const QUERIES: &[&str] = &[
    "",
    "actor:u-00007",
    "actor:u-00007 op:delete",
    "op:delete outcome:denied",
    "res:invoice/invoice-000042 OR res:role/role-000001",
    "action:secret.* -country:DE,FR",
    "ip:10.7.0.0/16 outcome:failure",
    "created:2024-01-01T03:00..2024-01-01T04:00 op:grant",
    "\"scheduled change of bucket\" team",
    "metadata.ticket:OPS-4711",
];

fn main() -> Result<(), Box<dyn Error>> {
    let events = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(EVENTS);
    let trail: TrailRef = "default/main".parse()?;
    let trails = MemoryTrails::with_whole_reads();
    let mut random = Random::new(42);
    let mut bytes = 0;
    for at in 0..events {
        let (producer, server) = typical_event(&mut random, at);
        trails.push(&trail, &producer, &server);
    }
    for stored in trails.read(&trail, 0..1000)? {
        bytes += stored.producer_text.len() + stored.server_text.len();
    }
    println!("{events} events of {} bytes", bytes / 1000);
    extract(&trails, &trail)?;

    let folder = tempfile::tempdir()?;
    let index = TantivyIndex::open(folder.path())?;
    follow(&trails, &index, events)?;
    let mut size = 0;
    for entry in std::fs::read_dir(folder.path())? {
        size += entry?.metadata()?.len();
    }
    println!("index: {} bytes/event", size / events);
    drop(index);
    let begin = Instant::now();
    let index = TantivyIndex::open(folder.path())?;
    println!("open: {:.1} ms", ms(begin.elapsed()));
    ask(&trails, &index)
}

fn extract(trails: &MemoryTrails, trail: &TrailRef) -> Result<(), Box<dyn Error>> {
    let stored = trails.read(trail, 0..20_000)?;
    let (begin, extractor) = (Instant::now(), Extractor::new());
    let events: Result<Vec<_>, _> = stored.iter().map(cairn_event::Stored::event).collect();
    let events = events?;
    let parsed = begin.elapsed();
    let mut terms = 0;
    for (event, stored) in events.iter().zip(&stored) {
        terms += extractor.document(event, &stored.position).terms().count();
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / stored.len() as f64;
    let extracted = begin.elapsed() - parsed;
    println!(
        "parse {:.1} µs/event, extract {:.1} µs/event, {} terms",
        each(parsed),
        each(extracted),
        terms / stored.len()
    );
    Ok(())
}

fn follow(trails: &MemoryTrails, index: &dyn Index, events: u64) -> Result<(), Box<dyn Error>> {
    let mut follower = Follower::new();
    let begin = Instant::now();
    let cpu = cpu_seconds();
    loop {
        let progress = follower.step(trails, index, COMMIT_EVENTS, Commit::Now)?;
        if progress.behind == 0 {
            break;
        }
    }
    let (wall, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let rate = |seconds: f64| events as f64 / seconds;
    println!("follow: {:.0} events/s, {:.0} events per CPU-second (merges included)", rate(wall), rate(cpu));
    Ok(())
}

fn ask(trails: &MemoryTrails, index: &dyn Index) -> Result<(), Box<dyn Error>> {
    let names = trails.trails();
    let mut all = Vec::new();
    for text in QUERIES {
        let query = parsed(text);
        let mut times = Vec::new();
        let mut shown = String::new();
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let page = search(index, trails, &names, &query, &options(50, Order::Newest))?;
            times.push(ms(begin.elapsed()));
            let about = if page.total.is_exact { "" } else { "≈" };
            shown = format!("{} hits of {about}{}", page.hits.len(), page.total.count);
        }
        println!("{:7.2} ms  {text:?}: {shown}, {:?}", percentile(&mut times, 95), "p95");
        all.extend(times);
    }
    println!("all queries: p50 {:.2} ms, p95 {:.2} ms", percentile(&mut all, 50), percentile(&mut all, 95));
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

/// CPU time of this process, user and system; 0 where the system doesn't say.
fn cpu_seconds() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
