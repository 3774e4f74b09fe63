//! Why a draft is not an event: which field, what came, what is wanted, what to do.

use std::fmt;

use crate::json::Json;

/// One reason to refuse a draft. Values are never repeated, save short words where one of a fixed
/// list is wanted: a refusal may be logged where the event itself may not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field by dotted path, such as `actor.on_behalf_of.type`; empty for the whole event.
    pub field: String,
    /// What came: the kind and size of the value, or `nothing`.
    pub got: String,
    /// What is wanted there.
    pub want: String,
    /// What to do about it, if there is something to say.
    pub hint: Option<String>,
    /// Whether the whole event is larger than one may be, and nothing else is wrong.
    pub is_too_large: bool,
}

impl Invalid {
    /// A reason at the value itself; [`Self::under`] adds where it lies.
    pub fn new(got: impl Into<String>, want: impl Into<String>) -> Self {
        Self { field: String::new(), got: got.into(), want: want.into(), hint: None, is_too_large: false }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same seen from the object (or list) around it.
    #[must_use]
    pub fn under(mut self, key: &str) -> Self {
        if self.field.is_empty() {
            self.field = key.to_owned();
        } else {
            self.field.insert(0, '.');
            self.field.insert_str(0, key);
        }
        self
    }

    /// A required field that is not there.
    pub(crate) fn missing(field: &str, want: &str) -> Self {
        Self::new("nothing", want).under(field)
    }

    /// A value that is not one of a fixed list of words.
    pub(crate) fn not_a_word(got: &str, words: &[&str]) -> Self {
        let invalid = Self::new(format!("string {}", shown(got)), format!("one of {}", words.join(", ")));
        match nearest(got, words.iter().copied()) {
            Some(word) => invalid.hint(format!("did you mean {word}?")),
            None => invalid,
        }
    }

    /// A member that does not exist.
    pub(crate) fn unknown_member(name: &str, known: &[&'static str], advice: &str) -> Self {
        let invalid = Self::new("an unknown member", "a member of cairn/event/v1");
        let invalid = match nearest(name, known.iter().copied()) {
            Some(near) => invalid.hint(format!("did you mean {near}? {advice}")),
            None => invalid.hint(advice),
        };
        invalid.under(shown(name).trim_matches('"'))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "got {}, want {}", self.got, self.want)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Invalid {}

/// The kind and size of a value, never its content.
pub(crate) fn describe(value: &Json) -> String {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => value.kind().to_owned(),
        Json::String(text) if text.is_empty() => "an empty string".to_owned(),
        Json::String(text) => format!("string of {} bytes", text.len()),
        Json::Array(items) => format!("array of {} items", items.len()),
        Json::Object(object) => format!("object of {} members", object.len()),
    }
}

const SHOWN_CHARS_MAX: usize = 40;

/// A word in quotes, cut to a length that fits a message, with control characters escaped.
fn shown(word: &str) -> String {
    let short: String = word.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if short.len() < word.len() { "…" } else { "" };
    format!("{:?}", format!("{short}{more}"))
}

/// The candidate most like `word`, if one is so like it that a slip is probable.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LIKENESS_MIN: f64 = 0.75;
    let word: String = word.chars().take(SHOWN_CHARS_MAX).collect();
    let word = word.to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let invalid = Invalid::not_a_word("usr", &["user", "service"]).under("type").under("actor");
        assert_eq!(
            invalid.to_string(),
            "actor.type: got string \"usr\", want one of user, service; did you mean user?"
        );
        let missing = Invalid::missing("time", "an RFC 3339 time with offset");
        assert_eq!(missing.to_string(), "time: got nothing, want an RFC 3339 time with offset");
    }

    #[test]
    fn hostile_words_are_cut_and_escaped() {
        let text = Invalid::not_a_word(&"\u{1b}é".repeat(4000), &["user"]).to_string();
        assert!(text.len() < 400, "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
