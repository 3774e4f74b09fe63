//! A kill in the middle of an ingest: after a restart and a second ingest no event is lost and none is
//! there twice.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::support::{House, Ran, cairn, summary};

const EVENTS: usize = 50_000;

fn events() -> String {
    let line = |at: usize| {
        format!(
            "{{\"time\":\"2025-01-01T00:00:00Z\",\"actor\":{{\"id\":\"a{}\",\"type\":\"user\"}},\"action\":\"a.b\",\"operation\":\"read\",\"resource\":{{\"type\":\"t\",\"id\":\"{at}\"}},\"outcome\":\"success\"}}\n",
            at % 7
        )
    };
    (0..EVENTS).map(line).collect()
}

/// How the server ends in the middle of an ingest.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// As in a power cut of the process: SIGKILL.
    Killed,
    /// As a service manager stops it: SIGTERM.
    Stopped,
}

#[test]
fn killed_in_the_middle_of_an_ingest_nothing_is_lost_and_nothing_is_there_twice() {
    check(End::Killed);
}

#[test]
fn stopped_in_the_middle_of_an_ingest_nothing_is_lost_and_nothing_is_there_twice() {
    check(End::Stopped);
}

fn check(end: End) {
    let mut house = House::new();
    let file = house.file("events.ndjson", events());
    // A tail tells when events have become durable: the end comes after that and before the last batch.
    let mut tail = cairn(house.path())
        .args(["tail", "--last", "0", "--json=position"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ingest = cairn(house.path())
        .args(["ingest", &file, "--batch", "50", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(tail.stdout.take().unwrap()).lines();
    let acknowledged = (0..500).map_while(|_| seen.next()).filter(Result::is_ok).count();
    assert_eq!(acknowledged, 500);
    match end {
        End::Killed => house.kill(),
        End::Stopped => assert_eq!(house.stop(), 0),
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    let interrupted = Ran::from(ingest.wait_with_output().unwrap());
    let [answered, before, ..] = summary(&interrupted);
    assert!(answered < EVENTS as u64, "it was interrupted: {}", interrupted.out);

    house.start();
    let [received, stored, duplicate, ..] = summary(&house.run(&["ingest", &file, "--json"]).expect(0));
    assert_eq!(received as usize, EVENTS);
    assert!(duplicate >= before.max(500), "what was acknowledged was durable: {duplicate} of {before}");
    assert_eq!((stored + duplicate) as usize, EVENTS);
    house.stop();
    // Every event has been stored or recognised, and there are no more than these.
    let verified = house.run(&["verify", "trail", "--data", "cairn-data", "--json"]).expect(0);
    assert_eq!(verified.json_lines()[0]["events"], EVENTS, "{}", verified.out);
}
