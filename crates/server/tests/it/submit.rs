//! The shapes in which events come, and what is said about each of them.

use crate::support::{Server, bytes, event, lines};
use cairn_api::v1::{Status, SubmitAnswer};
use cairn_ledger::{Checkpoint, Hash, InclusionProof, RangeProof};
use serde_json::{Value, json};

#[track_caller]
fn check_shape(server: &Server, headers: &[(&str, &str)], body: &[u8], expected: u64) {
    let answer = server.post("/v1/events", headers, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: SubmitAnswer = serde_json::from_slice(&answer.body).expect("an answer");
    assert!(answer.adds_up());
    assert_eq!((answer.received, answer.stored), (expected, expected));
}

#[test]
fn an_object_an_array_and_lines_are_told_by_type_or_by_content() {
    let server = Server::start();
    let array = |range: std::ops::Range<u64>| bytes(&Value::Array(range.map(event).collect()));
    check_shape(&server, &[], &bytes(&event(0)), 1);
    check_shape(&server, &[("content-type", "application/json")], &array(1..4), 3);
    check_shape(&server, &[("content-type", "application/x-ndjson")], &lines(4..9), 5);
    check_shape(&server, &[], &lines(9..11), 2);
    check_shape(&server, &[("content-type", "application/x-www-form-urlencoded")], &lines(11..12), 1);
    let pretty = serde_json::to_vec_pretty(&event(12)).expect("plain data");
    check_shape(&server, &[("content-type", "application/json; charset=utf-8")], &pretty, 1);
    let crlf = String::from_utf8(lines(13..15)).expect("text").replace('\n', "\r\n\r\n");
    check_shape(&server, &[], crlf.trim_end().as_bytes(), 2);
    check_shape(&server, &[], b"[]", 0);
}

#[test]
fn indexes_follow_the_order_of_the_request_without_holes() {
    let server = Server::start();
    for (first, count) in [(0, 1), (1, 500), (501, 3)] {
        let answer = server.submit(&lines(first..first + count));
        let indexes: Vec<_> = answer.results.iter().map(|result| result.index).collect();
        assert_eq!(indexes, (first..first + count).map(Some).collect::<Vec<_>>());
        assert_eq!(answer.results[0].position.as_deref(), Some(format!("default/main@{first}").as_str()));
    }
}

/// Checks every receipt and every path of an answer under the trail's own key.
#[track_caller]
pub(crate) fn verify(server: &Server, answer: &SubmitAnswer) {
    for receipt in &answer.receipts {
        let key = server.node.verifier_key(&receipt.trail.parse().expect("a trail")).expect("a key");
        let checkpoint = Checkpoint::open(receipt.checkpoint.as_bytes(), &[key]).expect("signed by the log");
        let hash = |text: &String| Hash::from_base64(text).expect("a hash");
        let leaf_at = |index: u64| {
            let position = format!("{}@{index}", receipt.trail);
            let result = answer.results.iter().find(|result| result.position.as_ref() == Some(&position));
            hash(result.expect("a receipt covers results").leaf_hash.as_ref().expect("a leaf hash"))
        };
        let leaves: Vec<Hash> = (receipt.first..receipt.first + receipt.count).map(leaf_at).collect();
        let proof = RangeProof {
            first: receipt.first,
            count: receipt.count,
            size: checkpoint.size(),
            left: receipt.proof.left.iter().map(hash).collect(),
            right: receipt.proof.right.iter().map(hash).collect(),
        };
        proof.verify(&leaves, checkpoint.root()).expect("the receipt holds");
        for result in answer.results.iter().filter(|result| result.tree_size == Some(checkpoint.size())) {
            let path = result.inclusion_proof.as_ref().expect("beside the size").iter().map(hash).collect();
            let (index, size) = (result.index.expect("placed"), checkpoint.size());
            if result.position.as_ref().is_some_and(|position| position.starts_with(&format!("{}@", receipt.trail))) {
                let leaf = hash(result.leaf_hash.as_ref().expect("a leaf hash"));
                InclusionProof { index, size, path }.verify(&leaf, checkpoint.root()).expect("the path holds");
            }
        }
    }
}

#[test]
fn every_receipt_proves_its_events_under_a_signed_checkpoint() {
    let server = Server::start();
    let mut sent = 0;
    for count in [1, 2, 7, 256, 300, 1] {
        let answer = server.submit(&lines(sent..sent + count));
        assert_eq!(answer.receipts.len(), 1);
        assert_eq!(answer.receipts[0].durability, "fsync");
        assert_eq!(answer.results[0].inclusion_proof.is_some(), count == 1);
        verify(&server, &answer);
        sent += count;
    }
}

#[test]
fn proof_each_gives_a_path_for_every_event_new_or_not() {
    let server = Server::start();
    server.submit(&lines(0..10));
    for body in [lines(10..40), lines(5..45), lines(0..45)] {
        let answer = server.post("/v1/events?proof=each", &[], &body);
        let answer: SubmitAnswer = serde_json::from_slice(&answer.body).expect("an answer");
        assert!(answer.results.iter().all(|result| result.inclusion_proof.is_some() && result.id.is_some()));
        verify(&server, &answer);
    }
}

#[test]
fn a_broken_line_is_refused_alone() {
    let server = Server::start();
    let body = [lines(0..1), b"{\"time\":\n".to_vec(), lines(1..2), b"[1,2]\n".to_vec(), lines(2..3)].concat();
    let answer = server.submit(&body);
    let statuses: Vec<_> = answer.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Stored, Status::Refused, Status::Stored, Status::Refused, Status::Stored]);
    assert_eq!(answer.results[1].code.as_deref(), Some("not_json"));
    assert_eq!((answer.received, answer.stored, answer.refused), (5, 3, 2));
    verify(&server, &answer);
}

