//! Admission: what is one event, what is two, what is kept aside, what is sent back.

use std::sync::LazyLock;

use cairn_event::{Class, Json, Outcome, Severity};
use proptest::prelude::*;

use super::*;
use crate::protect::{Rules, Secrets, TenantKeys};

static RULES: LazyLock<Rules> = LazyLock::new(Rules::defaults);
static KEYS: LazyLock<TenantKeys> =
    LazyLock::new(|| Secrets::new([1; 32], [2; 32]).of_tenant(&"default".parse().expect("a tenant")));

fn trail() -> TrailRef {
    "default/main".parse().expect("a trail name")
}

fn facts<'a>(trail: &'a TrailRef, kind: &'a str) -> Facts<'a> {
    Facts {
        now: "2024-03-05T08:15:31Z".parse().expect("a time"),
        principal: "token:ci",
        source_kind: kind,
        source_name: "cluster-1",
        trail,
        policy: None,
        protection: Protection { rules: &RULES, keys: &KEYS },
        headers: &[],
        retried_from: None,
    }
}

/// A native event with these members beside the required ones.
pub(crate) fn event_of(members: &str) -> String {
    event(members)
}

/// The event that is admitted under these rules, with the record it came from.
#[track_caller]
pub(crate) fn admitted_under(rules: &Rules, bytes: &str, raw: Option<&str>) -> Event {
    let trail = trail();
    let facts = Facts { protection: Protection { rules, keys: &KEYS }, ..facts(&trail, NATIVE) };
    let mut offer = offer(bytes);
    if let (Ok(draft), Some(raw)) = (&mut offer.content, raw) {
        draft.raw = Some(cairn_event::Raw::new(raw).expect("a short record"));
    }
    match admit(offer, &facts, &mut Occurrences::default()) {
        Verdict::Admitted(admitted) => admitted.event,
        other => panic!("{other:?}"),
    }
}

fn offer(bytes: &str) -> Offer<'_> {
    let content = Json::parse(bytes.as_bytes()).map_err(Refusal::from).and_then(|json| Ok(Draft::from_json(json)?));
    Offer {
        bytes: bytes.as_bytes(),
        content,
        natural_key: None,
        request_key: None,
        fresh_id: EventId::from_parts(1, [7; 10]),
    }
}

fn event(extra: &str) -> String {
    format!(
        r#"{{"time":"2024-03-05T08:15:30Z","actor":{{"id":"alice","type":"user"}},"action":"invoice.delete","resource":{{"type":"invoice","id":"42"}}{extra}}}"#
    )
}

#[track_caller]
fn admitted(offer: Offer<'_>, facts: &Facts<'_>, occurrences: &mut Occurrences) -> Box<Admitted> {
    match admit(offer, facts, occurrences) {
        Verdict::Admitted(admitted) => admitted,
        other => panic!("not admitted: {other:?}"),
    }
}

/// The key of one event offered alone.
fn key_of(text: &str, change: impl FnOnce(&mut Offer<'_>, &mut Facts<'_>)) -> [u8; 32] {
    let trail = trail();
    let (mut offer, mut facts) = (offer(text), facts(&trail, NATIVE));
    change(&mut offer, &mut facts);
    admitted(offer, &facts, &mut Occurrences::default()).key
}

