//! What can't be read is grouped by cause, and is an event with its first time once it can be.

use crate::submit::verify;
use crate::support::{Server, bytes};
use cairn_api::v1::{RetryRequest, SearchPage};
use cairn_server::NodeConfig;
use cairn_sources::mapping::Mapping;
use serde_json::{Value, json};
use std::sync::Arc;

const SPEC: &str = "title = \"Shop\"
[[look]]
score = 50
has = [\"shop\"]
";

/// The mapping of a kind of source: the action is read from this member.
fn with_action_from(member: &'static str) -> impl FnOnce(&mut NodeConfig) {
    move |config| {
        let program = format!(
            "{{\"time\": .at, \"action\": string!(.{member}), \"actor\": {{\"id\": .who, \"type\": \"user\"}},\n\
             \"resource\": {{\"type\": \"order\", \"id\": to_string!(.number)}}}}\n"
        );
        let mapping =
            Mapping::new("shop", SPEC, &program).unwrap_or_else(|error| panic!("{}: {}", error.file, error.message));
        config.sources.add(Arc::new(mapping));
    }
}

fn event_at(server: &Server, position: &str) -> Value {
    let view = server.client().event(position).expect("it is there");
    serde_json::from_str(view.event.get()).expect("an event is JSON")
}

#[test]
fn what_waits_is_grouped_by_source_fault_and_cause() {
    let server = Server::start();
    for (number, body) in [r#"{"kind":"Event""#, "not json at all", r#"{"kind":"Event","n":1}"#].iter().enumerate() {
        let answer = server.post("/v1/sources/kubernetes/k8s", &[], body.as_bytes()).json();
        assert_eq!(answer["quarantined"], 1, "{number}: {answer}");
    }
    let found = server.client().quarantine().expect("the admin may");
    assert_eq!((found.waiting, found.solved, found.partial), (3, 0, false));
    assert!(found.groups.iter().all(|group| group.source == "kubernetes/k8s" && !group.reason.is_empty()));
    let counted: u64 = found.groups.iter().map(|group| group.count).sum();
    assert_eq!(counted, 3);
    assert!(found.groups.iter().any(|group| group.code == "not_json" && group.fault == "record" && group.count == 2));
}

#[test]
fn a_record_that_is_tried_again_is_an_event_with_the_time_at_which_it_first_came() {
    let server = Server::with(with_action_from("deed"));
    let record = |number: u64| json!({"shop": 1, "at": "2026-05-01T12:00:00Z", "who": "alice", "verb": "shop.order.create", "number": number});
    let sent = bytes(&json!([record(1), record(2), {"shop": 1}]));
    let answer = server.post("/v1/sources/shop/main", &[], &sent).json();
    assert_eq!(answer["quarantined"], 3, "{answer}");
    let first_came = event_at(&server, "default/quarantine@0")["received_at"].clone();

    // Nothing changed: they still can't be read, and are not stored again.
    let again = server.client().quarantine_retry(&RetryRequest::default()).expect("the admin may");
    assert_eq!((again.tried, again.stored, again.still), (3, 0, 3));
    assert_eq!(server.node.store().stats().events, 3, "nothing was written");

    // The mapping is mended.
    let (dir, token) = (server.dir.clone(), server.token.clone());
    server.stop();
    let server = Server::on(dir, Some(token), with_action_from("verb"));
    let one = RetryRequest { positions: Some(vec!["default/quarantine@1".to_owned()]), ..RetryRequest::default() };
    let answer = server.client().quarantine_retry(&one).expect("the admin may");
    assert_eq!((answer.tried, answer.stored, answer.still), (1, 1, 0), "{answer:?}");
    let all = server.client().quarantine_retry(&RetryRequest::default()).expect("the admin may");
    assert_eq!((all.tried, all.stored, all.still), (2, 1, 1));
    let stored = all.results.iter().find_map(|result| result.event.clone()).expect("one is an event now");
    let event = event_at(&server, &stored);
    assert_eq!(event["resource"]["id"], "1");
    assert_eq!(event["received_at"], first_came, "it keeps the time at which it came");
    assert_eq!(event["retried_from"], "default/quarantine@0");
    assert_eq!((&event["producer"]["source_kind"], &event["producer"]["principal"]), (&json!("shop"), &json!("admin")));

    // Sent once more by its producer, it is known.
    let twice = server.post("/v1/sources/shop/main", &[], &bytes(&record(1))).json();
    assert_eq!(twice["duplicate"], 1, "{twice}");
    verify(&server, &serde_json::from_value(twice).expect("an answer"));
    let found = server.client().quarantine().expect("the admin may");
    assert_eq!((found.waiting, found.solved), (1, 2));
    let gone = server.client().quarantine_retry(&one).expect_err("it is solved");
    assert_eq!(gone.problem().map(|problem| problem.status), Some(404));
    let page = server.get("/v1/search?q=action:cairn.quarantine.retry").json();
    let page: SearchPage = serde_json::from_value(page).expect("a page");
    assert_eq!(page.hits.len(), 2, "both successful tries are in the trail");
}

#[test]
fn a_change_of_policy_is_an_event_with_both_fingerprints() {
    let of = |text: &str| cairn_event::Digest::of(text.as_bytes());
    let server = Server::with(|config| config.policy = Some(of("first")));
    let event = event_at(&server, "default/main@0");
    assert_eq!(
        (&event["action"], &event["metadata"]["after"]),
        (&json!("cairn.policy.change"), &json!(of("first").to_string()))
    );
    server.submit(&bytes(&crate::support::event(1)));
    assert_eq!(event_at(&server, "default/main@1")["policy"], of("first").to_string());
    let restart = |server: Server, policy| {
        let (dir, token) = (server.dir.clone(), server.token.clone());
        server.stop();
        Server::on(dir, Some(token), move |config| config.policy = policy)
    };
    let server = restart(server, Some(of("first")));
    assert_eq!(server.client().trails().expect("the admin may").trails[0].size, 2, "the same policy is no change");
    let server = restart(server, Some(of("second")));
    let event = event_at(&server, "default/main@2");
    assert_eq!(event["metadata"], json!({"before": of("first").to_string(), "after": of("second").to_string()}));
    let server = restart(server, None);
    assert_eq!(event_at(&server, "default/main@3")["metadata"], json!({"before": of("second").to_string()}));
}
