//! Records of real systems and of other people's tests, read in place through `CAIRN_CORPUS`.
//! The figures are those that the corpus itself states.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cairn_event::Json;
use cairn_event::Outcome;
use cairn_sources::{Delivery, Mapped, Source, Sources};

/// When everything is taken to have arrived.
const RECEIVED_AT: &str = "2025-06-01T00:00:00Z";

/// The corpus folder; `None` if this machine has none, which is an error in CI.
pub(crate) fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("CAIRN_CORPUS").map_or(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no corpus at {}", folder.display());
    println!("skipped: no corpus");
    None
}

pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the corpus has this folder");
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    files
}

/// Every record of a file, mapped by the source that the file is detected as.
fn mapped(path: &Path, kind: &str) -> Vec<Result<Mapped, String>> {
    let body = fs::read(path).expect("the corpus can be read");
    let found = Sources::builtin().detect(&body).unwrap_or_else(|| panic!("{} is not recognised", path.display()));
    assert_eq!(found.source.kind(), kind, "{}", path.display());
    map_all(&*found.source, &body)
}

pub(crate) fn map_all(source: &dyn Source, body: &[u8]) -> Vec<Result<Mapped, String>> {
    let records = source.split(body).expect("a corpus file splits");
    let delivery = Delivery::at(RECEIVED_AT.parse().expect("a time"));
    records.map(|record| source.map(&record.bytes, &delivery).map_err(|error| error.to_string())).collect()
}

fn expect_all(results: Vec<Result<Mapped, String>>, path: &Path) -> Vec<Mapped> {
    let of_file = |result: Result<Mapped, String>| result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    results.into_iter().map(of_file).collect()
}

pub(crate) fn counted<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    values.into_iter().fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}

#[test]
fn the_deliveries_of_an_attacked_account_map_with_their_stated_counts() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("aws_cloudtrail/invictus"), ".json");
    assert_eq!(files.len(), 20);
    let all: Vec<Mapped> = files.iter().flat_map(|path| expect_all(mapped(path, "cloudtrail"), path)).collect();
    assert_eq!(all.len(), 1448);
    let keys: BTreeSet<_> = all.iter().map(|mapped| mapped.natural_key.clone().expect("has an eventID")).collect();
    assert_eq!(keys.len(), 1448);

    let actors = counted(all.iter().map(|mapped| mapped.draft.actor.id.as_str()));
    assert_eq!(actors["arn:aws:iam::123837392027:user/operator-one"], 1272);
    assert_eq!(actors["arn:aws:iam::123837392027:user/operator-two"], 90);
    let roles = counted(all.iter().filter_map(|mapped| Some(mapped.draft.actor.name.as_ref()?.as_str())));
    assert_eq!(roles["operator-one"], 1272);
    assert_eq!(roles["stratus-red-team-ec2-get-password-data-role"], 29);
    assert_eq!(roles["stratus-red-team-ec2-steal-credentials-role"], 15);

    let codes = counted(all.iter().filter_map(|mapped| {
        Some(mapped.draft.metadata.as_ref()?.as_json().pointer("/error_code")?.as_str()?.to_owned())
    }));
    for (code, count) in [
        ("ThrottlingException", 62),
        ("Client.UnauthorizedOperation", 44),
        ("AccessDenied", 12),
        ("NoSuchBucketPolicy", 8),
        ("NoSuchPublicAccessBlockConfiguration", 6),
        ("TrailNotFoundException", 5),
    ] {
        assert_eq!(codes[code], count, "{code}");
    }
    let outcomes = counted(all.iter().filter_map(|mapped| mapped.draft.outcome));
    assert_eq!(outcomes[&Outcome::Denied], 44 + 12);
    assert_eq!(outcomes[&Outcome::Denied] + outcomes[&Outcome::Failure], codes.values().sum::<usize>());

    let times = || all.iter().map(|mapped| mapped.draft.time);
    assert_eq!(times().min().map(|time| time.to_string()).as_deref(), Some("2023-07-10T11:42:18Z"));
    assert_eq!(times().max().map(|time| time.to_string()).as_deref(), Some("2023-07-10T12:08:48Z"));
    let unknown = all.iter().filter(|mapped| mapped.draft.actor.id.as_str() == "unknown").count();
    assert_eq!(unknown, 0);
    assert!(all.iter().all(|mapped| mapped.draft.action.as_str().split('.').count() >= 2));
}

