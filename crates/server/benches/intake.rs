//! What a record costs from its bytes to an admitted event: microseconds for each stage, on one core.
//! Records are the golden inputs of their kinds.

use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cairn_admit::protect::{Rules, Secrets, TenantKeys};
use cairn_admit::{Facts, Occurrences, Offer, Protection, admit};
use cairn_event::{EventId, Json, Said};
use cairn_sources::{Delivery, SharedSource, Sources};

/// The two kinds in code, a large, a middling and a small program, two decoders.
const KINDS: &[&str] = &["native", "kubernetes", "cloudtrail", "github", "okta", "envoy", "syslog", "auditd"];

static RULES: LazyLock<Rules> = LazyLock::new(Rules::defaults);
static KEYS: LazyLock<TenantKeys> =
    LazyLock::new(|| Secrets::new([1; 32], [2; 32]).of_tenant(&"default".parse().expect("a tenant")));

/// How long each stage is measured.
const MEASURED: Duration = Duration::from_millis(600);

fn main() {
    println!("{:12} {:>6} {:>8} {:>8} {:>8} {:>8}", "µs a record", "bytes", "parse", "map", "write", "admit");
    let given = KINDS.iter().map(|kind| (*kind, records(kind)));
    let (native, _) = records("native");
    for (kind, (source, records)) in given.chain([("native", (native, vec![protected()]))]) {
        let bytes = records.iter().map(Vec::len).sum::<usize>() / records.len();
        let parse = measure(&records, |record| drop(black_box(Json::parse(record))));
        let map = measure(&records, |record| drop(black_box(source.map(record, &delivery()))));
        let write = measure(&records, |record| {
            let mapped = source.map(record, &delivery()).expect("it maps");
            drop(black_box(Said::of(mapped.draft)));
        });
        let admitted = measure(&records, |record| admitted(kind, &source, record));
        // Each measurement holds the ones before it; their differences are the stages.
        let (map_only, write_only, admit_only) = (map - parse, write - map, admitted - write);
        println!(
            "{kind:12} {bytes:6} {parse:8.2} {map_only:8.2} {write_only:8.2} {admit_only:8.2}   {admitted:.2} in all"
        );
    }
}

/// A native event with ten values that a rule covers.
fn protected() -> Vec<u8> {
    let passwords: Vec<String> =
        (0..10).map(|number| format!(r#""{number}_password":"correct-horse-{number}""#)).collect();
    format!(
        r#"{{"time":"2024-03-05T08:15:30Z","actor":{{"type":"user","id":"alice"}},"action":"user.update","resource":{{"type":"user","id":"42"}},"metadata":{{{}}}}}"#,
        passwords.join(",")
    )
    .into_bytes()
}

fn admitted(kind: &str, source: &SharedSource, record: &[u8]) {
    let trail = "default/main".parse().expect("a trail");
    let facts = Facts {
        now: delivery().received_at,
        principal: "bench",
        source_kind: kind,
        source_name: "bench",
        trail: &trail,
        policy: None,
        protection: Protection { rules: &RULES, keys: &KEYS },
        headers: &[],
        retried_from: None,
    };
    let mapped = source.map(record, &delivery()).expect("it maps");
    let offer = Offer {
        bytes: record,
        content: Ok(mapped.draft),
        natural_key: mapped.natural_key,
        request_key: None,
        fresh_id: EventId::from_parts(1, [7; 10]),
    };
    drop(black_box(admit(offer, &facts, &mut Occurrences::default())));
}

/// A kind and the records of its golden inputs that map.
fn records(kind: &str) -> (SharedSource, Vec<Vec<u8>>) {
    let source = Sources::builtin().by_kind(kind).expect("it is built in");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sources/src").join(kind).join("golden");
    let mut records = Vec::new();
    for entry in std::fs::read_dir(folder).expect("every kind has goldens") {
        let path = entry.expect("a folder can be listed").path();
        if path.to_string_lossy().contains(".in.") {
            let body = std::fs::read(path).expect("it was listed a moment ago");
            records.extend(source.split(&body).expect("a golden body splits").map(|record| record.bytes.into_owned()));
        }
    }
    records.retain(|record| source.map(record, &delivery()).is_ok());
    (source, records)
}

fn delivery() -> Delivery<'static> {
    Delivery::at(jiff::Timestamp::UNIX_EPOCH)
}

/// Microseconds for one record.
fn measure(records: &[Vec<u8>], mut step: impl FnMut(&[u8])) -> f64 {
    let start = Instant::now();
    let mut done = 0_u64;
    while start.elapsed() < MEASURED {
        records.iter().for_each(|record| step(record));
        done += records.len() as u64;
    }
    start.elapsed().as_secs_f64() * 1e6 / done as f64
}
