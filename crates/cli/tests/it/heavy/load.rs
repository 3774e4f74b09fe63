//! Producers: they make events up, write down what they are about to send, send it, and enter the answer.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cairn_api::{Client, ClientError, Encoding, Submit};
use cairn_ledger::VerifierKey;

use super::books::{Books, Kind, Request};
use super::readback::check_receipts;
use super::rng::Rng;

/// Name of the one Kubernetes source: all producers deliver to it, so they can meet each other's keys.
const CLUSTER: &str = "cluster-1";

/// One of those who send.
pub(super) struct Producer {
    pub(super) number: usize,
    pub(super) rng: Rng,
    pub(super) journal: Journal,
}

/// What a producer is about to send, durable before it is sent; and what it heard.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    intents: usize,
}

impl Journal {
    pub(super) fn open(folder: &Path, producer: usize) -> Journal {
        let path = folder.join(format!("intents-{producer}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        Journal { file, path, intents: 0 }
    }

    fn intend(&mut self, request: usize, facts: &[usize]) {
        self.intents += 1;
        writeln!(self.file, "intent request {request} facts {facts:?}").unwrap();
        self.file.sync_data().unwrap();
    }

    fn heard(&mut self, request: usize, what: &str) {
        writeln!(self.file, "heard request {request} {what}").unwrap();
    }

    /// Nothing was sent that is not written down.
    pub(super) fn check(&self) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let kept = text.lines().filter(|line| line.starts_with("intent ")).count();
        assert_eq!(kept, self.intents, "{}", self.path.display());
    }
}

/// Sends until the server is gone.
pub(super) fn produce(producer: &mut Producer, client: &Client, keys: &[VerifierKey; 2], books: &Mutex<Books>) {
    loop {
        let request = choose(producer, &mut books.lock().unwrap());
        if !send(producer, request, client, keys, books) {
            return;
        }
    }
}

/// Sends one request, new or not; says whether the server is still there.
pub(super) fn send(
    producer: &mut Producer,
    request: usize,
    client: &Client,
    keys: &[VerifierKey; 2],
    books: &Mutex<Books>,
) -> bool {
    let (body, submit, facts) = {
        let books = books.lock().unwrap();
        let Request { body, submit, facts, .. } = &books.requests[request];
        (Arc::clone(body), submit.clone(), facts.clone())
    };
    producer.journal.intend(request, &facts);
    let attempt = books.lock().unwrap().sending(request);
    let answer = client.submit(&body, &submit);
    match answer {
        Ok(answer) => {
            let seen = check_receipts(&answer, keys);
            producer.journal.heard(request, &format!("stored {} duplicate {}", answer.stored, answer.duplicate));
            books.lock().unwrap().answered(&attempt, &answer, seen);
            true
        }
        Err(error) => {
            producer.journal.heard(request, &error.to_string());
            match fate(&error) {
                Fate::NotTaken => books.lock().unwrap().refused(&attempt),
                Fate::Unknown => books.lock().unwrap().unanswered(&attempt),
            }
            !matches!(error, ClientError::Unreachable { .. })
        }
    }
}

enum Fate {
    NotTaken,
    Unknown,
}

/// What an answer that is no receipt says about the events.
fn fate(error: &ClientError) -> Fate {
    match error {
        ClientError::Unreachable { .. } => Fate::Unknown,
        ClientError::Problem(problem) => match (problem.status, problem.detail.as_str()) {
            // A single event that breaks a rule; too much under way; said before the body was read.
            (422 | 429, _) | (503, "the server is stopping") => Fate::NotTaken,
            (503, _) => Fate::Unknown,
            _ => panic!("{problem:?}"),
        },
        other => panic!("{other}"),
    }
}

/// An earlier request, or a new one.
fn choose(producer: &mut Producer, books: &mut Books) -> usize {
    let rng = &mut producer.rng;
    let sent = books.requests.len();
    if sent > 0 && rng.chance(20) {
        let recent = sent.min(12);
        return match rng.chance(60) {
            // The last ones, of every producer: those without an answer, and those still under way.
            true => sent - 1 - rng.place(recent),
            false => rng.place(sent),
        };
    }
    let number = producer.number;
    let (text, mut submit, facts) = match rng.between(0, 9) {
        0..=3 => single(rng, books),
        4..=7 => batch(rng, books),
        _ => kubernetes(rng, books),
    };
    submit.proof_each = rng.chance(5);
    let body = match rng.chance(15) {
        true => {
            submit.encoding = Encoding::Zstd;
            zstd::encode_all(text.as_bytes(), 1).unwrap()
        }
        false => text.into_bytes(),
    };
    books.requests.push(Request { producer: number, body: Arc::new(body), submit, facts });
    sent
}

type Made = (String, Submit, Vec<usize>);

/// One event: mostly a good one, now and then one that breaks a rule or takes the key of another.
fn single(rng: &mut Rng, books: &mut Books) -> Made {
    let (event, fact) = match rng.chance(5) {
        true => invalid(books),
        false => native(rng, books),
    };
    (event, Submit::default(), vec![fact])
}

fn batch(rng: &mut Rng, books: &mut Books) -> Made {
    let count = rng.between(5, 200);
    let (events, facts): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| match rng.chance(1) {
            true => invalid(books),
            false => native(rng, books),
        })
        .unzip();
    let mut submit = Submit { lines: rng.chance(50), ..Submit::default() };
    if rng.chance(30) {
        submit.idempotency_key = Some(format!("request-{}", books.requests.len()));
    }
    let text = match submit.lines {
        true => events.join("\n"),
        false => format!("[{}]", events.join(",")),
    };
    (text, submit, facts)
}

