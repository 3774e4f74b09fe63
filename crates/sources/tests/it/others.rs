//! Records of many systems, written by their makers and by those who detect attacks in them, read in
//! place. The figures are those that the corpus states, or that its own expected outputs hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cairn_event::{Draft, Json, Outcome};
use cairn_sources::{Delivery, Mapped, Sources};

use crate::corpus::{corpus, counted, files, map_all};

/// Lines of a file that are JSON, each with what stands under `member`.
fn members(path: &Path, member: &str) -> Vec<Json> {
    let body = fs::read(path).expect("the corpus can be read");
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| Json::parse(line).expect("NDJSON").get(member).cloned()).collect()
}

/// A file or text, as the kind that it is found to be.
fn read(sources: &Sources, body: &[u8], kind: &str) -> Vec<Result<Mapped, String>> {
    let found = sources.detect(body).unwrap_or_else(|| panic!("not recognised: {}", String::from_utf8_lossy(body)));
    assert_eq!(found.source.kind(), kind, "{}", String::from_utf8_lossy(&body[..body.len().min(400)]));
    map_all(&*found.source, body)
}

fn metadata(draft: &Draft, pointer: &str) -> Option<String> {
    let value = draft.metadata.as_ref()?.as_json().pointer(pointer)?;
    Some(value.as_str().map_or_else(|| value.to_text(), str::to_owned))
}

/// Events of each source: how many there are, and how many of them are none of their source, because
/// the author left out what names the event, or tests what another tool makes of them.
const PANTHER: &[(&str, usize, usize)] = &[
    ("atlassian", 2, 0),
    ("auth0", 37, 0),
    ("aws_cloudtrail", 267, 0),
    ("aws_eks", 12, 0),
    ("aws_guardduty", 8, 0),
    ("aws_s3", 16, 1),
    ("azure_activity", 104, 0),
    ("azure_signin", 31, 0),
    ("cloudflare", 5, 0),
    ("duo", 31, 0),
    ("gcp_audit", 86, 4),
    ("gcp_k8s", 21, 2),
    ("github", 114, 1),
    ("gitlab", 3, 0),
    ("gravitational_teleport", 21, 0),
    ("gsuite_activityevent", 91, 0),
    ("gsuite_reports", 20, 0),
    ("kubernetes", 166, 5),
    ("microsoft", 23, 0),
    ("mongodb", 14, 0),
    ("notion", 22, 0),
    ("okta", 62, 26),
    ("onelogin", 18, 0),
    ("onepassword", 6, 0),
    ("osquery", 11, 0),
    ("slack", 37, 0),
    ("snowflake", 20, 0),
    ("tailscale", 6, 0),
    ("zoom_operation", 13, 0),
];

