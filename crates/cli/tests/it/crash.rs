//! A kill in the middle of an ingest: after a restart and a second ingest no event is lost and none is
//! there twice.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::support::{House, cairn, summary};

const EVENTS: usize = 20_000;

fn events() -> String {
    let line = |at: usize| {
        format!(
            "{{\"time\":\"2025-01-01T00:00:00Z\",\"actor\":{{\"id\":\"a{}\",\"type\":\"user\"}},\"action\":\"a.b\",\"operation\":\"read\",\"resource\":{{\"type\":\"t\",\"id\":\"{at}\"}},\"outcome\":\"success\"}}\n",
            at % 7
        )
    };
    (0..EVENTS).map(line).collect()
}

#[test]
fn kill_restart_and_ingest_again_loses_nothing_and_doubles_nothing() {
    let mut house = House::new();
    let file = house.file("events.ndjson", events());
    // A tail tells when events have become durable: the kill comes after that and before the end.
    let mut tail = cairn(house.path())
        .args(["tail", "--last", "0", "--json=position"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ingest = cairn(house.path())
        .args(["ingest", &file, "--batch", "50", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(tail.stdout.take().unwrap()).lines();
    let acknowledged = (0..500)
        .map_while(|_| seen.next())
        .filter(Result::is_ok)
        .count();
    house.kill();
    tail.kill().unwrap();
    tail.wait().unwrap();
    ingest.wait().unwrap();
    assert_eq!(acknowledged, 500);

    house.start();
    let [received, stored, duplicate, ..] =
        summary(&house.run(&["ingest", &file, "--json"]).expect(0));
    assert_eq!(received as usize, EVENTS);
    assert!(duplicate >= 500, "what was shown was durable: {duplicate}");
    assert_eq!((stored + duplicate) as usize, EVENTS);
    assert_eq!(
        house.run(&["search", "--count"]).expect(0).out.trim(),
        EVENTS.to_string()
    );
    house.stop();
    house
        .run(&["verify", "trail", "--data", "cairn-data"])
        .expect(0);
}
