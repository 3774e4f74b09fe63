//! One look at all counters, in the OpenMetrics text form.

use super::{Buckets, CLASSES, Read, SECONDS};
use crate::node::Node;
use cairn_event::{Positions, TenantName};
use cairn_store::Histogram;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// All series. Those that name trails are only given for one tenant, or for all with `None`.
pub(crate) fn scrape(node: &Node, tenant: Option<&TenantName>) -> String {
    let mut registry = Registry::with_prefix("cairn");
    events(&mut registry, node);
    latencies(&mut registry, node);
    write_path(&mut registry, node);
    integrity(&mut registry, node);
    trails(&mut registry, node, tenant);
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("writing to a String can't fail");
    page
}

#[derive(Debug)]
enum Value {
    Counter(u64),
    Gauge(f64),
    Histogram { sum: f64, count: u64, buckets: Vec<(f64, u64)> },
}

/// The values of one name, each with its labels, as they were at one moment.
#[derive(Debug)]
struct Series {
    kind: MetricType,
    values: Vec<(Vec<(&'static str, String)>, Value)>,
}

impl EncodeMetric for Series {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (labels, value) in &self.values {
            if labels.is_empty() {
                value.encode(&mut encoder)?;
            } else {
                value.encode(&mut encoder.encode_family(labels)?)?;
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}

impl Value {
    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        match self {
            Value::Counter(count) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
            Value::Gauge(value) => encoder.encode_gauge(value),
            Value::Histogram { sum, count, buckets } => {
                encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
            }
        }
    }
}

impl From<&Buckets> for Value {
    fn from(buckets: &Buckets) -> Value {
        let counts: Vec<u64> = buckets.counts.iter().map(|count| count.load(Relaxed)).collect();
        let bounds = SECONDS.iter().copied().chain([f64::MAX]);
        let sum = buckets.sum_micros.load(Relaxed) as f64 / 1e6;
        Value::Histogram { sum, count: counts.iter().sum(), buckets: bounds.zip(counts).collect() }
    }
}

impl From<Histogram> for Value {
    fn from(histogram: Histogram) -> Value {
        let bounds = histogram.bounds.into_iter().chain([f64::MAX]);
        let count = histogram.counts.iter().sum();
        Value::Histogram { sum: histogram.sum, count, buckets: bounds.zip(histogram.counts).collect() }
    }
}

fn one(registry: &mut Registry, name: &str, help: &str, value: Value) {
    labelled(registry, name, help, vec![(Vec::new(), value)]);
}

fn labelled(registry: &mut Registry, name: &str, help: &str, values: Vec<(Vec<(&'static str, String)>, Value)>) {
    let kind = match values.first() {
        None => return,
        Some((_, Value::Counter(_))) => MetricType::Counter,
        Some((_, Value::Gauge(_))) => MetricType::Gauge,
        Some((_, Value::Histogram { .. })) => MetricType::Histogram,
    };
    registry.register(name, help, Series { kind, values });
}

fn label(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    vec![(name, value.to_owned())]
}

fn counter(count: &AtomicU64) -> Value {
    Value::Counter(count.load(Relaxed))
}

fn events(registry: &mut Registry, node: &Node) {
    let telemetry = node.telemetry();
    one(registry, "events_received", "Events in requests that were answered", counter(&telemetry.received));
    let results = [
        ("stored", &telemetry.stored),
        ("duplicate", &telemetry.duplicate),
        ("quarantined", &telemetry.quarantined),
        ("sampled", &telemetry.sampled),
        ("refused", &telemetry.refused),
    ];
    let results = results.map(|(result, count)| (label("result", result), counter(count)));
    labelled(registry, "events", "The same events by the door they left through", results.into());
    one(
        registry,
        "events_conflicting",
        "Stored events whose key had been used for other content",
        counter(&telemetry.conflicts),
    );
    let received = telemetry.received.load(Relaxed);
    let invalid = telemetry.refused.load(Relaxed) + telemetry.quarantined.load(Relaxed);
    let valid = if received == 0 { 1.0 } else { received.saturating_sub(invalid) as f64 / received as f64 };
    one(
        registry,
        "schema_valid_ratio",
        "Share of the events received that were neither refused nor quarantined",
        Value::Gauge(valid),
    );
    let problems = telemetry.problems.lock().unwrap_or_else(PoisonError::into_inner);
    let problems = problems.iter().map(|(code, count)| (label("code", code), Value::Counter(*count))).collect();
    labelled(registry, "requests_failed", "Requests that were not done, by the code of the problem", problems);
}

fn latencies(registry: &mut Registry, node: &Node) {
    let telemetry = node.telemetry();
    let mut ingest = Vec::new();
    for (from, buckets) in [("received", &telemetry.received_to_durable), ("emitted", &telemetry.emitted_to_durable)] {
        for (class, buckets) in CLASSES.iter().zip(buckets) {
            let labels = vec![("from", from.to_owned()), ("class", class.as_str().to_owned())];
            ingest.push((labels, buckets.into()));
        }
    }
    let help = "Seconds until an event was durable: from the arrival of its request, and from when it happened";
    labelled(registry, "ingest_latency_seconds", help, ingest);
    let reads = Read::ALL.iter().zip(&telemetry.reads);
    let reads = reads.map(|(read, buckets)| (label("kind", read.as_str()), buckets.into())).collect();
    labelled(registry, "search_duration_seconds", "Seconds that a read took on the server", reads);
}

fn write_path(registry: &mut Registry, node: &Node) {
    let (health, stats, gate) = (node.store().health(), node.store().stats(), node.gate());
    let mut gauge = |name, help, value: f64| one(registry, name, help, Value::Gauge(value));
    gauge(
        "writer_stopped",
        "1 once a failed write stopped the writer for good",
        f64::from(u8::from(health.stopped.is_some())),
    );
    gauge("queue_requests", "Requests that wait for the writer", health.queued_requests as f64);
    gauge("queue_bytes", "Bytes that wait for the writer", health.queued_bytes as f64);
    gauge("unsealed_bytes", "Bytes of events that are durable and not sealed yet", health.unsealed_bytes as f64);
    gauge("disk_free_bytes", "Bytes free on the disk", health.free_bytes as f64);
    gauge("disk_reserve_bytes", "Bytes that are kept free", health.reserve_bytes as f64);
    gauge("ingest_requests_in_flight", "Requests with events that are worked on", gate.ingest_requests() as f64);
    gauge("ingest_bytes_in_flight", "Bytes of bodies in memory", gate.ingest_bytes() as f64);
    let state = node.follow().state();
    gauge("index_events", "Events in the search index", state.indexed as f64);
    gauge("index_behind_events", "Events that are stored and not in the search index yet", state.behind as f64);
    one(registry, "groups", "Commit groups written", Value::Counter(stats.groups));
    one(registry, "wal_bytes", "Bytes written to the write-ahead log", Value::Counter(stats.wal_bytes));
    one(registry, "segments_sealed", "Segments sealed", Value::Counter(stats.segments));
    one(registry, "group_events", "Events in a commit group", stats.group_events.into());
    one(
        registry,
        "commit_duration_seconds",
        "Seconds from the start of a commit group to its durability",
        stats.commit_seconds.into(),
    );
}

fn integrity(registry: &mut Registry, node: &Node) {
    let telemetry = node.telemetry();
    let checked = telemetry.events_checked.load(Relaxed);
    let damaged = telemetry.events_damaged.load(Relaxed);
    let ratio = if checked == 0 { 1.0 } else { (checked - damaged.min(checked)) as f64 / checked as f64 };
    let help = "Share of the stored events read since the start that were what was committed to";
    one(registry, "integrity_pass_ratio", help, Value::Gauge(ratio));
    one(
        registry,
        "integrity_checked_events",
        "Stored events read and checked since the start",
        Value::Counter(checked),
    );
    let help =
        "When every stored event, root and checkpoint was last checked by this process; 0 if not since the start";
    let full = telemetry.full_pass_at.load(Relaxed) as f64;
    one(registry, "integrity_last_full_pass_timestamp_seconds", help, Value::Gauge(full));
    let scanned = telemetry.redaction_scanned.load(Relaxed);
    let failing = telemetry.redaction_failing.load(Relaxed);
    let ratio = if scanned == 0 { 0.0 } else { failing as f64 / scanned as f64 };
    let help = "Share of the stored events scanned since the start with a value that a protection rule covers";
    one(registry, "redaction_failure_ratio", help, Value::Gauge(ratio));
    one(registry, "redaction_scanned_events", "Stored events scanned since the start", Value::Counter(scanned));
}

fn trails(registry: &mut Registry, node: &Node, tenant: Option<&TenantName>) {
    let (mut bytes, mut sizes) = (Vec::new(), Vec::new());
    for (trail, segments, wal) in node.store().sizes() {
        if tenant.is_some_and(|tenant| *tenant != trail.tenant) {
            continue;
        }
        let name = trail.to_string();
        for (kind, size) in [("segment", segments), ("wal", wal)] {
            let labels = vec![("trail", name.clone()), ("kind", kind.to_owned())];
            bytes.push((labels, Value::Gauge(size as f64)));
        }
        sizes.push((label("trail", &name), Value::Gauge(node.reader().size(&trail) as f64)));
    }
    labelled(registry, "stored_bytes", "Bytes of stored events by trail and where they stand", bytes);
    labelled(registry, "trail_events", "Events in a trail", sizes);
}
