//! When there is too much: refused early, with a time to come again, and nothing lost.

use crate::support::{Server, bytes, event, lines};
use cairn_api::{Retry, Submit};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A request whose body has not been sent whole. It keeps its place until it is finished.
fn begin(server: &Server, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("it listens");
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        server.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    stream.write_all(&body[..1]).expect("it reads");
    while !server.get("/metrics").text().contains("cairn_ingest_requests_in_flight 1") {
        std::thread::yield_now();
    }
    stream
}

fn finish(mut stream: TcpStream, body: &[u8]) -> String {
    stream.write_all(&body[1..]).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn more_requests_than_allowed_are_told_to_come_again_and_get_in_then() {
    let server = Server::with(|config| config.http.ingest_requests_max = 1);
    let body = bytes(&event(0));
    let first = begin(&server, &body);
    let refused = server.post("/v1/events", &[], &lines(1..500));
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["code"], "busy");
    let patient = server.client().with_retry(Retry { attempts_max: 1000, wait_ms_max: 5 });
    let waiting = std::thread::spawn(move || patient.submit(&bytes(&event(1)), &Submit::default()));
    assert!(finish(first, &body).starts_with("HTTP/1.1 200"));
    assert_eq!(waiting.join().expect("no panic").expect("it got in").stored, 1);
}

#[test]
fn a_body_that_does_not_arrive_is_given_up_and_its_place_is_free_again() {
    let server = Server::with(|config| {
        config.http.ingest_requests_max = 1;
        config.http.body_wait_ms_max = 200;
    });
    let body = bytes(&event(0));
    let mut stalled = begin(&server, &body);
    let mut answer = String::new();
    stalled.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(server.submit(&body).stored, 1);
}

#[test]
fn the_writers_full_queue_is_429_and_everything_acknowledged_is_there() {
    let server = Server::with(|config| config.store.queue_bytes_max = 1);
    let busy = std::sync::atomic::AtomicU64::new(0);
    let stored: u64 = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8_u64)
            .map(|sender| {
                let (server, busy) = (&server, &busy);
                scope.spawn(move || {
                    let mut stored = 0;
                    for round in 0..40 {
                        let first = (sender * 40 + round) * 20;
                        let answer = server.post("/v1/events", &[], &lines(first..first + 20));
                        match answer.status {
                            200 => stored += answer.json()["stored"].as_u64().expect("a count"),
                            429 => {
                                assert!(answer.header("retry-after").is_some());
                                busy.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                            status => panic!("{status}: {}", answer.text()),
                        }
                    }
                    stored
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
    });
    assert!(busy.into_inner() > 0, "the queue was never full: the test shows nothing");
    assert_eq!(server.client().trails().expect("readable").trails[0].size, stored);
}

#[test]
fn at_the_disk_reserve_nothing_is_taken_and_the_node_says_so() {
    let server = Server::with(|config| config.store.disk_reserve_bytes = u64::MAX);
    let refused = server.post("/v1/events", &[], &bytes(&event(0)));
    assert_eq!((refused.status, &refused.json()["code"]), (507, &"disk_reserve".into()));
    let ready = server.get_with("/readyz", &[("authorization", "")]);
    assert_eq!(ready.status, 503);
    assert!(ready.text().lines().any(|line| line.starts_with("disk: FAILED")), "{}", ready.text());
    assert_eq!(server.get_with("/healthz", &[("authorization", "")]).status, 200);
}
