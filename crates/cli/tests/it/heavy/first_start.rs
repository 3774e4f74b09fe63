//! A data directory whose very first start is killed must be usable by its owner afterwards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cairn_api::Submit;

use super::rng::Rng;
use super::server::{Folder, Server, client};
use super::{is_soak, run, wait};

const SEED: u64 = 2;
/// Starts in a row that showed fewer steps than were waited for.
const MISSED_MAX: u32 = 4;
/// Times that every moment is tried with `CAIRN_SOAK=1`.
const SOAK_ROUNDS: u64 = 40;

#[test]
fn killed_during_its_first_start_a_directory_still_lets_its_owner_in() {
    let rounds = if is_soak() { SOAK_ROUNDS } else { 1 };
    let mut rng = Rng::new(SEED);
    let (mut kills, mut steps_max) = (0, 0);
    for round in 0..rounds {
        // A start makes and renames one file after the other: it is killed after the first such step that
        // can be seen, after the second, and so on.
        let mut missed = 0;
        for steps in 1.. {
            let folder = Folder::new();
            let server = Server::spawn(folder.path(), &[]);
            let seen = watch(&server, folder.path(), steps);
            if round > 0 {
                wait(rng.between(0, 5));
            }
            server.kill();
            is_usable(&folder);
            kills += 1;
            steps_max = seen.max(steps_max);
            // A busy machine shows several steps as one now and then; again and again only a start that has no more.
            missed = if seen < steps { missed + 1 } else { 0 };
            if missed == MISSED_MAX {
                break;
            }
        }
    }
    println!("{kills} first starts killed, after up to {steps_max} steps");
    assert!(steps_max > 10, "most of them were killed before they were ready");
}

/// Looks on until this many steps were seen or the server is ready; gives the number of steps.
fn watch(server: &Server, folder: &Path, steps: u32) -> u32 {
    let (mut seen, mut before) = (0, BTreeSet::new());
    while seen < steps && !server.is_ready() {
        let mut now = BTreeSet::new();
        names(&folder.join("cairn-data"), &mut now);
        seen += u32::from(now != before);
        before = now;
    }
    seen
}

/// Files and folders below a folder that is being written to. What is in the index is made by others and
/// would take too long to look at.
fn names(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() != "index" {
            names(&entry.path(), into);
        }
        into.insert(entry.path());
    }
}

/// It starts, knows its owner, takes an event, and is whole.
fn is_usable(folder: &Folder) {
    let mut server = Server::spawn(folder.path(), &[]);
    let url = server.ready();
    let client = client(folder.path(), &url);
    client.trails().expect("the credential opens the door");
    let event = br#"{"time":"2025-03-04T05:06:07Z","actor":{"id":"a","type":"user"},"action":"a.b","operation":"read","resource":{"type":"t","id":"1"},"outcome":"success"}"#;
    let taken = client.submit(event, &Submit::default()).expect("taken");
    assert_eq!(taken.stored, 1);
    server.terminate();
    server.ended();
    run(folder.path(), &["verify", "trail", "--data", "cairn-data"]).expect(0);
}
