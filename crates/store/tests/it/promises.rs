//! One promise a test.

use crate::support::{Machine, commit, config, main};
use cairn_engines::sim::{Fault, large_event};
use cairn_event::Positions;
use cairn_ledger::{Disclosure, Hash, Kind, entry, leaf_hash};
use cairn_store::seams::Disk;
use cairn_store::{Placed, Scope, StoreConfig, StoreError, public_key, verify};

fn indexes(placed: &[Placed]) -> Vec<(bool, u64)> {
    let one = |placed: &Placed| match placed {
        Placed::Stored { index } => (true, *index),
        Placed::Duplicate { index } | Placed::Conflict { index } => (false, *index),
    };
    placed.iter().map(one).collect()
}

#[test]
fn an_event_sent_again_keeps_its_index_after_a_restart_and_after_the_cache_is_gone() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, 0..10).expect("committed");
    store.seal(None).expect("sealed");
    machine.commit(&store, 10..20).expect("committed");
    store.close().expect("closed");
    let store = machine.open(config()).expect("an intact directory");
    let reply = machine.commit(&store, 5..25).expect("committed");
    let expected: Vec<_> = (5..20).map(|index| (false, index)).chain((20..25).map(|index| (true, index))).collect();
    assert_eq!(indexes(&reply.placed), expected);
}

#[test]
fn a_key_used_for_other_content_is_a_conflict_and_nothing_is_stored() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, [1]).expect("committed");
    let event = machine.event(2);
    let key = machine.prepare(&store, [1])[0].key;
    let prepared = store.prepare(&main(), &event, key, event.fingerprint()).expect("within the limits");
    let reply = commit(&store, vec![prepared]).expect("answered");
    assert_eq!(reply.placed, [Placed::Conflict { index: 0 }]);
    assert!(reply.receipt.is_none());
    assert_eq!(store.reader().size(&main()), 1);
}

#[test]
fn a_second_opener_is_refused() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    assert!(matches!(machine.open(config()), Err(StoreError::Locked)));
    store.close().expect("closed");
    machine.open(config()).expect("free again");
}

#[test]
fn a_failed_sync_stops_the_writer_for_good_and_a_restart_goes_on() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, 0..3).expect("committed");
    // The next change is the write of a frame, the one after it the sync.
    machine.world.plan(machine.world.operations() + 1, Fault::Io);
    let failed = machine.commit(&store, 3..6);
    assert!(matches!(failed, Err(StoreError::WriterStopped { .. })), "{failed:?}");
    let refused = machine.commit(&store, 6..7);
    assert!(matches!(refused, Err(StoreError::WriterStopped { .. })), "{refused:?}");
    let reason = store.health().stopped.expect("the health says so");
    assert!(reason.contains("sync wal/"), "{reason}");
    assert!(store.close().is_err());
    let store = machine.open(config()).expect("a restart");
    let reply = machine.commit(&store, 0..3).expect("committed");
    assert_eq!(indexes(&reply.placed), [(false, 0), (false, 1), (false, 2)]);
    machine.commit(&store, 3..9).expect("goes on");
}

#[test]
fn a_disk_below_its_reserve_refuses_and_says_both_numbers() {
    let machine = Machine::new();
    let config = StoreConfig { disk_reserve_bytes: 1 << 41, ..config() };
    let store = machine.open(config).expect("a new directory");
    let refused = machine.commit(&store, [0]).expect_err("refused");
    assert!(matches!(refused, StoreError::DiskReserve { free_bytes, reserve_bytes } if free_bytes < reserve_bytes));
    assert_eq!(store.reader().size(&main()), 0);
    assert!(store.health().stopped.is_none(), "a full disk does not stop the writer");
}

#[test]
fn proofs_and_disclosures_hold_for_sealed_and_unsealed_events() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, 0..300).expect("committed");
    store.seal(None).expect("sealed");
    machine.commit(&store, 300..310).expect("committed");
    let reader = store.reader();
    for index in [0, 1, 255, 256, 299, 300, 309] {
        let stored = reader.stored(&main(), index..index + 1).expect("readable").remove(0);
        let (proof, checkpoint) = reader.inclusion(&main(), index).expect("provable");
        let leaf = Hash::from(stored.leaf_hash);
        proof.verify(&leaf, &checkpoint.root).expect("the proof leads to the root");
        let disclosure = reader.disclosure(&main(), index).expect("disclosable");
        let root = Disclosure::decode(&disclosure).expect("well formed").root();
        assert_eq!(leaf_hash(&entry(Kind::Event, &root)), leaf, "index {index}");
    }
    assert!(matches!(reader.inclusion(&main(), 310), Err(StoreError::NoSuchIndex { size: 310, .. })));
}

