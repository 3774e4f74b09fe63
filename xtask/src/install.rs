//! Installs what the tests need beyond the Rust toolchain, git and Debian; does nothing where it is there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::stage::{Tally, run};
use crate::suite::cargo;

/// Debian packages: Go's own implementation of the log formats, Python's venv module, and the services that
/// send to a node.
const DEBIAN: &[&str] = &[
    "golang-go",
    "golang-golang-x-mod-dev",
    "openssl",
    "postgresql-15",
    "postgresql-15-pgaudit",
    "python3",
    "python3-venv",
    "rsyslog",
    "rsyslog-openssl",
];
/// The Python packages with their versions.
const REQUIREMENTS: &str = "tests/outside/requirements.txt";
const INSTALL_MAX: Duration = Duration::from_secs(20 * 60);

/// A cargo subcommand: the name of its crate and the version that is installed where it is missing.
#[derive(Clone, Copy)]
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

/// Runs the tests.
pub(crate) const NEXTEST: CargoTool = CargoTool { name: "cargo-nextest", version: "0.9.143" };
/// Licences, bans, sources, advisories.
pub(crate) const DENY: CargoTool = CargoTool { name: "cargo-deny", version: "0.20.2" };

/// Brings everything that `cargo xtask test` calls.
pub(crate) fn everything(root: &Path) -> Result<Tally> {
    debian()?;
    python(root)?;
    cargo_tool(NEXTEST)?;
    cargo_tool(DENY)?;
    Ok(Tally::default())
}

/// Installs the Debian packages that are missing.
fn debian() -> Result<()> {
    let missing: Vec<&str> = DEBIAN.iter().copied().filter(|name| !has_package(name)).collect();
    if missing.is_empty() {
        println!("Debian packages: present");
        return Ok(());
    }
    let user = Command::new("id").arg("-u").output().context("could not run id")?;
    if user.stdout.trim_ascii() != b"0" {
        bail!("missing Debian packages; as root: apt-get install {}", missing.join(" "));
    }
    run(Command::new("apt-get").args(["update", "-q"]), INSTALL_MAX)?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["install", "-q", "-y", "--no-install-recommends"]).args(&missing);
    run(&mut install, INSTALL_MAX)?;
    Ok(())
}

fn has_package(name: &str) -> bool {
    let query = Command::new("dpkg-query").args(["-W", "-f", "${Status}", name]).output();
    query.is_ok_and(|query| query.stdout == b"install ok installed")
}

/// Creates the virtual environment, and fills it again whenever the list of packages changes.
fn python(root: &Path) -> Result<()> {
    let wanted = std::fs::read_to_string(root.join(REQUIREMENTS)).context(REQUIREMENTS)?;
    let python = venv_python()?;
    let venv = python.ancestors().nth(2).context("the interpreter lies in VENV/bin")?;
    let installed = venv.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && python.exists() {
        println!("Python packages: present");
        return Ok(());
    }
    // Debian's interpreter, whatever else stands first on the path: the packages fit its version.
    let mut create = Command::new("/usr/bin/python3");
    run(create.args(["-m", "venv", "--clear"]).arg(venv), INSTALL_MAX)?;
    let mut fill = Command::new(&python);
    fill.current_dir(root).args(["-m", "pip", "install", "-q", "--requirement", REQUIREMENTS]);
    run(&mut fill, INSTALL_MAX)?;
    std::fs::write(&installed, wanted).with_context(|| installed.display().to_string())
}

/// Installs a cargo subcommand unless one of that name answers.
pub(crate) fn cargo_tool(tool: CargoTool) -> Result<Tally> {
    let mut ask = Command::new(tool.name);
    // Cargo passes the subcommand's name as the first argument; the tools expect it.
    ask.arg(tool.name.trim_start_matches("cargo-")).arg("--version");
    let answers = ask.stdin(Stdio::null()).output();
    if let Ok(answer) = answers
        && answer.status.success()
    {
        println!("{}", String::from_utf8_lossy(&answer.stdout).lines().next().unwrap_or_default());
        return Ok(Tally::default());
    }
    // A target directory of its own: the tools share no dependency versions with the workspace.
    let build = cache_dir()?.join("tools");
    let mut install = cargo(Path::new("."));
    install.env_remove("CARGO_TARGET_DIR");
    install.args(["install", "--locked", "--quiet", tool.name, "--version", tool.version]);
    install.arg("--target-dir").arg(&build);
    run(&mut install, INSTALL_MAX)?;
    std::fs::remove_dir_all(&build).with_context(|| build.display().to_string())?;
    Ok(Tally::default())
}

/// The interpreter of the virtual environment, whether it exists yet or not.
pub(crate) fn venv_python() -> Result<PathBuf> {
    Ok(cache_dir()?.join("venv/bin/python"))
}

/// Where downloads and builds are kept between runs, by the XDG rules.
pub(crate) fn cache_dir() -> Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("cairn"))
}
