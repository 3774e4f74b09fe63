//! `cairn ingest`: every layout and compression, counts that add up, refusals by name.

use std::io::Write as _;

use super::support::{House, fixture, fixture_argument, run_with_input, summary};

#[test]
fn each_kind_is_found_by_its_content_and_a_second_time_everything_is_a_duplicate() {
    let house = House::new();
    for (name, kind, events) in [
        ("native.ndjson", "native", 12),
        ("kubernetes-eventlist.json", "kubernetes", 5),
        ("cloudtrail-delivery.json", "cloudtrail", 5),
    ] {
        let file = fixture_argument(name);
        let first = house.run(&["ingest", &file, "--json"]).expect(0);
        assert_eq!(summary(&first), [events, events, 0, 0, 0, 0], "{name}");
        assert!(first.err.contains(&format!(": {kind} (")), "it says which kind it took: {}", first.err);
        let second = house.run(&["ingest", &file, "--json"]).expect(0);
        assert_eq!(summary(&second), [events, 0, events, 0, 0, 0], "{name}");
    }
    assert_eq!(house.get("/v1/search")["total"]["count"], 22);
}

#[test]
fn equal_records_of_one_file_are_two_events() {
    let house = House::new();
    house.run(&["ingest", &fixture_argument("native.ndjson")]).expect(0);
    assert_eq!(house.get("/v1/search?q=op:execute")["total"]["count"], 2);
}

#[test]
fn the_summary_for_people_adds_up_on_one_line() {
    let house = House::new();
    let ran = house.run(&["ingest", &fixture_argument("cloudtrail-delivery.json")]).expect(0);
    assert_eq!(ran.out, "received 5  stored 5  duplicate 0  quarantined 0  sampled 0  refused 0\n");
}

#[test]
fn gzip_zstd_and_standard_input_are_read_like_the_file_itself() {
    let house = House::new();
    let bytes = std::fs::read(fixture("native.ndjson")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&bytes).unwrap();
    let gz = house.file("events.ndjson.gz", gz.finish().unwrap());
    let zst = house.file("events.ndjson.zst", zstd::encode_all(&bytes[..], 3).unwrap());
    let ran = house.run(&["ingest", &gz, "--json"]).expect(0);
    assert_eq!(summary(&ran), [12, 12, 0, 0, 0, 0]);
    assert!(ran.err.contains("gzip"), "{}", ran.err);
    assert_eq!(summary(&house.run(&["ingest", &zst, "--json"]).expect(0)), [12, 0, 12, 0, 0, 0]);
    let ran = run_with_input(house.path(), &["ingest", "-", "--json"], &bytes).expect(0);
    assert_eq!(summary(&ran), [12, 0, 12, 0, 0, 0]);
}

#[test]
fn what_is_refused_is_named_and_takes_no_neighbour() {
    let house = House::new();
    let good = std::fs::read_to_string(fixture("native.ndjson")).unwrap();
    let first = good.lines().next().unwrap();
    let bad_actor = first.replace("\"type\":\"user\"", "\"type\":\"usr\"");
    let text = format!("{first}\n{bad_actor}\n{{broken\n{}\n", good.lines().nth(1).unwrap());
    let file = house.file("mixed.ndjson", text);
    let ran = house.run(&["ingest", &file, "--json"]).expect(1);
    assert_eq!(summary(&ran), [4, 2, 0, 0, 0, 2]);
    let refusals = ran.json_lines()[0]["refusals"].clone();
    assert_eq!(
        (refusals[0]["file"].as_str(), refusals[0]["record"].as_u64()),
        (Some("mixed.ndjson"), Some(1)),
        "{refusals}"
    );
    assert_eq!(refusals[0]["field"], "actor.type", "{refusals}");
    assert!(refusals[0]["reason"].as_str().unwrap().contains("user"), "{refusals}");
    assert_eq!(refusals[1]["record"], 2);
    assert!(ran.err.contains("refused: mixed.ndjson record 1: actor.type: "), "{}", ran.err);
}

#[test]
fn a_file_of_unknown_kind_is_refused_by_name_and_the_others_go_on() {
    let house = House::new();
    let odd = house.file("odd.json", "{\"message\": \"hi\"}");
    let empty = house.file("empty.json", "\n");
    let good = fixture_argument("cloudtrail-delivery.json");
    let ran = house.run(&["ingest", &odd, "missing.json", &empty, &good, "--json"]).expect(1);
    assert_eq!(summary(&ran), [5, 5, 0, 0, 0, 0]);
    assert_eq!(ran.json_lines()[0]["files_refused"], 3);
    for named in ["odd.json: its kind is not known", "missing.json: ", "empty.json: it is empty"] {
        assert!(ran.err.contains(named), "{named}: {}", ran.err);
    }
}

