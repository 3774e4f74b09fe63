//! A data directory whose very first start is killed must be usable by its owner afterwards.

use std::time::Instant;

use cairn_api::Submit;

use super::rng::Rng;
use super::server::{Folder, Server, client};
use super::{is_soak, run, wait};

const SEED: u64 = 2;
const KILLS: u64 = 24;
const SOAK_KILLS: u64 = 1000;

#[test]
fn killed_during_its_first_start_a_directory_still_lets_its_owner_in() {
    let kills = if is_soak() { SOAK_KILLS } else { KILLS };
    let mut rng = Rng::new(SEED);
    let (start_ms, mut was_ready) = (first_start_ms(), 0);
    for kill in 0..kills {
        let folder = Folder::new();
        let server = Server::spawn(folder.path(), &[]);
        // Spread over the whole start, and shaken a little.
        wait(start_ms * kill / kills + rng.between(0, start_ms / 20));
        let is_ready = server.is_ready();
        server.kill();
        was_ready += u64::from(is_ready);
        is_usable(&folder);
    }
    println!("{kills} first starts of {start_ms} ms killed, {was_ready} of them when they were ready");
    assert!(was_ready < kills, "some were killed before they were ready");
}

/// How long the first start of a directory takes here.
fn first_start_ms() -> u64 {
    let folder = Folder::new();
    let began = Instant::now();
    let mut server = Server::spawn(folder.path(), &[]);
    server.ready();
    let took_ms = began.elapsed().as_millis() as u64;
    server.kill();
    took_ms
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
