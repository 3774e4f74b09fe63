//! The lists of stages: what `test`, `ci-fast` and `soak` run, in order.
//!
//! To add a check to every run, add a cargo test (nothing to do here) or append a stage to [`test`].
//! All stages compile with `--release` and with the same `RUSTFLAGS`: a second profile or another flag
//! would build every dependency again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::install;
use crate::outside;
use crate::stage::{OnFailure, Run, Tally, run};
use crate::tidy;

const MINUTE: Duration = Duration::from_secs(60);
/// A clean release build of everything on two shared cores, with room.
const BUILD_MAX: Duration = MINUTE.saturating_mul(40);
/// All tests, the fault and kill samples included.
const TESTS_MAX: Duration = MINUTE.saturating_mul(45);
const CHECK_MAX: Duration = MINUTE.saturating_mul(5);
/// One harness of the soak; each stops by itself before that.
const SOAK_MAX: Duration = MINUTE.saturating_mul(140);

/// Leaves out what takes minutes: whatever lives in a module `heavy`, and the whole-node scenarios.
const NOT_HEAVY: &str = "not (test(/(^|::)heavy::/) or package(cairn-sim))";

/// Everything that must hold before a change lands.
pub(crate) fn test(root: &Path) -> Result<bool> {
    let corpus = corpus(root)?;
    let mut run_ = Run::new();
    let python = install::venv_python()?;

    run_.stage("install", OnFailure::Stop, || install::everything(root));
    run_.stage("fmt", OnFailure::GoOn, || fmt(root));
    run_.stage("tidy", OnFailure::GoOn, || tidy::stage(root));
    run_.stage("deny", OnFailure::GoOn, || deny(root));
    run_.stage("advisories", OnFailure::GoOn, || advisories(root));
    run_.stage("clippy", OnFailure::GoOn, || clippy(root));
    run_.stage("build", OnFailure::Stop, || {
        // The same selection as the tests: another one would compile shared dependencies with other features again.
        run(cargo(root).args(["build", "--release", "--workspace", "--all-targets"]), BUILD_MAX)
    });
    // Unit, property, model and end-to-end tests, the simulator's seeds, the kill loop and the tamper
    // sweep: all are cargo tests, their CI sizes are constants beside them.
    run_.stage("tests", OnFailure::GoOn, || {
        let mut command = nextest(root, &corpus);
        // The outside readers are called from end-to-end tests too.
        command.env("CAIRN_PYTHON", &python);
        run(&mut command, TESTS_MAX)
    });
    run_.stage("doc tests", OnFailure::GoOn, || {
        let mut command = cargo(root);
        command.args(["test", "--doc", "--release", "--workspace"]);
        run(&mut command, TESTS_MAX)
    });
    run_.stage("simulator", OnFailure::GoOn, || simulator(root));
    run_.stage("planted faults", OnFailure::GoOn, || planted(root));
    run_.stage("second verifier", OnFailure::GoOn, || second_verifier(root, &python));
    run_.stage("outside checks", OnFailure::GoOn, || outside::stage(root, &python));
    run_.stage("real services", OnFailure::GoOn, || real_services(root, &python));
    // Append further stages here.

    Ok(run_.close())
}

/// Crashes, failing disks and tampering against the store, at their CI sizes.
fn simulator(root: &Path) -> Result<Tally> {
    let sim = target_dir(root).join("release/cairn-sim");
    let mut passed = run(Command::new(&sim).args(["run", "--seeds", "2000"]), TESTS_MAX)?;
    passed.add(run(Command::new(&sim).arg("tamper"), TESTS_MAX)?);
    Ok(passed)
}

/// rsyslog, exporters of OpenTelemetry, the SDK of CloudEvents, PostgreSQL and OpenBao send to a node.
fn real_services(root: &Path, python: &Path) -> Result<Tally> {
    let cairn = target_dir(root).join("release/cairn");
    // The interpreter must not leave compiled files in the work tree.
    let mut check = Command::new(python);
    check.current_dir(root).args(["-B", "tests/outside/sources.py", "--cairn"]).arg(cairn);
    run(&mut check, CHECK_MAX)
}

/// Each deliberate fault must be found, or the harness that should find it can't fail.
fn planted(root: &Path) -> Result<Tally> {
    const BUGS: [&str; 5] =
        ["ack-before-sync", "skip-dir-sync", "hash-misses-last-byte", "retry-takes-new-index", "right-edge"];
    // Its own target directory: the product must never be linked with a fault in it.
    let target = target_dir(root).join("planted");
    let build = ["build", "--release", "--package", "cairn-sim", "--features", "planted"];
    let mut passed = run(cargo(root).args(build).env("CARGO_TARGET_DIR", &target), BUILD_MAX)?;
    for bug in BUGS {
        let sim = target.join("release/cairn-sim");
        passed.add(run(Command::new(sim).args(["hunt", bug, "--seeds", "500"]), TESTS_MAX)?);
    }
    Ok(passed)
}