#[test]
fn a_long_file_goes_through_in_batches() {
    let house = House::new();
    let line = |at: usize| {
        format!(
            "{{\"time\":\"2025-01-01T00:00:00Z\",\"actor\":{{\"id\":\"a{}\",\"type\":\"user\"}},\"action\":\"a.b\",\"operation\":\"read\",\"resource\":{{\"type\":\"t\",\"id\":\"{at}\"}},\"outcome\":\"success\"}}\n",
            at % 7
        )
    };
    let text: String = (0..5_000).map(line).collect();
    let file = house.file("many.ndjson", text);
    assert_eq!(
        summary(&house.run(&["ingest", &file, "--json", "--batch", "700"]).expect(0)),
        [5_000, 5_000, 0, 0, 0, 0]
    );
    assert_eq!(
        summary(&house.run(&["ingest", &file, "--json", "--batch", "999"]).expect(0)),
        [5_000, 0, 5_000, 0, 0, 0]
    );
}

#[test]
fn big_numbers_and_long_decimals_come_back_as_they_were() {
    let house = House::new();
    house.run(&["ingest", &fixture_argument("native.ndjson")]).expect(0);
    let ran = house.run(&["search", "action:table.export", "--json=metadata.rows,metadata.ratio"]).expect(0);
    assert_eq!(ran.out, "{\"metadata.rows\":9007199254740993,\"metadata.ratio\":0.10000000000000000001}\n");
}

#[test]
fn the_same_key_with_other_content_is_kept_and_named() {
    let house = House::new();
    let event = |resource: &str| {
        format!(
            "{{\"idempotency_key\":\"k\",\"time\":\"2025-01-01T00:00:00Z\",\"actor\":{{\"id\":\"a\",\"type\":\"user\"}},\"action\":\"a.b\",\"operation\":\"read\",\"resource\":{{\"type\":\"t\",\"id\":\"{resource}\"}},\"outcome\":\"success\"}}\n"
        )
    };
    let one = house.file("one.ndjson", event("1"));
    let other = house.file("other.ndjson", event("2"));
    house.run(&["ingest", &one]).expect(0);
    let ran = house.run(&["ingest", &other, "--json"]).expect(0);
    assert_eq!(summary(&ran), [1, 1, 0, 0, 0, 0]);
    assert_eq!(ran.json_lines()[0]["conflicts"], 1);
    assert!(ran.err.contains("conflict: other.ndjson record 0") && ran.err.contains("default/main@0"), "{}", ran.err);
}

/// Every golden input of every kind: what the client cuts into records the server cuts the same way, and
/// the counts of both add up.
#[test]
fn the_server_cuts_what_it_is_sent_as_the_client_did() {
    let house = House::new();
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sources/src");
    let mut files = 0;
    for kind in std::fs::read_dir(sources).unwrap() {
        let folder = kind.unwrap().path().join("golden");
        for golden in std::fs::read_dir(folder).into_iter().flatten() {
            let path = golden.unwrap().path();
            if !path.to_string_lossy().contains(".in.") {
                continue;
            }
            let ran = house.run(&["ingest", &path.to_string_lossy(), "--json"]);
            let [received, stored, duplicate, quarantined, sampled, refused] = summary(&ran);
            assert!(received > 0, "{}: {}", path.display(), ran.err);
            assert_eq!(received, stored + duplicate + quarantined + sampled + refused, "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 45, "{files}");
}

#[test]
fn entries_of_a_journal_and_pieces_of_events_are_counted_as_what_they_are() {
    let house = House::new();
    let journal = "__CURSOR=a\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=one\n\n__CURSOR=b\n__REALTIME_TIMESTAMP=1700000001000000\nMESSAGE=two\n";
    let file = house.file("journal.export", journal);
    assert_eq!(summary(&house.run(&["ingest", &file, "--json"]).expect(0)), [2, 2, 0, 0, 0, 0]);
    let line = |serial: u64, kind: &str| format!("type={kind} msg=audit(1700000000.1:{serial}): pid={serial}\n");
    let audit = [line(1, "SYSCALL"), line(2, "SYSCALL"), line(1, "CWD"), line(2, "EOE")].concat();
    let file = house.file("audit.log", audit);
    assert_eq!(summary(&house.run(&["ingest", &file, "--json"]).expect(0)), [2, 2, 0, 0, 0, 0]);
}
