//! What no text file may hold: trailing blanks, a missing last newline, marks of unfinished work without
//! a number, paths of somebody's machine.

use super::{File, Finding};

/// Endings of the files that people write by hand. Fixtures, goldens and lock files are left alone.
const ENDINGS: &[&str] = &[".rs", ".toml", ".md", ".py", ".go", ".sh", ".txt", ".yml", ".yaml", ".ts", ".tsx", ".css"];
/// Folders of data whose bytes are the point.
const DATA: &[&str] = &["/golden/", "/fixtures/", "tests/data/", "formats/v1/", "proptest-regressions/"];

/// All findings in one file.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let by_hand = ENDINGS.iter().any(|ending| file.path.ends_with(ending)) || file.path.starts_with(".ci/");
    if !by_hand || DATA.iter().any(|folder| file.path.contains(folder)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut add = |line, rule, message: String| {
        findings.push(Finding { path: file.path.clone(), line, rule, message });
    };
    for (number, line) in (1..).zip(file.text.lines()) {
        if line.ends_with([' ', '\t', '\r']) {
            add(number, "trailing blank", "remove it".into());
        }
        for mark in unfinished_marks().iter().filter(|mark| is_open(line, mark)) {
            add(number, "unfinished", format!("{mark} needs a number: {mark}(#12)"));
        }
        for place in machine_paths().iter().filter(|place| names_machine(line, place)) {
            add(number, "machine path", format!("{place} exists on one machine only"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        add(file.text.lines().count(), "last newline", "the file must end with one".into());
    }
    findings
}

/// Built in pieces, so that this file does not find itself.
fn unfinished_marks() -> [String; 3] {
    [("TO", "DO"), ("FIX", "ME"), ("XX", "X")].map(|(a, b)| [a, b].concat())
}

/// Folders that exist on the writer's machine at best.
fn machine_paths() -> [String; 4] {
    ["root", "work", "home", "Users"].map(|folder| format!("/{folder}/"))
}

/// Whether the line holds the mark as a word of its own and no `(#number)` right after it.
fn is_open(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + mark.len()..];
        let alone =
            !before.is_some_and(char::is_alphanumeric) && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let numbered = after.strip_prefix("(#").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        alone && !numbered
    })
}

/// Whether an absolute path begins here: the part of a longer one, as in an address, is no machine's.
fn names_machine(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | '/' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let file = File { path: path.into(), text: text.into() };
        check(&file).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn blanks_at_the_end_of_a_line_and_a_missing_newline_are_found() {
        assert_eq!(rules("a.md", "one \ntwo\t\n"), ["trailing blank", "trailing blank"]);
        assert_eq!(rules("a.rs", "fn a() {}"), ["last newline"]);
        assert!(rules("a.rs", "").is_empty());
        assert!(rules("crates/a/golden/x.md", "one ").is_empty());
    }

    #[test]
    fn unfinished_work_needs_a_number() {
        let mark = &unfinished_marks()[0];
        assert_eq!(rules("a.rs", &format!("// {mark}: later\n")), ["unfinished"]);
        assert!(rules("a.rs", &format!("// {mark}(#12): later\n// {mark}S\n")).is_empty());
    }

    #[test]
    fn paths_of_a_machine_are_found_and_parts_of_addresses_are_not() {
        for place in machine_paths() {
            assert_eq!(rules("a.md", &format!("see {place}x\n")), ["machine path"]);
            assert!(rules("a.md", &format!("https://example.org{place}x\n")).is_empty());
            assert!(rules("a.json", &format!("\"{place}x\"\n")).is_empty());
        }
    }
}
