//! One look at a whole text that tells whether a rule covers anything in it, before anything is taken apart.

use std::collections::HashSet;

use regex_automata::Input;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

use super::detect::{self, Detector};
use super::rules::Rules;

/// Memory that the automaton of all rules may take.
const AUTOMATON_BYTES_MAX: usize = 64 << 20;
const CACHE_BYTES_MAX: usize = 8 << 20;

/// Bytes around a match in which a value of fixed length lies.
const AROUND_BYTES: usize = 96;
/// Bytes behind a match in which a longer one does.
const BEHIND_BYTES: usize = 4096;

/// What an expression of the screen stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A detector may find something here.
    Shape(Detector),
    /// A key, or a name on the way to a place: what is there has to be looked at.
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
    pub(super) fn new(expressions: &[(String, Sign)]) -> Result<Screen, BuildError> {
        let config = Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let patterns: Vec<&str> = expressions.iter().map(|(expression, _)| expression.as_str()).collect();
        let regex = Regex::builder().configure(config).syntax(syntax).build_many(&patterns)?;
        Ok(Screen { regex, signs: expressions.iter().map(|(_, sign)| *sign).collect() })
    }

    /// Whether a rule may cover something in this text. False is certain.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The same with what a detector may find looked at more closely: most long numbers are no cards.
    pub(super) fn confirms(&self, rules: &Rules, text: &[u8]) -> bool {
        let mut at = 0;
        let mut seen = HashSet::new();
        while let Some(found) = self.regex.search(&Input::new(text).range(at..)) {
            let is_real = match self.signs[found.pattern().as_usize()] {
                Sign::Name => true,
                Sign::Shape(detector) => {
                    let start = found.start().saturating_sub(AROUND_BYTES);
                    let behind = if detector.is_long() { BEHIND_BYTES } else { 2 * AROUND_BYTES };
                    let end = text.len().min(found.end() + behind);
                    // One look serves all signs that begin near each other: it reaches behind the last of them.
                    seen.insert((start / AROUND_BYTES, detector.is_long())) && is_found(rules, &text[start..end])
                }
            };
            if is_real {
                return true;
            }
            at = found.start() + 1;
        }
        false
    }
}

fn is_found(rules: &Rules, window: &[u8]) -> bool {
    let text = String::from_utf8_lossy(window);
    let found = detect::find(&text, |detector| rules.of_detector(detector).is_some());
    found.into_iter().any(|(range, detector)| !rules.is_exempt_in(&text, range.start, detector))
}
