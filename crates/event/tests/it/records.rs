//! Real deliveries are taken apart into the records they are known to hold.

use cairn_event::json::{Within, elements};
use cairn_event::{Json, canonical};

use crate::corpus;

#[test]
fn cloudtrail_deliveries_hold_all_their_records() {
    let Some(folder) = corpus::folder("aws_cloudtrail/invictus") else {
        return;
    };
    let files = corpus::files(&folder);
    assert_eq!(files.len(), 20);
    let mut records = 0;
    for (name, body) in files {
        for element in elements(&body, Within::Member("Records")).expect(&name) {
            let record = element.json.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(record.get("eventID").is_some(), "{name}");
            assert_eq!(Json::parse(&body[element.range]).as_ref(), Ok(&record));
            survives(&record);
            records += 1;
        }
    }
    assert_eq!(records, 1448);
}

#[test]
fn attack_recordings_are_arrays() {
    let Some(folder) = corpus::folder("aws_cloudtrail/stratus") else {
        return;
    };
    let mut records = 0;
    for (name, body) in corpus::files(&folder) {
        for element in elements(&body, Within::Array).expect(&name) {
            survives(&element.json.unwrap_or_else(|error| panic!("{name}: {error}")));
            records += 1;
        }
    }
    assert_eq!(records, 253);
}

#[test]
fn lines_of_a_log_are_records() {
    let Some(folder) = corpus::folder("aws_cloudtrail/otrf") else {
        return;
    };
    let body = std::fs::read(folder.join("ec2_proxy_s3_exfiltration.ndjson")).expect("readable");
    let records = elements(&body, Within::Lines).expect("lines");
    assert_eq!(records.len(), 103);
    for record in records {
        survives(&record.json.expect("JSON"));
    }
}

/// Text and canonical text both read back as the same record.
fn survives(record: &Json) {
    assert_eq!(Json::parse(record.to_text().as_bytes()).as_ref(), Ok(record));
    let text = canonical::canonical(record, canonical::Numbers::AsWritten);
    let again = Json::parse(text.as_bytes()).expect("JSON");
    assert_eq!(canonical::canonical(&again, canonical::Numbers::AsWritten), text);
}
