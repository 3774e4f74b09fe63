//! A file of events, sent by `cairn ingest`, with kills in the middle on both sides.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Stdio};

use cairn_api::{Client, TailRequest};
use serde_json::Value;

use super::super::support::{Ran, cairn, run, summary};
use super::server::{Folder, Server, client};

const EVENTS: usize = 20_000;
const FILE: &str = "events.ndjson";
const TRAIL: &str = "default/main";

/// Who is killed.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Victim {
    Server,
    Ingest,
}

#[test]
fn killed_in_the_middle_of_a_file_on_either_side_every_event_is_there_once() {
    let folder = Folder::new();
    let folder = folder.path();
    std::fs::write(folder.join(FILE), events()).unwrap();
    let (mut server, mut at) = start(folder);
    for (victim, more) in [(Victim::Server, 1_500), (Victim::Ingest, 2_500), (Victim::Server, 700)] {
        let before = size(&at);
        let ingest = ingest(folder);
        // The ingest goes through the duplicates first; then the trail grows.
        grown(&at, before, more);
        match victim {
            Victim::Server => {
                server.kill();
                let ran = Ran::from(ingest.wait_with_output().unwrap());
                assert_ne!(ran.code, 0, "{ran:?}");
                (server, at) = start(folder);
            }
            Victim::Ingest => {
                let mut ingest = ingest;
                ingest.kill().unwrap();
                ingest.wait().unwrap();
            }
        }
        let after = size(&at);
        println!("{victim:?} killed: {before} events before, {after} after");
        assert!(after >= before + more, "what was durable stays");
        assert!(after < EVENTS as u64, "it was in the middle");
    }
    let last = run(folder, &["ingest", FILE, "--json"]).expect(0);
    let [received, stored, duplicate, ..] = summary(&last);
    assert_eq!((received, stored + duplicate), (EVENTS as u64, EVENTS as u64));
    assert_eq!(size(&at), EVENTS as u64);
    assert_eq!(stored_ids(&at).len(), EVENTS, "none is there twice");
    server.terminate();
    server.ended();
    let verified = run(folder, &["verify", "trail", "--data", "cairn-data", "--json"]).expect(0);
    assert_eq!(verified.json_lines()[0]["events"], EVENTS);
}

fn events() -> String {
    let line = |at: usize| {
        format!(
            "{{\"time\":\"2025-01-01T00:00:00Z\",\"actor\":{{\"id\":\"a{}\",\"type\":\"user\"}},\"action\":\"a.b\",\"operation\":\"read\",\"resource\":{{\"type\":\"t\",\"id\":\"{at}\"}},\"outcome\":\"success\"}}\n",
            at % 7
        )
    };
    (0..EVENTS).map(line).collect()
}

fn start(folder: &Path) -> (Server, Client) {
    let mut server = Server::spawn(folder, &[("CAIRN_STORE_SEAL_EVENTS", 1000)]);
    let url = server.ready();
    (server, client(folder, &url))
}

fn ingest(folder: &Path) -> Child {
    cairn(folder)
        .args(["ingest", FILE, "--batch", "50", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn size(at: &Client) -> u64 {
    let trails = at.trails().unwrap().trails;
    trails.iter().find(|trail| trail.trail == TRAIL).map_or(0, |trail| trail.size)
}

/// Waits until this many events have come behind the first `before`.
fn grown(at: &Client, before: u64, more: u64) {
    let after = before.checked_sub(1).map(|last| format!("{TRAIL}@{last}"));
    let tail = at.tail(TailRequest { after, last: Some(1), ..TailRequest::default() });
    let seen = tail.take(more as usize).filter(Result::is_ok).count();
    assert_eq!(seen as u64, more);
}

fn stored_ids(at: &Client) -> BTreeSet<String> {
    let first = at.event(&format!("{TRAIL}@0")).unwrap();
    let rest = at.tail(TailRequest { after: Some(first.position.clone()), ..TailRequest::default() });
    let all = std::iter::once(first).chain(rest.map(Result::unwrap)).take(EVENTS);
    all.map(|view| {
        let event: Value = serde_json::from_str(view.event.get()).unwrap();
        event["resource"]["id"].as_str().unwrap().to_owned()
    })
    .collect()
}