#[test]
fn events_that_detection_engineers_wrote_map_whatever_they_left_out() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    let mut wrong = Vec::new();
    for (name, count, strangers) in PANTHER {
        let events = members(&corpus.join("panther").join(format!("{name}.ndjson")), "event");
        let is_mapped = |event: &Json| {
            let text = event.to_text();
            let found = sources.detect(text.as_bytes());
            found.is_some_and(|found| map_all(&*found.source, text.as_bytes()).iter().all(Result::is_ok))
        };
        let unmapped = events.iter().filter(|event| !is_mapped(event)).count();
        if (events.len(), unmapped) != (*count, *strangers) {
            wrong.push(format!("{name}: {} events, {unmapped} not mapped", events.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_webhook_is_known_by_its_body_alone() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    for (folder, kind, count) in [("github_webhooks", "github", 79), ("gitlab_webhooks", "gitlab", 13)] {
        let files = files(&corpus.join(folder), ".json");
        assert_eq!(files.len(), count);
        for path in files {
            let name = path.file_name().expect("has a name").to_string_lossy().into_owned();
            let body = fs::read(&path).expect("the corpus can be read");
            let mapped = read(&sources, &body, kind).pop().expect("a record");
            let draft = mapped.unwrap_or_else(|error| panic!("{name}: {error}")).draft;
            let json = Json::parse(&body).expect("JSON");
            if let Some(login) = json.pointer("/sender/login").and_then(Json::as_str) {
                assert!(draft.actor.id.as_str() == login || metadata(&draft, "/sender").is_some(), "{name}");
            }
            let event = metadata(&draft, "/event");
            if kind == "github" {
                assert!(
                    event.as_deref().is_some_and(|event| name.starts_with(&format!("{event}__"))),
                    "{name}: {event:?}"
                );
            }
        }
    }
}

#[test]
fn messages_of_rfc_5424_are_told_from_those_that_break_it() {
    let Some(corpus) = corpus() else { return };
    let body = fs::read(corpus.join("syslog/rfc5424_go-syslog.ndjson")).expect("the corpus can be read");
    let source = Sources::builtin().by_kind("syslog").expect("the kind exists");
    let delivery = Delivery::at("2025-06-01T00:00:00Z".parse().expect("a time"));
    let mut valid = 0;
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let case = Json::parse(line).expect("NDJSON");
        // Cases that are no text at all are the decoder's own tests.
        let Some(input) = case.get("input").and_then(Json::as_str) else { continue };
        let draft = source.map(input.as_bytes(), &delivery).unwrap_or_else(|error| panic!("{input}: {error}")).draft;
        let is_strict =
            metadata(&draft, "/protocol").as_deref() == Some("rfc5424") && metadata(&draft, "/fault").is_none();
        let has_several_lines = input.contains('\n') && !is_strict;
        assert!(is_strict == (case.get("valid") == Some(&Json::Bool(true))) || has_several_lines, "{input}: {draft:?}");
        if is_strict {
            valid += 1;
            for (theirs, ours) in [("appname", "/app"), ("procid", "/pid"), ("msgid", "/msgid"), ("hostname", "/host")]
            {
                let want = case.get(theirs).and_then(Json::as_str).map(str::to_owned);
                assert_eq!(metadata(&draft, ours), want, "{input}");
            }
        }
    }
    assert_eq!(valid, 34);
}

#[test]
fn what_auditd_writes_in_pieces_reads_as_its_own_tools_read_it() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    let mut compared = 0;
    for path in files(&corpus.join("auditd/go-libaudit"), ".yaml") {
        let golden = path.to_string_lossy().replace(".yaml", ".json.golden");
        let golden = Json::parse(&fs::read(golden).expect("beside it")).expect("JSON");
        let tests = blocks(&fs::read_to_string(&path).expect("the corpus can be read"));
        for expected in golden.as_array().expect("a list") {
            let name = expected.get("test_name").and_then(Json::as_str).expect("a name");
            let Some(lines) = tests.get(name) else { continue };
            let mut mapped = read(&sources, lines.as_bytes(), "auditd");
            assert_eq!(mapped.len(), 1, "{name}: one event");
            let draft = mapped.remove(0).unwrap_or_else(|error| panic!("{name}: {error}")).draft;
            let said = |pointer: &str| expected.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
            assert_eq!(metadata(&draft, "/sequence"), expected.pointer("/event/sequence").map(Json::to_text), "{name}");
            let primary = said("/event/summary/actor/primary");
            let secondary = said("/event/summary/actor/secondary");
            let actor = draft.actor.id.as_str();
            assert!(actor == primary || primary == "unset" || actor == secondary, "{name}: {actor}, want {primary}");
            let failed = said("/event/result") == "fail";
            let is_failure = matches!(draft.outcome, Some(Outcome::Failure | Outcome::Denied));
            assert!(!failed || is_failure, "{name}: {:?}", draft.outcome);
            compared += 1;
        }
    }
    assert_eq!(compared, 34);
}

/// `name: |` and the indented lines under it.
fn blocks(yaml: &str) -> BTreeMap<String, String> {
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    let mut name = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        match line.trim().strip_suffix(": |") {
            Some(title) if indent == 2 => name = Some(title.trim_matches(['\'', '"']).to_owned()),
            _ if indent >= 4 => {
                let Some(name) = &name else { continue };
                let block = blocks.entry(name.clone()).or_default();
                block.push_str(line.trim());
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

#[test]
fn each_statement_that_pgaudit_logs_is_an_event() {
    let Some(corpus) = corpus() else { return };
    let body = fs::read(corpus.join("postgresql/pgaudit/pgaudit.out")).expect("the corpus can be read");
    let mapped = read(&Sources::builtin(), &body, "postgresql");
    let audited: Vec<_> =
        mapped.iter().flatten().filter(|mapped| metadata(&mapped.draft, "/audit_type").is_some()).collect();
    assert_eq!(audited.len(), 415);
    let kinds = counted(audited.iter().map(|mapped| metadata(&mapped.draft, "/audit_type").expect("has one")));
    assert_eq!(kinds.keys().map(String::as_str).collect::<Vec<_>>(), ["OBJECT", "SESSION"]);
}

#[test]
fn lines_in_common_event_format_decode_to_their_stated_values() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    let source = sources.by_kind("cef").expect("the kind exists");
    let delivery = Delivery::at("2025-06-01T00:00:00Z".parse().expect("a time"));
    let mut lines = 0;
    for file in ["cef_logstash.ndjson", "sc4s.ndjson"] {
        for input in members(&corpus.join("cef_leef").join(file), "input") {
            let line = input.as_str().expect("a line");
            let draft = source.map(line.as_bytes(), &delivery).unwrap_or_else(|error| panic!("{line}: {error}")).draft;
            for name in ["vendor", "product", "product_version", "class_id"] {
                assert!(metadata(&draft, &format!("/{name}")).is_some(), "{name} of {line}: {draft:?}");
            }
            lines += 1;
        }
    }
    assert_eq!(lines, 42);
}

#[test]
fn the_small_collections_map_to_their_stated_counts() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    let all = |path: &str, kind: &str| {
        let mapped = read(&sources, &fs::read(corpus.join(path)).expect("the corpus can be read"), kind);
        mapped.into_iter().map(|one| one.unwrap_or_else(|error| panic!("{path}: {error}"))).collect::<Vec<_>>()
    };
    let otlp = all("otlp/logs.json", "otlp");
    assert_eq!(otlp.len(), 1);
    assert_eq!(
        otlp[0].draft.trace_id.as_ref().map(cairn_event::TraceId::as_str),
        Some("5b8efff798038103d269b633813fc60c")
    );
    assert_eq!(all("plaso/gcp_logging.jsonl", "gcp").len(), 11);
    assert_eq!(all("plaso/aws_cloudtrail.jsonl", "cloudtrail").len(), 6);
    assert_eq!(all("plaso/azure_activity_log.jsonl", "azure").len(), 4);
    let rfc5424 = all("plaso/syslog_syslog_rsyslog_SyslogProtocol23Format", "syslog");
    assert!(rfc5424.iter().all(|mapped| metadata(&mapped.draft, "/protocol").as_deref() == Some("rfc5424")));
    for (path, kind, member, count) in [
        ("cloudevents/spec_examples.ndjson", "cloudevents", "event", 12),
        ("cdc/debezium.ndjson", "debezium", "event", 6),
        ("vault/openbao.ndjson", "vault", "event", 1),
    ] {
        let events = members(&corpus.join(path), member);
        assert_eq!(events.len(), count, "{path}");
        for event in events {
            let mapped = read(&sources, event.to_text().as_bytes(), kind);
            assert!(mapped.iter().all(Result::is_ok), "{path}: {mapped:?}");
        }
    }
}

#[test]
fn sudo_says_the_same_in_each_of_its_forms() {
    let Some(corpus) = corpus() else { return };
    let sources = Sources::builtin();
    let folder = corpus.join("sudo");
    for path in files(&folder, ".json") {
        let body = fs::read(&path).expect("the corpus can be read");
        let draft = read(&sources, &body, "sudo").pop().expect("a record").expect("maps").draft;
        let legacy = path.to_string_lossy().replace("log_json__", "log_legacy__").replace(".json", ".log");
        let Ok(legacy) = fs::read_to_string(legacy) else { continue };
        // `time:user:runas:...`, working directory, command: some pairs are of different days.
        let fields: Vec<&str> = legacy.lines().next().expect("a line").split(':').collect();
        if fields[0] == draft.time.as_second().to_string() {
            assert_eq!(draft.actor.id.as_str(), fields[1]);
        }
    }
    let body = fs::read(folder.join("eventlog_store__test1.json.in")).expect("the corpus can be read");
    let draft = read(&sources, &body, "sudo").pop().expect("a record").expect("maps").draft;
    let line = fs::read_to_string(folder.join("eventlog_store__test1.sudo.out.ok")).expect("beside it");
    assert!(line.contains("USER=root") && line.contains("COMMAND=/usr/bin/ci -u aliases"));
    assert_eq!(draft.actor.id.as_str(), "millert");
    assert_eq!(draft.actor.on_behalf_of.as_ref().map(|other| other.id.as_str().to_owned()).as_deref(), Some("root"));
    assert!(draft.resource.id.as_str().starts_with("/usr/bin/ci"), "{}", draft.resource.id.as_str());
}
