//! JSON as it was written: numbers keep their digits, members keep their order, keys are unique.
//!
//! A general JSON library turns `12345678901234567890.10` into a double and lets the second of two
//! equal keys win. Both would change evidence, so the value type here does neither.

mod elements;
mod parse;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

pub use elements::{Element, Elements, Within, elements};
pub use parse::{JsonError, JsonErrorKind};

/// One JSON value (RFC 8259), without loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number with the digits it was written with.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object with unique keys in the order they were written.
    Object(Object),
}

impl Json {
    /// Parses one JSON text: exactly one value with optional white space around it.
    ///
    /// # Errors
    /// Anything RFC 8259 does not allow, and what it leaves open: duplicate keys, lone surrogates,
    /// invalid UTF-8, nesting beyond [`crate::limits::JSON_DEPTH_MAX`]. The offset is in bytes.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        parse::parse(text)
    }

    /// The value at an RFC 6901 pointer; `""` is the value itself.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |at, segment| match at {
            Self::Object(object) => object.get(&unescape_segment(segment)),
            Self::Array(items) => items.get(array_index(segment)?),
            _ => None,
        })
    }

    /// The member `key` if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The string, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number as `i64`, if it is written as an integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number as `u64`, if it is written as an integer that fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The items, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object, if this is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object to change, if this is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The name of the kind of value: `null`, `boolean`, `number`, `string`, `array` or `object`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Levels of nesting: 0 for a scalar, 1 for `[]` or `{"a":1}`.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(object) => 1 + object.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// How many keys the objects in it have, over all levels.
    #[must_use]
    pub fn keys(&self) -> usize {
        match self {
            Self::Array(items) => items.iter().map(Self::keys).sum(),
            Self::Object(object) => object.len() + object.iter().map(|(_, value)| value.keys()).sum::<usize>(),
            _ => 0,
        }
    }

    /// Compact text with members in their own order. For the canonical text see
    /// [`crate::canonical::canonical`].
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// Text for people: one member a line, two spaces a level.
    #[must_use]
    pub fn to_pretty(&self) -> String {
        let mut text = String::new();
        self.write_pretty(0, &mut text);
        text
    }

    fn write_pretty(&self, depth: usize, out: &mut String) {
        let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
        let (open, close, lines): (_, _, Vec<(Option<&str>, &Self)>) = match self {
            Self::Array(items) if !items.is_empty() => ('[', ']', items.iter().map(|item| (None, item)).collect()),
            Self::Object(object) if !object.is_empty() => {
                ('{', '}', object.iter().map(|(key, value)| (Some(key), value)).collect())
            }
            plain => return plain.write_text(out),
        };
        out.push(open);
        for (at, (key, value)) in lines.into_iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            out.push_str(&line(depth + 1));
            if let Some(key) = key {
                write_string(key, out);
                out.push_str(": ");
            }
            value.write_pretty(depth + 1, out);
        }
        out.push_str(&line(depth));
        out.push(close);
    }

    fn write_text(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => number.write_literal(out),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_text(out);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (at, (key, value)) in object.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write_text(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<Number> for Json {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// A JSON number as its literal. Two numbers are equal if their literals are.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(Literal);

/// Most numbers in events are short integers, which need no heap. An integer is held as `Small`
/// exactly if printing the `i64` gives the literal back and it has at most 18 digits.
#[derive(Clone, PartialEq, Eq)]
enum Literal {
    Small(i64),
    Text(Box<str>),
}

const SMALL_DIGITS_MAX: usize = 18;

/// Integers up to this one are doubles without loss (RFC 8785 section 3.2.2.3), on both sides of 0.
pub(crate) const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

impl Number {
    /// A number from its literal; `None` if the text is not a JSON number (RFC 8259 section 6).
    #[must_use]
    pub fn from_literal(literal: &str) -> Option<Self> {
        match Json::parse(literal.as_bytes()) {
            Ok(Json::Number(number)) if !literal.ends_with([' ', '\n', '\r', '\t']) => Some(number),
            _ => None,
        }
        .filter(|_| !literal.starts_with([' ', '\n', '\r', '\t']))
    }

    /// A number from a literal that a parser has checked already.
    pub(crate) fn from_checked(literal: &str) -> Self {
        let digits = literal.strip_prefix('-').unwrap_or(literal);
        let is_small =
            digits.len() <= SMALL_DIGITS_MAX && literal != "-0" && digits.bytes().all(|b| b.is_ascii_digit());
        match literal.parse() {
            Ok(value) if is_small => Self(Literal::Small(value)),
            _ => Self(Literal::Text(literal.into())),
        }
    }

    /// The digits as they were written.
    #[must_use]
    pub fn literal(&self) -> Cow<'_, str> {
        match &self.0 {
            Literal::Small(value) => Cow::Owned(value.to_string()),
            Literal::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The value as `i64`, if the literal is an integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Literal::Small(value) => Some(*value),
            Literal::Text(text) => text.parse().ok(),
        }
    }

    /// The value as `u64`, if the literal is an integer that fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Literal::Small(value) => u64::try_from(*value).ok(),
            Literal::Text(text) => text.parse().ok(),
        }
    }

    /// The nearest double (IEEE 754); infinite if the number is too large for one.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.literal().parse().expect("a JSON number is always a decimal that Rust can read")
    }

    /// Whether the literal is an integer that RFC 8785 writes in the same way.
    pub(crate) fn is_safe_integer(&self) -> bool {
        matches!(self.0, Literal::Small(value) if value.unsigned_abs() <= SAFE_INTEGER_MAX)
    }

    pub(crate) fn write_literal(&self, out: &mut String) {
        match &self.0 {
            Literal::Small(value) => {
                write!(out, "{value}").expect("writing to a String can't fail");
            }
            Literal::Text(text) => out.push_str(text),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::from_checked(&value.to_string())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::from_checked(&value.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.literal())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A JSON object: unique keys, kept in the order they came. Lookups walk the list, because
/// objects in events are short; loops over large ones sort first.
#[derive(Debug, Clone, Default, Eq)]
pub struct Object {
    members: Vec<(String, Json)>,
}

impl Object {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.members.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Whether there is a member `key`.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key`, at the end if it is new, and gives the value that was there.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let (key, value) = (key.into(), value.into());
        match self.get_mut(&key) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => {
                self.members.push((key, value));
                None
            }
        }
    }

    /// Takes `key` out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.members.iter().position(|(k, _)| k == key)?;
        Some(self.members.remove(at).1)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> + Clone {
        self.members.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The values in order, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Json> {
        self.members.iter_mut().map(|(_, value)| value)
    }

    /// Adds a member whose key the caller knows to be new.
    pub(crate) fn push(&mut self, key: String, value: Json) {
        self.members.push((key, value));
    }

    /// The members by key in byte order, so that two large objects compare in one pass.
    pub(crate) fn sorted(&self) -> Vec<(&str, &Json)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_unstable_by_key(|(key, _)| *key);
        members
    }
}

impl PartialEq for Object {
    /// Objects are equal if they hold the same members, in whatever order.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (self.members == other.members || self.sorted() == other.sorted())
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<K: Into<String>, V: Into<Json>> FromIterator<(K, V)> for Object {
    /// The last of several equal keys wins, at the place of the first.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}

/// Writes a JSON string as RFC 8785 section 3.2.2.2 spells it: only what must be escaped is.
pub(crate) fn write_string(text: &str, out: &mut String) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    out.push('"');
    // Most strings are plain. Without a way out in the middle, a compiler looks at many bytes at once.
    if text.as_bytes().chunks(32).all(|some| some.iter().fold(true, |plain, byte| plain & is_plain(*byte))) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if is_plain(byte) {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            _ => write!(out, "\\u{byte:04x}").expect("writing to a String can't fail"),
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// Undoes `~1` and `~0` of a pointer segment (RFC 6901 section 4).
#[must_use]
pub fn unescape_segment(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') {
        Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(segment)
    }
}

/// Appends `/segment` to a pointer, escaped.
pub fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for character in segment.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// An array index of RFC 6901: digits without a leading zero.
pub(crate) fn array_index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with(['0', '+']);
    canonical.then(|| segment.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
