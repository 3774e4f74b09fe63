//! `cairn dev`: from nothing to a house with a door, and out again without losing anything.

use std::os::unix::fs::PermissionsExt as _;

use super::support::{Dev, House, fixture_argument, run, summary};

#[test]
fn dev_starts_from_nothing_and_says_how_to_send_and_look() {
    let house = House::new();
    let welcome = &house.dev().welcome;
    for needed in [
        "cairn-data (new)",
        "signing key created  SHA256:",
        "ready in",
        "Token  cairn_",
        "curl -sS http://127.0.0.1:",
        "cairn send",
    ] {
        assert!(welcome.contains(needed), "{needed}:\n{welcome}");
    }
    assert!(welcome.contains(&house.token()), "the token is shown once");
    for (path, mode) in
        [("cairn-data", 0o700), ("cairn-data/keys/admin.token", 0o600), ("cairn-data/keys/log-1.key", 0o600)]
    {
        let found = std::fs::metadata(house.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
}

#[test]
fn the_printed_curl_line_works_as_printed() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: no curl");
        return;
    }
    let house = House::new();
    let line = house
        .dev()
        .welcome
        .lines()
        .find(|line| line.trim_start().starts_with("curl"))
        .expect("printed")
        .trim()
        .to_owned();
    let output = std::process::Command::new("sh").args(["-c", &line]).current_dir(house.path()).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(answer["stored"], 1, "{answer}");
    assert_eq!(house.get("/v1/search?q=res:42")["total"]["count"], 1);
}

#[test]
fn a_second_start_shows_no_token_and_keeps_the_first() {
    let mut house = House::new();
    let token = house.token();
    house.run(&["send", "doc.delete", "--actor", "you", "--res", "doc:42"]).expect(0);
    assert_eq!(house.stop(), 0);
    house.start();
    let welcome = &house.dev().welcome;
    assert!(!welcome.contains("cairn_") && !welcome.contains("(new)"), "{welcome}");
    assert_eq!(house.token(), token);
    assert_eq!(house.get("/v1/search?q=res:42")["total"]["count"], 1);
}

#[test]
fn sigterm_and_ctrl_c_lose_nothing() {
    let mut house = House::new();
    for (round, signal) in ["-TERM", "-INT"].into_iter().enumerate() {
        let sent =
            house.run(&["send", "doc.delete", "--actor", "you", "--res", &format!("doc:{round}"), "--json"]).expect(0);
        let position = sent.json_lines()[0]["position"].as_str().unwrap().to_owned();
        house.signal(signal);
        assert_eq!(house.ended(), 0, "{signal}");
        assert!(!house.data().join("run/http").exists(), "nobody is led to a closed port");
        house.start();
        assert_eq!(
            house.get(&format!("/v1/events/{}", position.replace('/', "%2F").replace('@', "%40")))["position"],
            position
        );
    }
    house.stop();
    run(house.path(), &["verify", "trail", "--data", "cairn-data"]).expect(0);
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_told_why() {
    let house = House::new();
    let refused = Dev::start(house.path()).err().expect("refused").expect(1);
    assert!(refused.err.contains("another process has it open"), "{}", refused.err);
    assert_eq!(house.get("/v1/search")["total"]["count"], 0, "the first one goes on");
}

#[test]
fn without_a_server_a_named_data_directory_is_opened_directly() {
    let mut house = House::new();
    house.stop();
    let native = fixture_argument("native.ndjson");
    let ran = house.run(&["ingest", &native, "--data", "cairn-data", "--json"]).expect(0);
    assert_eq!(summary(&ran), [12, 12, 0, 0, 0, 0]);
    assert!(ran.err.contains("it is opened directly"), "{}", ran.err);
    let ran = house.run(&["search", "outcome:denied", "--data", "cairn-data", "--json=actor.id"]).expect(0);
    assert_eq!(ran.json_lines().len(), 2);
    // Without a word about the data directory nothing is opened behind the person's back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = super::support::cairn(house.path());
    let output = command.args(["search"]).env("CAIRN_HTTP_LISTEN", port.to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(8));
}

#[test]
fn a_credential_of_ones_own_does_what_its_scopes_say() {
    let house = House::new();
    let token = house.run(&["token", "create", "reader", "--scope", "read", "--quiet"]).expect(0).out.trim().to_owned();
    let listed = house.run(&["token", "list", "--json"]).expect(0);
    assert!(!listed.out.contains(&token), "the secret is shown once");
    assert!(listed.json_lines().iter().any(|line| line["id"] == "reader"));
    let with = |token: &str, arguments: &[&str]| {
        let mut command = super::support::cairn(house.path());
        command
            .args(arguments)
            .args(["--server", &house.dev().url])
            .env("CAIRN_TOKEN", token)
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(with(&token, &["search"]), Some(0));
    assert_eq!(with(&token, &["send", "a.b", "--actor", "x", "--res", "t:1"]), Some(4));
    assert_eq!(with("cairn_0000", &["search"]), Some(4));
    // The credential of the data directory does not follow to a server that was named.
    let ran = house.run(&["search", "--server", &house.dev().url]);
    assert_eq!(ran.code, 4, "{ran:?}");
}

#[test]
fn the_doctor_is_content_with_a_house_that_runs() {
    let house = House::new();
    let ran = house.run(&["doctor", "--json"]);
    let bad: Vec<_> = ran.json_lines().into_iter().filter(|line| line["state"] == "bad").collect();
    assert!(bad.is_empty(), "{bad:?}");
    ran.expect(0);
}
