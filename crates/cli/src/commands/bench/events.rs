//! Events as a company's services send them, from a seed: people and service accounts that act often or
//! seldom, resources that are touched often or seldom, requests that leave more than one event.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::random::{Random, Zipf};

/// Who acts: as many as a mid-sized company has people and service accounts.
const ACTORS: usize = 4_000;
/// What is acted upon.
const RESOURCES: usize = 60_000;
/// How strongly few actors and resources outweigh the others; 1 is the classic law.
const EXPONENT: f64 = 1.05;
/// 2026-01-12T00:00:00Z: all events lie in the days behind it, whenever the bench runs.
pub(super) const FIRST_SECOND: i64 = 1_768_176_000;
/// Time between two events, in milliseconds: a million events take a week.
const STEP_MS: i64 = 600;

const GIVEN_NAMES: [&str; 20] = [
    "Amara", "Bjorn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi", "Ines", "Jonas", "Kavita", "Liam",
    "Mara", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tomas",
];
const FAMILY_NAMES: [&str; 20] = [
    "Adeyemi",
    "Bergstrom",
    "Castillo",
    "Dvorak",
    "Eriksen",
    "Fontaine",
    "Gruber",
    "Hashimoto",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quist",
    "Rossi",
    "Schneider",
    "Tanaka",
];
const TEAMS: [&str; 8] =
    ["payments", "identity", "checkout", "platform", "search", "billing", "logistics", "analytics"];
const REGIONS: [&str; 4] = ["eu-central-1", "eu-west-1", "us-east-1", "ap-southeast-2"];
const COUNTRIES: [&str; 8] = ["DE", "SE", "FR", "US", "GB", "NL", "JP", "BR"];
const AGENTS: [&str; 10] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0",
    "terraform/1.9.8 (+https://terraform.example) provider/5.77.0",
    "kubectl/v1.31.2 (linux/amd64) kubernetes/5864a46",
    "heron-cli/3.4.1 (linux; amd64)",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "argo-controller/v3.5.11",
    "curl/8.10.1",
];

/// One kind of action: its name, operation, type of resource, and how often of 1,000 events it is.
struct Kind {
    action: &'static str,
    operation: &'static str,
    resource: &'static str,
    weight: usize,
}

const fn kind(action: &'static str, operation: &'static str, resource: &'static str, weight: usize) -> Kind {
    Kind { action, operation, resource, weight }
}

/// Mostly reads and small updates, as real trails are; the dangerous ones are rare.
const KINDS: [Kind; 18] = [
    kind("document.file.read", "read", "document", 210),
    kind("customer.record.read", "read", "customer", 150),
    kind("session.user.login", "login", "session", 110),
    kind("k8s.deployment.update", "update", "deployment", 100),
    kind("feature.flag.update", "update", "flag", 80),
    kind("customer.record.update", "update", "customer", 80),
    kind("secret.version.read", "read", "secret", 60),
    kind("invoice.document.create", "create", "invoice", 50),
    kind("ci.pipeline.execute", "execute", "pipeline", 40),
    kind("storage.object.delete", "delete", "object", 30),
    kind("session.user.logout", "logout", "session", 25),
    kind("iam.role.update", "update", "role", 20),
    kind("service.release.deploy", "deploy", "service", 15),
    kind("iam.member.grant", "grant", "role", 10),
    kind("report.table.export", "export", "table", 8),
    kind("iam.member.revoke", "revoke", "role", 6),
    kind("change.request.approve", "approve", "change", 5),
    kind("iam.user.delete", "delete", "user", 1),
];

const REASONS: [&str; 5] = [
    "token expired before the request was authorised",
    "policy requires a second factor for this resource",
    "quota of the project is exhausted",
    "resource is locked by another change request",
    "upstream did not answer within the deadline",
];

/// What several events of one request have in common.
#[derive(Debug, Clone)]
struct Request {
    actor: usize,
    id: u64,
    trace: [u64; 2],
}

/// Makes events one after the other.
pub(super) struct Generator {
    random: Random,
    actors: Zipf,
    resources: Zipf,
    agents: Zipf,
    kinds: Vec<usize>,
    request: Request,
    made: i64,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Generator {
        let mut random = Random::new(seed);
        let kinds = KINDS.iter().enumerate().flat_map(|(at, kind)| std::iter::repeat_n(at, kind.weight)).collect();
        let request = Request { actor: 0, id: random.next(), trace: [random.next(), random.next()] };
        Generator {
            random,
            actors: Zipf::new(ACTORS, EXPONENT),
            resources: Zipf::new(RESOURCES, EXPONENT),
            agents: Zipf::new(AGENTS.len(), EXPONENT),
            kinds,
            request,
            made: 0,
        }
    }

