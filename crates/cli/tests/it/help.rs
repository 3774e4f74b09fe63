//! What needs no server: help, settings, completions, exit codes of usage errors.

use super::support::{cairn, run};

#[test]
fn the_help_fits_on_a_screen_and_every_command_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["-h"]).expect(0);
    assert!(help.out.lines().count() <= 45, "{}", help.out);
    let mut commands = help.out.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<&str> = commands
        .by_ref()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"ingest") && names.contains(&"verify"), "{names:?}");
    for name in names.iter().filter(|name| **name != "help") {
        run(folder.path(), &[name, "--help"]).expect(0);
    }
}

#[test]
fn a_line_that_is_not_understood_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for line in [&["nonsense"][..], &["search", "--limit", "many"], &["timeline"], &["ingest"], &["send", "a.b"]] {
        run(folder.path(), line).expect(2);
    }
    run(folder.path(), &["ingest", "--source", "nonsense", "x"]).expect(2);
    let ran = run(folder.path(), &["send", "doc.delete", "--actor", "you", "--res", "42"]).expect(2);
    assert!(ran.err.contains("TYPE:ID"), "{}", ran.err);
}

#[test]
fn no_server_is_exit_code_8_and_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = run(folder.path(), &["search", "x", "--server", &format!("http://127.0.0.1:{port}")]).expect(8);
    assert!(ran.err.contains("cairn dev") && ran.out.is_empty(), "{ran:?}");
}

#[test]
fn settings_are_explained_with_their_origin() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cairn.toml"), "tenant = \"acme\"\n\n[store]\nseal_events = 10\n").unwrap();
    let output = cairn(folder.path()).args(["config", "check", "--json"]).env("CAIRN_TRAIL", "prod").output().unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |name: &str| lines.iter().find(|line| line["setting"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(
        (line("tenant")["value"].as_str(), line("tenant")["origin"].as_str()),
        (Some("acme"), Some("cairn.toml:1"))
    );
    assert_eq!(line("trail")["origin"], "environment CAIRN_TRAIL");
    assert_eq!(line("store.seal_events")["origin"], "cairn.toml:4");
    assert_eq!(line("data")["origin"], "default");

    std::fs::write(folder.path().join("cairn.toml"), "tennant = \"acme\"\n").unwrap();
    let ran = run(folder.path(), &["config", "check"]).expect(2);
    assert!(ran.err.contains("did you mean tenant?"), "{}", ran.err);
}

#[test]
fn completions_come_for_each_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = run(folder.path(), &["completions", shell]).expect(0);
        assert!(ran.out.contains("ingest"), "{shell}");
    }
}

#[test]
fn the_kinds_of_sources_are_listed_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["source", "list"]).expect(0);
    assert!(ran.out.starts_with("kind\twhat\troute\n"), "{}", ran.out);
    assert!(ran.out.contains("kubernetes\tKubernetes audit\t/v1/sources/kubernetes/NAME\n"), "{}", ran.out);
    let ran = run(folder.path(), &["source", "list", "--json=kind"]).expect(0);
    assert!(ran.json_lines().iter().any(|line| line["kind"] == "cloudtrail"));
}

#[test]
fn the_doctor_says_what_to_do_about_a_taken_port() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = cairn(folder.path())
        .args(["doctor", "--json"])
        .env("CAIRN_HTTP_LISTEN", taken.local_addr().unwrap().to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let port: serde_json::Value =
        text.lines().find(|line| line.contains("\"port\"")).map(|line| serde_json::from_str(line).unwrap()).unwrap();
    assert_eq!(port["state"], "bad");
    assert!(port["next"].as_str().unwrap().contains("--listen"), "{port}");
}