#[test]
fn each_attack_technique_maps_with_its_stated_count() {
    let Some(corpus) = corpus() else { return };
    let stated = [
        ("credential-access.ec2-get-password-data", 34),
        ("credential-access.ec2-steal-instance-credentials", 45),
        ("credential-access.secretsmanager-batch-retrieve-secrets", 5),
        ("credential-access.ssm-retrieve-securestring-parameters", 10),
        ("defense-evasion.organizations-leave", 3),
        ("execution.ec2-user-data", 35),
        ("execution.ssm-send-command", 56),
        ("execution.ssm-start-session", 29),
        ("impact.bedrock-invoke-model", 15),
        ("persistence.iam-create-admin-user", 3),
        ("persistence.iam-create-backdoor-role", 2),
        ("persistence.iam-create-user-login-profile", 3),
        ("persistence.rolesanywhere-create-trust-anchor", 2),
    ];
    let files = files(&corpus.join("aws_cloudtrail/stratus"), ".json");
    let mut total = 0;
    for path in &files {
        let all = expect_all(mapped(path, "cloudtrail"), path);
        let name = path.file_name().expect("a file has a name").to_string_lossy();
        let want = stated.iter().find(|(technique, _)| name.contains(technique)).map_or(1, |(_, count)| *count);
        assert_eq!(all.len(), want, "{name}");
        total += all.len();
        for mapped in &all {
            assert_source_address_survives(mapped);
        }
    }
    assert_eq!((files.len(), total), (24, 253));
}

/// The address of a record is an address of the event, or stands as text in its metadata.
fn assert_source_address_survives(mapped: &Mapped) {
    let draft = &mapped.draft;
    let raw = Json::parse(draft.raw.as_ref().expect("a foreign event has its record").as_bytes()).expect("JSON");
    let Some(source) = raw.get("sourceIPAddress").and_then(Json::as_str) else {
        return;
    };
    let as_address = draft.origin.as_ref().is_some_and(|origin| origin.ips.iter().any(|ip| ip.to_string() == source));
    let as_text = draft.metadata.as_ref().and_then(|metadata| metadata.as_json().get("source_address")?.as_str());
    assert!(as_address || as_text == Some(source), "{source}");
}

#[test]
fn records_that_a_log_shipper_rewrote_keep_their_times() {
    let Some(corpus) = corpus() else { return };
    let path = corpus.join("aws_cloudtrail/otrf/ec2_proxy_s3_exfiltration.ndjson");
    let all = expect_all(mapped(&path, "cloudtrail"), &path);
    assert_eq!(all.len(), 103);
    let attack: Vec<_> = all
        .iter()
        .filter(|mapped| {
            let name = mapped.draft.actor.name.as_ref().map_or("", |name| name.as_str());
            name.starts_with("MordorNginxStack-BankingWAFRole-")
        })
        .collect();
    assert_eq!(attack.len(), 11);
    let actions = counted(attack.iter().map(|mapped| mapped.draft.action.as_str()));
    assert_eq!(actions, BTreeMap::from([("s3.buckets.list", 2), ("s3.objects.list", 7), ("s3.object.get", 2)]));
    let first = attack.iter().map(|mapped| mapped.draft.time).min();
    assert_eq!(first.map(|time| time.to_string()[..19].to_owned()).as_deref(), Some("2020-09-14T01:00:04"));
}