fn native(rng: &mut Rng, books: &mut Books) -> (String, usize) {
    // The key of an earlier event, with content that is not that event's.
    let taken = rng.chance(2).then(|| earlier_key(rng, books, "native-")).flatten();
    let key = taken.or_else(|| rng.chance(30).then(|| format!("native-{}", books.facts.len())));
    let fact = books.fact(Kind::Event, key.clone());
    let identity = match key {
        Some(key) => format!(r#""idempotency_key":"{key}","#),
        None if rng.chance(20) => format!(r#""id":"01890000-0000-7000-8000-{fact:012x}","#),
        None => String::new(),
    };
    let filler = "x".repeat(rng.between(0, 1500) as usize);
    let event = format!(
        r#"{{{identity}"time":"2025-03-04T05:06:07.{:06}Z","actor":{{"id":"user-{}","type":"user"}},"action":"thing.update","operation":"update","resource":{{"type":"thing","id":"fact-{fact}"}},"outcome":"success","before":{{"n":{fact}}},"after":{{"n":{fact},"to":"{filler}"}}}}"#,
        rng.between(0, 999_999),
        rng.between(1, 40),
    );
    (event, fact)
}

fn invalid(books: &mut Books) -> (String, usize) {
    let fact = books.fact(Kind::Invalid, None);
    let event = format!(
        r#"{{"time":"2025-03-04T05:06:07Z","action":"thing.update","resource":{{"type":"thing","id":"fact-{fact}"}}}}"#
    );
    (event, fact)
}

/// A delivery of the audit webhook, sometimes with a record that is none.
fn kubernetes(rng: &mut Rng, books: &mut Books) -> Made {
    let count = rng.between(1, 60);
    let (events, facts): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| match rng.chance(2) {
            true => unmappable(books),
            false => audit_event(rng, books),
        })
        .unzip();
    let text = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{}]}}"#,
        events.join(",")
    );
    let submit = Submit { source: Some(("kubernetes".to_owned(), CLUSTER.to_owned())), ..Submit::default() };
    (text, submit, facts)
}

fn audit_event(rng: &mut Rng, books: &mut Books) -> (String, usize) {
    let taken = rng.chance(2).then(|| earlier_key(rng, books, "audit-")).flatten();
    let key = taken.unwrap_or_else(|| format!("audit-{}", books.facts.len()));
    let fact = books.fact(Kind::Event, Some(key.clone()));
    let event = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{key}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/configmaps/fact-{fact}","verb":"update","user":{{"username":"erin"}},"sourceIPs":["10.9.8.1"],"objectRef":{{"resource":"configmaps","apiVersion":"v1","name":"fact-{fact}","namespace":"shop"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2025-03-03T10:00:00.000100Z","stageTimestamp":"2025-03-03T10:00:00.004200Z"}}"#
    );
    (event, fact)
}

/// An audit event whose verb went missing.
fn unmappable(books: &mut Books) -> (String, usize) {
    let fact = books.fact(Kind::Unmappable, None);
    let event = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"lost-{fact}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/configmaps/fact-{fact}","stageTimestamp":"2025-03-03T10:00:00.004200Z"}}"#
    );
    (event, fact)
}

fn earlier_key(rng: &mut Rng, books: &Books, prefix: &str) -> Option<String> {
    let fact = rng.place(books.facts.len().max(1));
    books.key_of(fact).filter(|key| key.starts_with(prefix)).map(str::to_owned)
}
