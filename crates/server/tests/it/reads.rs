//! Finding events again.

use crate::support::{Server, bytes, event, lines};
use cairn_api::{SearchRequest, TimelineBy, WhoRequest};
use cairn_event::limits;
use serde_json::json;

fn search(q: &str) -> SearchRequest {
    SearchRequest { q: q.to_owned(), ..SearchRequest::default() }
}

#[track_caller]
fn check(server: &Server, request: &SearchRequest, expected: &[u64]) {
    let page = server.client().search(request).expect("a valid query");
    let found: Vec<String> = page.hits.iter().map(|hit| hit.position.clone()).collect();
    let expected: Vec<String> = expected.iter().map(|index| format!("default/main@{index}")).collect();
    assert_eq!(found, expected, "{}", page.query);
}

/// A few events that differ in what is asked for.
fn story(server: &Server) {
    let mut events: Vec<_> = (0..6).map(event).collect();
    for (minute, event) in events.iter_mut().enumerate() {
        event["time"] = json!(format!("2026-05-01T12:0{minute}:00Z"));
    }
    events[1]["actor"]["id"] = json!("bob");
    events[2]["outcome"] = json!("denied");
    events[4]["operation"] = json!("create");
    events[5]["origin"] = json!({"ips": ["10.1.2.3"]});
    server.submit(&bytes(&json!(events)));
}

#[test]
fn an_event_is_found_as_soon_as_it_is_acknowledged_whatever_the_index_does() {
    let server = Server::start();
    for number in 0..20 {
        server.submit(&bytes(&event(number)));
        check(&server, &search(&format!("res:invoice-{number}")), &[number]);
        if number % 7 == 0 {
            server.client().rebuild_index().expect("the admin may");
        }
    }
}

#[test]
fn queries_and_bounds_select_and_order() {
    let server = Server::start();
    story(&server);
    check(&server, &search(""), &[5, 4, 3, 2, 1, 0]);
    check(&server, &search("actor:bob OR outcome:denied"), &[2, 1]);
    check(&server, &search("-op:delete"), &[4]);
    check(&server, &search("ip:10.0.0.0/8"), &[5]);
    check(&server, &SearchRequest { oldest_first: true, limit: Some(2), ..search("") }, &[0, 1]);
    check(
        &server,
        &SearchRequest {
            from: Some("2026-05-01T12:02:00Z".into()),
            to: Some("2026-05-01T12:03:00Z".into()),
            ..search("")
        },
        &[3, 2],
    );
    for zone in ["+02:00", "Europe/Berlin"] {
        check(
            &server,
            &SearchRequest { zone: Some(zone.into()), to: Some("2026-05-01T14:00:30".into()), ..search("") },
            &[0],
        );
    }
    check(&server, &SearchRequest { from: Some("-1h".into()), ..search("") }, &[]);
}

#[test]
fn what_can_not_be_asked_is_named_with_its_place() {
    let server = Server::start();
    for (path, code, field) in [
        ("/v1/search?q=actr:bob", "query_invalid", "q"),
        ("/v1/search?q=(a", "query_invalid", "q"),
        ("/v1/search?limit=0", "parameter_invalid", "limit"),
        ("/v1/search?limit=1001", "parameter_invalid", "limit"),
        ("/v1/search?from=1%20OR%20a:b", "parameter_invalid", "from"),
        ("/v1/search?zone=Mars", "parameter_invalid", "zone"),
        ("/v1/search?order=up", "parameter_invalid", "order"),
        ("/v1/search?cursor=abc", "cursor_invalid", "cursor"),
        ("/v1/search?query=x", "parameter_invalid", "query"),
        ("/v1/search?q=a&q=b", "parameter_invalid", "q"),
        ("/v1/who?verb=zapped&resource=x", "parameter_invalid", "verb"),
        ("/v1/who?verb=deleted", "parameter_invalid", "resource"),
        ("/v1/timeline", "parameter_invalid", "request_id"),
        ("/v1/timeline?actor=a&resource=b", "parameter_invalid", "request_id"),
        ("/v1/events/nonsense", "parameter_invalid", "event"),
    ] {
        let problem = server.get(path).json();
        assert_eq!((&problem["code"], &problem["field"]), (&json!(code), &json!(field)), "{path}: {problem}");
    }
    let problem = server.get("/v1/search?q=outcome:denied%20actr:bob").json();
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("character 16:")), "{problem}");
}

#[test]
fn pages_fit_together_while_events_arrive() {
    let server = Server::start();
    server.submit(&lines(0..95));
    let mut request = SearchRequest { limit: Some(10), ..search("op:delete") };
    let mut found = Vec::new();
    loop {
        let page = server.client().search(&request).expect("a page");
        assert_eq!(page.total.count, 95);
        found.extend(page.hits.into_iter().map(|hit| hit.position));
        server.submit(&lines(1000 + found.len() as u64..1003 + found.len() as u64));
        let Some(next) = page.next else { break };
        request.cursor = Some(next);
    }
    let distinct: std::collections::BTreeSet<_> = found.iter().collect();
    assert_eq!((found.len(), distinct.len()), (95, 95));
    request.q = "op:create".to_owned();
    assert_eq!(
        server.client().search(&request).expect_err("another question").problem().expect("a problem").code,
        "cursor_invalid"
    );
}

