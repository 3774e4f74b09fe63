//! What the rules cover is nowhere in the texts of the event, and everything else is as it was said.

use std::sync::LazyLock;

use cairn_event::{Digest, Draft, Event, Json};

use super::*;
use crate::tests::{admitted_under, event_of};

static KEYS: LazyLock<TenantKeys> =
    LazyLock::new(|| Secrets::new([1; 32], [2; 32]).of_tenant(&"default".parse().expect("a tenant")));

fn rules(text: &str) -> Rules {
    Rules::parse(&[("test.toml".to_owned(), text.to_owned())]).expect("the rules of this test are right")
}

/// Everything of an event that is written anywhere.
fn written(event: &Event) -> String {
    let shown = |part: &cairn_event::PartText| part.redacted(|path| event.withheld().contains(&path)).text;
    let blobs: String = event.blobs().iter().map(|blob| String::from_utf8_lossy(&blob.bytes).into_owned()).collect();
    format!("{}\n{}\n{blobs}", shown(event.producer_part()), shown(event.server_part()))
}

#[track_caller]
fn gone(rules: &Rules, members: &str, raw: Option<&str>, secrets: &[&str]) -> Event {
    let event = admitted_under(rules, &event_of(members), raw);
    let written = written(&event);
    for secret in secrets {
        assert!(!written.contains(secret), "{secret} is still in {written}");
    }
    assert!(uncovered(Protection { rules, keys: &KEYS }, event.to_json()).is_empty(), "{written}");
    event
}

