//! No text that a client can choose sends the record of what it did into quarantine: a record with
//! its required members maps, whatever its strings hold.

use cairn_event::Json;
use cairn_event::json::Object;
use cairn_sources::{Delivery, Sources};
use jiff::Timestamp;
use proptest::prelude::*;

/// Strings that break mappings: empty, dots alone, long, control characters, other scripts.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9:/._-]{0,12}",
        1 => "\\PC{0,20}",
        1 => "[.]{1,4}",
        1 => ("[a-z./é]", 100_usize..20_000).prop_map(|(unit, count)| unit.repeat(count)),
        1 => Just("\u{0}\u{1b}\"\\\u{ffff}".to_owned()),
    ]
}

fn object(members: &[&str], texts: &[String]) -> Object {
    members.iter().copied().zip(texts.iter().map(String::as_str)).collect()
}

fn maps(kind: &str, record: Object) {
    let source = Sources::builtin().by_kind(kind).expect("the kind exists");
    let delivery = Delivery::at(Timestamp::UNIX_EPOCH);
    let body = Json::Object(record).to_text();
    let results: Vec<_> = source
        .split(body.as_bytes())
        .expect("one object splits")
        .map(|record| source.map(&record.bytes, &delivery))
        .collect();
    assert!(matches!(results.as_slice(), [Ok(_)]), "{results:?}");
}

proptest! {
    #[test]
    fn a_kubernetes_event_maps_whatever_the_client_calls_itself(texts in prop::collection::vec(text(), 16), ips in 0_usize..1100) {
        let mut event = object(&["auditID", "stage", "requestURI", "userAgent", "level"], &texts);
        event.insert("kind", "Event");
        event.insert("verb", if texts[5].is_empty() { "get" } else { &texts[5] });
        event.insert("stageTimestamp", "2024-03-05T08:15:30Z");
        event.insert("user", object(&["username"], &texts[6..]));
        event.insert("impersonatedUser", object(&["username"], &texts[7..]));
        event.insert("objectRef", object(&["resource", "subresource", "namespace", "name", "apiGroup"], &texts[8..]));
        event.insert("responseStatus", object(&["reason", "message"], &texts[13..]));
        event.insert("sourceIPs", vec!["10.0.0.1"; ips]);
        maps("kubernetes", event);
    }

    #[test]
    fn a_cloudtrail_record_maps_whatever_its_strings_hold(texts in prop::collection::vec(text(), 20)) {
        let names = ["eventSource", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestID",
            "eventID", "sharedEventID", "recipientAccountId", "eventType"];
        let mut record = object(&names, &texts);
        record.insert("eventName", if texts[11].is_empty() { "GetObject" } else { &texts[11] });
        record.insert("eventTime", "2024-03-05T08:15:30Z");
        record.insert("userIdentity", object(&["type", "arn", "principalId", "userName", "accessKeyId"], &texts[12..]));
        record.insert("requestParameters", object(&["bucketName", "key", "roleArn"], &texts[17..]));
        maps("cloudtrail", record);
    }
}
