//! A kind of source that is two files: `source.toml` says how to recognise and frame it, `map.vrl`
//! how to map one record (VRL, <https://vrl.dev>).
//!
//! The program sees the record as `.` (JSON, or what [`decode`](crate::decode) makes of text), what is known of the
//! delivery as `%received_at` and `%headers`, finds what the tables of `source.toml` say with
//! `lookup("table", key)`, and gives an object: the members of a draft, and
//! `natural_key` if the source tells its records apart by something. It may leave members out, give
//! `null` for what a record does not say, times in any spelling, addresses with ports; see
//! [`fit`](crate::fit). `abort "eventName: want the name of the call"` refuses a record that is not of
//! the kind. Programs can't read a clock, draw random numbers, or reach anything outside the record.

mod lookup;
mod program;
mod spec;
mod value;

use std::sync::OnceLock;

use cairn_event::{Invalid, Json, limits};

use crate::fit;
use crate::{Delivery, Framing, Likeness, MapError, Mapped, Records, Source, SplitError, foreign_draft};
use program::Program;
use spec::Spec;

/// A kind of source made from two files.
#[derive(Debug)]
pub struct Mapping {
    kind: String,
    source: String,
    map: String,
    /// Read when a kind is looked for, and compiled when the first record comes: a start waits for
    /// neither, and most kinds are never used by most people.
    spec: OnceLock<Spec>,
    program: OnceLock<Program>,
}

/// What is wrong with one of the two files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct MappingError {
    /// `source.toml` or `map.vrl`.
    pub file: &'static str,
    /// What the reader of that file says, with the place.
    pub message: String,
}

impl Mapping {
    /// Makes a kind from the texts of its two files.
    ///
    /// # Errors
    /// [`MappingError`] if one of them can't be understood.
    pub fn new(kind: &str, source: &str, map: &str) -> Result<Mapping, MappingError> {
        let spec = Spec::read(source).map_err(|message| MappingError { file: "source.toml", message })?;
        let program =
            Program::compile(map, spec.tables.clone()).map_err(|message| MappingError { file: "map.vrl", message })?;
        Ok(Mapping { spec: spec.into(), program: program.into(), ..Mapping::built_in(kind, source, map) })
    }

    /// A kind whose files are part of the product, and are read and compiled by a test.
    pub(crate) fn built_in(kind: &str, source: &str, map: &str) -> Mapping {
        let [kind, source, map] = [kind, source, map].map(str::to_owned);
        Mapping { kind, source, map, spec: OnceLock::new(), program: OnceLock::new() }
    }

    fn spec(&self) -> &Spec {
        let read = || Spec::read(&self.source).unwrap_or_else(|error| panic!("{}/source.toml: {error}", self.kind));
        self.spec.get_or_init(read)
    }

    fn program(&self) -> &Program {
        let compile = || {
            Program::compile(&self.map, self.spec().tables.clone())
                .unwrap_or_else(|error| panic!("{}/map.vrl: {error}", self.kind))
        };
        self.program.get_or_init(compile)
    }
}

impl Source for Mapping {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn title(&self) -> &str {
        &self.spec().title
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        self.spec().sniff(head)
    }

    fn framing(&self) -> Framing {
        self.spec().framing()
    }

    fn is_json(&self) -> bool {
        self.spec().format.is_json()
    }

    fn headers(&self) -> &[String] {
        &self.spec().headers
    }

    fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        self.spec().split(body)
    }

    fn map(&self, record: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError> {
        let said = self.program().run(self.spec().format.decode(record)?, delivery)?;
        let Json::Object(mut said) = said else {
            return Err(MapError::Mapping(Invalid::new(said.kind(), "an object as its result").under("map.vrl")));
        };
        let key = said.remove("natural_key").and_then(|key| fit::scalar(key, limits::ID_BYTES_MAX));
        let natural_key = key.as_deref().and_then(crate::natural_key);
        Ok(Mapped { draft: foreign_draft(said, record, delivery)?, natural_key })
    }

    fn is_ready(&self) -> bool {
        self.program.get().is_some()
    }

    fn reads(&self) -> Option<Vec<String>> {
        Some(self.program().reads())
    }
}
