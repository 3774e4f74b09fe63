//! A source's own record, as it was received.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::invalid::{Invalid, describe};
use crate::json::{Json, Object, write_string};
use crate::limits;
use crate::text::FromJson;

/// The bytes of a record. In JSON they are a string if they are UTF-8, else `{"base64": "..."}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(Bytes);

/// Text is kept as such, so that it is checked once and never again.
#[derive(Clone, PartialEq, Eq)]
enum Bytes {
    Text(String),
    Binary(Vec<u8>),
}

impl Raw {
    /// Takes the bytes of a record.
    ///
    /// # Errors
    /// If they are more than a record may have, [`limits::RECORD_BYTES_MAX`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Invalid> {
        let bytes = bytes.into();
        if bytes.len() > limits::RECORD_BYTES_MAX {
            let want = format!("at most {} bytes", limits::RECORD_BYTES_MAX);
            return Err(Invalid::new(format!("{} bytes", bytes.len()), want));
        }
        Ok(Self(match String::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text),
            Err(error) => Bytes::Binary(error.into_bytes()),
        }))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::Binary(bytes) => bytes,
        }
    }

    /// Whether its text is more than stands in an event, [`limits::INLINE_BYTES_MAX`].
    #[must_use]
    pub fn is_large(&self) -> bool {
        /// An escape in a JSON string has at most this many bytes: `\u0001`.
        const ESCAPE_BYTES_MAX: usize = 6;
        let bytes = self.as_bytes().len();
        let is_surely_small = bytes <= limits::INLINE_BYTES_MAX / ESCAPE_BYTES_MAX - ESCAPE_BYTES_MAX;
        let text_bytes = || {
            let mut text = String::new();
            self.write(&mut text);
            text.len()
        };
        bytes > limits::INLINE_BYTES_MAX || (!is_surely_small && text_bytes() > limits::INLINE_BYTES_MAX)
    }

    /// The form it has in an event.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.0 {
            Bytes::Text(text) => Json::String(text.clone()),
            Bytes::Binary(bytes) => [("base64", STANDARD.encode(bytes))].into_iter().collect::<Object>().into(),
        }
    }

    /// Appends the canonical text of [`Self::to_json`].
    pub(crate) fn write(&self, out: &mut String) {
        match &self.0 {
            Bytes::Text(text) => write_string(text, out),
            Bytes::Binary(bytes) => {
                out.push_str("{\"base64\":\"");
                STANDARD.encode_string(bytes, out);
                out.push_str("\"}");
            }
        }
    }
}

/// The bytes behind the `raw` member of a stored event; none where it is not one.
#[must_use]
pub fn bytes_of(raw: &Json) -> Vec<u8> {
    match raw.get("base64").and_then(Json::as_str) {
        Some(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
        None => raw.as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raw({} bytes)", self.as_bytes().len())
    }
}

impl FromJson for Raw {
    const WANT: &'static str = "a string, or an object with base64 alone";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        match value {
            Json::String(text) => Self::new(text),
            Json::Object(object) if object.len() == 1 => {
                let Some(text) = object.get("base64").and_then(Json::as_str) else {
                    return Err(Invalid::new("object of 1 members", Self::WANT));
                };
                let bytes = STANDARD.decode(text).map_err(|_| {
                    let got = format!("string of {} bytes", text.len());
                    Invalid::new(got, "standard base64 with padding").under("base64")
                })?;
                Self::new(bytes)
            }
            other => Err(Invalid::new(describe(&other), Self::WANT)),
        }
    }
}
