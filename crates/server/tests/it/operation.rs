//! Running a node: readiness, metrics, sealing, stopping.

use crate::support::{Server, bytes, event, lines};
use cairn_engines::sim::{Fault, MemoryKeys, SimClock, SimEntropy, World};
use cairn_server::{Node, NodeConfig, NodeError};
use cairn_store::{Engines, LogKey, StoreError};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[test]
fn a_stop_in_the_middle_of_everything_loses_nothing_that_was_acknowledged() {
    let server = Server::start();
    let (numbers, acknowledged) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let (url, token, dir) = (server.url.clone(), server.token.clone(), server.dir.clone());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let client = cairn_api::Client::new(&url, Some(&token)).expect("a good address");
                let client = client.with_retry(cairn_api::Retry { attempts_max: 1, wait_ms_max: 0 });
                // Until the server is gone.
                loop {
                    let first = numbers.fetch_add(7, Ordering::Relaxed);
                    let Ok(answer) = client.submit(&lines(first..first + 7), &Default::default()) else { return };
                    assert!(answer.adds_up());
                    let mut seen = acknowledged.lock().expect("no panic");
                    seen.extend(answer.results.into_iter().map(|result| (result.position, result.leaf_hash)));
                }
            });
        }
        while acknowledged.lock().expect("no panic").len() < 2000 {
            std::thread::yield_now();
        }
        server.stop();
    });
    let server = Server::on(dir, Some(token), |_| {});
    let acknowledged = acknowledged.into_inner().expect("no panic");
    let size = server.client().trails().expect("readable").trails[0].size;
    assert!(size >= acknowledged.len() as u64);
    for (position, leaf_hash) in acknowledged.iter().step_by(97) {
        let shown = server.client().event(position.as_ref().expect("placed")).expect("it is there");
        assert_eq!(Some(shown.leaf_hash), *leaf_hash);
    }
    let distinct: std::collections::BTreeSet<_> = acknowledged.iter().collect();
    assert_eq!(distinct.len(), acknowledged.len());
}

#[test]
fn a_data_directory_has_one_process_and_keeps_its_credentials() {
    let server = Server::start();
    let config = || NodeConfig::new(server.dir.path().join("data"));
    let second = Node::open(config()).err().expect("it is in use");
    let is_locked = |error: &NodeError| error.to_string().contains(&StoreError::Locked.to_string());
    assert!(is_locked(&second), "{second}");
    server.submit(&lines(0..1));
    let dir = server.dir.clone();
    server.stop();
    let tokens = dir.path().join("data/keys/tokens.json");
    let kept = std::fs::read(&tokens).expect("the file");
    std::fs::remove_file(&tokens).expect("it is ours");
    let config = || NodeConfig::new(dir.path().join("data"));
    assert!(matches!(Node::open(config()), Err(NodeError::TokensMissing)));
    let mut forged = kept.clone();
    // A quarter of the way in, the file is base64 of the payload.
    let at = forged.len() / 4;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&tokens, forged).expect("it is ours");
    assert!(Node::open(config()).is_err());
    std::fs::write(&tokens, kept).expect("it is ours");
    let (node, started) = Node::open(config()).expect("whole again");
    assert!(started.admin_token.is_none() && !started.is_new);
    node.close().expect("a clean stop");
}

#[test]
fn what_was_received_is_the_sum_of_the_doors_in_the_metrics_too() {
    let server = Server::start();
    server.submit(&lines(0..10));
    server.submit(&lines(5..15));
    server.submit(&[lines(15..16), b"nonsense\n".to_vec()].concat());
    server.post("/v1/events", &[], b"{}");
    server.post("/v1/sources/kubernetes/x", &[], br#"[{"kind":0}]"#);
    server.get("/v1/search?q=op:delete");
    let page = server.get("/metrics").text();
    let value = |series: &str| -> u64 {
        let line = page.lines().find(|line| line.starts_with(series) && line.as_bytes()[series.len()] == b' ');
        let line = line.unwrap_or_else(|| panic!("{series} is not in\n{page}"));
        line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a number") as u64
    };
    let door = |result: &str| value(&format!("cairn_events_total{{result=\"{result}\"}}"));
    let doors = ["stored", "duplicate", "quarantined", "sampled", "refused"].map(door);
    assert_eq!(doors, [16, 5, 1, 0, 2]);
    assert_eq!(value("cairn_events_received_total"), doors.iter().sum::<u64>());
    assert_eq!(value("cairn_requests_failed_total{code=\"invalid\"}"), 1);
    for series in [
        "cairn_ingest_latency_seconds_count{from=\"received\",class=\"standard\"}",
        "cairn_search_duration_seconds_count{kind=\"search\"}",
        "cairn_integrity_pass_ratio",
        "cairn_integrity_last_full_pass_timestamp_seconds",
        "cairn_stored_bytes{trail=\"default/main\",kind=\"wal\"}",
        "cairn_groups_total",
        "cairn_group_events_count",
        "cairn_index_behind_events",
        "cairn_queue_requests",
    ] {
        value(series);
    }
    assert!(page.contains("cairn_schema_valid_ratio 0.8"), "{page}");
    assert!(page.ends_with("# EOF\n"));
    let reference = include_str!("../../../../docs/reference/http.md");
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().expect("a name");
        assert!(reference.contains(name), "{name} is not in docs/reference/http.md");
    }
}

