//! What a rule covers is nowhere on the disk or in an answer, its event stays provable and findable, and what is done about
//! it later is done for every reader.

use crate::submit::verify;
use crate::support::{Server, bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cairn_admit::protect::Rules;
use cairn_api::ClientError;
use cairn_api::v1::{EpochRequest, RedactionRequest, RevealRequest, SearchPage};
use cairn_server::NodeConfig;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const CARD: &str = "4111 1111 1111 1111";
const MAIL: &str = "alice.doe@example.org";
const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const PASSWORD: &str = "correct-horse-battery";
const VALUES: [&str; 4] = [CARD, MAIL, KEY_ID, PASSWORD];

fn policy(config: &mut NodeConfig) {
    let rules = "[[rule]]\ndetect = [\"email\", \"phone\"]\ndo = \"tokenize\"\n[[rule]]\npaths = [\"/metadata/diagnosis\"]\ndo = \"commit\"\n";
    config.protection = Arc::new(Rules::parse(&[("people.toml".to_owned(), rules.to_owned())]).expect("good rules"));
}

fn restart(server: Server, before: impl FnOnce(&Path)) -> Server {
    let (dir, token) = (server.dir.clone(), server.token.clone());
    server.stop();
    before(dir.path());
    Server::on(dir, Some(token), policy)
}

fn event(number: u64) -> Value {
    json!({
        "time": "2026-05-01T12:00:00Z",
        "actor": {"id": "u-1", "type": "user", "email": MAIL},
        "action": "payment.card.create",
        "resource": {"type": "card", "id": format!("c-{number}")},
        "outcome_reason": format!("paid with {CARD} by {MAIL}"),
        "before": {"password": PASSWORD}, "after": {"password": null},
        "metadata": {"pan": CARD, "nested": format!("{{\"key\": \"{KEY_ID}\"}}"), (MAIL): 1},
        "raw": format!("<13>login user={MAIL} password={PASSWORD} card={CARD} key={KEY_ID} n={number}"),
        "idempotency_key": format!("{MAIL}/{number}"),
    })
}

/// Every file below a folder that holds one of the values as it is.
fn files_with_values(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("it was listed").path();
        if path.is_dir() {
            files_with_values(&path, found);
            continue;
        }
        let content = fs::read(&path).expect("a file can be read");
        let holds =
            |value: &&&str| content.windows(value.len()).any(|part| part.eq_ignore_ascii_case(value.as_bytes()));
        if let Some(value) = VALUES.iter().find(holds) {
            found.push(format!("{}: {value}", path.display()));
        }
    }
}

#[track_caller]
fn nowhere(server: &Server) {
    let mut found = Vec::new();
    files_with_values(server.dir.path(), &mut found);
    assert!(found.is_empty(), "{found:?}");
    // Sealed files are compressed: everything that can be read of each event is looked at too.
    for trail in server.client().trails().expect("the admin may").trails {
        for index in 0..trail.size {
            let position = format!("{}@{index}", trail.trail);
            let proof = server.client().proof(&position).expect("there is such an event");
            let mut read = STANDARD.decode(&proof.disclosure).expect("base64");
            for path in [format!("/v1/events/{position}"), format!("/v1/events/{position}/values/raw")] {
                read.extend(server.get(&path).body);
            }
            let text = String::from_utf8_lossy(&read);
            VALUES.iter().for_each(|value| assert!(!text.contains(value), "{position} has {value}"));
        }
    }
    let metrics = server.get("/metrics").text();
    VALUES.iter().for_each(|value| assert!(!metrics.contains(value), "the metrics have {value}"));
}

fn found(server: &Server, query: &str) -> SearchPage {
    let answer = server.get(&format!("/v1/search?q={}", percent_encoded(query)));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    serde_json::from_slice(&answer.body).expect("a page")
}

