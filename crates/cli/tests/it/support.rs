//! Starts the binary, talks to it, stops it. Waits are reads that end by themselves, never sleeps.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// The binary under test, with nothing of the surrounding environment that could steer it.
pub(crate) fn cairn(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairn"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CAIRN_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env_remove("CLICOLOR_FORCE").env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// What one run of the binary said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What a finished process said.
    pub(crate) fn from(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The run, if it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Stdout as one JSON value a line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }
}

/// Runs the binary in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::from(cairn(folder).args(arguments).output().expect("the binary starts"))
}

/// Runs the binary in a folder with bytes on its standard input.
pub(crate) fn run_with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = cairn(folder);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    child.stdin.take().unwrap().write_all(input).expect("it reads");
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// A data directory in a folder of its own, with `cairn dev` on it.
pub(crate) struct House {
    /// The working directory; the data is in `cairn-data` below it.
    pub(crate) folder: tempfile::TempDir,
    running: Option<Dev>,
}

/// A `cairn dev` under way.
pub(crate) struct Dev {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Its base address.
    pub(crate) url: String,
    /// What it printed when it was ready.
    pub(crate) welcome: String,
}

impl House {
    /// A new folder, and `cairn dev` ready in it.
    pub(crate) fn new() -> House {
        let mut house = House { folder: tempfile::tempdir().unwrap(), running: None };
        house.start();
        house
    }

    /// The working directory.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("cairn-data")
    }

    /// The `cairn dev` that runs.
    pub(crate) fn dev(&self) -> &Dev {
        self.running.as_ref().expect("it runs")
    }

    /// Starts `cairn dev` and waits until it is ready.
    pub(crate) fn start(&mut self) {
        self.running = Some(Dev::start(self.path()).unwrap_or_else(|ran| panic!("{ran:?}")));
    }

    /// Stops it with SIGTERM; gives its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        self.ended()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut dev = self.running.take().expect("it runs");
        dev.child.kill().unwrap();
        dev.child.wait().unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.dev().child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for it to end; gives its exit code.
    pub(crate) fn ended(&mut self) -> i32 {
        let mut dev = self.running.take().expect("it runs");
        let mut rest = String::new();
        dev.out.read_to_string(&mut rest).unwrap();
        dev.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Runs a command in the folder: it finds the server and the credential by itself.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    /// The admin token.
    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.data().join("keys/admin.token")).expect("kept").trim().to_owned()
    }

    /// Asks the server over HTTP, without the command line in between.
    pub(crate) fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.dev().url);
        let mut response =
            ureq::get(&url).header("Authorization", &format!("Bearer {}", self.token())).call().expect("answered");
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).expect("JSON")
    }

    /// Writes a file into the folder; gives its name.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path().join(name), bytes).unwrap();
        name.to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut dev) = self.running.take() {
            let _ = dev.child.kill();
            let _ = dev.child.wait();
        }
    }
}

impl Dev {
    /// Starts `cairn dev` in a folder; an error is what it said when it did not become ready.
    pub(crate) fn start(folder: &Path) -> Result<Dev, Ran> {
        let mut command = cairn(folder);
        command.args(["dev", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (mut welcome, mut url) = (String::new(), None);
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 {
            if let Some(at) = line.find("http://").filter(|_| line.trim_start().starts_with("Open")) {
                url = line[at..].split("/openapi").next().map(|url| url.trim().to_owned());
            }
            let is_last = line.trim_start().starts_with("Look");
            welcome.push_str(&line);
            line.clear();
            if is_last {
                break;
            }
        }
        match url {
            Some(url) => Ok(Dev { child, out, url, welcome }),
            None => {
                let mut output = child.wait_with_output().unwrap();
                output.stdout = welcome.into_bytes();
                Err(Ran::from(output))
            }
        }
    }
}

/// A fixture that we wrote (`tests/data`).
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name).canonicalize().expect("a fixture")
}

/// A fixture as an argument.
pub(crate) fn fixture_argument(name: &str) -> String {
    fixture(name).to_str().unwrap().to_owned()
}

/// The real corpus, if it is there. On the build machines it must be.
pub(crate) fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("CAIRN_CORPUS").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let corpus = root.join(given);
    if corpus.is_dir() {
        return Some(corpus);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true, but there is no corpus at {}", corpus.display());
    println!("skipped: no corpus");
    None
}

/// Files in a folder whose names end so, sorted.
pub(crate) fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    files
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The six counts of a summary, which must add up.
#[track_caller]
pub(crate) fn summary(ran: &Ran) -> [u64; 6] {
    let value = &ran.json_lines()[0];
    let names = ["received", "stored", "duplicate", "quarantined", "sampled", "refused"];
    let counts = names.map(|name| value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}")));
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "the counts add up: {value}");
    counts
}