#[test]
fn an_admitted_event_has_the_servers_facts_and_the_producers_words() {
    let (trail, text) = (trail(), event(r#","operation":"delete","outcome":"success""#));
    let admitted = admitted(offer(&text), &facts(&trail, NATIVE), &mut Occurrences::default());
    let json = admitted.event.to_json();
    for (pointer, want) in [
        ("/actor/id", "alice"),
        ("/received_at", "2024-03-05T08:15:31Z"),
        ("/producer/principal", "token:ci"),
        ("/class", "standard"),
        ("/severity", "medium"),
    ] {
        assert_eq!(json.pointer(pointer).and_then(Json::as_str), Some(want), "{pointer}");
    }
    assert_eq!(admitted.trail, trail);
    assert_eq!(admitted.fingerprint, admitted.event.fingerprint());
}

#[test]
fn equal_events_in_one_request_are_two_and_the_request_again_is_none() {
    let (trail, text) = (trail(), event(""));
    let request = || {
        let mut occurrences = Occurrences::default();
        let mut key = || admitted(offer(&text), &facts(&trail, NATIVE), &mut occurrences).key;
        [key(), key()]
    };
    let [first, second] = request();
    assert_ne!(first, second);
    assert_eq!(request(), [first, second]);
}

#[test]
fn each_kind_of_key_has_its_scope() {
    let with_key = event(r#","idempotency_key":"k""#);
    let with_id = event(r#","id":"0190b0a0-0000-7000-8000-000000000001""#);
    let other_content = with_key.replace("42", "43");
    let same = |_: &mut Offer<'_>, _: &mut Facts<'_>| {};

    // A given key beats the content, inside one principal.
    assert_eq!(key_of(&with_key, same), key_of(&other_content, same));
    assert_ne!(key_of(&with_key, same), key_of(&with_key, |_, facts| facts.principal = "token:other"));
    // A natural key belongs to the source, whoever delivers.
    let natural = |principal: &'static str, name: &'static str| {
        key_of(&event(""), move |offer, facts| {
            offer.natural_key = Some("a/ResponseComplete".to_owned());
            (facts.principal, facts.source_name) = (principal, name);
        })
    };
    assert_eq!(natural("x", "c1"), natural("y", "c1"));
    assert_ne!(natural("x", "c1"), natural("x", "c2"));
    // A given id is one event, whoever sends it; the content without id is the principal's.
    assert_eq!(key_of(&with_id, same), key_of(&with_id, |_, facts| facts.principal = "token:other"));
    assert_ne!(key_of(&event(""), same), key_of(&event(""), |_, facts| facts.principal = "token:other"));
    // The place in the request is part of the request's key.
    let placed = |place| key_of(&event(""), move |offer, _| offer.request_key = Some(RequestKey { key: "r", place }));
    assert_ne!(placed(0), placed(1));
    assert_eq!(
        placed(0),
        key_of(&event(r#","service":"x""#), |offer, _| offer.request_key = Some(RequestKey { key: "r", place: 0 }))
    );
    // Every trail recognises for itself.
    let elsewhere: TrailRef = "default/other".parse().expect("a trail name");
    let there = admitted(offer(&with_key), &facts(&elsewhere, NATIVE), &mut Occurrences::default()).key;
    assert_ne!(there, key_of(&with_key, same));
}

#[test]
fn the_same_key_with_other_content_has_another_fingerprint() {
    let trail = trail();
    let text = event(r#","idempotency_key":"k""#);
    let fingerprint =
        |text: &str| admitted(offer(text), &facts(&trail, NATIVE), &mut Occurrences::default()).fingerprint;
    assert_ne!(fingerprint(&text), fingerprint(&text.replace("42", "43")));
    assert_eq!(fingerprint(&text), fingerprint(&text.replace("\":", "\" : ")));
}

#[test]
fn an_invalid_event_of_ours_is_refused_by_name() {
    let trail = trail();
    let check = |text: &str, code: Code, field: &str| match admit(
        offer(text),
        &facts(&trail, NATIVE),
        &mut Occurrences::default(),
    ) {
        Verdict::Refused(refusal) => assert_eq!((refusal.code, refusal.field.as_str()), (code, field), "{refusal}"),
        other => panic!("{other:?}"),
    };
    check("{", Code::NotJson, "");
    check("{}", Code::Invalid, "time");
    check(&event(r#","received_at":"2024-03-05T08:15:30Z""#), Code::Invalid, "received_at");
    check(&event(&format!(r#","metadata":{{"x":"{}"}}"#, "y".repeat(limits::EVENT_BYTES_MAX))), Code::TooLarge, "");
}

#[test]
fn a_foreign_record_that_cant_be_mapped_is_kept_with_its_bytes_and_the_reason() {
    let trail = trail();
    let bytes = b"{\"kind\": \xff}";
    let content = Json::parse(bytes).map_err(Refusal::from).and_then(|json| Ok(Draft::from_json(json)?));
    let fresh_id = EventId::from_parts(1, [7; 10]);
    let offer = Offer { bytes, content, natural_key: None, request_key: None, fresh_id };
    let Verdict::Quarantined { kept, reason } = admit(offer, &facts(&trail, "kubernetes"), &mut Occurrences::default())
    else {
        panic!("not quarantined");
    };
    assert_eq!(reason.code, Code::NotJson);
    assert_eq!(kept.trail.to_string(), "default/quarantine");
    let draft = kept.event.draft();
    assert_eq!(draft.action.as_str(), QUARANTINE_ACTION);
    assert_eq!(draft.raw.as_ref().map(|raw| raw.as_bytes()), Some(&bytes[..]));
    assert_eq!(draft.outcome_reason.as_ref().map(|text| text.as_str().to_owned()), Some(reason.to_string()));
    assert_eq!(kept.event.admission().producer.source_kind, "kubernetes");
}

#[test]
fn what_is_too_large_for_any_event_is_refused_whatever_the_source() {
    let trail = trail();
    let bytes = "x".repeat(limits::RECORD_BYTES_MAX + 1);
    let offer = offer(&bytes);
    assert!(matches!(
        admit(offer, &facts(&trail, "kubernetes"), &mut Occurrences::default()),
        Verdict::Refused(Refusal { code: Code::TooLarge, .. })
    ));
}

#[test]
fn class_and_severity_follow_the_table_unless_they_were_given() {
    let check = |extra: &str, class: Class, severity: Severity| {
        let trail = trail();
        let admitted = admitted(offer(&event(extra)), &facts(&trail, NATIVE), &mut Occurrences::default());
        assert_eq!((admitted.event.class(), admitted.event.severity()), (class, severity), "{extra}");
    };
    check("", Class::Standard, Severity::Low);
    check(r#","operation":"read","outcome":"success""#, Class::Bulk, Severity::Informational);
    check(r#","operation":"read","outcome":"denied""#, Class::Standard, Severity::Low);
    check(r#","operation":"grant","outcome":"success""#, Class::Critical, Severity::Medium);
    check(r#","operation":"grant","outcome":"denied""#, Class::Critical, Severity::High);
    check(r#","operation":"grant","dry_run":true"#, Class::Standard, Severity::Informational);
    check(r#","operation":"login","outcome":"failure""#, Class::Standard, Severity::Medium);
    check(r#","operation":"delete""#, Class::Standard, Severity::Medium);
    check(r#","operation":"delete","class":"bulk","severity":"critical""#, Class::Bulk, Severity::Critical);
}

#[test]
fn nothing_is_less_severe_for_having_been_denied() {
    let operations = cairn_event::Operation::ALL;
    for operation in operations.iter().copied() {
        let json = Json::parse(event("").as_bytes()).expect("JSON");
        let mut draft = Draft::from_json(json).expect("an event");
        draft.operation = Some(operation);
        let done = severity_of(&draft);
        draft.outcome = Some(Outcome::Denied);
        assert!(severity_of(&draft) >= done, "{operation}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_admission_panic_and_foreign_bytes_are_never_lost(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let trail = trail();
        let content = Json::parse(&bytes).map_err(Refusal::from).and_then(|json| Ok(Draft::from_json(json)?));
        let fresh_id = EventId::from_parts(1, [7; 10]);
        let offer = Offer { bytes: &bytes, content, natural_key: None, request_key: None, fresh_id };
        match admit(offer, &facts(&trail, "syslog"), &mut Occurrences::default()) {
            Verdict::Quarantined { kept, .. } => {
                let raw = kept.event.draft().raw.clone();
                prop_assert_eq!(raw.as_ref().map(|raw| raw.as_bytes()), Some(&bytes[..]));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