/// The inner loop: under five minutes on a warm target directory.
pub(crate) fn ci_fast(root: &Path) -> Result<bool> {
    let corpus = corpus(root)?;
    let mut run_ = Run::new();
    run_.stage("fmt", OnFailure::GoOn, || fmt(root));
    run_.stage("tidy", OnFailure::GoOn, || tidy::stage(root));
    run_.stage("clippy", OnFailure::GoOn, || clippy(root));
    run_.stage("nextest", OnFailure::Stop, || install::cargo_tool(install::NEXTEST));
    run_.stage("tests", OnFailure::GoOn, || {
        let mut command = nextest(root, &corpus);
        command.args(["--filterset", NOT_HEAVY]);
        run(&mut command, TESTS_MAX)
    });
    Ok(run_.close())
}

/// One harness that can run for hours: its name and the cargo arguments that start it.
struct Harness {
    name: &'static str,
    cargo: &'static [&'static str],
}

/// What `cargo xtask soak` runs; each is a longer run of a harness that also has a CI size.
const HARNESSES: &[Harness] = &[
    Harness { name: "sim", cargo: &["run", "--release", "--package", "cairn-sim", "--", "run", "--seeds", "1000000"] },
    Harness {
        name: "heavy",
        cargo: &["nextest", "run", "--release", "--workspace", "--filterset", "test(/(^|::)heavy::/)"],
    },
];

/// Runs the named harnesses, or all, with `CAIRN_SOAK=1`: the tests then take their long sizes.
pub(crate) fn soak(root: &Path, names: &[String]) -> Result<bool> {
    let known = |name: &String| HARNESSES.iter().any(|harness| harness.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = HARNESSES.iter().map(|harness| harness.name).collect();
        bail!("unknown harness {unknown:?}; there are: {}", all.join(", "));
    }
    let corpus = corpus(root)?;
    let mut run_ = Run::new();
    for harness in HARNESSES {
        if names.is_empty() || names.iter().any(|name| name == harness.name) {
            run_.stage(harness.name, OnFailure::GoOn, || {
                let mut command = cargo(root);
                command.args(harness.cargo).env("CAIRN_CORPUS", &corpus).env("CAIRN_SOAK", "1");
                run(&mut command, SOAK_MAX)
            });
        }
    }
    Ok(run_.close())
}

/// Cargo, in the repository's root, without what the running `cargo run` put into our environment.
///
/// Build scripts that watch `CARGO_MANIFEST_DIR` or `CARGO_PKG_*` would otherwise see other values than
/// under a plain `cargo build`, and everything above them would be compiled again at each change.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let set_by_cargo_run = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || matches!(&*text, "CARGO" | "CARGO_CRATE_NAME" | "CARGO_BIN_NAME" | "CARGO_PRIMARY_PACKAGE");
        if set_by_cargo_run {
            command.env_remove(&name);
        }
    }
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn fmt(root: &Path) -> Result<Tally> {
    run(cargo(root).args(["fmt", "--all", "--check"]), CHECK_MAX)
}

fn clippy(root: &Path) -> Result<Tally> {
    let mut command = cargo(root);
    command.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    run(&mut command, BUILD_MAX)
}

fn nextest(root: &Path, corpus: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["nextest", "run", "--release", "--workspace", "--no-fail-fast"]);
    command.args(["--config-file", "xtask/nextest.toml"]);
    command.env("CAIRN_CORPUS", corpus);
    command
}

/// Licences, bans and sources; needs no network.
fn deny(root: &Path) -> Result<Tally> {
    run(cargo(root).args(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]), CHECK_MAX)
}

/// Known advisories against the locked versions, where the advisory database can be had: it is a git
/// repository, and a machine that reaches package registries alone says so instead of passing silently.
fn advisories(root: &Path) -> Result<Tally> {
    let mut fetch = cargo(root);
    fetch.args(["deny", "fetch", "db"]).stdin(std::process::Stdio::null());
    let fetched = fetch.output().context("cargo deny did not start")?;
    if !fetched.status.success() {
        println!("skipped: the advisory database can't be fetched from this machine");
        return Ok(Tally::default());
    }
    run(cargo(root).args(["deny", "check", "advisories"]), CHECK_MAX)
}

/// The tests of the verifier in the other language.
fn second_verifier(root: &Path, python: &Path) -> Result<Tally> {
    let mut command = Command::new(python);
    command.current_dir(root).args(["-m", "unittest", "discover", "-s", "verifier", "-v"]);
    run(&mut command, CHECK_MAX)
}

/// The folder with the real corpora. Absent, tests on them say that they were skipped, except with
/// `CI=true`, where that would hide a missing half of the run.
fn corpus(root: &Path) -> Result<PathBuf> {
    let given = std::env::var_os("CAIRN_CORPUS").map(PathBuf::from);
    let corpus = root.join(given.unwrap_or_else(|| PathBuf::from("../shared/data")));
    if !corpus.is_dir() {
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            bail!("CI=true, but there is no corpus at {}; set CAIRN_CORPUS", corpus.display());
        }
        // The runner shows no output of tests that pass.
        println!("skipped: the tests on real corpora, since there is no {}; set CAIRN_CORPUS", corpus.display());
    }
    Ok(corpus)
}
