//! What matches: one event, and for each query whether it does.

use super::super::{FieldRef, each_changed_path, words};
use super::query;
use crate::ids::Position;
use crate::json::Json;

const EVENT: &str = r#"{
  "id": "01912d68-783e-7a03-8467-5661c1243ad4",
  "time": "2026-11-24T12:00:00.5Z",
  "received_at": "2026-11-24T12:00:01Z",
  "actor": {"id": "okta|7", "type": "user", "name": "Alice Smith", "email": "alice@corp.example",
            "ip": "10.2.0.7", "session": "s-1", "auth": {"method": "webauthn", "mfa": true},
            "via": "cli", "on_behalf_of": {"id": "bob", "type": "user"}, "approved_by": ["carol", "dave"]},
  "action": "invoice.line.delete",
  "operation": "delete",
  "resource": {"type": "invoice", "id": "42", "name": "March", "parent": "customer-7", "namespace": "eu"},
  "related": [{"type": "ledger", "id": "L9"}],
  "outcome": "denied",
  "outcome_reason": "Duplicate of invoice-41 (see ticket)",
  "request_id": "7c1f", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "session_id": "s-2",
  "cause": ["default/main@3"],
  "origin": {"ips": ["203.0.113.9", "::ffff:198.51.100.4", "fe80::1%eth0"], "user_agent": "curl/8.5.0",
             "endpoint": "/v1/invoices", "country": "DE"},
  "environment": "prod", "region": "eu-central-1", "service": "billing",
  "before": {"role": "viewer", "spec": {"containers": [{"image": "a:1"}, {"image": "b:2"}]}, "old": {"k": 1}},
  "after": {"role": "Admin", "spec": {"containers": [{"image": "a:1"}, {"image": "b:3"}]},
            "cidr": "0.0.0.0/0", "labels": {"app.io/name": "web"}, "n": 12345678901234567890, "s": "0042"},
  "changes": [
    {"op": "replace", "path": "/role", "value": "Admin", "old": "viewer"},
    {"op": "replace", "path": "/spec/containers/1/image", "value": "b:3", "old": "b:2"},
    {"op": "remove", "path": "/old", "old": {"k": 1}},
    {"op": "add", "path": "/labels", "value": {"app.io/name": "web"}}],
  "effective_change": true, "dry_run": false,
  "class": "critical", "severity": "high",
  "metadata": {"amount": 10.50, "due": "2026-12-01T00:00:00Z", "peer": "10.9.9.9", "tags": ["Red", "blue"],
               "none": null, "empty": [], "note": "東京タワー visited", "big": "99999999999999999999"},
  "producer": {"principal": "svc/etl", "source_kind": "native", "source_name": "billing"},
  "raw": "{\"EventName\":\"DeleteLine\",\"n\":7}"
}"#;

fn event() -> Json {
    Json::parse(EVENT.as_bytes()).unwrap()
}

fn position() -> Position {
    "acme/main@9007199254740993".parse().unwrap()
}

fn check(matching: &[&str], others: &[&str]) {
    let (event, position) = (event(), position());
    for text in matching {
        let negated = query(&format!("-({text})"));
        assert!(query(text).matches(&event, &position), "{text} must match");
        assert!(!negated.matches(&event, &position), "-({text}) must not match");
    }
    for text in others {
        assert!(!query(text).matches(&event, &position), "{text} must not match");
    }
}

#[test]
fn text_is_compared_as_a_whole_without_case() {
    check(
        &[
            "actor:okta|7",
            "actor:\"alice smith\"",
            "actor:ALICE@corp.example",
            "actor:alice*",
            "actor:*@corp.example",
            "actor:=\"Alice Smith\"",
            "actor:zed,alice*",
            "actor:alice?smith",
            "action:invoice.*",
            "action:*.delete",
            "action:invoice.line.delete",
            "res:42",
            "res:march",
            "res:invoice/42",
            "res:invoice:42",
            "type:invoice",
            "parent:customer-7",
            "namespace:EU",
            "related:L9",
            "related:ledger",
            "behalf:bob",
            "approver:dave",
            "via:cli",
            "auth:webauthn",
            "mfa:true",
            "actor.type:user",
            "country:DE",
            "country:de,fr",
            "agent:curl*",
            "endpoint:/v1/*",
            "env:prod",
            "region:eu-*",
            "service:billing",
            "request:7C1F",
            "session:s-1",
            "session:s-2",
            "cause:default/main@3",
            "source:native",
            "source:billing",
            "source:native/billing",
            "kind:native",
            "producer:svc/etl",
            "id:01912D68-783e-7a03-8467-5661c1243ad4",
            "trace:4bf9*",
            "tenant:acme",
            "trail:main",
            "trail:acme/main",
            "position:acme/main@9007199254740993",
        ],
        &[
            "actor:alice",
            "actor:=\"alice smith\"",
            "actor:=alice*",
            "actor:\"alice*\"",
            "actor:bob",
            "action:invoice",
            "action:delete",
            "res:4",
            "res:L9",
            "res:invoice",
            "session:s-3",
            "tenant:main",
            "trail:acme",
            "country:FR",
            "mfa:false",
            "env:prod?",
            "namespace:e",
        ],
    );
}