    /// Appends the next event, one line with its line feed.
    pub(super) fn write(&mut self, line: &mut String) {
        let random = &mut self.random;
        // A request leaves 1.7 events on average.
        if self.made == 0 || random.chance(60) {
            let actor = self.actors.draw(random);
            self.request = Request { actor, id: random.next(), trace: [random.next(), random.next()] };
        }
        let kind = &KINDS[*random.of(&self.kinds)];
        let resource = self.resources.draw(random);
        let agent = AGENTS[self.agents.draw(random)];
        let time = time_text(self.made, random.below(600_000));
        self.made += 1;
        let Request { actor, id, trace } = &self.request;
        let written = write_event(line, random, &Drawn { kind, resource, agent, time, actor: *actor, id: *id, trace });
        written.expect("writing to a String can't fail");
    }
}

struct Drawn<'d> {
    kind: &'static Kind,
    resource: usize,
    agent: &'static str,
    time: String,
    actor: usize,
    id: u64,
    trace: &'d [u64; 2],
}

fn write_event(line: &mut String, random: &mut Random, drawn: &Drawn<'_>) -> std::fmt::Result {
    let Drawn { kind, resource, agent, time, actor, id, trace } = drawn;
    let team = TEAMS[resource % TEAMS.len()];
    let session = (*actor as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (random.next() & 3);
    write!(line, r#"{{"time":"{time}","actor":"#)?;
    write_actor(line, *actor)?;
    write!(line, r#","action":"{}","operation":"{}""#, kind.action, kind.operation)?;
    let res = resource_id(kind.resource, *resource);
    write!(
        line,
        r#","resource":{{"type":"{}","id":"{res}","name":"{team} {} {}""#,
        kind.resource,
        kind.resource,
        resource % 997
    )?;
    write!(line, r#","namespace":"{team}"}}"#)?;
    match random.below(100) {
        0..94 => write!(line, r#","outcome":"success""#)?,
        94..97 => write!(line, r#","outcome":"denied","outcome_reason":"{}""#, random.of(&REASONS[..2]))?,
        _ => write!(line, r#","outcome":"failure","outcome_reason":"{}""#, random.of(&REASONS[2..]))?,
    }
    write!(line, r#","request_id":"req-{id:016x}","trace_id":"{:016x}{:016x}""#, trace[0] | 1, trace[1])?;
    write!(line, r#","span_id":"{:016x}","session_id":"s-{session:016x}""#, random.next() | 1)?;
    write!(line, r#","origin":{{"ips":["{}","10.0.{}.{}"]"#, address(*actor), random.below(4), random.below(256))?;
    write!(
        line,
        r#","user_agent":"{agent}","endpoint":"/v2/{}s/{res}","country":"{}"}}"#,
        kind.resource,
        COUNTRIES[actor % 8]
    )?;
    let environment = *random.of(&["production", "production", "production", "staging", "development"]);
    write!(line, r#","environment":"{environment}","region":"{}","service":"{team}-api""#, random.of(&REGIONS))?;
    if matches!(kind.operation, "update" | "grant" | "revoke") {
        write_states(line, random, kind.resource)?;
    }
    let ticket = random.below(9_000) + 1_000;
    let build = random.below(400);
    let took = random.below(90_000);
    writeln!(line, r#","metadata":{{"ticket":"OPS-{ticket}","build":"2026.1.{build}","took_us":{took}}}}}"#)
}

fn write_actor(line: &mut String, actor: usize) -> std::fmt::Result {
    let id = actor_id(actor);
    if is_service(actor) {
        let team = TEAMS[actor % TEAMS.len()];
        return write!(
            line,
            r#"{{"id":"{id}","type":"service","name":"{team} worker {actor}","auth":{{"method":"mtls","mfa":false}},"via":"api"}}"#
        );
    }
    let (given, family) = (GIVEN_NAMES[actor % 20], FAMILY_NAMES[actor / 20 % 20]);
    let (mail_given, mail_family) = (given.to_lowercase(), family.to_lowercase());
    write!(
        line,
        r#"{{"id":"{id}","type":"user","name":"{given} {family}","email":"{mail_given}.{mail_family}{actor}@heron.example","auth":{{"method":"oidc","mfa":true}},"via":"ui"}}"#
    )
}

/// A state of a few members of which one or two change.
fn write_states(line: &mut String, random: &mut Random, resource: &str) -> std::fmt::Result {
    let (before, after) = (random.below(20) + 1, random.below(20) + 1);
    let roles = ["viewer", "editor", "operator", "admin"];
    let (role, next) = (*random.of(&roles), *random.of(&roles));
    let version = random.below(5_000);
    write!(line, r#","before":{{"kind":"{resource}","replicas":{before},"role":"{role}","version":{version}}}"#)?;
    write!(line, r#","after":{{"kind":"{resource}","replicas":{after},"role":"{next}","version":{}}}"#, version + 1)
}

/// Every fifth actor is a service account.
fn is_service(actor: usize) -> bool {
    actor % 5 == 3
}

/// Id of the actor of a rank; rank 0 acts most often.
pub(super) fn actor_id(actor: usize) -> String {
    if is_service(actor) { format!("svc-{}-{actor:04}", TEAMS[actor % TEAMS.len()]) } else { format!("u-{actor:05}") }
}

/// Draws an actor for a question: each of the more active ones is as likely as the next.
pub(super) fn draw_actor(random: &mut Random) -> usize {
    random.below(ACTORS / 10)
}

/// Id of the resource of a rank, which each type has.
pub(super) fn resource_id(kind: &str, resource: usize) -> String {
    format!("{kind}-{resource:06}")
}

/// The address that an actor comes from.
pub(super) fn address(actor: usize) -> String {
    format!("198.{}.{}.{}", 18 + actor % 2, actor / 2 % 256, actor * 7 % 254 + 1)
}

/// When the event with this number happened, with microseconds.
fn time_text(number: i64, jitter_us: usize) -> String {
    let micros = i64::try_from(jitter_us).expect("below a second");
    let micros = FIRST_SECOND * 1_000_000 + number * STEP_MS * 1_000 + micros;
    let time = jiff::Timestamp::from_microsecond(micros).expect("a few years from now at most");
    format!("{time:.6}")
}

/// Generated events in a file, one a line: what is sent, what is compressed for comparison, and what the
/// peer gets. The load generator reads it from the page cache instead of holding it in memory.
pub(super) struct EventFile {
    file: File,
    /// Where each line begins, and the end of the last.
    starts: Vec<u64>,
}

impl EventFile {
    /// Generates a file.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn make(path: &Path, seed: u64, events: usize) -> io::Result<EventFile> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut writer = BufWriter::with_capacity(1 << 20, &file);
        let (mut generator, mut line) = (Generator::new(seed), String::new());
        let (mut starts, mut end) = (Vec::with_capacity(events + 1), 0);
        starts.push(end);
        for _ in 0..events {
            line.clear();
            generator.write(&mut line);
            writer.write_all(line.as_bytes())?;
            end += line.len() as u64;
            starts.push(end);
        }
        writer.flush()?;
        drop(writer);
        Ok(EventFile { file, starts })
    }

    pub(super) fn events(&self) -> usize {
        self.starts.len() - 1
    }

    /// Bytes of all lines.
    pub(super) fn bytes(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Bytes of some lines.
    pub(super) fn bytes_of(&self, events: &Range<usize>) -> usize {
        usize::try_from(self.starts[events.end] - self.starts[events.start]).expect("a batch fits in memory")
    }

    /// Appends some lines to a buffer.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn read(&self, events: &Range<usize>, into: &mut Vec<u8>) -> io::Result<()> {
        let begin = into.len();
        into.resize(begin + self.bytes_of(events), 0);
        self.file.read_exact_at(&mut into[begin..], self.starts[events.start])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Json;

    #[test]
    fn the_same_seed_gives_the_same_events_of_about_850_bytes() {
        let make = |seed| {
            let (mut generator, mut text) = (Generator::new(seed), String::new());
            (0..5_000).for_each(|_| generator.write(&mut text));
            text
        };
        let text = make(1);
        assert_eq!(text, make(1));
        assert_ne!(text, make(2));
        assert_eq!(text.lines().count(), 5_000);
        let mean = text.len() / 5_000;
        assert!((800..900).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn every_event_is_one_that_the_contract_allows() {
        let (mut generator, mut line) = (Generator::new(3), String::new());
        for _ in 0..2_000 {
            line.clear();
            generator.write(&mut line);
            let json = Json::parse(line.as_bytes()).expect("JSON");
            let draft = cairn_event::Draft::from_json(json);
            assert!(draft.is_ok(), "{line}: {draft:?}");
        }
    }

    #[test]
    fn a_file_gives_back_the_lines_that_were_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = EventFile::make(&folder.path().join("events"), 5, 10).expect("made");
        let (mut generator, mut text) = (Generator::new(5), String::new());
        (0..10).for_each(|_| generator.write(&mut text));
        let mut read = Vec::new();
        file.read(&(0..4), &mut read).expect("read");
        file.read(&(4..10), &mut read).expect("read");
        assert_eq!((file.events(), file.bytes()), (10, text.len() as u64));
        assert_eq!(read, text.as_bytes());
    }
}
