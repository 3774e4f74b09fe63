//! Reads text that is not JSON into JSON, so that a mapping can be written for it.
//!
//! Each format is one file: what a record looks like is known here, what it means is known to the
//! mapping of a kind.

mod auditd;
mod cef;
mod journal;
mod leef;
mod otlp;
mod postgres;
mod sudo;
mod syslog;

use std::borrow::Cow;

use cairn_event::json::Object;
use cairn_event::{Invalid, Json};
use serde::Deserialize;

use crate::frame::json::JsonRecords;
use crate::frame::lines;
use crate::scan::find;
use crate::{Framing, MapError, Records, SplitError};

/// Fields of one record that are told apart. What is more stays in the last one, or in `raw` alone.
const FIELDS_MAX: usize = 1024;

/// How the records of a kind are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// JSON values: alone, in an array, in an envelope, one per line.
    #[default]
    Json,
    /// Lines of text, given as `message`.
    Lines,
    /// Syslog messages, RFC 5424 and 3164.
    Syslog,
    /// Common Event Format, with or without a syslog header.
    Cef,
    /// Log Event Extended Format, with or without a syslog header.
    Leef,
    /// Linux audit records, those of one event together.
    Auditd,
    /// OpenTelemetry log records.
    Otlp,
    /// The server log of PostgreSQL.
    Postgres,
    /// Entries of the systemd journal, exported.
    Journal,
    /// The JSON event log of sudo.
    Sudo,
}

/// The kind of source that a syslog message is of: formats that stand in one have kinds of their own.
#[must_use]
pub fn kind_of_message(message: &[u8]) -> &'static str {
    // Few messages hold one, and only those are read before they are mapped.
    let may_hold = find(message, b"CEF:").is_some() || find(message, b"LEEF:").is_some();
    match may_hold.then(|| syslog::inner(&String::from_utf8_lossy(message))).flatten() {
        Some("CEF") => "cef",
        Some(_) => "leef",
        None => "syslog",
    }
}

impl Format {
    /// Whether records are JSON, however they are framed.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Otlp | Format::Sudo)
    }

    pub(crate) fn framing(self) -> Framing {
        match self {
            Format::Json => Framing::Json,
            Format::Lines | Format::Cef | Format::Leef => Framing::Lines,
            Format::Syslog | Format::Auditd | Format::Otlp | Format::Postgres | Format::Journal | Format::Sudo => {
                Framing::Blocks
            }
        }
    }

    pub(crate) fn split<'a>(self, body: &'a [u8], envelopes: &'a [String]) -> Result<Records<'a>, SplitError> {
        Ok(match self {
            Format::Json => Box::new(JsonRecords::of(body, envelopes)?),
            Format::Otlp => Box::new(otlp::split(body)?),
            Format::Lines | Format::Cef | Format::Leef => Box::new(lines::lines(body)?),
            Format::Syslog => syslog::split(body)?,
            Format::Postgres => Box::new(lines::blocks(body, postgres::begins)?),
            Format::Auditd => Box::new(auditd::split(body)?),
            Format::Journal => journal::split(body)?,
            Format::Sudo => Box::new(sudo::split(body)?),
        })
    }

    /// One record as JSON.
    ///
    /// # Errors
    /// It is not JSON, or nothing of the format is in it.
    pub(crate) fn decode(self, record: &[u8]) -> Result<Json, MapError> {
        let text = String::from_utf8_lossy(record);
        let none = |want: &'static str| MapError::Invalid(Invalid::new("other text", want).under("record"));
        let with_header = |inner: Option<Object>, name: &'static str, want: &'static str| {
            let mut said = inner.ok_or_else(|| none(want))?;
            // What a relay put before it: the time and the host that it came from.
            let head = &text[..text.find(name).unwrap_or(0)];
            if !head.trim().is_empty() {
                said.insert("syslog", syslog::decode(head));
            }
            Ok::<_, MapError>(said)
        };
        let mut said = match self {
            Format::Json | Format::Sudo => return Ok(Json::parse(record)?),
            Format::Otlp => otlp::decode(&Json::parse(record)?).ok_or_else(|| none("a log record"))?,
            Format::Lines => [("message", text.as_ref())].into_iter().collect(),
            Format::Syslog => syslog::decode(&text),
            Format::Cef => with_header(cef::decode(&text), "CEF:", "a line with CEF:0|vendor|product|...")?,
            Format::Leef => with_header(leef::decode(&text), "LEEF:", "a line with LEEF:1.0|vendor|product|...")?,
            Format::Auditd => auditd::decode(&text).ok_or_else(|| none("type=... msg=audit(time:number): ..."))?,
            Format::Postgres => postgres::decode(&text).ok_or_else(|| none("an entry of a PostgreSQL log"))?,
            Format::Journal => journal::decode(record).ok_or_else(|| none("FIELD=value lines"))?,
        };
        if matches!(text, Cow::Owned(_)) {
            // What is not UTF-8 was replaced for the reader's sake; `raw` has the bytes.
            said.insert("fault", "encoding");
        }
        Ok(Json::Object(said))
    }
}