#[track_caller]
fn stays(text: &str) {
    let members = format!(r#","metadata":{{"text":{}}}"#, Json::from(text).to_text());
    let event = admitted_under(&rules(EVERYTHING), &event_of(&members), None);
    assert!(event.admission().protected.is_none(), "{text} is nothing to protect: {}", written(&event));
}

const EVERYTHING: &str = r#"
[[rule]]
detect = ["email", "phone"]
do = "tokenize"
"#;

/// One of each kind, none of them anybody's: published examples, or numbers made to pass their checks.
const VALUES: &[(&str, &str)] = &[
    ("card", "4111111111111111"),
    ("card", "5500-0055-5555-5559"),
    ("card", "3782 822463 10005"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB82WEST12345698765432"),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("cloud-key-id", "AKIAIOSFODNN7EXAMPLE"),
    ("cloud-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("cloud-key", "ghp_0123456789abcdefghijABCDEFGHIJ456789"),
    ("cloud-key", "AIzaSyA0123456789abcdefghijklmnopqrstuv"),
    ("url-password", "hunter2secret"),
    ("national-id", "078-05-1120"),
    ("national-id", "12345678Z"),
    ("national-id", "RSSMRA85T10A562S"),
    ("national-id", "529.982.247-25"),
    ("national-id", "11010519491231002X"),
    ("email", "alice.doe+x@mail.example.org"),
    ("phone", "+49 30 901820"),
    ("phone", "(555) 234-5678"),
];

#[test]
fn each_kind_of_value_is_found_wherever_it_stands() {
    let rules = rules(EVERYTHING);
    for (detector, value) in VALUES {
        let value = match *detector {
            "url-password" => format!("https://bob:{value}@host.example/x"),
            _ => (*value).to_owned(),
        };
        let quoted = Json::from(value.as_str()).to_text();
        let members = format!(
            r#","outcome_reason":{0},"metadata":{{"deep":[{{"note":"before {1} behind"}}],"alone":{0}}},"before":{{"x":{0}}},"after":{{"x":null}}"#,
            quoted,
            value.replace('"', "\\\"")
        );
        let secret = VALUES.iter().find(|(of, _)| of == detector).map_or("", |(_, value)| value);
        let secret = if *detector == "url-password" { secret } else { value.as_str() };
        let raw = format!(r#"{{"free":"a {value} z","escaped":"{}"}}"#, escaped(&value));
        let event = gone(&rules, &members, Some(&raw), &[secret]);
        let notes = &event.admission().protected.as_ref().expect("something was done").notes;
        assert!(notes.iter().any(|note| note.rule == *detector), "{detector} {value}: {notes:?}");
    }
}

/// Every character as an escape of JSON.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[test]
fn what_only_looks_like_a_value_stays() {
    for text in [
        "2024-05-01T14:30:00.123456789Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "1700000000123456789",
        "arn:aws:iam::123456789012:role/deployer",
        "4111111111111112",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "10.0.0.1:8080",
        "000-12-3456",
        "12345678A",
        "user@localhost",
        "v1.2.3+build.456",
        "the password was changed",
        "alice : TTY=pts/0 ; PWD=/srv/alice ; USER=root ; COMMAND=/usr/bin/id",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
        "4111a111-1111-4111-8111-411111111111",
        "0a000000-0000-4000-8000-00000000000a",
        "MDE3OlB1bGxSZXF1ZXN0UmV2aWV3MjM3ODk1Njcx",
        "CTku1Ghwt-nCouj_Yv62oJg3j8xTBMgivye1UCxmv2zDF9vCcsWQ7F2-uit",
        "aws-go-sdk-4722375070115152000",
        "3.4111111111111111",
        "https://example.org/path?page=2",
    ] {
        stays(text);
    }
}

#[test]
fn a_key_covers_its_value_in_json_in_text_and_in_the_record() {
    let secrets = [
        "hunter2-alpha",
        "hunter2-beta",
        "hunter2-gamma",
        "hunter2-delta",
        "hunter2-eps",
        "hunter2-zeta",
        "hunter2-eta",
    ];
    let members = r#","metadata":{"dbPassword":"hunter2-alpha","api-key":["hunter2-beta"],"line":"user=bob password=hunter2-gamma ok",
        "nested":"{\"client_secret\": \"hunter2-delta\"}","header":"Authorization: Bearer hunter2-eps","sql":"ALTER USER bob WITH PASSWORD 'hunter2-zeta'",
        "command":"mysql --password hunter2-eta db"}"#;
    let raw = r#"{"p":"hunter2-alpha","q":{"PASSWORD":"hunter2-alpha"},"log":"hunter2-beta, then hunter2-gamma"}"#;
    let event = gone(&Rules::defaults(), members, Some(raw), &secrets);
    let shown = event.to_json();
    let line = shown.pointer("/metadata/line").and_then(Json::as_str).expect("the text is still there");
    assert!(line.starts_with("user=bob password=hash_1_") && line.ends_with(" ok"), "{line}");
}

#[test]
fn the_first_tier_that_covers_a_value_decides() {
    let rules = rules(
        r#"
        [[rule]]
        paths = ["/metadata/shown"]
        do = "keep"
        [[rule]]
        paths = ["/metadata/*/number"]
        actions = ["invoice.*"]
        do = "mask"
        [[rule]]
        keys = ["number"]
        do = "tokenize"
        "#,
    );
    let members =
        r#","metadata":{"shown":"4111111111111111","card":{"number":"4111111111111111"},"number":"4111111111111111"}"#;
    let shown = admitted_under(&rules, &event_of(members), None).to_json();
    let text = |pointer: &str| shown.pointer(pointer).and_then(Json::as_str).expect("a text").to_owned();
    assert_eq!(text("/metadata/card/number"), "[masked]");
    assert!(text("/metadata/number").starts_with("tok_1_"));
    // Kept in its place; but the value is covered elsewhere, and then it is so in every place.
    assert!(!text("/metadata/shown").contains("4111"));
}

#[test]
fn a_token_is_the_same_for_the_same_value_and_who_has_the_key_can_read_it() {
    let mut secrets = Secrets::new([1; 32], [2; 32]);
    let tenant = |name: &str| name.parse().expect("a tenant");
    let keys = secrets.of_tenant(&tenant("default"));
    let token = keys.token("Alice@Example.org");
    assert_eq!(token, keys.token("alice@example.org"), "mail addresses are the same in either case");
    assert_eq!(keys.reveal(&token).as_deref(), Some("alice@example.org"));
    assert_eq!(keys.hash("4111 1111 1111 1111"), keys.hash("4111111111111111"));
    let other = secrets.of_tenant(&tenant("other"));
    assert_ne!(other.token("alice@example.org"), token);
    assert_eq!(other.reveal(&token), None, "a tenant can't read another's tokens");

    assert!(secrets.begin_epoch([3; 32]));
    let later = secrets.of_tenant(&tenant("default"));
    assert_ne!(later.token("alice@example.org"), token);
    assert!(later.forms("alice@example.org").contains(&token), "what an older epoch made is still found");
    assert!(!secrets.forget_epoch(2), "the present epoch can't be forgotten");
    assert!(secrets.forget_epoch(1));
    let forgotten = secrets.of_tenant(&tenant("default"));
    assert_eq!(forgotten.reveal(&token), None);
    let again = Secrets::parse(&secrets.to_payload()).expect("what was written is read");
    assert_eq!(again.of_tenant(&tenant("default")).token("x"), forgotten.token("x"));
}

#[test]
fn a_committed_value_leaves_and_its_slot_stays_provable() {
    let rules = rules("[[rule]]\npaths = [\"/metadata/diagnosis\"]\ndo = \"commit\"\n");
    let members = r#","metadata":{"diagnosis":"a private matter","ward":"7"},"outcome_reason":"for a private matter"}"#
        .trim_end_matches('}');
    let event = gone(&rules, members, Some(r#"{"d":"a private matter"}"#), &["a private matter"]);
    assert_eq!(event.withheld(), ["/metadata"]);
    assert!(event.producer_part().text.contains("a private matter"), "what is committed to is the value itself");
    assert_eq!(event.to_json().get("metadata"), Some(&Json::Null));
    assert_eq!(event.to_json().get("outcome_reason").and_then(Json::as_str), Some("for [masked]"));
}

#[test]
fn states_are_protected_after_it_is_known_what_changed_between_them() {
    let before = r#"{"password":"hunter2-old","role":"viewer"}"#;
    let after = r#"{"password":"hunter2-new","role":"admin"}"#;
    let hash = Digest::of(before.as_bytes());
    let members = format!(r#","before":{before},"after":{after},"before_hash":"{hash}""#);
    let rules = rules("[[rule]]\nkeys = [\"password\"]\ndo = \"mask\"\n");
    let event = gone(&rules, &members, None, &["hunter2", &hash.to_string()]);
    let shown = event.to_json();
    let changes = shown.get("changes").and_then(Json::as_array).expect("there are changes");
    let paths: Vec<_> = changes.iter().filter_map(|change| change.get("path").and_then(Json::as_str)).collect();
    assert_eq!(paths, ["/password", "/role"]);
    assert_eq!(shown.get("effective_change").and_then(Json::as_bool), Some(true));
    let stored = shown.get("before").expect("the state is there");
    let text = cairn_event::canonical::canonical(stored, cairn_event::canonical::Numbers::AsWritten);
    let expected = Digest::of(text.as_bytes()).to_string();
    assert_eq!(
        shown.get("before_hash").and_then(Json::as_str),
        Some(expected.as_str()),
        "the hash is of what is stored"
    );
}

#[test]
fn records_that_differ_in_a_hidden_value_alone_are_still_two() {
    let rules = rules("[[rule]]\nkeys = [\"password\"]\ndo = \"drop\"\n");
    let of = |password: &str| {
        admitted_under(&rules, &event_of(&format!(r#","metadata":{{"password":"{password}"}}"#)), None)
    };
    assert_ne!(of("one").fingerprint(), of("two").fingerprint());
    assert_eq!(of("one").fingerprint(), of("one").fingerprint());
    let stored = of("one");
    let trail = "default/main".parse().expect("a trail");
    let (producer, server) = (&stored.producer_part().text, &stored.server_part().text);
    let (_, found) = cairn_event::idempotency::of_stored(&trail, producer, server).expect("it is JSON");
    assert_eq!(found, stored.fingerprint(), "the index of keys can be rebuilt from what is stored");
}

#[test]
fn a_key_of_an_object_may_be_a_value_too_and_an_identifier_keeps_telling_records_apart() {
    let members =
        r#","metadata":{"by":{"alice@example.org":1,"bob@example.org":2}},"idempotency_key":"mail-alice@example.org""#;
    let event = gone(&rules(EVERYTHING), members, None, &["alice@", "bob@"]);
    assert_eq!(event.to_json().pointer("/metadata/by").and_then(Json::as_object).map(|by| by.len()), Some(2));
}

/// Texts that begin like something to protect again and again. Each takes milliseconds; a form that read all that is
/// behind each of its beginnings would take minutes.
#[test]
fn no_text_costs_more_than_its_length() {
    const BYTES: usize = 400_000;
    let many: String = (0..BYTES / 24).map(|number| format!("password=secret{number}xyz ")).collect();
    let repeated = [
        "a@",
        "@a",
        "1",
        "4 1-",
        "\"password\":",
        "password=",
        "password='",
        "--password ",
        "PASSWORD '",
        "a=b ",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "A1b",
        "A1b ",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "DE89 3704 ",
        "+49 30 ",
        "alice@example.com ",
        "078-05-1120 ",
        "\\",
        "AccountKey=",
        "\\u0041",
        "password=x ",
        "\u{a0}a@\u{a1}",
    ];
    let texts = repeated.iter().map(|part| part.repeat(BYTES / part.len())).chain([many]);
    let rules = rules(EVERYTHING);
    for text in texts {
        for members in [format!(r#","before":{{"x":{}}}"#, Json::from(text.as_str()).to_text()), String::new()] {
            let event = admitted_under(&rules, &event_of(&members), Some(&text));
            assert!(!written(&event).contains("secret7xyz") && !written(&event).contains("alice@"));
        }
    }
}

#[test]
fn a_text_that_is_no_policy_says_where() {
    for (text, wanted) in [
        ("[[rule]]\ndo = \"mask\"\n", "rule 1: want one of paths, keys and detect"),
        ("[[rule]]\ndetect = [\"cards\"]\ndo = \"mask\"\n", "\"cards\" is no detector; there are private-key"),
        ("[[rule]]\npaths = [\"metadata\"]\ndo = \"mask\"\n", "no pointer; write it like /metadata/card"),
        ("[[rule]]\nkeys = [\"*\"]\ndo = \"mask\"\n", "has no letter or digit"),
        ("[[rule]]\nkeys = [\"x\"]\ndo = \"hide\"\n", "unknown variant `hide`"),
        ("[[rules]]\n", "unknown field `rules`"),
    ] {
        let refused = Rules::parse(&[("p.toml".to_owned(), text.to_owned())]).map(drop).expect_err(text).to_string();
        assert!(refused.starts_with("p.toml: ") && refused.contains(wanted), "{refused}");
    }
}

proptest::proptest! {
    /// The look at the whole text never misses what the look at each value finds.
    #[test]
    fn no_value_slips_past_the_screen(at in 0..VALUES.len(), before in "[ -~]{0,12}|[ 0-9A-Z-]{0,30}", behind in "[ -~]{0,12}") {
        let value = VALUES[at].1;
        let text = format!("{before} {value} {behind}");
        let rules = rules(EVERYTHING);
        let wanted = |detector| rules.of_detector(detector).is_some();
        if !detect::find(&text, wanted).is_empty() {
            let quoted = Json::from(text.as_str()).to_text();
            for text in [text.as_str(), quoted.as_str()] {
                proptest::prop_assert!(rules.may_cover(text.as_bytes()), "{text}");
                proptest::prop_assert!(rules.surely_covers(text.as_bytes()), "{text}");
            }
        }
    }

    /// No text makes it panic, and what it makes of a text is an event again.
    #[test]
    fn any_text_is_treated(text in ".{0,200}") {
        let members = format!(r#","metadata":{{"password":{0},"text":{0}}}"#, Json::from(text.as_str()).to_text());
        let event = admitted_under(&rules(EVERYTHING), &event_of(&members), Some(&text));
        let read = Draft::from_json(Json::parse(event.producer_part().text.as_bytes()).expect("it is JSON"));
        proptest::prop_assert!(read.is_ok());
    }
}
