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
        None => Filter::Pattern {
            field: TermField::Word,
            prefix: String::new(),
            pattern: word.clone(),
        },
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
    let may_be_boolean =
        pattern.as_literal().is_some_and(|text| matches!(&*fold(text), "true" | "false"));
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
        let (before, after) = (at > 0, at + 1 < globs.len());
        found.extend(whole_words(text, before, after));
    }
    Cover::wider(Filter::and(found))
}

/// The words of a piece of text that stay words whatever a wildcard before or after it adds.
fn whole_words(text: &str, cut_before: bool, cut_after: bool) -> impl Iterator<Item = Filter> {
    let mut inner = text;
    if cut_before {
        inner = inner.trim_start_matches(char::is_alphanumeric);
    }
    if cut_after {
        inner = inner.trim_end_matches(char::is_alphanumeric);
    }
    words(inner).map(|word| Filter::Term(TermField::Word, word.into_owned()))
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
