//! Words, phrases and operators: how the text of a query is cut.

use super::ast::{Comparison, FieldRef, Span};
use super::diagnostic::Diagnostic;
use super::items::{self, Raw};
use super::pattern::parentheses_pair;

/// A place in the text of a query.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Not,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The offset in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Passes over `len` bytes, which the caller has seen.
    pub(super) fn pass(&mut self, len: usize) {
        self.at += len;
    }

    /// Passes over all that is left.
    pub(super) fn pass_all(&mut self) {
        self.at = self.text.len();
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    pub(super) fn take_comparison(&mut self) -> Option<Comparison> {
        const ALL: [Comparison; 5] =
            [Comparison::AtLeast, Comparison::AtMost, Comparison::Above, Comparison::Below, Comparison::Exactly];
        let found = ALL.into_iter().find(|c| self.rest().starts_with(c.symbol()))?;
        self.at += found.symbol().len();
        Some(found)
    }

    /// One phrase or one word of a value.
    pub(super) fn raw(&mut self, field: &FieldRef) -> Result<Raw, Diagnostic> {
        let start = self.at;
        if self.rest().starts_with('"') {
            let text = self.phrase()?;
            return Ok(Raw { text, quoted: true, span: self.span_from(start) });
        }
        // In a range a quotation mark opens the second end: `2026-11-24.."2026-11-25 12:00"`.
        let len = word_len(self.rest(), Ends::AtComma);
        let second_end = self.rest()[..len].find("..\"");
        let len = match second_end.filter(|_| items::is_ordered(field.field.kind)) {
            Some(at) => at + 2,
            None => len,
        };
        if len == 0 {
            return Err(Diagnostic::new(Span::new(start, start), "a value is missing here")
                .hint("quote a value that holds commas or spaces, or is empty"));
        }
        self.at += len;
        let span = self.span_from(start);
        self.word(start).map(|text| Raw { text: text.to_owned(), quoted: false, span })
    }

    /// A bare word of free text.
    pub(super) fn bare(&mut self) -> Result<&'t str, Diagnostic> {
        let start = self.at;
        self.at += word_len(self.rest(), Ends::AtSpace);
        self.word(start)
    }

    /// The bare word from `start` to here, in which parentheses must pair up.
    fn word(&self, start: usize) -> Result<&'t str, Diagnostic> {
        let word = &self.text[start..self.at];
        if parentheses_pair(word) {
            return Ok(word);
        }
        Err(Diagnostic::new(self.span_from(start), "a parenthesis in this word is not closed")
            .hint("quote text that holds a single parenthesis"))
    }

    /// `phrase = '"' { char | "\" char } '"'`, without its quotation marks and backslashes.
    pub(super) fn phrase(&mut self) -> Result<String, Diagnostic> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c => text.push(c),
            }
        }
        self.at = self.text.len();
        Err(Diagnostic::new(Span::new(start, self.at), "the quotation mark is not closed"))
    }

    pub(super) fn peek_operator(&self) -> Option<Operator> {
        let rest = self.rest();
        let len = rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len());
        match &rest[..len] {
            "AND" => Some(Operator::And),
            "OR" => Some(Operator::Or),
            "NOT" => Some(Operator::Not),
            _ => None,
        }
    }

    pub(super) fn take_operator(&mut self, operator: Operator) -> bool {
        self.skip_space();
        let found = self.peek_operator() == Some(operator);
        if found {
            self.at += if operator == Operator::Or { 2 } else { 3 };
        }
        found
    }

    pub(super) fn is_at_boundary(&self) -> bool {
        self.rest().chars().next().is_none_or(|c| c.is_whitespace() || c == ')')
    }

    pub(super) fn expect_boundary(&self, message: &str) -> Result<(), Diagnostic> {
        if self.is_at_boundary() {
            return Ok(());
        }
        Err(Diagnostic::new(Span::new(self.at, self.at), message)
            .hint("quote a value that holds commas, spaces or quotation marks"))
    }

    /// Passes over what is left of a word after a fault; gives its end.
    pub(super) fn skip_word(&mut self) -> usize {
        self.at += word_len(self.rest(), Ends::AtSpace);
        self.at
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// From `start` to here, without the space before here.
    pub(super) fn span_from(&self, start: usize) -> Span {
        let text = self.text[..self.at].trim_end();
        Span::new(start, text.len().max(start))
    }
}

/// What ends a bare word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// White space, or a closing parenthesis that was not opened in the word.
    AtSpace,
    /// The same, or a comma.
    AtComma,
}

fn word_len(text: &str, ends: Ends) -> usize {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            c if c.is_whitespace() => return at,
            ',' if ends == Ends::AtComma => return at,
            ')' if open == 0 => return at,
            ')' => open -= 1,
            '(' => open += 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the field's name if `text` begins with `field:`.
pub(super) fn head_len(text: &str) -> Option<usize> {
    let is_ident = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let mut at = 0;
    loop {
        let rest = &text[at..];
        at += rest.find(|c| !is_ident(c)).unwrap_or(rest.len());
        let rest = &text[at..];
        if rest.starts_with(':') {
            return Some(at);
        }
        if rest.starts_with("./") {
            return pointer_len(rest).map(|len| at + len);
        }
        if !rest.strip_prefix('.')?.starts_with(is_ident) {
            return None;
        }
        at += 1;
    }
}

/// The length up to the first colon without a backslash; white space ends the search.
fn pointer_len(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return Some(at),
            '\\' => {
                chars.next();
            }
            c if c.is_whitespace() => return None,
            _ => {}
        }
    }
    None
}
