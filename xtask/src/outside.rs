//! Code that is not ours checks a log of ours: Go's `sumdb` packages over HTTP, DuckDB and pyarrow on the
//! segments, the second verifier on the whole data directory.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::install;
use crate::stage::{Service, Tally, run};
use crate::suite::{cargo, target_dir};

/// Not a multiple of a tile, above one full tile: both kinds of tile and the level above occur.
const EVENTS: u64 = 700;
/// How long the server may take to be ready, and to stop.
const SERVER_MAX: Duration = Duration::from_secs(30);
const CHECK_MAX: Duration = Duration::from_secs(120);
const BUILD_MAX: Duration = Duration::from_secs(40 * 60);
const TRAIL: &str = "default/main";
/// Where `cairn dev` keeps the credential that commands on the same machine use.
const DEV_TOKEN: &str = "keys/admin.token";

/// `cargo xtask outside`: against a log that runs already, or against one that it starts itself.
pub(crate) fn command(root: &Path, options: &[String]) -> Result<bool> {
    let python = install::venv_python()?;
    if options.is_empty() {
        install::everything(root)?;
        run(cargo(root).args(["build", "--release"]), BUILD_MAX)?;
        stage(root, &python)?;
        return Ok(true);
    }
    let mut named = Options::default();
    for pair in options.chunks(2) {
        match pair {
            [name, value] if name == "--url" => named.url = Some(value),
            [name, value] if name == "--vkey" => named.vkey = Some(value),
            [name, value] if name == "--data" => named.data = Some(value),
            _ => bail!("unknown option {:?}; there are --url URL --vkey KEY --data DIR", pair[0]),
        }
    }
    ensure!(named.url.is_some() == named.vkey.is_some(), "--url and --vkey belong together");
    install::everything(root)?;
    if let (Some(url), Some(vkey)) = (named.url, named.vkey) {
        let work = Scratch::new()?;
        let go = GoCheck::build(root, &work.path)?;
        go.check(url, vkey, std::env::var("CAIRN_TOKEN").ok().as_deref(), None)?;
    }
    if let Some(data) = named.data {
        parquet_check(root, &python, Path::new(data), 0)?;
    }
    Ok(true)
}

#[derive(Default)]
struct Options<'a> {
    url: Option<&'a str>,
    vkey: Option<&'a str>,
    data: Option<&'a str>,
}

/// Starts a node on an empty folder, fills it, and lets everybody check it: while it runs, after more
/// events, after sealing, and at rest.
// tidy: long, order is the meaning
pub(crate) fn stage(root: &Path, python: &Path) -> Result<Tally> {
    let mut passed = Tally::default();
    let mut held = |what: &str| {
        println!("outside: {what}: ok");
        passed.passed += 1;
    };
    let work = Scratch::new()?;
    let go = GoCheck::build(root, &work.path)?;
    let data = work.path.join("cairn-data");
    let node = Node::start(root, &data)?;

    node.ingest(&work.path, 0..EVENTS)?;
    let token = std::fs::read_to_string(data.join(DEV_TOKEN)).context("the token of cairn dev")?;
    let token = token.trim();
    let vkey = node.verifier_key(token)?;
    let published = std::fs::read_to_string(data.join("keys/log-1.vkey"))?;
    ensure!(
        vkey.splitn(3, '+').last() == published.trim().splitn(3, '+').last(),
        "the trail's key {vkey} is not the one in keys/log-1.vkey"
    );
    held("the key that the server names is the one in the data directory");
    let url = format!("http://{}/t/{TRAIL}", node.address);
    go.check(&url, &vkey, Some(token), None)?;
    held("Go, unsealed");

    let old = work.path.join("old-checkpoint.txt");
    std::fs::write(&old, node.get(&format!("/t/{TRAIL}/checkpoint"), Some(token))?)?;
    node.ingest(&work.path, EVENTS..2 * EVENTS)?;
    go.check(&url, &vkey, Some(token), Some(&old))?;
    held("Go, grown from an earlier checkpoint");

    node.cairn(&["seal"])?;
    go.check(&url, &vkey, Some(token), Some(&old))?;
    held("Go, sealed");
    parquet_check(root, python, &data, 2 * EVENTS)?;
    held("DuckDB and pyarrow");

    node.server.stop(SERVER_MAX)?;
    let mut verifier = Command::new(python);
    run(verifier.current_dir(root).arg("verifier/verify.py").arg(&data), CHECK_MAX)?;
    held("the second verifier, at rest");
    Ok(passed)
}

fn parquet_check(root: &Path, python: &Path, data: &Path, at_least: u64) -> Result<Tally> {
    let mut check = Command::new(python);
    // The interpreter must not leave compiled files in the work tree.
    check.current_dir(root).args(["-B", "tests/outside/parquet_check.py"]).arg(data);
    run(check.args(["--at-least", &at_least.to_string()]), CHECK_MAX)
}

