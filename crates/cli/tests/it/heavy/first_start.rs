//! A data directory whose very first start is killed must be usable by its owner afterwards.

use super::rng::Rng;
use super::server::{Server, client};
use super::{is_soak, run, wait};

const KILLS: u64 = 24;
const SOAK_KILLS: u64 = 1000;
/// Longer than a start takes on a quiet machine, so that the moments cover all of it.
const START_MS: u64 = 160;

#[test]
fn killed_during_its_first_start_a_directory_still_lets_its_owner_in() {
    let kills = if is_soak() { SOAK_KILLS } else { KILLS };
    let mut rng = Rng::new(2);
    let mut was_ready = 0;
    for kill in 0..kills {
        let mut folder = tempfile::tempdir().unwrap();
        let server = Server::spawn(folder.path(), &[]);
        // Spread over the whole start, and shaken a little.
        wait(START_MS * kill / kills + rng.between(0, 3));
        was_ready += u64::from(server.is_ready());
        server.kill();
        // What follows may fail: then the directory is the evidence.
        folder.disable_cleanup(true);
        println!("{}", folder.path().display());
        let mut server = Server::spawn(folder.path(), &[]);
        let url = server.ready();
        let client = client(folder.path(), &url);
        client.trails().expect("the credential opens the door");
        let event = br#"{"time":"2025-03-04T05:06:07Z","actor":{"id":"a","type":"user"},"action":"a.b","operation":"read","resource":{"type":"t","id":"1"},"outcome":"success"}"#;
        assert_eq!(client.submit(event, &cairn_api::Submit::default()).expect("taken").stored, 1);
        server.terminate();
        server.ended();
        run(folder.path(), &["verify", "trail", "--data", "cairn-data"]).expect(0);
        folder.disable_cleanup(false);
    }
    println!("{kills} first starts killed, {was_ready} of them when they were ready");
    assert!(was_ready < kills, "some were killed before they were ready");
}
