//! Real deliveries, taken in by the real binary; the counts are those of the raw files.

use serde_json::Value;

use super::support::{House, corpus, files, summary};

fn arguments(folder: &std::path::Path, suffix: &str) -> Vec<String> {
    files(folder, suffix).into_iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

fn ingest(house: &House, files: &[String]) -> super::support::Ran {
    let line: Vec<&str> = ["ingest", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    house.run(&line)
}

#[test]
fn the_cloudtrail_deliveries_of_an_attack_are_stored_once_and_found() {
    let Some(corpus) = corpus() else { return };
    let house = House::new();
    let files = arguments(&corpus.join("aws_cloudtrail/invictus"), ".json");
    assert_eq!(files.len(), 20);
    assert_eq!(summary(&ingest(&house, &files).expect(0)), [1448, 1448, 0, 0, 0, 0]);
    assert_eq!(summary(&ingest(&house, &files).expect(0)), [1448, 0, 1448, 0, 0, 0]);

    let records: Vec<Value> = files
        .iter()
        .flat_map(|file| {
            let delivery: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            delivery["Records"].as_array().unwrap().clone()
        })
        .collect();
    let by = |name: &str| {
        records
            .iter()
            .filter(|record| record["userIdentity"]["arn"].as_str().is_some_and(|arn| arn.ends_with(name)))
            .count()
    };
    let denied = records
        .iter()
        .filter(|record| record["userIdentity"]["arn"].as_str().is_some_and(|arn| arn.ends_with("user/operator-one")))
        .filter(|record| matches!(record["errorCode"].as_str(), Some("AccessDenied" | "Client.UnauthorizedOperation")))
        .count();
    assert_eq!(by("user/operator-one"), 1272);
    let count = |query: &str| house.run(&["search", query, "--count"]).expect(0).out.trim().parse::<usize>().unwrap();
    assert_eq!(count("actor:operator-one outcome:denied"), denied);
    assert_eq!(count("actor:operator-one"), by("user/operator-one"));
    assert_eq!(count("actor:operator-two"), by("user/operator-two"));
    assert_eq!(house.get("/v1/search?q=actor:operator-one%20outcome:denied")["total"]["count"], denied);
    house.run(&["verify", "trail"]).expect(0);
}

#[test]
fn every_kubernetes_file_is_stored_or_named() {
    let Some(corpus) = corpus() else { return };
    let house = House::new();
    let files = arguments(&corpus.join("kubernetes/falco"), ".json");
    assert_eq!(files.len(), 31);
    let ran = ingest(&house, &files);
    let [received, stored, _, quarantined, _, refused] = summary(&ran);
    let result = &ran.json_lines()[0];
    assert_eq!(received, stored + quarantined + refused, "{result}");
    assert_eq!(result["files"], 31);
    // One of them is `{"kind": 0}`: kept as it is, and named.
    assert_eq!((refused, quarantined, result["files_refused"].as_u64()), (0, 1, Some(0)), "{result}");
    assert!(ran.err.contains("quarantined: ") && ran.err.contains("fal_01_003.json record 0: "), "{}", ran.err);
    assert!(stored >= 30);
    assert_eq!(ran.code, 0);
    let again = ingest(&house, &files);
    let [received_again, stored_again, ..] = summary(&again);
    assert_eq!((received_again, stored_again), (received, 0), "{}", again.out);
}