#[test]
fn metrics_are_open_only_where_that_is_configured() {
    let server = Server::start();
    assert_eq!(server.get_with("/metrics", &[("authorization", "")]).status, 401);
    let server = Server::with(|config| config.http.metrics_open = true);
    server.submit(&lines(0..1));
    let open = server.get_with("/metrics", &[("authorization", "")]);
    assert!(open.status == 200 && open.text().contains("trail=\"default/main\""));
}

#[test]
fn a_ready_node_says_so_line_by_line_or_as_json() {
    let server = Server::start();
    let lines: Vec<String> =
        server.get_with("/readyz", &[("authorization", "")]).text().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.contains(": ok, ")), "{lines:?}");
    assert!(server.client().readyz().expect("it lives").ready);
    assert_eq!(server.get("/openapi.json").json()["openapi"].as_str().map(|version| &version[..2]), Some("3."));
}

#[test]
fn sealing_makes_segments_and_changes_no_answer() {
    let server = Server::start();
    let sent = server.submit(&lines(0..20));
    let before = server.get("/v1/search?limit=50").json();
    let sealed = server.client().seal(None).expect("the admin may").sealed;
    assert_eq!(sealed.iter().map(|segment| (segment.first, segment.last)).collect::<Vec<_>>(), [(0, 19)]);
    assert!(sealed[0].size_bytes > 0);
    assert!(server.client().seal(Some("main")).expect("the admin may").sealed.is_empty());
    assert_eq!(server.post("/v1/seal", &[], &bytes(&json!({"trail": "none"}))).status, 404);
    assert_eq!(server.post("/v1/seal", &[], &bytes(&json!({"trial": "main"}))).status, 400);
    let after = server.get("/v1/search?limit=50").json();
    assert_eq!(before["hits"], after["hits"]);
    assert_eq!(server.submit(&bytes(&event(3))).results[0].position, sent.results[3].position);
}

#[test]
fn after_a_failed_write_the_node_says_503_for_good_and_why_and_still_gives_what_it_has() {
    let world = World::new(7);
    let (node, started) = sim_node(&world);
    let token = started.admin_token.expect("a new directory").reveal().to_owned();
    let sockets = cairn_server::Sockets::bind(&NodeConfig::new("unused")).expect("none to bind");
    let server = Server::serve(Arc::new(tempfile::tempdir().expect("a temporary folder")), node, sockets, token);
    let kept = server.submit(&lines(0..5));
    // The next write of events fails, whichever operation of the disk it is.
    let next = world.operations();
    (next..next + 8).for_each(|operation| world.plan(operation, Fault::Io));
    for _ in 0..2 {
        let refused = server.post("/v1/events", &[], &lines(5..9));
        assert_eq!((refused.status, &refused.json()["code"]), (503, &"unavailable".into()), "{}", refused.text());
        assert_eq!(refused.header("retry-after"), None);
        world.calm();
    }
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("writer: FAILED, stopped for good: "), "{}", ready.text());
    assert_eq!(server.get("/healthz").status, 200);
    assert!(server.get("/metrics").text().contains("cairn_writer_stopped 1"));
    let position = kept.results[4].position.as_ref().expect("placed");
    assert_eq!(&server.client().event(position).expect("it was acknowledged").position, position);
}

/// Waits until a series has a value that is wanted.
fn wait_for(server: &Server, series: &str, wanted: impl Fn(f64) -> bool) {
    loop {
        let page = server.get("/metrics").text();
        let value = page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        if value.is_some_and(&wanted) {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_pass_over_everything_is_told_of_and_finds_damage() {
    let at_once = |config: &mut NodeConfig| config.scrub.first_after_ms = 0;
    let server = Server::start();
    let token = server.token.clone();
    server.submit(&lines(0..700));
    let sealed = server.client().seal(None).expect("the admin may").sealed;
    server.submit(&lines(700..710));
    let dir = server.dir.clone();
    server.stop();
    let server = Server::on(dir.clone(), Some(token.clone()), at_once);
    wait_for(&server, "cairn_integrity_last_full_pass_timestamp_seconds", |at| at > 1.7e9);
    wait_for(&server, "cairn_redaction_scanned_events_total", |events| events > 0.0);
    wait_for(&server, "cairn_integrity_pass_ratio", |ratio| ratio == 1.0);
    server.stop();
    let range = format!("{:020}-{:020}", sealed[0].first, sealed[0].last);
    let path = dir.path().join(format!("data/trails/default/main/segments/{range}.parquet"));
    let mut bytes = std::fs::read(&path).expect("the segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("it is ours");
    let server = Server::on(dir, Some(token), at_once);
    wait_for(&server, "cairn_integrity_pass_ratio", |ratio| ratio < 1.0);
    wait_for(&server, "cairn_integrity_last_full_pass_timestamp_seconds", |at| at == 0.0);
}

fn sim_node(world: &World) -> (Node, cairn_server::Started) {
    let (disk, entropy) = (Arc::new(world.disk()), Arc::new(SimEntropy::new(7)));
    let signer = Arc::new(LogKey::open(disk.as_ref(), entropy.as_ref()).expect("a new key"));
    let clock = Arc::new(SimClock::at(1_800_000_000));
    let engines = Engines { disk, clock, entropy, signer, keys: Arc::new(MemoryKeys::default()), give_way: || () };
    let mut config = NodeConfig::new("not used");
    config.store.disk_reserve_bytes = 0;
    // No other write than that of events, so that the failure hits them.
    config.store.publish_interval_ms = 3_600_000;
    Node::start(engines, Arc::new(cairn_search::NoIndex), config).expect("the node starts")
}
