//! Whole-value text with wildcards: `*` is any run of characters, `?` is exactly one.

use std::borrow::Cow;

/// The text with upper and lower case made equal: each character by its own Unicode lower-case
/// mapping, whatever its neighbours. Nothing else is normalised.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    let is_folded = |c: char| {
        if c.is_ascii() { !c.is_ascii_uppercase() } else { c.to_lowercase().eq([c]) }
    };
    if text.chars().all(is_folded) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

/// One piece of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glob {
    /// These characters.
    Literal(String),
    /// `?`: one character.
    One,
    /// `*`: any characters, or none.
    Many,
}

/// Text to compare with a whole value. In normal form: no empty literals, no two literals or two
/// `*` side by side.
#[derive(Debug, Clone)]
pub struct Pattern {
    globs: Vec<Glob>,
    folded: Vec<Glob>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.globs == other.globs
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Exactly this text; `*` and `?` stand for themselves.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let globs = match text {
            "" => Vec::new(),
            _ => vec![Glob::Literal(text.to_owned())],
        };
        Self::from_globs(globs)
    }

    /// Text in which `*` and `?` are wildcards.
    ///
    /// White space and commas end a word, and parentheses in it must pair up, so no pattern with
    /// wildcards can hold them otherwise: such text gives `None`, as does a leading `"`.
    #[must_use]
    pub fn word(text: &str) -> Option<Self> {
        if !text.contains(['*', '?']) {
            return Some(Self::literal(text));
        }
        is_bare(text).then(|| Self::from_word(text))
    }

    /// A bare word that the parser has cut out of a query.
    pub(super) fn from_word(word: &str) -> Self {
        Self::from_globs(globs(word))
    }

    fn from_globs(globs: Vec<Glob>) -> Self {
        let folded = globs
            .iter()
            .map(|glob| match glob {
                Glob::Literal(text) => Glob::Literal(fold(text).into_owned()),
                other => other.clone(),
            })
            .collect();
        Self { globs, folded }
    }

    /// A pattern from pieces that are in normal form.
    pub(super) fn from_normal(globs: Vec<Glob>) -> Self {
        Self::from_globs(globs)
    }

    /// The pieces as written.
    #[must_use]
    pub fn globs(&self) -> &[Glob] {
        &self.globs
    }

    /// The pieces folded by [`fold`]: what an index of folded values is asked for.
    #[must_use]
    pub fn folded(&self) -> &[Glob] {
        &self.folded
    }

    /// The text, if there is no wildcard in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.globs.as_slice() {
            [] => Some(""),
            [Glob::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the pattern is `*` alone.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.globs == [Glob::Many]
    }

    /// Whether the first piece is a wildcard.
    #[must_use]
    pub fn starts_with_wildcard(&self) -> bool {
        matches!(self.globs.first(), Some(Glob::One | Glob::Many))
    }

    /// Whether the whole of `value` matches, upper and lower case being equal.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        self.matches_folded(&fold(value))
    }

    /// As [`Pattern::matches`], for a value that went through [`fold`].
    #[must_use]
    pub fn matches_folded(&self, value: &str) -> bool {
        match self.folded.as_slice() {
            [] => value.is_empty(),
            [Glob::Literal(text)] => text == value,
            globs => glob_matches(globs, value),
        }
    }
}

/// Whether `text` is read as one word in a value: nothing in it ends a word or opens a phrase.
fn is_bare(text: &str) -> bool {
    let ends_word = |c: char| c == ',' || c.is_whitespace();
    !text.is_empty() && !text.starts_with('"') && !text.contains(ends_word) && parentheses_pair(text)
}

/// Whether each parenthesis has its partner. One that has not would close a group around the word,
/// or keep it open.
pub(super) fn parentheses_pair(text: &str) -> bool {
    let mut open = 0_usize;
    for c in text.chars() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

/// Splits text at its wildcards into normal form.
fn globs(text: &str) -> Vec<Glob> {
    let mut globs = Vec::new();
    for c in text.chars() {
        push_glob(&mut globs, c);
    }
    globs
}

/// Adds one character of a word and keeps the normal form.
pub(super) fn push_glob(globs: &mut Vec<Glob>, c: char) {
    match (c, globs.last_mut()) {
        ('*', Some(Glob::Many)) => {}
        ('*', _) => globs.push(Glob::Many),
        ('?', _) => globs.push(Glob::One),
        (c, Some(Glob::Literal(text))) => text.push(c),
        (c, _) => globs.push(Glob::Literal(c.to_string())),
    }
}

/// Matches pieces against a whole value. On a mismatch only the last `*` takes one character more:
/// an earlier one could gain nothing from it, so the work is at most pieces times characters.
fn glob_matches(globs: &[Glob], value: &str) -> bool {
    let (mut at, mut rest) = (0, value);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let step = match globs.get(at) {
            Some(Glob::Many) => {
                retry = Some((at + 1, rest));
                at += 1;
                continue;
            }
            Some(Glob::One) => without_first(rest),
            Some(Glob::Literal(text)) => rest.strip_prefix(text.as_str()),
            None if rest.is_empty() => return true,
            None => None,
        };
        if let Some(after) = step {
            (at, rest) = (at + 1, after);
            continue;
        }
        let Some((from, tried)) = retry else {
            return false;
        };
        let Some(shorter) = without_first(tried) else {
            return false;
        };
        retry = Some((from, shorter));
        (at, rest) = (from, shorter);
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().map(|_| chars.as_str())
}