#[test]
fn sealing_lets_the_log_go_and_loses_nothing() {
    let machine = Machine::new();
    let small = StoreConfig { wal_file_bytes: 2000, ..config() };
    let store = machine.open(small).expect("a new directory");
    for first in (0..60).step_by(5) {
        machine.commit(&store, first..first + 5).expect("committed");
    }
    let wal_files = || machine.world.files().keys().filter(|path| path.ends_with(".wal")).count();
    assert!(wal_files() > 3);
    let sealed = store.seal(None).expect("sealed");
    assert_eq!((sealed[0].first, sealed[0].last), (0, 59));
    assert_eq!(wal_files(), 1);
    let events = store.reader().stored(&main(), 0..60).expect("readable");
    assert_eq!(events.len(), 60);
    store.close().expect("closed");
    let disk = machine.world.disk();
    let public = public_key(&disk).expect("a key");
    for scope in [Scope::All, Scope::Trail(main()), Scope::Range(main(), 10..20)] {
        let report = verify(&disk, public, scope.clone(), &mut |_| {}).expect("readable");
        assert_eq!(report.findings, [], "{scope:?}");
        assert_eq!(report.trails[0].events, 60);
    }
}

/// One directory with an event whose raw record stands beside it, sealed or not.
fn with_a_blob(sealed: bool) -> (Machine, String, Vec<u8>) {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, 0..2).expect("committed");
    let event = large_event("large", 2, machine.now());
    let prepared = store.prepare(&main(), &event, [2; 32], event.fingerprint()).expect("within the limits");
    commit(&store, vec![prepared]).expect("committed");
    if sealed {
        store.seal(None).expect("sealed");
    }
    let blob = &event.blobs()[0];
    assert_eq!(store.reader().blob(&main(), 2, "raw").expect("read"), Some(blob.bytes.to_vec()));
    assert_eq!(store.reader().blob(&main(), 1, "raw").expect("read"), None);
    // The answer is out, so the power may go.
    machine.world.crash();
    machine.world.restart();
    let _ = store.close();
    let file = format!("trails/default/main/blobs/{}", blob.reference.sha256);
    (machine, file, blob.bytes.to_vec())
}

#[test]
fn a_value_beside_its_event_is_durable_with_it_and_damage_to_it_is_found() {
    for sealed in [false, true] {
        let (machine, file, bytes) = with_a_blob(sealed);
        machine.open(config()).expect("an intact directory").close().expect("closed");
        assert_eq!(machine.world.files().get(&file), Some(&bytes), "after a crash it is there");
        let damages: [(&str, Option<Vec<u8>>); 3] = [
            ("the bytes do not give the hash", Some([b"y", &bytes[1..]].concat())),
            ("the file has 10 bytes", Some(bytes[..10].to_vec())),
            ("the file is missing", None),
        ];
        for (words, damaged) in damages {
            match damaged {
                Some(damaged) => machine.world.overwrite(&file, damaged),
                None => machine.world.disk().remove(&file).expect("removed"),
            }
            let disk = machine.world.disk();
            let report = verify(&disk, public_key(&disk).expect("a key"), Scope::All, &mut |_| {}).expect("readable");
            let found = report.findings.iter().find(|finding| finding.file == file).expect("found in its place");
            assert!(report.findings.iter().any(|finding| finding.what.contains(words)), "{found}");
            let store = machine.open(config()).expect("a blob does not stop a start");
            assert!(matches!(store.reader().blob(&main(), 2, "raw"), Err(StoreError::Corrupt(_))), "{words}");
            store.close().expect("closed");
        }
    }
}

#[test]
fn a_blob_that_cant_be_written_stops_the_writer_before_its_event_is_in_the_log() {
    let machine = Machine::new();
    let store = machine.open(config()).expect("a new directory");
    machine.commit(&store, 0..2).expect("committed");
    let event = large_event("large", 2, machine.now());
    let prepared = store.prepare(&main(), &event, [2; 32], event.fingerprint()).expect("within the limits");
    machine.world.plan(machine.world.operations(), Fault::Full);
    commit(&store, vec![prepared.clone()]).expect_err("the disk refused");
    assert_eq!(store.reader().size(&main()), 2);
    // The directory can't be closed in peace, but it can be opened again.
    let _ = store.close();
    let store = machine.open(config()).expect("an intact directory");
    commit(&store, vec![prepared]).expect("committed");
    assert!(store.reader().blob(&main(), 2, "raw").expect("read").is_some());
}