/// An event as a reader sees it.
fn event_at(server: &Server, position: &str) -> Value {
    let view = server.client().event(position).expect("it is there");
    serde_json::from_str(view.event.get()).expect("an event is JSON")
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_covered_value_is_nowhere_and_who_knows_it_finds_its_event() {
    let mut server = Server::with(policy);
    let first = server.submit(&bytes(&json!([event(1), event(2)])));
    assert_eq!(first.stored, 2);
    // A record that can't be mapped is kept with what the rules leave of it.
    let unmapped = format!(
        "{{\"kind\":\"Event\",\"user\":\"{MAIL}\",\"password\":\"{PASSWORD}\",\"pan\":\"{CARD}\",\"k\":\"{KEY_ID}\"}}"
    );
    let kept = server.post("/v1/sources/kubernetes/k8s", &[], unmapped.as_bytes()).json();
    assert_eq!(kept["quarantined"], 1, "{kept}");
    for round in 0..3 {
        nowhere(&server);
        for query in [
            format!("actor.email:{MAIL}"),
            format!("actor:{}", MAIL.to_uppercase()),
            format!("metadata.pan:\"{CARD}\""),
            "metadata.pan:4111111111111111".to_owned(),
            "\"4111-1111-1111-1111\" trail:main".to_owned(),
            format!("before.password:{PASSWORD}"),
            "is:redacted redacted:card trail:main".to_owned(),
        ] {
            assert_eq!(found(&server, &query).hits.len(), 2, "{query} in round {round}");
        }
        assert_eq!(found(&server, "4242424242424242").hits.len(), 0);
        let again = server.submit(&bytes(&json!([event(1), event(2)])));
        assert_eq!((again.stored, again.duplicate), (0, 2), "in round {round}");
        verify(&server, &again);
        if round == 0 {
            server.client().seal(None).expect("the admin may");
        }
        // The index of keys and that of words are caches: what they say comes from what is stored.
        server = restart(server, |dir| fs::remove_dir_all(dir.join("data/index")).expect("the caches can go"));
    }
    let scan = server.client().redaction_scan(None, 0).expect("the admin may");
    assert_eq!((scan.scanned, scan.uncovered.len(), scan.next), (2, 0, None));
}

#[test]
fn records_that_differ_in_a_covered_value_alone_are_two() {
    let server = Server::start();
    let of = |password: &str| {
        let mut event = event(1);
        event
            .as_object_mut()
            .expect("an object")
            .retain(|member, _| !matches!(member.as_str(), "raw" | "idempotency_key"));
        event["before"]["password"] = password.into();
        event
    };
    let answer = server.submit(&bytes(&json!([of("one-secret"), of("other-secret")])));
    assert_eq!(answer.stored, 2);
    let again = server.submit(&bytes(&json!([of("one-secret"), of("other-secret")])));
    assert_eq!((again.stored, again.duplicate), (0, 2));
}

#[test]
fn a_committed_value_is_not_kept_and_its_event_is_proved() {
    let mut server = Server::with(policy);
    let mut secret = event(1);
    secret["metadata"] = json!({"diagnosis": "a private matter"});
    secret["outcome_reason"] = json!("about a private matter");
    let answer = server.submit(&bytes(&secret));
    verify(&server, &answer);
    for round in 0..3 {
        let shown = event_at(&server, "default/main@0");
        assert_eq!(shown["metadata"], Value::Null, "in round {round}");
        assert_eq!(shown["outcome_reason"], "about [masked]");
        let proof = server.client().proof("default/main@0").expect("it can be proved");
        let disclosure = STANDARD.decode(&proof.disclosure).expect("base64");
        assert!(!String::from_utf8_lossy(&disclosure).contains("private"));
        if round == 0 {
            server.client().seal(None).expect("the admin may");
        }
        server = restart(server, |_| {});
    }
    let disk = cairn_engines::LocalDisk::open(&server.dir.path().join("data")).expect("the directory");
    let public = cairn_store::public_key(&disk).expect("its key");
    let report = cairn_store::verify(&disk, public, cairn_store::Scope::All, &mut |_| {});
    assert!(report.expect("it can be read").findings.is_empty());
}

#[test]
fn a_redacted_member_is_gone_for_every_reader_and_its_proof_stays() {
    let mut server = Server::start();
    let of = |number: u64| {
        json!({"time": "2026-05-01T12:00:00Z", "actor": {"id": "u-1", "type": "user"}, "action": "note.create",
            "resource": {"type": "note", "id": format!("n-{number}")}, "metadata": {"text": "zanzibar treasure"}, "raw": "zanzibar raw"})
    };
    server.submit(&bytes(&json!([of(1), of(2), of(3)])));
    let leaf = |server: &Server| server.client().event("default/main@1").expect("it is there").leaf_hash;
    let before = leaf(&server);
    let request = |members: &[&str], reason: &str| RedactionRequest {
        event: "default/main@1".to_owned(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
        reason: reason.to_owned(),
    };
    let refused = server.client().redact(&request(&["metadata.text"], "x")).expect_err("no slot");
    assert_eq!(refused.problem().and_then(|problem| problem.field.as_deref()), Some("members"));
    let refused = server.client().redact(&request(&["metadata"], " ")).expect_err("no reason");
    assert_eq!(refused.problem().and_then(|problem| problem.field.as_deref()), Some("reason"));

    let done = server.client().redact(&request(&["metadata", "raw"], "ticket 7")).expect("the admin may");
    assert_eq!(done.members, ["/metadata", "/raw"]);
    for round in 0..3 {
        let shown = event_at(&server, "default/main@1");
        assert_eq!((&shown["metadata"], &shown["raw"]), (&Value::Null, &Value::Null), "in round {round}");
        assert_eq!(leaf(&server), before, "the leaf is what it was");
        assert_eq!(server.get("/v1/events/default%2Fmain@1/values/raw").status, 404);
        let proof = server.client().proof("default/main@1").expect("it can be proved");
        let disclosure = STANDARD.decode(&proof.disclosure).expect("base64");
        assert!(!String::from_utf8_lossy(&disclosure).contains("zanzibar"));
        let hits = found(&server, "zanzibar").hits;
        let positions: Vec<_> = hits.iter().map(|hit| hit.position.as_str()).collect();
        assert_eq!(positions.len(), 2, "{positions:?} in round {round}");
        let record = event_at(&server, &done.recorded);
        assert_eq!(record["action"], "cairn.redaction.apply");
        assert_eq!(record["outcome_reason"], "ticket 7");
        if round == 1 {
            server.client().seal(None).expect("the admin may");
        }
        server = server.restart();
    }
}

#[test]
fn a_token_is_read_only_with_a_record_and_an_epoch_can_end() {
    let server = Server::with(policy);
    server.submit(&bytes(&event(1)));
    let shown = event_at(&server, "default/main@0");
    let token = shown["actor"]["email"].as_str().expect("a token").to_owned();
    let ask = |token: &str, reason: &str| {
        server.client().reveal(&RevealRequest { token: token.to_owned(), reason: reason.to_owned() })
    };
    assert!(ask(&token, "").is_err(), "no value without a reason");
    let revealed = ask(&token, "court order 12").expect("the admin may");
    assert_eq!(revealed.value, MAIL);
    let record = event_at(&server, &revealed.recorded);
    assert_eq!(
        (&record["action"], &record["outcome_reason"]),
        (&json!("cairn.token.reveal"), &json!("court order 12"))
    );
    assert!(revealed.recorded.starts_with("default/access@"), "{}", revealed.recorded);

    let change = |forget| server.client().change_epochs(&EpochRequest { forget, reason: None });
    assert_eq!(change(None).expect("the admin may").epochs, [1, 2]);
    server.submit(&bytes(&event(2)));
    let later = event_at(&server, "default/main@2");
    assert_ne!(later["actor"]["email"], shown["actor"]["email"]);
    assert_eq!(found(&server, &format!("actor.email:{MAIL}")).hits.len(), 2, "both epochs are asked for");
    assert!(change(Some(2)).is_err(), "the present epoch goes on");
    assert_eq!(change(Some(1)).expect("the admin may").epochs, [2]);
    assert!(matches!(ask(&token, "again"), Err(ClientError::Problem { .. })));
    assert_eq!(found(&server, &format!("actor.email:{MAIL}")).hits.len(), 1);
    let access = server.client().trails().expect("the admin may").trails;
    let looks = access.iter().find(|trail| trail.trail == "default/access").map(|trail| trail.size);
    assert_eq!(looks, Some(2), "a look that shows nothing is recorded as well");
}
