//! What is not taken: each with its status and a code that names it, and nothing stored.

use crate::support::{Server, bytes, event, lines};
use cairn_event::limits;
use serde_json::json;

#[track_caller]
fn check(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8], expected: (u16, &str)) {
    let answer = server.post(path, headers, body);
    assert_eq!(answer.status, expected.0, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["code"], expected.1, "{problem}");
    assert_eq!(problem["status"], expected.0);
    for member in ["type", "title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
}

#[test]
fn each_body_that_is_not_taken_is_named() {
    let server = Server::start();
    let events = "/v1/events";
    check(&server, events, &[], b"", (400, "body_empty"));
    check(&server, events, &[], b" \n\n", (400, "body_empty"));
    check(&server, events, &[], b"\x1f\x8b\x08\x00", (400, "body_unreadable"));
    check(&server, events, &[("content-encoding", "br")], b"x", (415, "media_unsupported"));
    check(&server, events, &[("content-type", "text/xml")], b"<a/>", (415, "media_unsupported"));
    check(&server, events, &[("idempotency-key", "")], &bytes(&event(0)), (400, "header_invalid"));
    check(&server, "/v1/events?prof=each", &[], &bytes(&event(0)), (400, "parameter_invalid"));
    check(&server, "/v1/events?proof=all", &[], &bytes(&event(0)), (400, "parameter_invalid"));
    check(&server, "/v1/sources/splunk/x", &[], b"{}", (404, "source_unknown"));
    check(&server, "/v1/sources/native/UPPER", &[], b"{}", (400, "parameter_invalid"));
    check(&server, "/v1/sources/kubernetes/prod", &[], br#"{"kind":"EventList","items":7}"#, (400, "body_unreadable"));
    check(&server, "/v1/nothing", &[], b"{}", (404, "not_found"));
    check(&server, "/v1/search", &[], b"{}", (405, "method_not_allowed"));
    assert!(server.client().trails().expect("readable").trails.is_empty());
}

#[test]
fn one_event_that_is_refused_is_a_problem_with_its_field() {
    let server = Server::start();
    let mut wrong = event(0);
    wrong["acton"] = json!("x");
    check(&server, "/v1/events", &[], &bytes(&wrong), (422, "invalid"));
    let problem = server.post("/v1/events", &[], &bytes(&wrong)).json();
    assert_eq!(problem["field"], "acton");
    check(&server, "/v1/events", &[], b"{\"time\":1,\"time\":2}", (422, "not_json"));
    check(&server, "/v1/events", &[], b"{", (422, "not_json"));
    let mut claimed = event(0);
    claimed["received_at"] = json!("2026-05-01T12:00:00Z");
    check(&server, "/v1/events", &[], &bytes(&claimed), (422, "invalid"));
    // As the one item of a batch, or as a line, it is a result instead.
    for (headers, body) in
        [(vec![], bytes(&json!([wrong]))), (vec![("content-type", "application/x-ndjson")], bytes(&wrong))]
    {
        let answer = server.post("/v1/events", &headers, &body);
        assert_eq!((answer.status, &answer.json()["refused"]), (200, &json!(1)), "{}", answer.text());
    }
}

#[test]
fn an_event_of_another_format_is_told_where_it_belongs() {
    let server = Server::start();
    let foreign = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "verb": "get", "level": "Metadata", "stage": "Panic"});
    let problem = server.post("/v1/events", &[], &bytes(&foreign)).json();
    let said = problem.to_string();
    assert!(said.contains("/v1/sources/kubernetes/"), "{said}");
}

#[test]
fn a_body_larger_than_allowed_is_answered_also_when_it_is_still_being_sent() {
    let server = Server::start();
    let large = vec![b' '; limits::BATCH_BYTES_MAX + 1];
    check(&server, "/v1/events", &[], &large, (413, "body_too_large"));
    check(&server, "/v1/events", &[("authorization", "Bearer x")], &large[..4 << 20], (401, "unauthenticated"));
}

#[test]
fn a_batch_of_too_many_events_stores_none_of_them() {
    let server = Server::start();
    let count = limits::BATCH_EVENTS_MAX as u64;
    check(&server, "/v1/events", &[], &lines(0..count + 1), (413, "too_many_events"));
    assert_eq!(server.submit(&lines(0..1)).results[0].index, Some(0));
    assert_eq!(server.submit(&lines(0..count)).stored, count - 1);
}

#[test]
fn an_event_larger_than_allowed_is_refused_by_name() {
    let server = Server::start();
    let mut large = event(0);
    large["metadata"] = json!({"text": "x".repeat(limits::EVENT_BYTES_MAX)});
    check(&server, "/v1/events", &[], &bytes(&large), (422, "too_large"));
}
