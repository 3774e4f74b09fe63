//! The protection policy: what its files say, and what follows from them for one text.

use std::collections::HashMap;
use std::fmt;

use cairn_event::filter::Pattern;
use cairn_event::json::unescape_segment;
use serde::Deserialize;

use super::detect::{self, Detector};
use super::screen::{Screen, Sign};

/// The rules that are in force unless a policy says otherwise.
const DEFAULTS: &str = include_str!("defaults.toml");

/// What is done with a protected value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Treatment {
    /// It stays; later rules are not asked.
    Keep,
    /// It is left out.
    Drop,
    /// `[masked]` stands in its place.
    Mask,
    /// The slot that holds it is committed to and not kept: who has the value can prove that it was this one.
    Commit,
    /// A token stands in its place, the same for the same value, which who holds the key can read.
    Tokenize,
    /// A keyed hash stands in its place, the same for the same value in one epoch.
    Hash,
}

impl Treatment {
    /// Its word in a policy.
    #[must_use]
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Treatment::Keep => "keep",
            Treatment::Drop => "drop",
            Treatment::Mask => "mask",
            Treatment::Commit => "commit",
            Treatment::Tokenize => "tokenize",
            Treatment::Hash => "hash",
        }
    }
}

/// What is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesInvalid(String);

impl fmt::Display for RulesInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RulesInvalid {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "yes")]
    defaults: bool,
    #[serde(default)]
    rule: Vec<FileRule>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    detect: Vec<String>,
    /// Actions that the rule holds for, as in queries; all if there is none.
    actions: Option<Vec<String>>,
    #[serde(rename = "do")]
    treatment: Treatment,
}

/// All rules, ready to be asked. The order in which they are asked is that of the tiers: paths, key names, detectors;
/// inside one tier the first that fits counts.
#[derive(Debug, Clone)]
pub struct Rules {
    paths: Vec<PathRule>,
    exact_keys: HashMap<String, KeyRule>,
    key_patterns: Vec<(KeyPattern, KeyRule)>,
    detectors: Vec<(Detector, Treatment)>,
    /// Keys under which a detector is not asked.
    exempt: HashMap<String, Vec<Detector>>,
    /// Matches in every text in which a rule may find something.
    screen: Option<Screen>,
}

#[derive(Debug, Clone)]
struct PathRule {
    name: String,
    /// Unescaped segments; `*` is any one.
    segments: Vec<String>,
    actions: Vec<Pattern>,
    treatment: Treatment,
}

impl PathRule {
    fn is_for(&self, action: &str) -> bool {
        self.actions.is_empty() || self.actions.iter().any(|pattern| pattern.matches(action))
    }
}

#[derive(Debug, Clone)]
struct KeyRule {
    name: String,
    treatment: Treatment,
}

/// `*word*`, `word*` or `*word`, without what spellings differ in.
#[derive(Debug, Clone)]
struct KeyPattern {
    word: String,
    is_open_before: bool,
    is_open_behind: bool,
}

/// A rule that covers a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covering<'r> {
    pub(super) name: &'r str,
    pub(super) treatment: Treatment,
}

impl Rules {
    /// The rules that are in force without a policy.
    #[must_use]
    pub fn defaults() -> Rules {
        Rules::parse(&[]).expect("the defaults are a constant that a test reads")
    }

    /// Reads the files of a policy, each with its name for messages. Their rules come before the defaults, in the order
    /// of the files, unless one of them says `defaults = false`.
    ///
    /// # Errors
    /// The first thing that is wrong, with the file and the rule.
    pub fn parse(files: &[(String, String)]) -> Result<Rules, RulesInvalid> {
        let mut rules = Rules {
            paths: Vec::new(),
            exact_keys: HashMap::new(),
            key_patterns: Vec::new(),
            detectors: Vec::new(),
            exempt: HashMap::new(),
            screen: None,
        };
        let mut with_defaults = true;
        for (name, text) in files {
            let file: File = toml::from_str(text).map_err(|error| RulesInvalid(format!("{name}: {error}")))?;
            with_defaults &= file.defaults;
            rules.add(name, file.rule)?;
        }
        if with_defaults {
            let file: File = toml::from_str(DEFAULTS).map_err(|error| RulesInvalid(format!("defaults: {error}")))?;
            rules.add("defaults", file.rule)?;
        }
        rules.screen = rules.screen()?;
        Ok(rules)
    }

