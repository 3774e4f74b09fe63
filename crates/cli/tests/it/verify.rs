//! `cairn verify`: from the bytes alone, with the server running and without; a changed byte is found
//! and located.

use std::path::Path;

use super::support::{House, copy_folder, files, fixture_argument, run, summary};

fn furnished() -> House {
    let house = House::new();
    for name in ["native.ndjson", "kubernetes-eventlist.json", "cloudtrail-delivery.json"] {
        house.run(&["ingest", &fixture_argument(name)]).expect(0);
    }
    house
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x01;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_trail_a_range_and_an_event_verify_while_the_server_runs() {
    let house = furnished();
    let whole = house.run(&["verify", "trail", "--json"]).expect(0).json_lines();
    assert_eq!(whole[0]["verified"], true, "{whole:?}");
    house.run(&["verify", "trail", "main"]).expect(0);
    house.run(&["verify", "default/main@2..9"]).expect(0);
    house.run(&["verify", "default/main@4"]).expect(0);
    let id = house.run(&["show", "4", "--json=id"]).expect(0).json_lines()[0]["id"].as_str().unwrap().to_owned();
    house.run(&["verify", &id]).expect(0);
}

#[test]
fn a_server_elsewhere_is_verified_over_http() {
    let house = furnished();
    let other = tempfile::tempdir().unwrap();
    let mut command = super::support::cairn(other.path());
    command.args(["verify", "trail", "--server", &house.dev().url, "--json"]).env("CAIRN_TOKEN", house.token());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["events"], 22, "{line}");
}

#[test]
fn a_data_directory_verifies_without_a_server_sealed_and_unsealed() {
    let mut house = furnished();
    house.run(&["seal"]).expect(0);
    house.run(&["send", "doc.delete", "--actor", "you", "--res", "doc:42"]).expect(0);
    assert_eq!(house.stop(), 0);
    let ran = house.run(&["verify", "trail", "--data", "cairn-data", "--json"]).expect(0);
    assert_eq!(ran.json_lines()[0]["events"], 23, "{}", ran.out);
}

#[test]
fn a_flipped_byte_is_found_and_located() {
    let mut house = furnished();
    house.run(&["seal"]).expect(0);
    house.run(&["send", "doc.delete", "--actor", "you", "--res", "doc:42"]).expect(0);
    assert_eq!(house.stop(), 0);
    let trail = Path::new("trails/default/main");
    let data = house.data();
    let segment = files(&data.join(trail).join("segments"), ".parquet").remove(0);
    let manifest = files(&data.join(trail).join("segments"), ".manifest.json").remove(0);
    let seed = files(&data.join(trail).join("seeds"), ".seed").remove(0);
    let wal = files(&data.join("wal"), ".wal").pop().unwrap();
    let checkpoint = data.join(trail).join("checkpoint");
    let others = ["wal/HEAD", "cairn.id", "keys/tokens.json", "keys/admin.token", "keys/log-1.vkey"];
    let paths = [segment, manifest, seed, wal, checkpoint].into_iter().chain(others.map(|name| data.join(name)));
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().join("cairn-data");
    copy_folder(&data, &copied);
    for path in paths {
        let name = path.strip_prefix(&data).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            flip(&copied.join(name), at);
            let ran = run(copy.path(), &["verify", "trail", "--data", "cairn-data"]);
            assert_eq!(ran.code, 5, "{} byte {at}: {ran:?}", name.display());
            // A wrong key or identity makes what it signs look wrong; else the file itself is named.
            let is_root_of_trust = ["cairn.id", "keys/log-1.vkey"].iter().any(|root| Path::new(root) == name);
            assert!(
                is_root_of_trust || ran.out.contains(name.to_str().unwrap()),
                "{} byte {at} is named: {ran:?}",
                name.display()
            );
            std::fs::write(copied.join(name), &bytes).unwrap();
        }
    }
    run(copy.path(), &["verify", "trail", "--data", "cairn-data"]).expect(0);
}

#[test]
fn a_record_too_large_for_an_event_is_kept_whole_and_damage_to_it_is_found() {
    let mut house = House::new();
    let object = |note: &str| format!(r#"{{"kind":"ConfigMap","data":{{"note":"{}"}}}}"#, note.repeat(1 << 20));
    let record = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"7d1f0c55-9f6e-4a53-a4f2-2f9c3f1f4c11","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/configmaps","verb":"create","user":{{"username":"gina"}},"objectRef":{{"resource":"configmaps","namespace":"shop","name":"large","apiVersion":"v1"}},"responseStatus":{{"code":201}},"requestObject":{},"responseObject":{},"requestReceivedTimestamp":"2026-05-01T12:00:00.000000Z","stageTimestamp":"2026-05-01T12:00:00.100000Z"}}"#,
        object("q"),
        object("r"),
    );
    let file = house.file("large.json", &record);
    assert_eq!(summary(&house.run(&["ingest", "--json", &file]).expect(0))[..3], [1, 1, 0]);
    assert_eq!(summary(&house.run(&["ingest", "--json", &file]).expect(0))[..3], [1, 0, 1]);
    assert_eq!(house.run(&["show", "0", "--value", "raw"]).expect(0).out, record);
    assert_eq!(house.run(&["show", "0", "--value", "after"]).expect(0).out.len(), object("r").len());
    house.run(&["diff", "0"]).expect(0);
    house.run(&["seal"]).expect(0);
    house.run(&["verify", "trail"]).expect(0);
    assert_eq!(house.stop(), 0);
    let blobs = house.data().join("trails/default/main/blobs");
    let blob = std::fs::read_dir(&blobs).unwrap().next().unwrap().unwrap().path();
    flip(&blob, 1000);
    let ran = house.run(&["verify", "trail", "--data", "cairn-data"]).expect(5);
    assert!((ran.out.clone() + &ran.err).contains(blob.file_name().unwrap().to_str().unwrap()), "{}", ran.err);
}
