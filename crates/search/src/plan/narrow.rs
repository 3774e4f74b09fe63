//! Clauses on members that have no terms of their own: what they must hold is searched as words.

use cairn_event::filter::{FieldRef, Glob, Pattern, WORD_CHARS_MAX, WordPatterns, fold, words};

use super::Cover;
use crate::filter::{Filter, TermField};

/// Fields that read members which are not searched as free text.
const NOT_FREE_TEXT: &[&str] = &["before_hash", "after_hash", "created", "ingested"];

/// Integers up to 2^53 - 1 have one spelling in a stored event; this many digits are surely less.
const PLAIN_DIGITS_MAX: usize = 15;

/// A combining dot: the only character that lower-casing adds to another one, so that folded text
/// with it may fall into other words than the text it came from.
const COMBINING_DOT: char = '\u{307}';

/// Documents that have a word which matches.
pub(super) fn word_filter(word: &Pattern) -> Filter {
    match word.as_literal() {
        Some(literal) => Filter::Term(TermField::Word, fold(literal).into_owned()),
        None => Filter::Pattern(TermField::Word, word.clone()),
    }
}

/// Words that must be somewhere in the event, of a field in which they must follow each other.
pub(super) fn phrase_cover(words: &WordPatterns) -> Cover {
    Cover::wider(Filter::and(words.words().iter().map(word_filter)))
}

/// The words that a value must hold if all of it matches `pattern`.
pub(super) fn value_cover(field: &FieldRef, pattern: &Pattern) -> Cover {
    let is_searched = !NOT_FREE_TEXT.contains(&field.field.name);
    // Booleans are no words of the text.
    let may_be_boolean = pattern.matches("true") || pattern.matches("false");
    if !is_searched || may_be_boolean {
        return Cover::ANY;
    }
    let globs = pattern.folded();
    let mut found = Vec::new();
    for (at, glob) in globs.iter().enumerate() {
        let Glob::Literal(text) = glob else { continue };
        if text.contains(COMBINING_DOT) {
            continue;
        }
        // What stands before a word changes it; what follows makes it longer.
        let text = match at {
            0 => text.as_str(),
            _ => text.trim_start_matches(char::is_alphanumeric),
        };
        let is_open = at + 1 < globs.len() && text.ends_with(char::is_alphanumeric);
        let mut words: Vec<_> = words(text).collect();
        let last = if is_open { words.pop() } else { None };
        found.extend(words.into_iter().map(|w| Filter::Term(TermField::Word, w.into_owned())));
        let beginning = last.and_then(|word| Pattern::word(&format!("{word}*")));
        found.extend(beginning.map(|pattern| Filter::Pattern(TermField::Word, pattern)));
    }
    Cover::wider(Filter::and(found))
}

/// The words of a number, if it has one spelling.
pub(super) fn literal_cover(literal: &str) -> Cover {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    let is_plain = digits.len() <= PLAIN_DIGITS_MAX.min(WORD_CHARS_MAX)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (!digits.starts_with('0') || literal == "0");
    if !is_plain {
        return Cover::ANY;
    }
    Cover::wider(Filter::Term(TermField::Word, digits.to_owned()))
}
