//! Which crate may know which: an arrow that is not listed fails.

use super::words::PURE_CRATES;
use super::{File, Finding};

/// A package of ours and those it may depend on, in the order in which an event meets them.
const ARROWS: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("ledger", &[]),
    ("sources", &["event"]),
    ("admit", &["event"]),
    ("access", &["event"]),
    ("search", &["event"]),
    ("store", &["event", "ledger"]),
    ("consumers", &["event"]),
    ("engines", &["event", "ledger", "store", "search", "consumers"]),
    ("api", &["event", "ledger"]),
    ("server", &["event", "sources", "admit", "ledger", "store", "search", "access", "consumers", "engines", "api"]),
    ("cli", &["event", "ledger", "sources", "admit", "store", "api", "server", "engines"]),
    ("sim", &["event", "ledger", "store", "engines", "server"]),
    ("xtask", &[]),
];

/// Every crate's tests may drive the memory engines with their injected faults.
const FOR_TESTS: &[&str] = &["engines"];

/// Dependencies that bring a clock, sockets, files or randomness; no pure crate has one, tests aside.
const EFFECTS: &[&str] = &[
    "tokio",
    "tokio-stream",
    "axum",
    "hyper",
    "tower",
    "ureq",
    "postgres",
    "rustix",
    "getrandom",
    "rand",
    "fjall",
    "tantivy",
    "tempfile",
    "crossbeam-channel",
    "futures-util",
];

/// Dependencies with one home in the workspace.
const HOMES: &[(&str, &[&str])] = &[
    ("ureq", &["api"]),
    ("axum", &["server"]),
    ("fjall", &["engines"]),
    ("tantivy", &["engines"]),
    ("rustix", &["engines"]),
    ("getrandom", &["engines"]),
    ("parquet", &["store"]),
    ("clap", &["cli", "sim"]),
    ("postgres", &["cli"]),
    ("anyhow", &["cli", "sim", "xtask"]),
];

/// One line under a `[...dependencies]` heading.
struct Dependency {
    name: String,
    line: usize,
    for_tests: bool,
}

/// All findings in the members' manifests.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    files.iter().filter_map(|file| member(&file.path).map(|name| check_member(name, file))).flatten().collect()
}

/// `crates/store/Cargo.toml` is `store`, `sim/Cargo.toml` is `sim`, the root's is none.
fn member(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    let name = folder.strip_prefix("crates/").unwrap_or(folder);
    (!name.contains('/')).then_some(name)
}

fn check_member(member: &str, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line, rule, message| findings.push(Finding { path: file.path.clone(), line, rule, message });
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member) else {
        add(0, "arrows", format!("no line for {member} in the list of arrows"));
        return findings;
    };
    for dependency in dependencies(&file.text) {
        let Dependency { name, line, for_tests } = dependency;
        if let Some(ours) = name.strip_prefix("cairn-") {
            // A crate's tests may name the crate itself, to turn one of its own features on.
            let in_tests = for_tests && (FOR_TESTS.contains(&ours) || ours == member);
            if !(allowed.contains(&ours) || in_tests) {
                add(line, "arrows", format!("{member} must not know {ours}"));
            }
            continue;
        }
        if for_tests {
            continue;
        }
        if PURE_CRATES.contains(&member) && EFFECTS.contains(&name.as_str()) {
            add(line, "purity", format!("{member} only computes; {name} touches the world"));
        }
        if let Some((_, homes)) = HOMES.iter().find(|(other, _)| *other == name)
            && !homes.contains(&member)
        {
            add(line, "home", format!("{name} belongs to {} alone", homes.join(", ")));
        }
    }
    findings
}

