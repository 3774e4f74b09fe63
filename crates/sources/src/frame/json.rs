//! JSON: a single object, an array, an envelope around an array, or lines.

use std::borrow::Cow;
use std::ops::Range;

use cairn_event::Json;

use super::{Record, SplitError};
use crate::scan::{Members, skip_space, value_end};

/// For formats whose records never stand in an object around an array.
pub(crate) const NO_ENVELOPE: &[&str] = &[];

/// The records of a body, one after the other.
#[derive(Debug)]
pub(crate) struct JsonRecords<'a> {
    body: &'a [u8],
    envelopes: Vec<&'a str>,
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

impl<'a> JsonRecords<'a> {
    /// Decides how the body is framed. `envelopes` names the members that may hold the records when
    /// they come as one object around an array.
    pub(crate) fn of(body: &'a [u8], envelopes: &'a [impl AsRef<str>]) -> Result<JsonRecords<'a>, SplitError> {
        let envelopes = envelopes.iter().map(AsRef::as_ref).collect();
        let start = skip_space(body, super::text_start(body)?);
        let mut records = JsonRecords { body, envelopes, state: State::Done };
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
        let envelope = |key: &[u8]| self.envelopes.iter().find(|name| name.as_bytes() == key);
        let Some((name, value_at)) =
            Members::of(self.body, at).find_map(|member| Some((envelope(member.key)?, member.value_at)))
        else {
            return Ok(None);
        };
        match self.body.get(value_at) {
            Some(b'[') => Ok(Some(State::Array { at: value_at + 1, within: Within::Envelope, may_close: true })),
            _ => Err(SplitError::Envelope { member: (*name).to_owned() }),
        }
    }

    fn record(&self, range: Range<usize>) -> Record<'a> {
        Record { bytes: Cow::Borrowed(&self.body[range.clone()]), range }
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
            if Json::parse(&record.bytes).is_ok() {
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

impl<'a> Iterator for JsonRecords<'a> {
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
    // Not beyond the range: a long run of blank lines would be walked through once for each of them.
    let start = skip_space(&body[..range.end], range.start);
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let len = body[start..range.end].iter().rposition(|b| !is_space(b)).map_or(0, |last| last + 1);
    start..start + len
}

#[cfg(test)]
mod tests;