/// The Go program, built once per run.
struct GoCheck {
    program: PathBuf,
}

impl GoCheck {
    fn build(root: &Path, work: &Path) -> Result<Self> {
        let program = work.join("check-log");
        let mut build = Command::new("go");
        // Debian's packages lie in a GOPATH; no module is downloaded.
        build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
        build.current_dir(root.join("tests/outside/go")).args(["build", "-o"]).arg(&program).arg("main.go");
        run(&mut build, CHECK_MAX)?;
        Ok(Self { program })
    }

    fn check(&self, url: &str, vkey: &str, token: Option<&str>, old: Option<&Path>) -> Result<Tally> {
        let mut check = Command::new(&self.program);
        check.args(["-url", url, "-vkey", vkey]);
        if let Some(token) = token {
            check.env("CAIRN_TOKEN", token);
        }
        if let Some(old) = old {
            check.arg("-old").arg(old);
        }
        run(&mut check, CHECK_MAX)
    }
}

/// A running `cairn dev`, ended with the value.
struct Node {
    server: Service,
    program: PathBuf,
    data: PathBuf,
    address: SocketAddr,
}

impl Node {
    fn start(root: &Path, data: &Path) -> Result<Self> {
        let program = target_dir(root).join("release/cairn");
        // Free when asked; nobody else takes ports of the loopback in between on a machine under test.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(&program);
        command.args(["dev", "--listen", &address.to_string(), "--data"]).arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("could not start {}", program.display()))?;
        let mut node = Self { server: Service::new(child), program, data: data.to_path_buf(), address };
        let start = Instant::now();
        while node.get("/readyz", None).is_err() {
            ensure!(node.server.is_running(), "cairn dev ended before it was ready");
            ensure!(start.elapsed() < SERVER_MAX, "cairn dev was not ready after {SERVER_MAX:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(node)
    }

    /// One `cairn` command on the node's data directory.
    fn cairn(&self, words: &[&str]) -> Result<Tally> {
        run(Command::new(&self.program).args(words).arg("--data").arg(&self.data), CHECK_MAX)
    }

    fn ingest(&self, work: &Path, numbers: std::ops::Range<u64>) -> Result<Tally> {
        let file = work.join(format!("events-{}.ndjson", numbers.start));
        std::fs::write(&file, events(numbers))?;
        self.cairn(&["ingest", &file.to_string_lossy()])
    }

    /// The verifier key of the trail, as the server names it.
    fn verifier_key(&self, token: &str) -> Result<String> {
        let list = self.get("/v1/trails", Some(token))?;
        let trail = list.split(&format!("\"{TRAIL}\"")).nth(1).context("the server has no such trail")?;
        // Members come in any order and spacing, but a key holds no character that JSON escapes.
        let value = trail.split("\"verifier_key\"").nth(1).and_then(|rest| rest.split('"').nth(1));
        Ok(value.context("the server names no verifier key")?.to_owned())
    }

    /// The body of a successful answer.
    fn get(&self, path: &str, token: Option<&str>) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, SERVER_MAX)?;
        stream.set_read_timeout(Some(SERVER_MAX))?;
        let mut request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n", self.address);
        if let Some(token) = token {
            write!(request, "Authorization: Bearer {token}\r\n")?;
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.split(' ').nth(1) == Some("200"), "{path}: {status}");
        Ok(body.to_owned())
    }
}

/// Native events with what tends to break readers: characters beyond ASCII, large numbers, nested states.
fn events(numbers: std::ops::Range<u64>) -> String {
    let mut text = String::new();
    for n in numbers {
        let (second, minute) = (n % 60, n / 60 % 60);
        let _ = writeln!(
            text,
            "{{\"time\":\"2026-03-01T10:{minute:02}:{second:02}.5Z\",\"actor\":{{\"id\":\"user-{actor}\",\
             \"type\":\"user\",\"name\":\"Zoë \\\"{actor}\\\" \\u2028\",\"ip\":\"192.0.2.{actor}\"}},\
             \"action\":\"document.update\",\"operation\":\"update\",\"outcome\":\"success\",\
             \"resource\":{{\"type\":\"document\",\"id\":\"doc-{n}\"}},\"request_id\":\"request-{n}\",\
             \"before\":{{\"size\":{n},\"tags\":[]}},\"after\":{{\"size\":9007199254740993,\"tags\":[\"x\",null]}},\
             \"metadata\":{{\"ratio\":0.10,\"n\":{n}}}}}",
            actor = n % 250,
        );
    }
    text
}

/// A folder that goes with the value.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("cairn-outside-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_one_line_and_none_is_like_another() {
        let text = events(0..300);
        let lines: std::collections::BTreeSet<&str> = text.lines().collect();
        assert_eq!(lines.len(), 300);
        assert!(lines.iter().all(|line| line.starts_with('{') && line.ends_with('}')));
    }
}
