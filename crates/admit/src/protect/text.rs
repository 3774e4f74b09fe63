//! Finding what the rules cover inside running text: secrets beside their names, and values known by their shape.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::detect::{self, Detector};
use super::rules::{Covering, Rules};

/// `key=value`, `key: value`, `"key": "value"`, with the backslashes of JSON inside JSON. The word before a credential of
/// HTTP belongs to it.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    let key = r#"([A-Za-z][A-Za-z0-9_.-]{0,60})[\\"']{0,4}\s{0,4}[=:]\s{0,4}"#;
    let quoted = r#"\\{0,3}"((?:[^"\\]|\\[^"])*)|'([^']*)"#;
    let bare = r#"((?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s,;&"'\\}\])]+)"#;
    constant(&format!("{key}(?:{quoted}|{bare})"))
});

/// `--key value` of a command line.
static OPTION: LazyLock<Regex> =
    LazyLock::new(|| constant(r#"--([A-Za-z][A-Za-z0-9_-]{0,60})\s+(?:["']([^"']*)|([^\s"'-][^\s"']*))"#));

/// `PASSWORD 'value'`, `IDENTIFIED BY 'value'` of a statement in SQL.
static STATED: LazyLock<Regex> = LazyLock::new(|| constant(r"([A-Za-z_]+(?i:\s+by)?)\s+(?:[EeNn]?)'((?:[^']|'')*)'"));

fn constant(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression is a constant")
}

/// Something that a rule covers in a text.
pub(super) struct Found<'r> {
    pub(super) range: Range<usize>,
    pub(super) covering: Covering<'r>,
    /// Whether it is covered because of the name beside it: then it is so wherever it stands without.
    pub(super) is_named: bool,
}

/// All that the rules cover in a text, in order and without overlap.
///
/// Detectors that are `exempt` are not asked: the key of the text says so.
pub(super) fn find<'r>(rules: &'r Rules, text: &str, exempt: &[Detector]) -> Vec<Found<'r>> {
    if !rules.may_cover(text.as_bytes()) {
        return Vec::new();
    }
    let mut found: Vec<Found<'r>> = Vec::new();
    if rules.has_keys() {
        for expression in [&ASSIGNED, &OPTION, &STATED] {
            assigned(rules, text, expression, &mut found);
        }
    }
    let is_wanted = |detector: Detector| rules.of_detector(detector).is_some() && !exempt.contains(&detector);
    for (range, detector) in detect::find(text, is_wanted) {
        if rules.is_exempt_in(text, range.start, detector) {
            continue;
        }
        let treatment = rules.of_detector(detector).expect("only wanted ones are found");
        add(&mut found, Found { range, covering: Covering { name: detector.as_str(), treatment }, is_named: false });
    }
    found.sort_unstable_by_key(|found| found.range.start);
    found
}

/// Goes on behind each key and not behind its value: in `error: password: x` the value of `error` is no value.
fn assigned<'r>(rules: &'r Rules, text: &str, expression: &Regex, found: &mut Vec<Found<'r>>) {
    let mut at = 0;
    while let Some(captures) = expression.captures_at(text, at) {
        let key = captures.get(1).expect("the first group is the key");
        at = key.end();
        let Some(value) = captures.iter().skip(2).flatten().next().filter(|value| !value.is_empty()) else { continue };
        if let Some(covering) = rules.of_key(key.as_str()) {
            add(found, Found { range: value.range(), covering, is_named: true });
        }
    }
}

fn add<'r>(found: &mut Vec<Found<'r>>, new: Found<'r>) {
    let is_free = found.iter().all(|other| new.range.end <= other.range.start || other.range.end <= new.range.start);
    if is_free {
        found.push(new);
    }
}
