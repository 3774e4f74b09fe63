//! What a producer may say, and how a refusal reads.

use proptest::prelude::*;

use super::*;
use crate::arbitrary;

const LEAST: &str = r#"{"time":"2024-05-01T12:30:00Z","actor":{"id":"a","type":"user"},"action":"x.y","resource":{"type":"t","id":"1"}}"#;

/// The smallest event, with one member set to a JSON text (or removed, for `""`).
fn with(key: &str, value: &str) -> Json {
    let mut event = Json::parse(LEAST.as_bytes()).expect("valid");
    let object = event.as_object_mut().expect("an object");
    if value.is_empty() {
        object.remove(key);
    } else {
        object.insert(key, Json::parse(value.as_bytes()).unwrap_or_else(|e| panic!("{value}: {e}")));
    }
    event
}

fn read(key: &str, value: &str) -> Result<Draft, Invalid> {
    Draft::from_json(with(key, value))
}

#[test]
fn the_smallest_event_is_one() {
    let draft = Draft::from_json(with("id", "")).expect("valid");
    assert_eq!(
        draft,
        Draft::new(
            "2024-05-01T12:30:00Z".parse().expect("a time"),
            Actor::new(Id::new("a").expect("an id"), crate::ActorType::User),
            Action::new("x.y").expect("an action"),
            Resource::new(Id::new("t").expect("an id"), Id::new("1").expect("an id")),
        )
    );
    assert_eq!(
        draft.part().text,
        r#"{"action":"x.y","actor":{"id":"a","type":"user"},"resource":{"id":"1","type":"t"},"time":"2024-05-01T12:30:00Z"}"#
    );
}