#[test]
fn listed_words_and_ranks() {
    check(
        &[
            "op:delete",
            "op:read,delete",
            "op:del*",
            "outcome:denied",
            "severity:high",
            "severity:>=high",
            "severity:>low",
            "severity:medium..critical",
            "severity:..high",
            "severity:<critical",
            "class:critical",
            "class:>standard",
        ],
        &["op:read", "outcome:success,failure", "severity:>high", "severity:..medium", "class:<critical"],
    );
}

#[test]
fn numbers_compare_exactly_beyond_two_to_the_53() {
    check(
        &[
            "index:9007199254740993",
            "index:>9007199254740992",
            "index:9007199254740993..9007199254740993",
            "index:<=9007199254740993.0",
            "metadata.amount:10.5",
            "metadata.amount:10.50,3",
            "metadata.amount:>10.49999999999999999999",
            "metadata.amount:10..11",
            "metadata.amount:=10.50",
            "after.n:12345678901234567890",
            "after.n:>12345678901234567889",
            "metadata.big:>99999999999999999998",
            "after.s:0042",
            "after.s:\"0042\"",
            "after.s:>=42",
        ],
        &[
            "index:9007199254740992",
            "index:>9007199254740993",
            "metadata.amount:=10.5",
            "metadata.amount:\"10.5\"",
            "after.n:12345678901234567891",
            "after.n:<12345678901234567890",
            "after.s:42",
            "after.role:>1",
            "metadata.big:..5",
        ],
    );
}

#[test]
fn times_compare_to_the_nanosecond() {
    check(
        &[
            "created:2026-11-24",
            "created:2026-11",
            "created:2026-11-24T13:00",
            "created:today",
            "created:2026-11-24T12:00:00.5Z",
            "created:2026-11-24T12:00:00.500000000Z",
            "created:>-2h",
            "created:2026-11-23..2026-11-25",
            "created:<=2026-11-24",
            "created:2020,2026-11-24",
            "created:..2026-11-24T13:00:00+01:00",
            "ingested:2026-11-24T12:00:01Z",
            "created:*",
            "metadata.due:>2026-11-30",
            "metadata.due:2026-12-01..2026-12-01",
        ],
        &[
            "created:2026-11-23",
            "created:yesterday",
            "created:<2026-11-24",
            "created:>2026-11-24",
            "created:2026-11-24T12:00:00.500000001Z",
            "created:>-1h",
            "created:2020,2021",
            "metadata.due:<2026-11-30",
            "metadata.peer:>2026",
        ],
    );
}

#[test]
fn addresses_match_by_network_whatever_their_spelling() {
    check(
        &[
            "ip:10.2.0.7",
            "ip:10.0.0.0/8",
            "ip:203.0.113.0/24",
            "ip:198.51.100.4",
            "ip:198.51.100.0/24",
            "ip:::ffff:10.2.0.7",
            "ip:::ffff:10.0.0.0/104",
            "ip:fe80::/10",
            "ip:10.2.*",
            "ip:1.1.1.1,10.2.0.7",
            "actor.ip:10.2.0.7",
            "metadata.peer:10.0.0.0/8",
            "metadata.peer:10.9.9.9",
            "after.cidr:0.0.0.0/0",
            "after.cidr:=0.0.0.0/0",
            "ip:*",
        ],
        &[
            "ip:10.3.0.0/16",
            "ip:2001:db8::/32",
            "actor.ip:203.0.113.9",
            "ip:10.2",
            "after.cidr:0.0.0.0/1",
            "metadata.peer:11.0.0.0/8",
            "metadata.tags:0.0.0.0/0",
        ],
    );
}

#[test]
fn paths_look_into_the_states_and_metadata() {
    check(
        &[
            "after.role:admin",
            "before.role:viewer",
            "after:admin",
            "after./labels/app.io~1name:web",
            "after.spec.containers.1.image:b:3",
            "after.spec.containers.image:b:3",
            "after.spec:b:*",
            "metadata.tags:red",
            "metadata.tags.0:Red",
            "metadata:blue",
            "before.old.k:1",
        ],
        &[
            "before.role:admin",
            "after.role:=admin",
            "after.role.x:admin",
            "after.spec.containers.0.image:b:3",
            "metadata.tags.1:red",
            "metadata.none:*",
            "metadata.empty:*",
            "after.missing:x",
            "after.missing:*",
        ],
    );
}

#[test]
fn a_change_is_found_by_its_path_and_those_above_and_inside() {
    check(
        &[
            "changed:role",
            "changed:/role",
            "changed:spec",
            "changed:spec.containers",
            "changed:spec.containers.1",
            "changed:spec.containers.1.image",
            "changed:spec.containers.image",
            "changed:old",
            "changed:old.k",
            "changed:labels",
            "changed:/labels/app.io~1name",
            "changed:nothing,role",
            "changed:*",
        ],
        &["changed:rol", "changed:image", "changed:spec.containers.0", "changed:cidr", "changed:labels.app"],
    );
}

