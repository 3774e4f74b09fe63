//! Published Ed25519 vectors: Wycheproof says what is valid; CCTV lists the cases on which
//! implementations differ, and what ours does with each is pinned here.

use std::path::PathBuf;

use cairn_ledger::PublicKey;
use serde_json::Value;

/// The corpus file, or `None` where there is no corpus. With `CI=true` it must be there.
fn corpus(file: &str) -> Option<Value> {
    let root = std::env::var_os("CAIRN_CORPUS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    if !root.is_dir() && std::env::var("CI").as_deref() != Ok("true") {
        println!("skipped: no corpus");
        return None;
    }
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    Some(serde_json::from_str(&text).unwrap())
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn verifies(key: &Value, message: &[u8], signature: &Value) -> bool {
    let key = bytes(key).try_into().ok().and_then(|key| PublicKey::from_bytes(&key).ok());
    let signature: Option<[u8; 64]> = bytes(signature).try_into().ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verifies(message, &signature))
}

#[test]
fn wycheproof_verdicts_are_ours() {
    let Some(file) = corpus("crypto/wycheproof/ed25519_test.json") else {
        return;
    };
    let mut checked = 0;
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let valid = verifies(&group["publicKey"]["pk"], &bytes(&test["msg"]), &test["sig"]);
            assert_eq!(valid, test["result"] == "valid", "test {}: {}", test["tcId"], test["comment"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 151);
}

#[test]
fn only_canonical_points_of_large_order_and_the_cofactorless_equation_verify() {
    const REFUSED: [&str; 5] =
        ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"];
    let Some(file) = corpus("crypto/cctv/ed25519vectors.json") else {
        return;
    };
    let vectors = file.as_array().unwrap();
    let mut accepted = 0;
    for vector in vectors {
        let flags = vector["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let expected = !flags.iter().any(|flag| REFUSED.contains(&flag.as_str().unwrap()));
        let message = vector["msg"].as_str().unwrap().as_bytes();
        let valid = verifies(&vector["key"], message, &vector["sig"]);
        assert_eq!(valid, expected, "vector {}: {flags:?}", vector["number"]);
        accepted += usize::from(valid);
    }
    assert_eq!((vectors.len(), accepted), (914, 43));
}