#[test]
fn a_refusal_names_the_field_what_came_and_what_is_wanted() {
    let long = |n: usize| format!("\"{}\"", "x".repeat(n));
    let chain = (0..8).fold(r#"{"id":"z","type":"user"}"#.to_owned(), |inner, _| {
        format!(r#"{{"id":"a","type":"agent","on_behalf_of":{inner}}}"#)
    });
    for (key, value, message) in [
        ("time", "", "time: got nothing, want an RFC 3339 time with offset"),
        ("time", "null", "time: got null, want an RFC 3339 time with offset"),
        ("time", "1714566600", "time: got number, want an RFC 3339 time with offset"),
        (
            "time",
            r#""2024-05-01T12:30:00""#,
            "time: got string of 19 bytes, want an RFC 3339 time with offset; add the offset, such as Z or +02:00",
        ),
        ("actor", "", "actor: got nothing, want an object with id and type"),
        ("actor", r#""alice""#, "actor: got string of 5 bytes, want an object with id and type"),
        ("actor", r#"{"type":"user"}"#, "actor.id: got nothing, want a string that is not empty"),
        ("actor", r#"{"id":"","type":"user"}"#, "actor.id: got an empty string, want a string that is not empty"),
        (
            "actor",
            r#"{"id":"a","type":"usr"}"#,
            "actor.type: got string \"usr\", want one of user, service, agent, system, unknown; did you mean user?",
        ),
        ("actor", r#"{"id":"a","type":7}"#, "actor.type: got number, want one of user service agent system unknown"),
        (
            "actor",
            r#"{"id":"a","type":"user","ip":"10.0.0.1:80"}"#,
            "actor.ip: got string of 11 bytes, want an IPv4 or IPv6 address; host names, ports and zones go into metadata",
        ),
        ("actor", r#"{"id":"a","type":"user","ip":"225.178.039.250"}"#, "actor.ip: got string of 15 bytes"),
        (
            "actor",
            r#"{"id":"a","type":"user","auth":{"mfa":"yes"}}"#,
            "actor.auth.mfa: got string of 3 bytes, want true or false",
        ),
        (
            "actor",
            r#"{"id":"a","type":"user","auth":{"mfaa":true}}"#,
            "actor.auth.mfaa: got an unknown member, want a member of cairn/event/v1; did you mean mfa?",
        ),
        (
            "actor",
            r#"{"id":"a","type":"user","on_behalf_of":{"id":"b","type":"x"}}"#,
            "actor.on_behalf_of.type: got string \"x\"",
        ),
        (
            "actor",
            r#"{"id":"a","type":"user","approved_by":["x",1]}"#,
            "actor.approved_by.1: got number, want a string that is not empty",
        ),
        (
            "actor",
            r#"{"id":"a","type":"user","mail":"x"}"#,
            "actor.mail: got an unknown member, want a member of cairn/event/v1; did you mean email? other facts about the actor go into metadata",
        ),
        ("actor", &chain, "got a longer chain of on_behalf_of, want at most 8 actors in a chain"),
        (
            "action",
            r#""login""#,
            "action: got string of 5 bytes, want dotted lower-case words, the verb last; write it like iam.role.update or user.login",
        ),
        ("action", r#""iam.Role""#, "action: got string of 8 bytes"),
        ("action", r#""iam..x""#, "action: got string of 6 bytes"),
        ("action", &format!("\"a.{}\"", "x".repeat(127)), "action: got string of 129 bytes, want at most 128 bytes"),
        ("resource", r#"{"type":"t"}"#, "resource.id: got nothing, want a string that is not empty"),
        (
            "resource",
            r#"{"type":"t","id":"1","names":"n"}"#,
            "resource.names: got an unknown member, want a member of cairn/event/v1; did you mean name?",
        ),
        (
            "id",
            r#""7""#,
            "id: got string of 1 bytes, want a UUID such as 01912d68-783e-7a03-8467-5661c1243ad4; leave id out and the server assigns one",
        ),
        ("operation", r#""deleted""#, "did you mean delete?"),
        ("outcome", r#""ok""#, "outcome: got string \"ok\", want one of success, failure, denied, unknown"),
        ("class", "1", "class: got number, want one of critical standard bulk"),
        ("severity", r#""HIGH""#, "did you mean high?"),
        ("related", r#"[{"type":"t","id":"1"},{"type":"t"}]"#, "related.1.id: got nothing"),
        ("related", "{}", "related: got object of 0 members, want an array, each item an object with type and id"),
        (
            "cause",
            &format!("[{}\"x\"]", "\"x\",".repeat(1024)),
            "cause: got array of 1025 items, want at most 1024 items",
        ),
        (
            "trace_id",
            r#""00000000000000000000000000000000""#,
            "trace_id: got string of 32 bytes, want 32 lower-case hexadecimal digits, not all zero",
        ),
        ("span_id", r#""xyz""#, "span_id: got string of 3 bytes"),
        ("request_id", &long(1025), "request_id: got string of 1025 bytes, want at most 1024 bytes"),
        ("service", &long(257), "service: got string of 257 bytes, want at most 256 bytes"),
        (
            "outcome_reason",
            &long((16 << 10) + 1),
            "outcome_reason: got string of 16385 bytes, want at most 16384 bytes",
        ),
        ("origin", r#"{"ips":["::1","localhost"]}"#, "origin.ips.1: got string of 9 bytes"),
        (
            "origin",
            r#"{"ips":"::1"}"#,
            "origin.ips: got string of 3 bytes, want an array, each item an IPv4 or IPv6 address",
        ),
        ("origin", r#"{"country":"ch"}"#, "origin.country: got string of 2 bytes, want two upper-case letters"),
        ("origin", r#"{"agent":"x"}"#, "origin.agent: got an unknown member"),
        (
            "before_hash",
            r#""abc""#,
            "before_hash: got string of 3 bytes, want SHA-256 as 64 lower-case hexadecimal digits",
        ),
        ("changes", r#"[{"op":"add","path":"/a"}]"#, "changes.0.value: got nothing"),
        ("dry_run", r#""true""#, "dry_run: got string of 4 bytes, want true or false"),
        ("schema", r#""name""#, "schema: got string of 4 bytes, want name@version"),
        ("metadata", "[]", "metadata: got array of 0 items, want an object"),
        ("raw", "7", "raw: got number, want a string, or an object with base64 alone"),
        ("raw", r#"{"base64":"a"}"#, "raw.base64: got string of 1 bytes, want standard base64 with padding"),
        ("raw", r#"{"base64":"","x":1}"#, "raw: got object of 2 members"),
        ("idempotency_key", &long(1025), "idempotency_key: got string of 1025 bytes, want at most 1024 bytes"),
        ("idempotency_key", r#""""#, "idempotency_key: got an empty string, want a string that is not empty"),
        (
            "received_at",
            r#""2024-05-01T12:30:00Z""#,
            "received_at: got a value, want nothing: only the server sets it; the server's clock says when an event was received",
        ),
        (
            "producer",
            "{}",
            "producer: got a value, want nothing: only the server sets it; it comes from the credential",
        ),
        ("policy", "1", "policy: got a value"),
        ("conflict_with", "1", "conflict_with: got a value"),
        (
            "resources",
            "[]",
            "resources: got an unknown member, want a member of cairn/event/v1; did you mean resource? free members go into metadata",
        ),
        ("", "1", "got an unknown member"),
    ] {
        let refused = read(key, value).expect_err(key).to_string();
        assert!(refused.contains(message), "{key}: {refused}");
    }
}

#[test]
fn a_slip_in_a_required_name_is_told_as_such() {
    let mut event = with("time", "");
    event.as_object_mut().expect("an object").insert("tmie", "2024-05-01T12:30:00Z");
    let refused = Draft::from_json(event).expect_err("no time").to_string();
    assert!(refused.starts_with("tmie: got an unknown member"), "{refused}");
    assert!(refused.contains("did you mean time?"), "{refused}");
}

#[test]
fn only_an_object_is_an_event() {
    for text in ["null", "[]", "\"x\"", "1"] {
        let refused = Draft::from_json(Json::parse(text.as_bytes()).expect("valid")).expect_err(text);
        assert!(refused.to_string().ends_with("want an event, which is a JSON object"));
    }
}

#[test]
fn values_are_never_repeated_in_a_refusal() {
    let secret = "hunter2".repeat(4);
    let event = Json::parse(LEAST.as_bytes()).expect("valid");
    for key in MEMBERS_WITH_TEXT {
        let mut event = event.clone();
        event.as_object_mut().expect("an object").insert(*key, secret.as_str());
        if let Err(refused) = Draft::from_json(event) {
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }
}

/// Members that a text would be refused for, but for those that are words of a list.
const MEMBERS_WITH_TEXT: &[&str] = &[
    "id",
    "time",
    "actor",
    "action",
    "resource",
    "related",
    "trace_id",
    "span_id",
    "cause",
    "origin",
    "before_hash",
    "after_hash",
    "changes",
    "effective_change",
    "dry_run",
    "schema",
    "metadata",
];

#[test]
fn null_and_empty_lists_mean_nothing_was_said() {
    let least = Draft::from_json(with("id", "")).expect("valid");
    for key in [
        "id",
        "operation",
        "related",
        "outcome",
        "outcome_reason",
        "request_id",
        "trace_id",
        "span_id",
        "session_id",
        "correlation_id",
        "cause",
        "origin",
        "environment",
        "region",
        "service",
        "before_hash",
        "after_hash",
        "changes",
        "effective_change",
        "dry_run",
        "class",
        "severity",
        "schema",
        "metadata",
        "raw",
        "idempotency_key",
    ] {
        assert_eq!(read(key, "null"), Ok(least.clone()), "{key}");
    }
    assert_eq!(read("cause", "[]"), Ok(least.clone()));
    assert_eq!(read("related", "[]"), Ok(least.clone()));
    let before = read("before", "null").expect("valid").before.expect("a state");
    assert!(before.as_json().is_null());
}

#[test]
fn metadata_has_its_limits() {
    let keys = |n: usize| {
        let members: Vec<_> = (1..n).map(|k| format!("\"{k}\":0")).collect();
        format!("{{\"x\":[{{{}}}]}}", members.join(","))
    };
    assert!(read("metadata", &keys(1024)).is_ok());
    let refused = read("metadata", &keys(1025)).expect_err("keys").to_string();
    assert_eq!(refused, "metadata: got object with 1025 keys in all, want at most 1024 keys");
    let nested = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
    assert!(read("metadata", &nested(64)).is_ok());
    let refused = read("metadata", &nested(65)).expect_err("depth").to_string();
    assert_eq!(refused, "metadata: got object of 65 levels, want at most 64 levels");
    assert!(read("before", &nested(64)).is_ok());
    let refused = read("after", &nested(65)).expect_err("depth").to_string();
    assert_eq!(refused, "after: got object of 65 levels, want at most 64 levels");
}

#[test]
fn spellings_of_one_value_become_one() {
    let part = |key, value| read(key, value).expect("valid").part().text;
    for (key, value, written) in [
        ("time", r#""2024-05-01T14:30:00.120+02:00""#, r#""time":"2024-05-01T12:30:00.12Z""#),
        ("id", r#""F47AC10B-58CC-4372-A567-0E02B2C3D479""#, r#""id":"f47ac10b-58cc-4372-a567-0e02b2c3d479""#),
        ("origin", r#"{"ips":["2001:DB8::0001"]}"#, r#""ips":["2001:db8::1"]"#),
        ("metadata", r#"{"b":1.0,"a":12345678901234567890.5}"#, r#""metadata":{"a":12345678901234567890.5,"b":1}"#),
    ] {
        let text = part(key, value);
        assert!(text.contains(written), "{text}");
    }
}

#[test]
fn the_fingerprint_is_that_of_the_content_alone() {
    let of = |key, value: &str| read(key, value).expect("valid").fingerprint();
    let plain = of("id", "");
    assert_eq!(of("id", r#""f47ac10b-58cc-4372-a567-0e02b2c3d479""#), plain);
    assert_eq!(of("idempotency_key", r#""k""#), plain);
    assert_eq!(of("time", r#""2024-05-01T13:30:00+01:00""#), plain);
    assert_ne!(of("service", r#""s""#), plain);
    let raw = of("raw", r#""{\"a\":1,\"b\":2}""#);
    assert_eq!(of("raw", r#""{\"b\":2.0, \"a\":1}\n""#), raw);
    assert_ne!(of("raw", r#""{\"b\":2}""#), raw);
    assert_ne!(of("raw", r#""a b""#), of("raw", r#""a  b""#));
    let hash = Sha256::digest(br#"{"a":1,"b":2}"#);
    assert_eq!(raw[..], hash[..16]);
}

#[test]
fn raw_bytes_that_are_no_text_are_base64() {
    let draft = read("raw", r#"{"base64":"/wA="}"#).expect("valid");
    let raw = draft.raw.expect("raw");
    assert_eq!(raw.as_bytes(), [0xff, 0]);
    assert_eq!(raw.to_json().to_text(), r#"{"base64":"/wA="}"#);
    let text = read("raw", r#"{"base64":"YQ=="}"#).expect("valid").raw.expect("raw");
    assert_eq!(text.to_json(), Json::from("a"));
}

proptest! {
    #[test]
    fn a_part_reads_back_as_the_same_draft(event in arbitrary::event()) {
        let draft = Draft::from_json(event).expect("generated");
        let part = Json::parse(draft.part().text.as_bytes()).expect("JSON");
        let mut again = Draft::from_json(part).expect("a part is an event");
        again.raw = draft.raw.clone();
        // Only numbers may be spelled in another way, and the canonical text decides on those.
        prop_assert_eq!(again.part(), draft.part());
        prop_assert_eq!(again.fingerprint(), draft.fingerprint());
    }

    #[test]
    fn no_json_causes_a_panic(
        event in arbitrary::event(),
        key in proptest::sample::select(crate::parts::MEMBERS),
        value in arbitrary::json(),
    ) {
        let mut event = event;
        event.as_object_mut().expect("an object").insert(key, value);
        if let Err(refused) = Draft::from_json(event) {
            prop_assert!(!refused.field.is_empty());
            prop_assert!(!refused.got.is_empty() && !refused.want.is_empty());
        }
    }
}
