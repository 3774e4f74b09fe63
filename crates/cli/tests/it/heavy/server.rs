//! `cairn serve` on a data directory, made to be killed.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{JoinHandle, spawn};

use cairn_api::{Client, Retry};
use cairn_ledger::VerifierKey;
use serde_json::Value;

use super::super::support::cairn;

const SIGKILL: i32 = 9;

/// The host part of the origins of its logs.
const HOST: &str = "kill.example";

/// A folder of its own, that stays when a test fails: then it is the evidence.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("data, logs and intents are kept in {}", self.path().display());
        }
    }
}

/// A `cairn serve` under way.
pub(super) struct Server {
    child: Child,
    ready: Receiver<String>,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Server {
    /// Starts it with these settings, given as environment variables. It may not be ready yet.
    pub(super) fn spawn(folder: &Path, settings: &[(&str, u64)]) -> Server {
        let mut command = cairn(folder);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("CAIRN_LOG_FORMAT", "json")
            .env("CAIRN_STORE_HOST", HOST)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (name, value) in settings {
            command.env(name, value.to_string());
        }
        let mut child = command.spawn().expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, ready) = channel();
        let kept = folder.join("server.log");
        Server { child, ready, log: Some(spawn(move || follow_log(lines, &kept, &sender))) }
    }

    /// Waits until it takes events; gives its address.
    pub(super) fn ready(&mut self) -> String {
        match self.ready.recv() {
            Ok(url) => url,
            Err(_) => panic!("it did not start, {}", self.child.wait().unwrap()),
        }
    }

    /// Whether it has said that it takes events.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.try_recv().is_ok()
    }

    /// SIGTERM: it is to finish what it has taken.
    pub(super) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL, as a power cut of the process.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        // After a SIGTERM it may have been quicker.
        assert!(status.signal() == Some(SIGKILL) || status.success(), "it ended by itself, {status}");
        self.without_complaint();
    }

    /// Waits until it ends by itself, as it must after [`Server::terminate`].
    pub(super) fn ended(mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "a stop that was asked for, {status}");
        self.without_complaint();
    }

    fn without_complaint(&mut self) {
        let complaints = self.log.take().expect("it ends once").join().expect("the log is read to its end");
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves no server behind; one that ended has none to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the log beside the data, says when the server is ready, and collects errors and panics.
fn follow_log(lines: BufReader<ChildStderr>, kept: &Path, ready: &Sender<String>) -> Vec<String> {
    let mut file = OpenOptions::new().create(true).append(true).open(kept).unwrap();
    let mut complaints = Vec::new();
    for line in lines.lines().map_while(Result::ok) {
        writeln!(file, "{line}").unwrap();
        let Ok(entry) = serde_json::from_str::<Value>(&line) else {
            // A kill may cut a line; a panic writes lines of its own.
            if line.contains("panicked") {
                complaints.push(line);
            }
            continue;
        };
        if entry["level"] == "ERROR" {
            complaints.push(line);
        } else if entry["fields"]["message"] == "ready" {
            let url = entry["fields"]["url"].as_str().expect("an address");
            // Nobody waits for it when it is to be killed while it starts.
            let _ = ready.send(url.to_owned());
        }
    }
    complaints
}

/// A client with the credential of the directory, that tells of every answer and asks only once.
pub(super) fn client(folder: &Path, url: &str) -> Client {
    let token = std::fs::read_to_string(folder.join("cairn-data/keys/admin.token"))
        .expect("the first start leaves a credential for the owner of the directory");
    let once = Retry { attempts_max: 1, wait_ms_max: 0 };
    Client::new(url, Some(token.trim())).unwrap().with_retry(once)
}

/// What checkpoints of a trail (`tenant/trail`) must be signed with.
pub(super) fn verifier_key(folder: &Path, trail: &str) -> VerifierKey {
    let text = std::fs::read_to_string(folder.join("cairn-data/keys/log-1.vkey")).unwrap();
    let host: VerifierKey = text.trim_end().parse().unwrap();
    VerifierKey::new(&format!("{HOST}/t/{trail}"), host.key().clone()).unwrap()
}
