//! One look at a whole text that tells whether a rule covers anything in it, before anything is taken apart.

use std::borrow::Cow;

use regex_automata::Input;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

use super::detect::{self, Detector};
use super::rules::Rules;

/// Memory that the automaton of all rules may take.
const AUTOMATON_BYTES_MAX: usize = 64 << 20;
const CACHE_BYTES_MAX: usize = 8 << 20;

/// Bytes before a sign in which its value may begin, and in which the key of the value stands.
const AROUND_BYTES: usize = 256;

/// What an expression of the screen stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// There may be something of this shape here.
    Shape(usize),
    /// A key: what is there has to be looked at.
    Name,
}

/// All expressions in one automaton over bytes.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    regex: Regex,
    signs: Vec<Sign>,
}

impl Screen {
    /// # Errors
    /// If the expressions need more memory than they may take.
    pub(super) fn new(expressions: &[(String, Sign)]) -> Result<Screen, String> {
        let config = Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let patterns: Vec<&str> = expressions.iter().map(|(expression, _)| expression.as_str()).collect();
        let regex = Regex::builder().configure(config).syntax(syntax).build_many(&patterns);
        let regex = regex.map_err(|error| error.to_string())?;
        Ok(Screen { regex, signs: expressions.iter().map(|(_, sign)| *sign).collect() })
    }

    /// Whether a rule may cover something in this text. False is certain.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The same with what a detector may find looked at more closely: most long numbers are no cards.
    pub(super) fn confirms(&self, rules: &Rules, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(found) = self.regex.search(&Input::new(text).range(at..)) {
            let Sign::Shape(shape) = self.signs[found.pattern().as_usize()] else { return true };
            let Some(passed) = passed(rules, shape, text, found.start()) else { return true };
            at = found.start() + passed;
        }
        false
    }
}

/// How many bytes from a sign on hold no value: of its own shape, or of one whose values begin in the same way, since only
/// the first expression that matches at a place is told. None if there is a value.
fn passed(rules: &Rules, shape: usize, text: &[u8], at: usize) -> Option<usize> {
    let start = at.saturating_sub(AROUND_BYTES);
    let (before, behind) = (lossy(&text[start..at]), lossy(&text[at..text.len().min(at + detect::reach(shape))]));
    let is_wanted = |detector| rules.of_detector(detector).is_some();
    let (found, passed) = detect::at_sign(shape, &behind, &is_wanted);
    let is_value = |(back, detector): &(usize, Detector)| {
        // Where a value begins, its key ends.
        let ahead = format!("{before}{}", &behind[..*back]);
        !rules.is_exempt_in(&ahead, ahead.len(), *detector)
    };
    if found.iter().any(is_value) { None } else { Some(passed) }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
