//! Cuts a body into records: a single object, an array, an envelope around an array, or lines.

use std::ops::Range;

use cairn_event::{Json, JsonError};

use crate::scan::{Members, skip_space, value_end};

/// One record of a body.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The record exactly as it stands in the body, without the white space and commas around it.
    pub bytes: &'a [u8],
    /// Where those bytes stand in the body.
    pub range: Range<usize>,
    /// The record parsed, or why it can't be. Offsets of the error count from the record's first byte.
    pub json: Result<Json, JsonError>,
}

/// Why a body has no records that could be read one by one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The body has no byte that is not white space.
    #[error("the body is empty, want at least one record")]
    Empty,
    /// The body begins with the signature of something that is not JSON text in UTF-8.
    #[error("the body looks like {looks_like}, want JSON text in UTF-8")]
    NotText {
        /// What the first bytes are the signature of.
        looks_like: &'static str,
    },
    /// The member that should hold the records holds something else.
    #[error("{member}: want an array of records")]
    Envelope {
        /// The name of that member: `Records`, `items`.
        member: &'static str,
    },
}

/// First bytes by which files that are not JSON text are recognised, so that the answer can say what
/// they are instead of refusing each "line" of them.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "Parquet"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// The records of a body, one after the other. Made by [`Source::split`](crate::Source::split).
#[derive(Debug, Clone)]
pub struct Records<'a> {
    body: &'a [u8],
    envelope: Option<&'static str>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The rest of the body is one record.
    Whole(usize),
    /// Newline-delimited records from here.
    Lines(usize),
    /// Inside an array.
    Array {
        at: usize,
        within: Within,
        may_close: bool,
    },
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The array is the whole body.
    Body,
    /// The array is the member of an object, and more such objects may follow: delivery files that
    /// were put one behind the other are read like one.
    Envelope,
}

impl<'a> Records<'a> {
    /// Decides how the body is framed. `envelope` names the member that holds the records when they
    /// come as one object around an array.
    pub(crate) fn of(body: &'a [u8], envelope: Option<&'static str>) -> Result<Records<'a>, SplitError> {
        for (signature, looks_like) in SIGNATURES {
            if body.starts_with(signature) {
                return Err(SplitError::NotText { looks_like });
            }
        }
        let start = skip_space(body, if body.starts_with(UTF8_BOM) { UTF8_BOM.len() } else { 0 });
        let mut records = Records { body, envelope, state: State::Done };
        records.state = match body.get(start) {
            None => return Err(SplitError::Empty),
            Some(b'[') => State::Array { at: start + 1, within: Within::Body, may_close: true },
            Some(b'{') => match records.enter_envelope(start)? {
                Some(state) => state,
                None if value_end(body, start).is_some_and(|end| skip_space(body, end) == body.len()) => {
                    State::Whole(start)
                }
                None => State::Lines(start),
            },
            Some(_) => State::Lines(start),
        };
        Ok(records)
    }

    /// The state inside the envelope's array if the object at `at` is such an envelope.
    fn enter_envelope(&self, at: usize) -> Result<Option<State>, SplitError> {
        let Some(name) = self.envelope else {
            return Ok(None);
        };
        let Some(member) = Members::of(self.body, at).find(|member| member.key == name.as_bytes()) else {
            return Ok(None);
        };
        match self.body.get(member.value_at) {
            Some(b'[') => Ok(Some(State::Array { at: member.value_at + 1, within: Within::Envelope, may_close: true })),
            _ => Err(SplitError::Envelope { member: name }),
        }
    }

    fn record(&self, range: Range<usize>) -> Record<'a> {
        let bytes = &self.body[range.clone()];
        Record { bytes, range, json: Json::parse(bytes) }
    }

    /// All that is left, as one record that will not parse: nothing of a body goes unseen.
    fn rest(&mut self, at: usize) -> Record<'a> {
        self.state = State::Done;
        self.record(trimmed(self.body, at..self.body.len()))
    }

    fn next_line(&mut self, mut at: usize) -> Option<Record<'a>> {
        while at < self.body.len() {
            let line_len = self.body[at..].iter().position(|b| *b == b'\n');
            let end = line_len.map_or(self.body.len(), |len| at + len);
            let line = trimmed(self.body, at..end);
            at = (end + 1).min(self.body.len());
            if !line.is_empty() {
                self.state = State::Lines(at);
                return Some(self.record(line));
            }
        }
        self.state = State::Done;
        None
    }

    fn next_element(&mut self, at: usize, within: Within, may_close: bool) -> Option<Record<'a>> {
        let start = skip_space(self.body, at);
        if may_close && self.body.get(start) == Some(&b']') {
            return self.close(start + 1, within);
        }
        let Some(end) = element_end(self.body, start) else {
            // The body ends inside the array: what is left of it is the last record. If that one is
            // whole, an empty broken record behind it still says that the array was cut.
            let record = self.rest(start);
            if record.json.is_ok() {
                self.state = State::Array { at: self.body.len(), within, may_close: false };
            }
            return Some(record);
        };
        let record = self.record(trimmed(self.body, start..end));
        self.state = match self.body[end] {
            b',' => State::Array { at: end + 1, within, may_close: false },
            _ => State::Array { at: end, within, may_close: true },
        };
        Some(record)
    }

    /// Leaves the array whose bracket closed just before `at`.
    fn close(&mut self, at: usize, within: Within) -> Option<Record<'a>> {
        let outside = match within {
            Within::Body => Some(at),
            Within::Envelope => envelope_end(self.body, at),
        };
        let Some(next) = outside.map(|outside| skip_space(self.body, outside)) else {
            return Some(self.rest(at));
        };
        if next == self.body.len() {
            self.state = State::Done;
            return None;
        }
        match (within, self.enter_envelope(next)) {
            (Within::Envelope, Ok(Some(state))) => {
                self.state = state;
                self.next()
            }
            _ => Some(self.rest(next)),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        match self.state {
            State::Whole(at) => Some(self.rest(at)),
            State::Lines(at) => self.next_line(at),
            State::Array { at, within, may_close } => self.next_element(at, within, may_close),
            State::Done => None,
        }
    }
}

/// Where the array element at `at` ends: the position of the `,` or `]` behind it. Whatever stands
/// before that, be it two values without a comma, belongs to this one (broken) element.
fn element_end(body: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    loop {
        match body.get(i)? {
            b',' | b']' => return Some(i),
            b'}' | b':' | b' ' | b'\t' | b'\n' | b'\r' => i += 1,
            _ => i = value_end(body, i)?,
        }
    }
}

/// The end of the object around an array that closed just before `at`, past its other members.
fn envelope_end(body: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    loop {
        i = skip_space(body, i);
        match body.get(i)? {
            b'}' => return Some(i + 1),
            b',' | b':' => i += 1,
            b']' => return None,
            _ => i = value_end(body, i)?,
        }
    }
}

fn trimmed(body: &[u8], range: Range<usize>) -> Range<usize> {
    let start = skip_space(body, range.start).min(range.end);
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let len = body[start..range.end].iter().rposition(|b| !is_space(b)).map_or(0, |last| last + 1);
    start..start + len
}

#[cfg(test)]
mod tests;
