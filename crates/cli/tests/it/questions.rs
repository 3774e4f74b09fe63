//! Questions and their answers: search, who, show, diff, timeline, tail, proof, checkpoint.

use super::support::{House, fixture_argument};

fn furnished() -> House {
    let house = House::new();
    for name in ["native.ndjson", "kubernetes-eventlist.json", "cloudtrail-delivery.json"] {
        house.run(&["ingest", &fixture_argument(name)]).expect(0);
    }
    house
}

#[test]
fn a_search_gives_the_same_events_to_people_programs_and_http() {
    let house = furnished();
    let tsv = house.run(&["search", "outcome:denied", "op:delete"]).expect(0);
    assert!(tsv.out.starts_with("time\tactor\taction\tresource\toutcome\tposition\n"), "{}", tsv.out);
    let rows = tsv.out.lines().count() - 1;
    let over_http = house.get("/v1/search?q=outcome:denied%20op:delete");
    assert_eq!(rows as u64, over_http["total"]["count"].as_u64().unwrap());
    assert_eq!(house.run(&["search", "outcome:denied op:delete", "--count"]).expect(0).out.trim(), rows.to_string());
    let json = house.run(&["search", "outcome:denied", "op:delete", "--json"]).expect(0).json_lines();
    assert_eq!(json.len(), rows);
    assert!(json.iter().all(|event| event["outcome"] == "denied"));
    let csv = house.run(&["search", "outcome:denied op:delete", "--csv"]).expect(0);
    assert_eq!(csv.out.lines().count(), rows + 1);
    assert!(!tsv.out.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn pages_put_together_are_the_whole_answer() {
    let house = furnished();
    let all = house.run(&["search", "--all", "--json=position"]).expect(0).json_lines();
    assert_eq!(all.len(), 22);
    let first = house.run(&["search", "-n", "10", "--json=position"]).expect(0);
    let cursor = first.err.split("--cursor ").nth(1).expect("a cursor").trim().to_owned();
    let rest = house.run(&["search", "-n", "100", "--json=position", "--cursor", &cursor]).expect(0).json_lines();
    let joined: Vec<_> = first.json_lines().into_iter().chain(rest).collect();
    assert_eq!(joined, all);
}

#[test]
fn an_unknown_field_is_an_error_that_names_the_nearest() {
    let house = furnished();
    let ran = house.run(&["search", "actr:alice"]).expect(1);
    assert!(ran.err.contains("actor"), "{}", ran.err);
    house.run(&["search", "actor:nobody-at-all", "--fail-empty"]).expect(3);
    house.run(&["search", "actor:nobody-at-all"]).expect(0);
}

#[test]
fn who_names_the_one_who_did_it() {
    let house = furnished();
    let found = house.run(&["who", "deleted", "invoice-42", "--json=actor.id,action,outcome"]).expect(0).json_lines();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0], serde_json::json!({"actor.id": "u-1001", "action": "invoice.delete", "outcome": "success"}));
    house.run(&["who", "deleted", "invoice-99", "--fail-empty"]).expect(3);
    let found = house.run(&["who", "created", "heron-reports", "--json=actor.id"]).expect(0).json_lines();
    assert!(found.iter().all(|event| event["actor.id"].as_str().unwrap().ends_with("user/gina")), "{found:?}");
}

#[test]
fn an_event_is_shown_with_its_proof_by_position_by_index_and_by_id() {
    let house = furnished();
    let by_position = house.run(&["show", "default/main@4", "--json"]).expect(0).json_lines().remove(0);
    assert_eq!(by_position["proof"]["verified"], true, "{by_position}");
    assert_eq!(by_position["proof"]["key_pinned"], true);
    let id = by_position["id"].as_str().unwrap().to_owned();
    for name in ["4", "main@4", &id] {
        let shown = house.run(&["show", name, "--json=position,id"]).expect(0).json_lines();
        assert_eq!(shown[0]["id"], id, "{name}");
    }
    house.run(&["show", "default/main@999"]).expect(1);
}

#[test]
fn a_diff_shows_what_was_changed() {
    let house = furnished();
    let ran = house.run(&["diff", "3"]).expect(0);
    assert_eq!(ran.out, "op\tpath\told\tnew\nreplace\t/state\t\"open\"\t\"sent\"\n");
    let ran = house.run(&["diff", "0", "--fail-empty"]).expect(3);
    assert!(ran.err.contains("no states"), "{}", ran.err);
}

