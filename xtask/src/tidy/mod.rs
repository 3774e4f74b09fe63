//! Holds the shape of the tree: sizes, dependency arrows, banned words, documentation that is true.
//!
//! Each rule is a function from texts to findings, so that it is tested without a file system; this
//! module reads the files that git knows or would add, and prints what the rules found.

mod arrows;
mod docs;
mod rust;
mod sizes;
mod text;
mod words;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::stage::Tally;
use rust::Source;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// From the repository's root, with `/`.
    path: String,
    /// From 1; 0 speaks of the whole file.
    line: usize,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// A text file of the repository.
pub(crate) struct File {
    path: String,
    text: String,
}

/// Everything that the rules look at.
struct Tree {
    files: Vec<File>,
    sources: Vec<Source>,
}

impl Tree {
    /// Reads what git tracks or would add, so that build output and ignored folders never count.
    fn read(root: &Path) -> Result<Self> {
        let mut list = Command::new("git");
        list.current_dir(root);
        list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let listed = list.output().context("could not run git")?;
        if !listed.status.success() {
            bail!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim());
        }
        let mut files = Vec::new();
        for path in listed.stdout.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
            let path = String::from_utf8(path.to_vec()).context("a file name is not UTF-8")?;
            // A tracked file may be gone from the work tree; a binary one has no lines to look at.
            let Ok(bytes) = std::fs::read(root.join(&path)) else {
                continue;
            };
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut sources: Vec<Source> = files
            .iter()
            .filter(|file| file.path.ends_with(".rs"))
            .map(|file| Source::new(&file.path, &file.text))
            .collect();
        rust::mark_test_files(&mut sources);
        Ok(Self { files, sources })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for source in &self.sources {
            findings.extend(sizes::check(source));
            findings.extend(words::check(source));
        }
        for file in &self.files {
            findings.extend(text::check(file));
        }
        findings.extend(arrows::check(&self.files));
        findings.extend(docs::check(&self.files));
        findings.sort();
        findings
    }
}

/// `cargo xtask tidy`: prints the measures and the findings; `true` if there are none.
pub(crate) fn report(root: &Path) -> Result<bool> {
    let tally = stage(root)?;
    Ok(tally.failed == 0)
}

/// The same as a stage of a longer run.
pub(crate) fn stage(root: &Path) -> Result<Tally> {
    let tree = Tree::read(root)?;
    println!("{}", sizes::summary(&tree.sources));
    let findings = tree.findings();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing found", tree.files.len());
        return Ok(Tally::ONE_PASSED);
    }
    Ok(Tally { passed: 0, failed: findings.len() as u64 })
}