#[test]
fn a_refused_event_of_a_batch_names_its_field_and_what_is_wanted() {
    let server = Server::start();
    let mut wrong = event(1);
    wrong["actor"]["type"] = json!("usr");
    let answer = server.submit(&bytes(&json!([event(0), wrong])));
    let refused = &answer.results[1];
    assert_eq!(refused.field.as_deref(), Some("actor.type"));
    let detail = refused.detail.as_deref().expect("an explanation");
    assert!(detail.contains("user, service"), "{detail}");
    assert_eq!(refused.position, None);
}

#[test]
fn an_event_reads_back_with_every_digit() {
    let server = Server::start();
    let text = r#"{"time":"2026-05-01T12:00:00Z","actor":{"id":"a","type":"user"},"action":"x.y","resource":{"type":"t","id":"r"},"metadata":{"big":12345678901234567890123,"exact":0.10000000000000000000001}}"#;
    let answer = server.submit(text.as_bytes());
    let event = server.client().event(answer.results[0].position.as_ref().expect("placed")).expect("it is there");
    for digits in ["12345678901234567890123", "0.10000000000000000000001"] {
        assert!(event.event.get().contains(digits), "{}", event.event.get());
    }
}

#[test]
fn a_source_takes_its_own_payload_and_keeps_what_it_can_not_map() {
    let server = Server::start();
    let audit = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [
        {"level": "Metadata", "auditID": "7f9d3c1e-0000-4000-8000-000000000001", "stage": "ResponseComplete",
         "requestURI": "/api/v1/namespaces/shop/secrets/db", "verb": "delete", "user": {"username": "alice"},
         "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
         "responseStatus": {"code": 200}, "stageTimestamp": "2026-05-01T12:00:00.000000Z"},
        {"kind": 0},
    ]});
    let send = || {
        let answer = server.post("/v1/sources/kubernetes/prod", &[], &bytes(&audit));
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<SubmitAnswer>(&answer.body).expect("an answer")
    };
    let answer = send();
    assert_eq!((answer.received, answer.stored, answer.quarantined), (2, 1, 1));
    verify(&server, &answer);
    let kept = answer.results[1].position.as_deref().expect("kept");
    assert!(kept.starts_with("default/quarantine@"), "{kept}");
    assert!(answer.results[1].detail.is_some());
    let again = send();
    assert_eq!((again.received, again.duplicate), (2, 2));
    assert_eq!(again.results[1].position.as_deref(), Some(kept));
    verify(&server, &again);
    let shown = server.client().event(kept).expect("readable").event().expect("an event");
    assert_eq!(shown.pointer("/action").and_then(|action| action.as_str()), Some("cairn.event.quarantine"));
}
