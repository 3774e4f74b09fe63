//! Finding what the rules cover inside running text: secrets beside their names, and values known by their shape.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::detect::{self, Detector};
use super::rules::{Covering, Rules};

/// The forms in which a value stands beside its key. A key is looked for first, and the value only if a rule covers it:
/// so no text makes every key read all that is behind it.
struct Form {
    /// Up to where the value begins; the first group is the key.
    key: Regex,
    /// The value, from there on.
    value: Regex,
}

static FORMS: LazyLock<[Form; 3]> = LazyLock::new(|| {
    let form = |key: &str, value: &str| Form { key: constant(key), value: constant(&format!("^(?:{value})")) };
    [
        // `key=value`, `key: value`, `"key": "value"`, with the backslashes of JSON inside JSON. The word before a credential
        // of HTTP belongs to it.
        form(
            r#"([A-Za-z][A-Za-z0-9_.-]{0,60})[\\"']{0,4}\s{0,4}[=:]\s{0,4}"#,
            r#"\\{0,3}"((?:[^"\\]|\\[^"])*)|'([^']*)|((?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s,;&"'\\}\])]+)"#,
        ),
        // `--key value` of a command line.
        form(r"--([A-Za-z][A-Za-z0-9_-]{0,60})\s{1,8}", r#"["']([^"']*)|([^\s"'-][^\s"']*)"#),
        // `PASSWORD 'value'`, `IDENTIFIED BY 'value'` of a statement in SQL.
        form(r"\b([A-Za-z_]{1,61}(?i:\s{1,8}by)?)\s{1,8}[EeNn]?'", r"((?:[^']|'')*)"),
    ]
});

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
    let mut found = Findings::default();
    if rules.has_keys() {
        for form in FORMS.iter() {
            beside_keys(rules, text, form, &mut found);
        }
    }
    let is_wanted = |detector: Detector| rules.of_detector(detector).is_some() && !exempt.contains(&detector);
    for (range, detector) in detect::find(text, is_wanted) {
        if rules.is_exempt_in(text, range.start, detector) {
            continue;
        }
        let treatment = rules.of_detector(detector).expect("only wanted ones are found");
        found.add(Found { range, covering: Covering { name: detector.as_str(), treatment }, is_named: false });
    }
    found.0.into_values().collect()
}

/// Goes on behind each key and not behind its value, unless that is covered: in `error: password: x` the value of `error` is
/// no value.
fn beside_keys<'r>(rules: &'r Rules, text: &str, form: &Form, found: &mut Findings<'r>) {
    let mut at = 0;
    while let Some(captures) = form.key.captures_at(text, at) {
        let (whole, key) = (captures.get_match(), captures.get(1).expect("the first group is the key"));
        at = key.end();
        // A part of a longer name, as in `arn:aws:secretsmanager:eu-west-1:1:secret:name`, is no key.
        let Some(covering) = rules.of_key(key.as_str()).filter(|_| !text[..key.start()].ends_with(':')) else {
            continue;
        };
        let behind = form.value.captures(&text[whole.end()..]);
        let value = behind.as_ref().and_then(|captures| captures.iter().skip(1).flatten().next());
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let range = whole.end() + value.start()..whole.end() + value.end();
            at = range.end;
            found.add(Found { range, covering, is_named: true });
        }
    }
}

/// What was found, without overlap: the first one has the place.
#[derive(Default)]
struct Findings<'r>(BTreeMap<usize, Found<'r>>);

impl<'r> Findings<'r> {
    fn add(&mut self, new: Found<'r>) {
        if is_free(&self.0, &new.range, |found| found.range.end) {
            self.0.insert(new.range.start, new);
        }
    }
}

/// Whether nothing in a map by beginning overlaps a range.
pub(super) fn is_free<T>(taken: &BTreeMap<usize, T>, range: &Range<usize>, end: impl Fn(&T) -> usize) -> bool {
    !range.is_empty() && taken.range(..range.end).next_back().is_none_or(|(_, last)| end(last) <= range.start)
}
