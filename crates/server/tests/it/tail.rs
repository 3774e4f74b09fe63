//! Following a trail.

use crate::support::{Server, bytes, event, lines};
use cairn_api::TailRequest;
use serde_json::json;

fn positions(events: impl Iterator<Item = Result<cairn_api::v1::EventView, cairn_api::ClientError>>) -> Vec<String> {
    events.map(|event| event.expect("an event").position).collect()
}

fn places(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|index| format!("default/main@{index}")).collect()
}

#[test]
fn a_tail_gives_each_event_once_and_in_order_while_they_arrive() {
    let server = Server::start();
    server.submit(&lines(0..10));
    let tail = server.client().tail(TailRequest { after: Some("default/main@5".into()), ..TailRequest::default() });
    let following = std::thread::spawn(move || positions(tail.take(64)));
    for number in 10..70 {
        server.submit(&bytes(&event(number)));
    }
    assert_eq!(following.join().expect("no panic"), places(6..70));
}

#[test]
fn a_tail_goes_on_behind_its_last_event_also_over_a_restart() {
    let server = Server::start();
    server.submit(&lines(0..5));
    let mut tail = server.client().tail(TailRequest { last: Some(5), ..TailRequest::default() });
    assert_eq!(positions(tail.by_ref().take(3)), places(0..3));
    let last = tail.position().expect("it gave some").to_owned();
    drop(tail);
    server.submit(&lines(5..8));
    let server = server.restart();
    let tail = server.client().tail(TailRequest { after: Some(last), ..TailRequest::default() });
    assert_eq!(positions(tail.take(5)), places(3..8));
}

#[test]
fn a_tail_gives_only_what_its_query_and_trail_say() {
    let server = Server::start();
    let mut denied = event(7);
    denied["outcome"] = json!("denied");
    server.submit(&[lines(0..5), bytes(&denied), b"\n".to_vec(), lines(8..10)].concat());
    let tail =
        server.client().tail(TailRequest { q: "outcome:denied".into(), last: Some(100), ..TailRequest::default() });
    assert_eq!(positions(tail.take(1)), places(5..6));
    for (path, code) in [
        ("/v1/tail?q=a:", 400),
        ("/v1/tail?trail=UP", 400),
        ("/v1/tail?trail=other/main", 404),
        ("/v1/tail?last=0", 400),
    ] {
        assert_eq!(server.get(path).status, code, "{path}");
    }
    assert_eq!(server.get_with("/v1/tail", &[("last-event-id", "here")]).status, 400);
    assert_eq!(server.get_with("/v1/tail?trail=app", &[("last-event-id", "default/main@1")]).status, 400);
}

#[test]
fn a_stop_ends_the_streams_and_does_not_wait_for_their_readers() {
    let server = Server::start();
    server.submit(&lines(0..1));
    let mut tail = server.client().tail(TailRequest { last: Some(1), ..TailRequest::default() });
    assert_eq!(positions(tail.by_ref().take(1)), places(0..1));
    server.stop();
}