    fn add(&mut self, file: &str, written: Vec<FileRule>) -> Result<(), RulesInvalid> {
        for (number, rule) in (1..).zip(written) {
            let wrong = |what: String| RulesInvalid(format!("{file}: rule {number}: {what}"));
            let detector = |word: &String| {
                let known = || Detector::ALL.map(Detector::as_str).join(", ");
                Detector::from_word(word)
                    .ok_or_else(|| wrong(format!("{word:?} is no detector; there are {}", known())))
            };
            let detectors = rule.detect.iter().map(detector).collect::<Result<Vec<_>, _>>()?;
            let is_exemption = rule.treatment == Treatment::Keep && !rule.keys.is_empty() && !detectors.is_empty();
            if is_exemption && rule.paths.is_empty() {
                for key in &rule.keys {
                    self.exempt.entry(word_of(key)).or_default().extend(&detectors);
                }
                continue;
            }
            if [&rule.paths, &rule.keys, &rule.detect].iter().filter(|list| !list.is_empty()).count() != 1 {
                return Err(wrong("want one of paths, keys and detect, and something in it".to_owned()));
            }
            if rule.actions.is_some() && rule.paths.is_empty() {
                return Err(wrong("actions go with paths alone".to_owned()));
            }
            let action = |action: &String| {
                Pattern::word(action).ok_or_else(|| wrong(format!("{action:?} names no actions; write it like iam.*")))
            };
            let actions = rule.actions.unwrap_or_default().iter().map(action).collect::<Result<Vec<_>, _>>()?;
            let treatment = rule.treatment;
            for path in rule.paths {
                let segments = segments(&path)
                    .ok_or_else(|| wrong(format!("{path:?} is no pointer; write it like /metadata/card")))?;
                self.paths.push(PathRule { name: path, segments, actions: actions.clone(), treatment });
            }
            for key in rule.keys {
                let rule = KeyRule { name: key.clone(), treatment };
                let pattern = KeyPattern::new(&key).ok_or_else(|| wrong(format!("{key:?} has no letter or digit")))?;
                if pattern.is_open_before || pattern.is_open_behind {
                    self.key_patterns.push((pattern, rule));
                } else {
                    self.exact_keys.entry(pattern.word).or_insert(rule);
                }
            }
            for detector in detectors {
                if !self.detectors.iter().any(|(known, _)| *known == detector) {
                    self.detectors.push((detector, treatment));
                }
            }
        }
        Ok(())
    }

    fn screen(&self) -> Result<Option<Screen>, RulesInvalid> {
        let mut expressions: Vec<(String, Sign)> = Vec::new();
        for (detector, treatment) in &self.detectors {
            if *treatment != Treatment::Keep {
                let expression = |shape| (detect::screen_of(shape).to_owned(), Sign::Shape(shape));
                expressions.extend(detector.shapes().map(expression));
            }
        }
        let covers = |rule: &KeyRule| rule.treatment != Treatment::Keep;
        let exact = self.exact_keys.iter().filter(|(_, rule)| covers(rule)).map(|(word, _)| spellings(word));
        let open = self.key_patterns.iter().filter(|(_, rule)| covers(rule)).map(|(key, _)| key.expression());
        let (mut exact, mut open): (Vec<_>, Vec<_>) = (exact.collect(), open.collect());
        // Their order is that of a hash table, which says nothing.
        exact.sort();
        open.sort();
        if !exact.is_empty() {
            let key = format!("(?:^|[^A-Za-z0-9])(?:{})", exact.join("|"));
            expressions.push((beside_value(&key), Sign::Name));
        }
        if !open.is_empty() {
            expressions.push((beside_value(&format!("(?:{})", open.join("|"))), Sign::Name));
        }
        if expressions.is_empty() {
            return Ok(None);
        }
        let screen = Screen::new(&expressions);
        screen.map(Some).map_err(|error| RulesInvalid(format!("these rules are too many to be asked at once: {error}")))
    }

    /// Whether a rule may find something in this text. False is certain.
    pub(super) fn may_cover(&self, text: &[u8]) -> bool {
        self.screen.as_ref().is_some_and(|screen| screen.matches(text))
    }

    /// Whether a rule finds something in this text, the text of a draft or a record as it came, or a key or name in it says
    /// that there is something to look at. False is certain.
    pub(super) fn surely_covers(&self, text: &[u8]) -> bool {
        self.screen.as_ref().is_some_and(|screen| screen.confirms(self, text))
    }

    /// Whether the text of a draft with this action may have a place that a rule names. False is certain.
    pub(super) fn may_name_a_place(&self, text: &[u8], action: &str) -> bool {
        self.paths.iter().any(|rule| {
            // The last name on the way that is known stands in the text as a key.
            let name = rule.segments.iter().rev().find(|segment| *segment != "*");
            let stands = |name: &String| memchr::memmem::find(text, format!("\"{name}\":").as_bytes()).is_some();
            rule.treatment != Treatment::Keep && rule.is_for(action) && name.is_none_or(stands)
        })
    }

