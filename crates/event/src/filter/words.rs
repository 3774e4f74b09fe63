//! What a word is, for free text. Search and index share this file, so they agree on it.

use std::borrow::Cow;

use super::pattern::{Glob, Pattern, fold, push_glob};

/// Most characters in a word before folding; a longer run is cut into several words, which keeps
/// the terms of an index short and is the same on both sides.
pub const WORD_CHARS_MAX: usize = 128;

/// The words of a text, in order, folded by [`fold`].
///
/// A word is a longest run of characters that Unicode calls alphabetic or numeric. Two things cut a
/// run: each ideograph and kana is a word of its own, because those scripts put no space between
/// words, and a run ends after [`WORD_CHARS_MAX`] characters.
///
/// ```
/// use cairn_event::filter::words;
/// let found: Vec<_> = words("Deleted Invoice-42 (東京)").collect();
/// assert_eq!(found, ["deleted", "invoice", "42", "東", "京"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let run = &rest[start..];
        let end = word_end(run);
        let (word, after) = run.split_at(end);
        rest = after;
        Some(fold(word))
    })
}

/// The length in bytes of the word at the start of `run`, which begins with a word character.
fn word_end(run: &str) -> usize {
    for (count, (at, c)) in run.char_indices().enumerate() {
        if count == 0 && is_alone(c) {
            return c.len_utf8();
        }
        if !c.is_alphanumeric() || is_alone(c) || count == WORD_CHARS_MAX {
            return at;
        }
    }
    run.len()
}

/// Whether the character is a word of its own: kana, CJK ideographs and their extensions.
fn is_alone(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFD}')
}

/// Words that must follow each other inside one value: a quoted phrase, or a bare word such as
/// `invoice-42`, which holds two. A wildcard stands inside or at the end of a word.
#[derive(Debug, Clone)]
pub struct WordPatterns {
    written: Pattern,
    words: Vec<Pattern>,
}

impl PartialEq for WordPatterns {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for WordPatterns {}

/// Why text gives no [`WordPatterns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoWords {
    /// There is no letter or digit in it.
    Empty,
    /// A word begins with a wildcard.
    LeadingWildcard,
}

impl WordPatterns {
    /// The words of a text in which nothing is a wildcard; `None` if it has none.
    #[must_use]
    pub fn phrase(text: &str) -> Option<Self> {
        Self::new(Pattern::literal(text)).ok()
    }

    /// The words of a pattern. Its wildcards belong to the word they touch; those behind the last
    /// word say nothing and are passed over, so `iam.*` looks for the word `iam`.
    pub(super) fn new(written: Pattern) -> Result<Self, NoWords> {
        let mut words = Vec::new();
        let mut globs: Vec<Glob> = Vec::new();
        for glob in written.globs() {
            match glob {
                Glob::Many => push_glob(&mut globs, '*'),
                Glob::One => push_glob(&mut globs, '?'),
                Glob::Literal(text) => split_literal(text, &mut globs, &mut words),
            }
        }
        end_word(&mut globs, &mut words);
        while words.last().is_some_and(Pattern::is_any) {
            words.pop();
        }
        if words.iter().any(Pattern::starts_with_wildcard) {
            return Err(NoWords::LeadingWildcard);
        }
        if words.is_empty() {
            return Err(NoWords::Empty);
        }
        Ok(Self { written, words })
    }

    /// The text as written.
    #[must_use]
    pub fn written(&self) -> &Pattern {
        &self.written
    }

    /// One pattern for each word, already folded; never empty, none begins with a wildcard.
    #[must_use]
    pub fn words(&self) -> &[Pattern] {
        &self.words
    }

    /// Whether the words follow each other somewhere in `text`.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        if let [only] = self.words.as_slice() {
            return words(text).any(|word| only.matches_folded(&word));
        }
        let found: Vec<_> = words(text).collect();
        found
            .windows(self.words.len())
            .any(|window| window.iter().zip(&self.words).all(|(word, pattern)| pattern.matches_folded(word)))
    }
}

/// Adds the words of a literal piece; the last one stays open for a wildcard that may follow.
fn split_literal(text: &str, globs: &mut Vec<Glob>, words: &mut Vec<Pattern>) {
    let mut run = 0;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            end_word(globs, words);
            run = 0;
            continue;
        }
        if run == WORD_CHARS_MAX || is_alone(c) {
            end_word(globs, words);
            run = 0;
        }
        for lower in c.to_lowercase() {
            push_glob(globs, lower);
        }
        // Behind an ideograph only a wildcard may still join; the next character opens a word.
        run = if is_alone(c) { WORD_CHARS_MAX } else { run + 1 };
    }
}

fn end_word(globs: &mut Vec<Glob>, words: &mut Vec<Pattern>) {
    if !globs.is_empty() {
        words.push(Pattern::from_normal(std::mem::take(globs)));
    }
}
