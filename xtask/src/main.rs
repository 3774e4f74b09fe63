//! What the project runs on itself: tests, tidy, soak.
//!
//! Plain `std` and `anyhow` only, so that `cargo xtask` starts within seconds on a fresh machine.
//! `suite.rs` holds the list of stages in the order in which they run; that is the place to append one.

mod install;
mod outside;
mod stage;
mod suite;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test       everything that must hold before a change lands; installs what it needs
  ci-fast    the inner loop: format, clippy, tidy, the tests that are not heavy
  tidy       sizes, dependency arrows, banned words, documentation rules
  outside    code that is not ours checks a running log: [--url URL --vkey KEY [--data DIR]]
  soak       the harnesses for hours instead of minutes: [NAME ...]
";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was typed; `false` means that it ran and found something wrong.
fn run() -> Result<bool> {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let root = repository_root()?;
    match command.as_str() {
        "test" => suite::test(&root),
        "ci-fast" => suite::ci_fast(&root),
        "tidy" => tidy::report(&root),
        "outside" => outside::command(&root, &rest),
        "soak" => suite::soak(&root, &rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(true)
        }
        unknown => bail!("unknown command {unknown:?}\n{USAGE}"),
    }
}

/// The folder that holds the workspace `Cargo.toml`, wherever the command was typed.
fn repository_root() -> Result<PathBuf> {
    // Cargo sets the variable for `cargo run`; the compiled-in value would name the clone in which a
    // shared target directory was last built.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("start xtask through cargo: cargo xtask COMMAND")?;
    let root = Path::new(&manifest).parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}