    /// Detectors that are not asked about the value of a member with this key.
    pub(super) fn exempt(&self, key: &str) -> &[Detector] {
        if self.exempt.is_empty() {
            return &[];
        }
        self.exempt.get(&word_of(key)).map_or(&[], Vec::as_slice)
    }

    /// Whether a value that begins here has a key before it under which the detector is not asked.
    pub(super) fn is_exempt_in(&self, text: &str, start: usize, detector: Detector) -> bool {
        if !self.exempt.values().any(|detectors| detectors.contains(&detector)) {
            return false;
        }
        key_before(&text[..start]).is_some_and(|key| self.exempt(key).contains(&detector))
    }

    /// The path rule that covers this place, or all that is below it.
    pub(super) fn of_path(&self, segments: &[&str], action: &str) -> Option<Covering<'_>> {
        let covers = |rule: &&PathRule| {
            rule.segments.len() <= segments.len()
                && rule.segments.iter().zip(segments).all(|(wanted, found)| wanted == "*" || wanted == found)
                && rule.is_for(action)
        };
        self.paths.iter().find(covers).map(|rule| Covering { name: &rule.name, treatment: rule.treatment })
    }

    /// The rule for a member with this key.
    pub(super) fn of_key(&self, key: &str) -> Option<Covering<'_>> {
        let word = word_of(key);
        let rule = self
            .exact_keys
            .get(&word)
            .or_else(|| self.key_patterns.iter().find(|(pattern, _)| pattern.matches(&word)).map(|(_, rule)| rule))?;
        Some(Covering { name: &rule.name, treatment: rule.treatment })
    }

    /// What is done with what this detector finds.
    pub(super) fn of_detector(&self, detector: Detector) -> Option<Treatment> {
        let treatment = self.detectors.iter().find(|(known, _)| *known == detector).map(|(_, treatment)| *treatment);
        treatment.filter(|treatment| *treatment != Treatment::Keep)
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.exact_keys.is_empty() || !self.key_patterns.is_empty()
    }
}

/// The key right before a value: `key=`, `key: `, `"key": "`, with the backslashes of JSON inside JSON.
fn key_before(text: &str) -> Option<&str> {
    const QUOTES: [char; 3] = ['"', '\'', '\\'];
    let before = text.trim_end_matches(QUOTES).trim_end().strip_suffix(['=', ':'])?;
    let before = before.trim_end().trim_end_matches(QUOTES);
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let key = before.rfind(|c| !is_inside(c)).map_or(before, |at| &before[at..]).trim_start_matches(|c| !is_inside(c));
    (!key.is_empty()).then_some(key)
}

/// Unescaped segments of an RFC 6901 pointer that is not the whole event.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    Some(path.split('/').map(|segment| unescape_segment(segment).into_owned()).collect())
}

/// A key without what its spellings differ in: case, and what joins words.
fn word_of(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).flat_map(char::to_lowercase).collect()
}

impl KeyPattern {
    fn new(written: &str) -> Option<KeyPattern> {
        let word = word_of(written.trim_matches('*'));
        if !word.chars().any(char::is_alphanumeric) {
            return None;
        }
        Some(KeyPattern { word, is_open_before: written.starts_with('*'), is_open_behind: written.ends_with('*') })
    }

    /// Matches every spelling of a key that fits.
    fn expression(&self) -> String {
        let before = if self.is_open_before { "" } else { "(?:^|[^A-Za-z0-9])" };
        let behind = if self.is_open_behind { "[A-Za-z0-9_. -]*" } else { "" };
        format!("{before}{}{behind}", spellings(&self.word))
    }

    fn matches(&self, word: &str) -> bool {
        match (self.is_open_before, self.is_open_behind) {
            (true, true) => word.contains(&self.word),
            (true, false) => word.ends_with(&self.word),
            (false, true) => word.starts_with(&self.word),
            (false, false) => word == self.word,
        }
    }
}

/// A word in any spelling of a key.
fn spellings(word: &str) -> String {
    let letters: Vec<String> = word.chars().map(|c| regex::escape(c.encode_utf8(&mut [0; 4]))).collect();
    letters.join("[-_. ]?")
}

/// A key, and behind it what stands between a key and its value in the forms that [`super::text`] reads.
fn beside_value(key: &str) -> String {
    format!(r#"(?i:{key}(?:["'\\]{{0,4}}\s{{0,4}}[=:]|\s+[EN]?'))|(?i:--[A-Z0-9_-]*{key}\s)"#)
}