#[test]
fn a_replaced_object_changed_only_where_it_differs() {
    let event = Json::parse(
        br#"{"changes":[
          {"op":"replace","path":"","old":{"same":1,"x":{"y":1},"l":[{"a":1,"b":2}]},
                                  "value":{"same":1,"x":{"y":2,"z":null},"l":[{"a":1,"b":3}]}},
          {"op":"move","from":"/p/q","path":"/r"}]}"#,
    )
    .unwrap();
    let mut paths: Vec<String> = Vec::new();
    each_changed_path(&event, |path| paths.push(path.join(".")));
    assert_eq!(paths, ["l", "l.b", "x", "x.y", "x.z", "r", "p", "p.q"]);
}

#[test]
fn states_of_the_event() {
    check(
        &[
            "is:change",
            "is:noop,change",
            "has:actor.email",
            "has:metadata.tags",
            "has:after",
            "has:raw",
            "has:correlation,after",
            "has:res",
            "has:changed",
            "has:index",
        ],
        &[
            "is:noop",
            "is:dry-run",
            "is:conflict",
            "is:quarantined",
            "has:correlation",
            "has:metadata.none",
            "has:metadata.empty",
            "has:span",
        ],
    );
    let event =
        Json::parse(br#"{"effective_change":false,"dry_run":true,"conflict_with":"a/b@1","changes":[]}"#).unwrap();
    let position: Position = "acme/quarantine@1".parse().unwrap();
    for text in ["is:noop", "is:dry-run", "is:conflict", "is:quarantined", "-has:changed", "-changed:*"] {
        assert!(query(text).matches(&event, &position), "{text}");
    }
}

#[test]
fn free_text_finds_words_and_phrases_in_one_value() {
    check(
        &[
            "duplicate",
            "Duplicate ticket",
            "duplicate alice",
            "invoice-41",
            "\"of invoice\"",
            "invoice-4*",
            "dup*ate",
            "ali?e",
            "curl",
            "deleteline",
            "EventName",
            "10.2.0.7",
            "10.50",
            "12345678901234567890",
            "東京",
            "京タ",
            "\"タワー visited\"",
            "01912d68-783e-7a03-8467-5661c1243ad4",
            "reason:duplicate",
            "reason:\"of invoice\"",
            "reason:tick*",
            "reason:=\"Duplicate of invoice-41 (see ticket)\"",
            "raw:deleteline",
            "*",
        ],
        &[
            "dup",
            "duplicate-ticket",
            "\"ticket duplicate\"",
            "alice-duplicate",
            "2026-11-24",
            "true",
            "京東",
            "reason:alice",
            "reason:dup",
            "reason:=duplicate",
            "metadata.note:東京",
            "raw:denied",
            "-*",
        ],
    );
}

#[test]
fn operators_combine() {
    check(
        &[
            "op:delete outcome:denied",
            "op:read OR outcome:denied",
            "op:read OR op:update OR op:delete",
            "-op:read",
            "-(op:read outcome:denied)",
            "op:delete -(op:read OR country:FR)",
            "actor:alice* actor:okta*",
        ],
        &["op:delete op:read", "op:delete -outcome:denied", "-op:delete OR op:read", "(op:delete OR op:read) env:dev"],
    );
}

#[test]
fn a_hidden_member_has_no_value() {
    let event = Json::parse(br#"{"actor":{"id":null,"name":"x"},"before":null}"#).unwrap();
    for text in ["actor:null", "has:actor.id", "has:before", "before:*", "null"] {
        assert!(!query(text).matches(&event, &position()), "{text}");
    }
    assert!(query("actor:x -has:before").matches(&event, &position()));
}

#[test]
fn words_are_cut_the_same_way_everywhere() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
    };
    check("", &[]);
    check("--", &[]);
    check("Iam:CreateAccessKey_v2", &["iam", "createaccesskey", "v2"]);
    check("O'Neil ÉCOLE ΣΑΣ straße", &["o", "neil", "école", "σασ", "straße"]);
    check("東京2号x ひらカナ", &["東", "京", "2", "号", "x", "ひ", "ら", "カ", "ナ"]);
    check("한국어 ١٢ x²", &["한국어", "١٢", "x²"]);
    let long = "a".repeat(300);
    let lengths: Vec<_> = words(&long).map(|word| word.len()).collect();
    assert_eq!(lengths, [128, 128, 44]);
}

#[test]
fn the_values_of_a_field_are_what_clauses_compare_with() {
    let (event, position) = (event(), position());
    let check = |field: &str, expected: &[&str]| {
        let values = FieldRef::named(field).unwrap().values(&event, &position);
        assert_eq!(values, expected, "{field}");
    };
    check("actor", &["okta|7", "Alice Smith", "alice@corp.example"]);
    check("res", &["invoice/42", "invoice:42", "42", "March"]);
    check("trail", &["main", "acme/main"]);
    check("index", &["9007199254740993"]);
    check("mfa", &["true"]);
    check("metadata.amount", &["10.50"]);
    check("metadata.tags", &["Red", "blue"]);
    check("after.spec.containers.image", &["a:1", "b:3"]);
    check("changed", &[]);
    check("has", &[]);
}