/// Reads the dependency tables of a manifest, as far as names go.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut table = None;
    for (line, text) in (1..).zip(manifest.lines().map(str::trim)) {
        if let Some(heading) = text.strip_prefix('[') {
            let heading = heading.trim_end_matches(']');
            // `[dependencies]`, `[target.'cfg(unix)'.dev-dependencies]`, `[dependencies.name]`
            table = heading.contains("dependencies").then(|| heading.contains("dev-dependencies"));
            if let (Some(for_tests), Some((_, name))) = (table, heading.split_once("dependencies.")) {
                found.push(Dependency { name: name.to_owned(), line, for_tests });
                table = None;
            }
        } else if let Some(for_tests) = table
            && !text.starts_with('#')
            && let Some((key, _)) = text.split_once('=')
        {
            let name = key.trim().split('.').next().unwrap_or_default().trim_matches('"').to_owned();
            found.push(Dependency { name, line, for_tests });
        }
    }
    found
}

/// The names of every dependency that the workspace declares, for the documentation rule.
pub(crate) fn workspace_dependencies(manifest: &str) -> Vec<String> {
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let table = format!("[dependencies]{}", table.split("\n[").next().unwrap_or_default());
    dependencies(&table).into_iter().map(|d| d.name).filter(|name| !name.starts_with("cairn-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_manifest(path: &str, text: &str, expected: &[&str]) {
        let file = File { path: path.into(), text: text.into() };
        let found: Vec<String> = check(&[file]).into_iter().map(|finding| finding.message).collect();
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn an_arrow_that_is_not_listed_is_found() {
        let store = "crates/store/Cargo.toml";
        check_manifest(store, "[dependencies]\ncairn-event.workspace = true\ncairn-ledger = { path = \"x\" }", &[]);
        check_manifest(store, "[dependencies]\ncairn-search.workspace = true", &["store must not know search"]);
        check_manifest(store, "[dependencies.cairn-api]\nworkspace = true", &["store must not know api"]);
        check_manifest(
            "crates/ledger/Cargo.toml",
            "[dependencies]\ncairn-event.workspace = true",
            &["ledger must not know event"],
        );
        check_manifest("crates/extra/Cargo.toml", "", &["no line for extra in the list of arrows"]);
    }

    #[test]
    fn engines_are_for_the_edge_and_for_tests() {
        check_manifest("crates/store/Cargo.toml", "[dev-dependencies]\ncairn-engines.workspace = true", &[]);
        check_manifest(
            "crates/search/Cargo.toml",
            "[dependencies]\ncairn-engines.workspace = true",
            &["search must not know engines"],
        );
        check_manifest("crates/server/Cargo.toml", "[dependencies]\ncairn-engines.workspace = true", &[]);
        check_manifest("sim/Cargo.toml", "[dependencies]\ncairn-engines.workspace = true", &[]);
    }

    #[test]
    fn access_is_known_to_the_server_alone() {
        for (name, allowed) in ARROWS {
            assert_eq!(allowed.contains(&"access"), *name == "server", "{name}");
        }
    }

    #[test]
    fn a_pure_crate_has_no_dependency_that_touches_the_world() {
        let admit = "crates/admit/Cargo.toml";
        check_manifest(admit, "[dependencies]\ntokio = \"1\"", &["admit only computes; tokio touches the world"]);
        check_manifest(admit, "[dev-dependencies]\ntempfile.workspace = true", &[]);
    }

    #[test]
    fn a_dependency_with_a_home_stays_there() {
        check_manifest(
            "crates/server/Cargo.toml",
            "[dependencies]\nureq.workspace = true",
            &["ureq belongs to api alone"],
        );
        check_manifest("crates/api/Cargo.toml", "[dependencies]\nureq.workspace = true\n# axum = 1", &[]);
    }

    #[test]
    fn no_arrow_points_back_up_the_line() {
        for (at, (name, allowed)) in ARROWS.iter().enumerate() {
            let known: Vec<&str> = ARROWS[..at].iter().map(|(name, _)| *name).collect();
            assert!(allowed.iter().all(|other| known.contains(other)), "{name}: {allowed:?}");
        }
    }

    #[test]
    fn the_workspace_table_is_read_to_its_end() {
        let text = "[workspace.dependencies]\ncairn-a = { path = \"a\" }\nserde = \"1\"\n\n# x\nzstd = \"0\"\n[profile.dev]\nopt-level = 1\n";
        assert_eq!(workspace_dependencies(text), ["serde", "zstd"]);
    }
}
