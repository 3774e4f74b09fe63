//! Strings with a limit, and words from fixed lists: the scalar types that events are made of.

use std::fmt;
use std::net::IpAddr;

use crate::invalid::{Invalid, describe};
use crate::json::Json;
use crate::limits;

/// A type that one JSON value can be read into.
pub(crate) trait FromJson: Sized {
    /// What is wanted, for messages.
    const WANT: &'static str;

    /// Reads the value, or says why it can't be.
    fn from_json(value: Json) -> Result<Self, Invalid>;
}

/// Reads an optional member: `null` means the same as leaving it out.
pub(crate) fn optional<T: FromJson>(key: &str, value: Json) -> Result<Option<T>, Invalid> {
    match value {
        Json::Null => Ok(None),
        value => required(key, value).map(Some),
    }
}

/// Reads a member that must have a value.
pub(crate) fn required<T: FromJson>(key: &str, value: Json) -> Result<T, Invalid> {
    T::from_json(value).map_err(|invalid| invalid.under(key))
}

/// Takes the string out of a value.
pub(crate) fn string(value: Json, want: &'static str) -> Result<String, Invalid> {
    match value {
        Json::String(text) => Ok(text),
        other => Err(Invalid::new(describe(&other), want)),
    }
}

/// A string of at most `MAX` bytes; it may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

/// An environment, region, service or another short name.
pub type Label = Text<{ limits::LABEL_BYTES_MAX }>;
/// A name, a session, a request id: what identifies but may be empty.
pub type Name = Text<{ limits::ID_BYTES_MAX }>;
/// A reason, a user agent, an endpoint.
pub type LongText = Text<{ limits::TEXT_BYTES_MAX }>;

impl<const MAX: usize> Text<MAX> {
    /// Takes a string within the limit.
    ///
    /// # Errors
    /// If it is longer than `MAX` bytes; it is never cut.
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.len() > MAX {
            return Err(too_long(&text, MAX));
        }
        Ok(Self(text))
    }

    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> FromJson for Text<MAX> {
    const WANT: &'static str = "a string";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::new(string(value, Self::WANT)?)
    }
}

/// An identifier: a string of 1 to [`limits::ID_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// Takes an identifier.
    ///
    /// # Errors
    /// If it is empty or longer than [`limits::ID_BYTES_MAX`] bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.is_empty() {
            return Err(Invalid::new("an empty string", Self::WANT));
        }
        if text.len() > limits::ID_BYTES_MAX {
            return Err(too_long(&text, limits::ID_BYTES_MAX));
        }
        Ok(Self(text))
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromJson for Id {
    const WANT: &'static str = "a string that is not empty";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::new(string(value, Self::WANT)?)
    }
}

fn too_long(text: &str, max: usize) -> Invalid {
    let got = format!("string of {} bytes", text.len());
    Invalid::new(got, format!("at most {max} bytes")).hint("put the whole text into metadata or raw, nothing is cut")
}

/// What was done: dotted lower-case words, the verb last, as in `iam.role.update`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(String);

impl Action {
    /// Takes an action.
    ///
    /// # Errors
    /// If it is longer than [`limits::ACTION_BYTES_MAX`] or not two or more words of `a-z`,
    /// `0-9`, `_` and `-`, joined by dots.
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.len() > limits::ACTION_BYTES_MAX {
            let got = format!("string of {} bytes", text.len());
            let want = format!("at most {} bytes", limits::ACTION_BYTES_MAX);
            return Err(Invalid::new(got, want));
        }
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if text.contains('.') && text.split('.').all(is_word) {
            return Ok(Self(text));
        }
        let got = format!("string of {} bytes", text.len());
        Err(Invalid::new(got, Self::WANT).hint("write it like iam.role.update or user.login"))
    }

    /// The action.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromJson for Action {
    const WANT: &'static str = "dotted lower-case words, the verb last";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::new(string(value, Self::WANT)?)
    }
}

impl FromJson for bool {
    const WANT: &'static str = "true or false";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        value.as_bool().ok_or_else(|| Invalid::new(describe(&value), Self::WANT))
    }
}

impl FromJson for IpAddr {
    const WANT: &'static str = "an IPv4 or IPv6 address";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let text = string(value, Self::WANT)?;
        text.parse().map_err(|_| {
            Invalid::new(format!("string of {} bytes", text.len()), Self::WANT)
                .hint("host names, ports and zones go into metadata")
        })
    }
}

/// A list of at most [`limits::LIST_ITEMS_MAX`] items.
impl<T: FromJson> FromJson for Vec<T> {
    const WANT: &'static str = "an array";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let Json::Array(items) = value else {
            return Err(Invalid::new(describe(&value), format!("an array, each item {}", T::WANT)));
        };
        if items.len() > limits::LIST_ITEMS_MAX {
            let want = format!("at most {} items", limits::LIST_ITEMS_MAX);
            return Err(Invalid::new(format!("array of {} items", items.len()), want));
        }
        items
            .into_iter()
            .enumerate()
            .map(|(at, item)| T::from_json(item).map_err(|e| e.under(&at.to_string())))
            .collect()
    }
}

/// An enum whose members are words in JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$member_doc])* $member,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$member,)+];
            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word that stands for it in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$member => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$member),)+
                    _ => Err($crate::Invalid::not_a_word(text, Self::WORDS)),
                }
            }
        }

        impl $crate::text::FromJson for $name {
            const WANT: &'static str = concat!("one of", $(" ", $word),+);

            fn from_json(value: $crate::json::Json) -> Result<Self, $crate::Invalid> {
                match value.as_str() {
                    Some(text) => text.parse(),
                    None => Err($crate::Invalid::new($crate::invalid::describe(&value), Self::WANT)),
                }
            }
        }
    };
}
pub(crate) use words;
