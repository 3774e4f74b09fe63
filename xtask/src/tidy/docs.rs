//! Documentation that is held to the tree: what it names exists, and what exists is named.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, Finding, arrows};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const ARCHITECTURE_LINES_MAX: usize = 250;
const DEPENDENCIES: &str = "docs/dependencies.md";
const DECISIONS: &str = "docs/adr/";
/// One page.
const DECISION_LINES_MAX: usize = 60;
/// Folders whose paths are checked wherever a document names them in backticks.
const ROOTS: &[&str] = &["crates/", "docs/", "formats/", "policies/", "sim/", "tests/", "verifier/", "xtask/", ".ci/"];

/// All findings.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(architecture(files));
    findings.extend(dead_names(files));
    findings.extend(dependencies(files));
    findings.extend(decisions(files));
    findings.extend(sources(files));
    findings
}

fn text<'a>(files: &'a [File], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map_or("", |file| &file.text)
}

fn finding(path: &str, line: usize, rule: &'static str, message: String) -> Finding {
    Finding { path: path.into(), line, rule, message }
}

/// The map is short, and every crate is on it.
fn architecture(files: &[File]) -> Vec<Finding> {
    let map = text(files, ARCHITECTURE);
    let mut findings = Vec::new();
    let lines = map.lines().count();
    if lines > ARCHITECTURE_LINES_MAX {
        let message = format!("{lines} lines, at most {ARCHITECTURE_LINES_MAX}");
        findings.push(finding(ARCHITECTURE, 0, "map", message));
    }
    for file in files {
        let Some(member) = file.path.strip_suffix("/Cargo.toml") else {
            continue;
        };
        if !map.contains(&format!("`{member}`")) {
            findings.push(finding(ARCHITECTURE, 0, "map", format!("`{member}` is not on the map")));
        }
    }
    findings
}

/// Paths in backticks that no file or folder answers to.
fn dead_names(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(is_document) {
        for (number, line) in (1..).zip(file.text.lines()) {
            // Every second piece between backticks is code.
            for name in line.split('`').skip(1).step_by(2) {
                let is_path = ROOTS.iter().any(|root| name.starts_with(root))
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
                let path = name.trim_end_matches('/');
                let exists = |file: &File| {
                    file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                if is_path && !files.iter().any(exists) {
                    findings.push(finding(&file.path, number, "dead name", format!("{name} does not exist")));
                }
            }
        }
    }
    findings
}

/// Documents whose paths begin at the root; a crate's own notes speak of its folder, a decision of its day.
fn is_document(file: &&File) -> bool {
    file.path.ends_with(".md") && !file.path.starts_with("crates/") && !file.path.starts_with(DECISIONS)
}

/// Each direct dependency has a row with its reason.
fn dependencies(files: &[File]) -> Vec<Finding> {
    let table = text(files, DEPENDENCIES);
    arrows::workspace_dependencies(text(files, "Cargo.toml"))
        .into_iter()
        .filter(|name| !table.contains(&format!("| `{name}` |")))
        .map(|name| finding(DEPENDENCIES, 0, "dependency", format!("no row for `{name}`")))
        .collect()
}

/// Decisions are numbered once and fit a page.
fn decisions(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with(DECISIONS)) {
        let name = &file.path[DECISIONS.len()..];
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|b| b.is_ascii_digit()) || !name.ends_with(".md") {
            findings.push(finding(&file.path, 0, "decision", "the name must be NNNN-what.md".into()));
        } else if let Some(other) = numbers.insert(number, name) {
            findings.push(finding(&file.path, 0, "decision", format!("the number is taken by {other}")));
        }
        let lines = file.text.lines().count();
        if lines > DECISION_LINES_MAX {
            findings.push(finding(&file.path, 0, "decision", format!("{lines} lines, at most {DECISION_LINES_MAX}")));
        }
    }
    findings
}

/// Folders of the crate that hold no kind but what all kinds share.
const SHARED: [&str; 3] = ["decode", "frame", "mapping"];

/// Each source of events shows what it maps, in words and in pairs of input and output.
fn sources(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let kind = file.path.strip_prefix("crates/sources/src/").and_then(|rest| rest.split_once('/'));
        let Some((kind, _)) = kind.filter(|(kind, _)| !SHARED.contains(kind) && seen.insert(*kind)) else {
            continue;
        };
        let folder = format!("crates/sources/src/{kind}");
        let has = |wanted: &dyn Fn(&str) -> bool| {
            files.iter().any(|file| file.path.strip_prefix(&folder).is_some_and(wanted))
        };
        if !has(&|rest| rest == "/README.md") {
            findings.push(finding(&file.path, 0, "source", "no README.md says what maps where".into()));
        }
        if !has(&|rest| rest.starts_with("/golden/") && rest.contains(".in.")) {
            findings.push(finding(&file.path, 0, "source", "no golden/*.in.* shows the mapping".into()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Vec<File> {
        pairs.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() }).collect()
    }

    fn messages(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn the_map_names_every_crate_and_stays_short() {
        let tree = files(&[("ARCHITECTURE.md", "see `crates/event`\n"), ("crates/event/Cargo.toml", "")]);
        assert!(architecture(&tree).is_empty());
        let tree = files(&[("ARCHITECTURE.md", &"\n".repeat(251)), ("sim/Cargo.toml", "")]);
        assert_eq!(messages(architecture(&tree)), ["251 lines, at most 250", "`sim` is not on the map"]);
    }

    #[test]
    fn a_path_that_a_document_names_exists() {
        let tree = files(&[
            ("a.md", "`crates/event/src` `crates/gone` `crates/*/src` `other/x`\n"),
            ("crates/event/src/lib.rs", ""),
        ]);
        assert_eq!(messages(dead_names(&tree)), ["crates/gone does not exist"]);
    }

    #[test]
    fn each_dependency_has_a_row() {
        let manifest = "[workspace.dependencies]\nserde = \"1\"\nzstd = \"0\"\n";
        let tree = files(&[("Cargo.toml", manifest), ("docs/dependencies.md", "| `serde` | x |\n")]);
        assert_eq!(messages(dependencies(&tree)), ["no row for `zstd`"]);
    }

    #[test]
    fn decisions_are_numbered_once_and_fit_a_page() {
        let long = "\n".repeat(61);
        let tree = files(&[("docs/adr/0001-a.md", ""), ("docs/adr/0001-b.md", ""), ("docs/adr/c.md", &long)]);
        let expected = ["the number is taken by 0001-a.md", "the name must be NNNN-what.md", "61 lines, at most 60"];
        assert_eq!(messages(decisions(&tree)), expected);
    }

    #[test]
    fn a_source_needs_words_and_goldens() {
        let tree = files(&[("crates/sources/src/okta/mod.rs", "")]);
        assert_eq!(sources(&tree).len(), 2);
        let tree = files(&[
            ("crates/sources/src/okta/mod.rs", ""),
            ("crates/sources/src/okta/map/mod.rs", ""),
            ("crates/sources/src/okta/README.md", ""),
            ("crates/sources/src/okta/golden/login.in.json", ""),
        ]);
        assert!(sources(&tree).is_empty());
    }
}
