//! One parse pass over `jiter`'s token stream.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::{Json, Number, Object, push_segment};
use crate::limits;

/// Why a text is not JSON as we take it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// The RFC 6901 pointer of the value at fault, `""` if it is the whole text.
    pub path: String,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not the grammar of RFC 8259.
    Syntax,
    /// The text ends inside a value.
    Truncated,
    /// Two members of one object have the same key.
    DuplicateKey,
    /// A `\uD800`-`\uDFFF` escape without its partner: no text can hold it.
    LoneSurrogate,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// Nested deeper than [`limits::JSON_DEPTH_MAX`].
    TooDeep,
    /// A number longer than [`limits::NUMBER_BYTES_MAX`].
    NumberTooLong,
    /// More after the value.
    TrailingBytes,
    /// The array to take elements from is not there.
    NoSuchArray,
    /// More elements than [`limits::ELEMENTS_MAX`].
    TooManyElements,
}

impl JsonErrorKind {
    /// What is wrong, as the end of a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Syntax => "not valid JSON",
            Self::Truncated => "the text ends inside a value",
            Self::DuplicateKey => "duplicate key",
            Self::LoneSurrogate => "lone surrogate escape",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::TooDeep => "nested deeper than 128 levels",
            Self::NumberTooLong => "number longer than 1024 bytes",
            Self::TrailingBytes => "more bytes after the value",
            Self::NoSuchArray => "no such array",
            Self::TooManyElements => "more than 1000000 elements",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.text(), self.offset)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        Ok(())
    }
}

impl std::error::Error for JsonError {}

impl JsonError {
    pub(crate) fn new(kind: JsonErrorKind, offset: usize) -> Self {
        Self { kind, offset, path: String::new() }
    }

    /// The same error seen from the value around it.
    fn under(self, segment: &str) -> Self {
        let mut path = String::new();
        push_segment(&mut path, segment);
        path.push_str(&self.path);
        Self { path, ..self }
    }

    /// The same error in a text that starts `by` bytes earlier.
    pub(super) fn shifted(self, by: usize) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

impl From<JiterError> for JsonError {
    fn from(error: JiterError) -> Self {
        let kind = match error.error_type {
            JiterErrorType::JsonError(ref kind) => match kind {
                JsonErrorType::EofWhileParsingList
                | JsonErrorType::EofWhileParsingObject
                | JsonErrorType::EofWhileParsingString
                | JsonErrorType::EofWhileParsingValue => JsonErrorKind::Truncated,
                // Only the second half of a surrogate pair is ever found missing here.
                JsonErrorType::LoneLeadingSurrogateInHexEscape | JsonErrorType::UnexpectedEndOfHexEscape => {
                    JsonErrorKind::LoneSurrogate
                }
                JsonErrorType::InvalidUnicodeCodePoint => JsonErrorKind::InvalidUtf8,
                JsonErrorType::NumberOutOfRange => JsonErrorKind::NumberTooLong,
                JsonErrorType::TrailingCharacters => JsonErrorKind::TrailingBytes,
                _ => JsonErrorKind::Syntax,
            },
            JiterErrorType::WrongType { .. } => JsonErrorKind::Syntax,
        };
        Self::new(kind, error.index)
    }
}

pub(super) fn parse(text: &[u8]) -> Result<Json, JsonError> {
    let mut jiter = Jiter::new(text);
    let first = jiter.peek()?;
    let json = value(&mut jiter, first, 0)?;
    jiter.finish()?;
    Ok(json)
}

/// Takes the value that starts with `first`, which lies inside `depth` containers.
pub(super) fn value(jiter: &mut Jiter<'_>, first: Peek, depth: usize) -> Result<Json, JsonError> {
    match first {
        Peek::Null => Ok(jiter.known_null().map(|()| Json::Null)?),
        Peek::True | Peek::False => Ok(jiter.known_bool(first).map(Json::Bool)?),
        Peek::String => Ok(Json::String(jiter.known_str()?.to_owned())),
        Peek::Array | Peek::Object if depth >= limits::JSON_DEPTH_MAX => {
            Err(JsonError::new(JsonErrorKind::TooDeep, jiter.current_index()))
        }
        Peek::Array => array(jiter, depth + 1),
        Peek::Object => object(jiter, depth + 1),
        _ => number(jiter, first),
    }
}

fn number(jiter: &mut Jiter<'_>, first: Peek) -> Result<Json, JsonError> {
    let start = jiter.current_index();
    if !first.is_num() {
        return Err(JsonError::new(JsonErrorKind::Syntax, start));
    }
    let literal = jiter.known_number_bytes(first)?;
    if literal.len() > limits::NUMBER_BYTES_MAX {
        return Err(JsonError::new(JsonErrorKind::NumberTooLong, start));
    }
    let literal = std::str::from_utf8(literal).expect("a JSON number is ASCII");
    Ok(Json::Number(Number::from_checked(literal)))
}

fn array(jiter: &mut Jiter<'_>, depth: usize) -> Result<Json, JsonError> {
    let mut items = Vec::new();
    let mut next = jiter.known_array()?;
    while let Some(first) = next {
        let item = value(jiter, first, depth).map_err(|error| error.under(&items.len().to_string()))?;
        items.push(item);
        next = jiter.array_step()?;
    }
    Ok(Json::Array(items))
}

fn object(jiter: &mut Jiter<'_>, depth: usize) -> Result<Json, JsonError> {
    let mut members = Object::new();
    let mut keys = Keys::default();
    let mut next = jiter.known_object()?.map(str::to_owned);
    while let Some(key) = next {
        if !keys.is_new(&key, &members) {
            let error = JsonError::new(JsonErrorKind::DuplicateKey, jiter.current_index());
            return Err(error.under(&key));
        }
        let first = jiter.peek()?;
        match value(jiter, first, depth) {
            Ok(value) => members.push(key, value),
            Err(error) => return Err(error.under(&key)),
        }
        next = jiter.next_key()?.map(str::to_owned);
    }
    Ok(Json::Object(members))
}

/// Finds a repeated key without quadratic work on hostile objects: short objects are walked,
/// longer ones keep the hashes of their keys.
#[derive(Default)]
struct Keys {
    hashes: Option<(RandomState, HashSet<u64>)>,
}

const WALKED_KEYS_MAX: usize = 24;

impl Keys {
    fn is_new(&mut self, key: &str, members: &Object) -> bool {
        if members.len() < WALKED_KEYS_MAX {
            return !members.contains(key);
        }
        let (state, hashes) = self.hashes.get_or_insert_with(|| {
            let state = RandomState::new();
            let hashes = members.iter().map(|(k, _)| state.hash_one(k)).collect();
            (state, hashes)
        });
        // Equal hashes of different keys are possible, so the walk has the last word.
        hashes.insert(state.hash_one(key)) || !members.contains(key)
    }
}