#[test]
fn who_and_timeline_answer_in_their_own_order() {
    let server = Server::start();
    story(&server);
    let who = |verb: &str, resource: &str| {
        let request = WhoRequest { verb: verb.into(), resource: resource.into(), ..WhoRequest::default() };
        let page = server.client().who(&request).expect("a question");
        page.hits.iter().map(|hit| hit.event().expect("an event").pointer("/actor/id").cloned()).collect::<Vec<_>>()
    };
    assert_eq!(who("deleted", "invoice-1"), [Some("bob".into())]);
    assert_eq!(who("deleted", "invoice-4"), []);
    assert_eq!(who("created", "invoice/invoice-4").len(), 1);
    let timeline = server.client().timeline(TimelineBy::Request, "req-1", None, None).expect("an answer");
    let positions: Vec<_> = timeline.events.iter().map(|event| event.position.as_str()).collect();
    assert_eq!(positions, ["default/main@3", "default/main@4", "default/main@5"]);
}

#[test]
fn an_event_is_shown_by_id_and_by_position_and_an_absent_one_is_not_found() {
    let server = Server::start();
    let answer = server.submit(&lines(0..3));
    let result = &answer.results[1];
    for name in [result.id.as_ref(), result.position.as_ref()] {
        let shown = server.client().event(name.expect("named")).expect("it is there");
        assert_eq!(
            (Some(&shown.position), Some(&shown.leaf_hash)),
            (result.position.as_ref(), result.leaf_hash.as_ref())
        );
    }
    for name in ["default%2Fmain%403", "default%2Fnone%400", "01912d68-783e-7a03-8467-5661c1243ad4"] {
        assert_eq!(server.get(&format!("/v1/events/{name}")).status, 404, "{name}");
    }
}

#[test]
fn trails_say_their_size_root_and_key() {
    let server = Server::start();
    server.submit(&lines(0..3));
    let trails = server.client().trails().expect("readable").trails;
    assert_eq!((trails.len(), trails[0].size), (1, 3));
    assert!(trails[0].verifier_key.contains("/t/default/main+"), "{}", trails[0].verifier_key);
    assert!(trails[0].root.is_some());
}

#[test]
fn a_value_too_large_for_its_event_is_given_whole_and_by_its_hash_in_the_event() {
    let server = Server::start();
    let large = "ä".repeat(limits::EVENT_BYTES_MAX);
    let mut told = event(0);
    told["before"] = json!({"z": 1, "note": large});
    told["after"] = json!({"note": "short"});
    told["raw"] = json!(large);
    let body = bytes(&told);
    let answer = server.submit(&body);
    assert_eq!(answer.stored, 1, "{answer:?}");
    assert_eq!(server.submit(&body).duplicate, 1, "recognised by what the hash stands for");
    let shown = server.client().event("default/main@0").expect("stored").event;
    let shown: serde_json::Value = serde_json::from_str(shown.get()).expect("JSON");
    assert_eq!(shown["before_blob"]["sha256"], shown["before_hash"]);
    assert_eq!(shown["raw_blob"]["size_bytes"], json!(large.len()));
    assert!(shown.get("before").is_none() && shown.get("raw").is_none());
    let value = |member| server.client().event_value("default/main@0", member);
    assert_eq!(value("before").expect("kept"), format!(r#"{{"note":"{large}","z":1}}"#).into_bytes());
    assert_eq!(value("after").expect("in the event"), br#"{"note":"short"}"#);
    assert_eq!(value("raw").expect("kept"), large.as_bytes());
    server.submit(&bytes(&event(1)));
    for (name, member) in [("default/main@1", "raw"), ("default/main@0", "metadata"), ("default/main@7", "raw")] {
        let error = server.client().event_value(name, member).expect_err("there is none");
        assert!(format!("{error:?}").contains("not_found"), "{error:?}");
    }
}

#[test]
fn a_page_has_no_more_bytes_than_a_page_may_and_the_next_one_goes_on() {
    let server = Server::start();
    const COUNT: u64 = 24;
    for number in 0..COUNT {
        let mut large = event(number);
        large["metadata"] = json!({"text": "x".repeat(limits::EVENT_BYTES_MAX * 3 / 4)});
        server.submit(&bytes(&large));
    }
    for oldest_first in [false, true] {
        let (mut found, mut cursor, mut pages) = (0, None, 0);
        loop {
            let request = SearchRequest { limit: Some(1000), oldest_first, cursor, ..search("op:delete") };
            let page = server.client().search(&request).expect("a valid query");
            let bytes: usize = page.hits.iter().map(|hit| hit.event.get().len()).sum();
            assert!(!page.hits.is_empty() && bytes < 9 << 20, "{} hits of {bytes} bytes", page.hits.len());
            (found, pages) = (found + page.hits.len() as u64, pages + 1);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((found, pages), (COUNT, 3));
    }
}
