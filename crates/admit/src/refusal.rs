//! Why a record was not taken, in terms that a producer can act on.

use std::fmt;

use cairn_event::{Invalid, JsonError, limits};

/// What kind of thing is wrong, for programs. The words are part of the HTTP interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The record is not JSON that can be kept.
    NotJson,
    /// The record is JSON, but not an event (or not a record of its kind).
    Invalid,
    /// The record exceeds a limit of size.
    TooLarge,
}

impl Code {
    /// The word for the wire: `not_json`, `invalid`, `too_large`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::NotJson => "not_json",
            Code::Invalid => "invalid",
            Code::TooLarge => "too_large",
        }
    }
}

/// At whose side the fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// The record is not what its kind says: whoever sends it has to mend it.
    #[default]
    Record,
    /// The mapping makes of it what is no event: whoever keeps the mapping has to mend it.
    Mapping,
}

impl Fault {
    /// The word for it: `record`, `mapping`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Record => "record",
            Fault::Mapping => "mapping",
        }
    }
}

/// Why a record was not taken: which field, what came, what is wanted, what to do. Never repeats the
/// content of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of thing is wrong.
    pub code: Code,
    /// The field by dotted path; empty for the whole record.
    pub field: String,
    /// What came.
    pub got: String,
    /// What is wanted.
    pub want: String,
    /// What to do about it, if there is something to say.
    pub hint: Option<String>,
    /// At whose side the fault is.
    pub fault: Fault,
}

impl Refusal {
    pub(crate) fn too_large(size_bytes: usize) -> Refusal {
        Refusal {
            code: Code::TooLarge,
            field: String::new(),
            got: format!("{size_bytes} bytes"),
            want: format!("at most {} bytes in one record", limits::RECORD_BYTES_MAX),
            hint: None,
            fault: Fault::Record,
        }
    }

    /// What came and what is wanted, without the hint.
    #[must_use]
    pub fn detail(&self) -> String {
        let field = if self.field.is_empty() { String::new() } else { format!("{}: ", self.field) };
        format!("{field}got {}, want {}", self.got, self.want)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Refusal {
        let Invalid { field, got, want, hint, is_too_large } = invalid;
        let code = if is_too_large { Code::TooLarge } else { Code::Invalid };
        Refusal { code, field, got, want, hint, fault: Fault::Record }
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Refusal {
        Refusal {
            code: Code::NotJson,
            field: error.path.trim_start_matches('/').replace('/', "."),
            got: format!("{} at byte {}", error.kind.text(), error.offset),
            want: "one JSON object".to_owned(),
            hint: None,
            fault: Fault::Record,
        }
    }
}