#[test]
fn a_timeline_is_in_order_of_time() {
    let house = furnished();
    let events = house.run(&["timeline", "--session", "s-77", "--json=time,action"]).expect(0).json_lines();
    let times: Vec<&str> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
    assert_eq!(times.len(), 5);
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(events[0]["action"], "session.login");
    let one = house.run(&["timeline", "--request", "r-0004", "--json=action"]).expect(0).json_lines();
    assert_eq!(one, [serde_json::json!({"action": "invoice.delete"})]);
    house.run(&["timeline", "--trace", "4bf92f3577b34da6a3ce929d0e0e4736"]).expect(0);
}

#[test]
fn the_tail_gives_what_is_there_and_goes_on_behind_it() {
    let house = furnished();
    let events = house.run(&["tail", "--last", "3", "-n", "3", "--json=position"]).expect(0).json_lines();
    assert_eq!(events.len(), 3);
    let last = events[2]["position"].as_str().unwrap().to_owned();
    house.run(&["send", "doc.delete", "--actor", "you", "--res", "doc:42"]).expect(0);
    let next = house.run(&["tail", "--after", &last, "-n", "1", "--json=action"]).expect(0).json_lines();
    assert_eq!(next, [serde_json::json!({"action": "doc.delete"})]);
}

#[test]
fn a_receipt_is_checked_when_an_event_is_sent_and_a_key_makes_it_one_event() {
    let house = House::new();
    let send = || {
        house
            .run(&[
                "send",
                "doc.delete",
                "--actor",
                "you",
                "--res",
                "doc:42",
                "--time",
                "2025-01-01T00:00:00Z",
                "--key",
                "k",
                "--json",
            ])
            .expect(0)
            .json_lines()
            .remove(0)
    };
    let (first, second) = (send(), send());
    assert_eq!((first["status"].as_str(), second["status"].as_str()), (Some("stored"), Some("duplicate")));
    assert_eq!(first["position"], second["position"]);
    let ran = house.run(&["send", "NotAnAction", "--actor", "you", "--res", "doc:42"]).expect(1);
    assert!(ran.err.contains("action"), "{}", ran.err);
}

#[test]
fn a_proof_in_a_file_is_checked_without_a_server() {
    let mut house = furnished();
    house.run(&["proof", "get", "4", "-o", "event.tlog-proof"]).expect(0);
    let text = std::fs::read_to_string(house.path().join("event.tlog-proof")).unwrap();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    let note = house.run(&["checkpoint", "show"]).expect(0);
    assert!(note.out.contains("/t/default/main\n22\n"), "{}", note.out);
    assert!(note.err.contains("signature holds"), "{}", note.err);
    house.stop();
    house.run(&["verify", "event.tlog-proof"]).expect(0);
    house.file("changed.tlog-proof", text.replacen("index 4\n", "index 3\n", 1));
    let ran = house.run(&["verify", "changed.tlog-proof"]).expect(5);
    assert!(ran.err.contains("changed.tlog-proof"), "{}", ran.err);
}

#[test]
fn what_is_in_an_event_never_steers_the_terminal() {
    let house = House::new();
    let hostile = "mallory\u{1b}[2J\u{202e}\u{9b}31m\n\t=1+1";
    house.run(&["send", "doc.delete", "--actor", hostile, "--res", "doc:42", "--reason", "=cmd()"]).expect(0);
    for form in
        [&["search"][..], &["search", "--json"], &["search", "--csv"], &["show", "0"], &["timeline", "--res", "42"]]
    {
        let out = house.run(form).expect(0).out;
        let unsafe_characters: Vec<char> =
            out.chars().filter(|c| c.is_control() && !"\n\t".contains(*c) || *c == '\u{202e}').collect();
        assert!(unsafe_characters.is_empty() && out.contains("mallory"), "{form:?}: {out:?}");
    }
    let json = house.run(&["search", "--json=actor.id"]).expect(0).json_lines();
    assert_eq!(json[0]["actor.id"], hostile, "nothing is lost on the way to a program");
}

#[test]
fn a_query_may_begin_with_a_minus() {
    let house = furnished();
    let denied = house.run(&["search", "outcome:denied", "--count"]).expect(0).out;
    let without = house.run(&["search", "-actor:hugo", "outcome:denied", "--count"]).expect(0).out;
    assert_ne!(denied, without);
    let count = |text: &str| text.trim().parse::<u64>().unwrap();
    assert_eq!(count(&denied) - count(&without), 2);
}
