//! The same event again, also after a restart; the same key for another event.

use crate::submit::verify;
use crate::support::{Server, bytes, event, lines};
use cairn_api::v1::{Status, SubmitAnswer};
use serde_json::{Value, json};

/// Everything that names the events of an answer.
fn names(answer: &SubmitAnswer) -> Vec<(Option<String>, Option<String>, Option<String>)> {
    let name =
        |result: &cairn_api::v1::EventResult| (result.id.clone(), result.position.clone(), result.leaf_hash.clone());
    answer.results.iter().map(name).collect()
}

#[test]
fn the_same_request_again_stores_nothing_and_gives_the_same_names_also_after_a_restart() {
    let mut server = Server::start();
    let body = lines(0..300);
    let first = server.submit(&body);
    assert_eq!(first.stored, 300);
    for round in 0..3 {
        let again = server.submit(&body);
        assert_eq!((again.stored, again.duplicate), (0, 300));
        assert_eq!(names(&again), names(&first));
        assert_eq!(again.receipts.len(), 1);
        verify(&server, &again);
        if round == 1 {
            server.client().seal(None).expect("the admin may");
        }
        server = server.restart();
    }
}

#[test]
fn two_equal_events_in_one_request_are_two_and_the_request_again_is_none() {
    let server = Server::start();
    let twice = bytes(&json!([event(1), event(1)]));
    assert_eq!(server.submit(&twice).stored, 2);
    assert_eq!(server.submit(&twice).duplicate, 2);
}

#[test]
fn scattered_duplicates_get_receipts_of_their_own() {
    let server = Server::start();
    server.submit(&lines(0..100));
    let scattered: Vec<Value> = [3, 4, 5, 40, 99, 100, 41].map(event).into();
    let answer = server.submit(&bytes(&Value::Array(scattered)));
    assert_eq!((answer.stored, answer.duplicate), (1, 6));
    let runs: Vec<_> = answer.receipts.iter().map(|receipt| (receipt.first, receipt.count)).collect();
    assert_eq!(runs, [(100, 1), (3, 3), (40, 2), (99, 1)]);
    verify(&server, &answer);
}

#[test]
fn an_idempotency_key_stands_for_one_event_or_for_the_places_of_a_batch() {
    let server = Server::start();
    let post = |key: &str, body: &Value| -> SubmitAnswer {
        let answer = server.post("/v1/events", &[("idempotency-key", key)], &bytes(body));
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).expect("an answer")
    };
    assert_eq!(post("k1", &event(1)).results[0].status, Status::Stored);
    assert_eq!(post("k1", &event(1)).results[0].status, Status::Duplicate);
    assert_eq!(post("k2", &event(1)).results[0].status, Status::Stored);
    assert_eq!(post("batch", &json!([event(2), event(2)])).stored, 2);
    assert_eq!(post("batch", &json!([event(2), event(2), event(3)])).duplicate, 2);
}

#[test]
fn the_same_key_for_other_content_is_kept_flagged_and_reported() {
    let mut server = Server::start();
    let keyed = |number: u64| {
        let mut event = event(number);
        event["idempotency_key"] = json!("order-7");
        bytes(&event)
    };
    let first = server.submit(&keyed(1));
    let other = server.submit(&keyed(2));
    assert_eq!((other.stored, other.conflicts), (1, 1));
    let result = &other.results[0];
    assert_eq!(result.conflict_of, first.results[0].position);
    assert_ne!(result.position, first.results[0].position);
    verify(&server, &other);
    let kept = server.client().event(result.position.as_ref().expect("placed")).expect("it is there");
    let kept = kept.event().expect("an event");
    assert_eq!(kept.pointer("/conflict_with").and_then(|at| at.as_str()), Some("default/main@0"));
    // Each of the two is known again as itself, however often and after a restart.
    for _ in 0..2 {
        let again = server.submit(&keyed(2));
        assert_eq!((again.duplicate, again.conflicts), (1, 0));
        assert_eq!(names(&again), names(&other));
        assert_eq!(names(&server.submit(&keyed(1))), names(&first));
        server = server.restart();
    }
}

#[test]
fn a_conflict_inside_one_request_is_found_too() {
    let server = Server::start();
    let keyed = |number: u64| {
        let mut event = event(number);
        event["idempotency_key"] = json!("k");
        event
    };
    let answer = server.submit(&bytes(&json!([keyed(1), keyed(2), keyed(3), keyed(2)])));
    let statuses: Vec<_> = answer.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Stored, Status::Stored, Status::Stored, Status::Duplicate]);
    assert_eq!(answer.conflicts, 2);
    assert!(answer.results[1..].iter().all(|result| result.conflict_of.as_deref() == Some("default/main@0")));
    verify(&server, &answer);
}