#[test]
fn every_audit_event_of_a_cluster_maps_and_what_is_none_is_refused_by_name() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("kubernetes/falco"), ".json");
    assert_eq!(files.len(), 31);
    let mut refused = Vec::new();
    let mut all = Vec::new();
    for path in &files {
        for result in mapped(path, "kubernetes") {
            match result {
                Ok(mapped) => all.push(mapped),
                Err(reason) => refused.push((path.file_name().expect("has a name").to_owned(), reason)),
            }
        }
    }
    assert_eq!(refused, [("fal_01_003.json".into(), "kind: got number, want \"Event\"".to_owned())]);
    assert_eq!(all.len(), 30);
    assert!(all.iter().all(|mapped| mapped.natural_key.is_some() && mapped.draft.actor.id.as_str() != "unknown"));
}

/// Maps the objects under `event` in a file of rule tests that are of the kind. Those that have none of
/// the members `times` get the first one first: the authors of rules leave out what their rule does not
/// look at, and everything else must map all the same.
fn rule_tests(corpus: &Path, name: &str, kind: &str, times: &[&str]) -> Vec<(Json, Result<Mapped, String>)> {
    let body = fs::read(corpus.join("panther").join(name)).expect("the corpus can be read");
    let source = Sources::builtin().by_kind(kind).expect("the kind exists");
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let events = lines.map(|line| {
        let test = Json::parse(line).expect("the corpus is NDJSON");
        test.get("event").cloned().expect("every rule test has an event")
    });
    let of_kind = events.filter(|event| source.sniff(event.to_text().as_bytes()).score >= 80);
    let tested = of_kind.map(|mut event| {
        let has_time = times.iter().any(|time| event.get(time).is_some());
        if let Some(members) = event.as_object_mut().filter(|_| !has_time) {
            members.insert(times[0], "2024-05-01T09:30:00Z");
        }
        let text = event.to_text();
        let result = map_all(&*source, text.as_bytes()).pop().expect("one object is one record");
        (event, result)
    });
    tested.collect()
}

#[test]
fn hand_written_cloudtrail_events_map_without_loss() {
    let Some(corpus) = corpus() else { return };
    let tests = rule_tests(&corpus, "aws_cloudtrail.ndjson", "cloudtrail", &["eventTime", "eventtime"]);
    assert_eq!(tests.len(), 265);
    // Two events are blacked out, their times too: they are dated by their reception, and say so.
    let undated = tests.iter().filter(|(_, result)| metadata(result, "time_source").as_deref() == Some("received"));
    assert_eq!(undated.count(), 2);
    for (event, result) in &tests {
        let mapped = result.as_ref().unwrap_or_else(|reason| panic!("{reason}: {event}"));
        assert_source_address_survives(mapped);
        let arn = event.pointer("/userIdentity/arn").and_then(Json::as_str).filter(|arn| !arn.is_empty());
        assert!(arn.is_none_or(|arn| mapped.draft.actor.id.as_str() == arn), "{event}");
    }
}

/// A text in the metadata of what was mapped.
fn metadata(result: &Result<Mapped, String>, name: &str) -> Option<String> {
    let metadata = result.as_ref().ok()?.draft.metadata.as_ref()?;
    Some(metadata.as_json().get(name)?.as_str()?.to_owned())
}

#[test]
fn hand_written_kubernetes_events_map_without_loss() {
    let Some(corpus) = corpus() else { return };
    for (name, count) in [("kubernetes.ndjson", 111), ("aws_eks.ndjson", 12)] {
        let tests = rule_tests(&corpus, name, "kubernetes", &["stageTimestamp", "requestReceivedTimestamp"]);
        let (events, no_verb): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(event, _)| event.get("verb").is_some());
        assert!(
            no_verb.iter().all(|(_, result)| { result.as_ref().is_err_and(|reason| reason.starts_with("verb: ")) })
        );
        assert_eq!(events.len(), count, "{name}");
        for (event, result) in events {
            let draft = result.unwrap_or_else(|reason| panic!("{reason}: {event}")).draft;
            let user = event.pointer("/user/username").and_then(Json::as_str).unwrap_or("unknown");
            assert_eq!(draft.actor.id.as_str(), user);
            let verb = event.get("verb").and_then(Json::as_str).expect("has a verb");
            assert!(draft.action.as_str().ends_with(verb), "{event}");
        }
    }
}
