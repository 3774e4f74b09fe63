//! Takes a batch apart into its elements, each with its own bytes and its own error.
//!
//! A record that we refuse must not take its neighbours with it: if one element is at fault, the
//! scan finds its end by counting brackets outside strings, and goes on behind it.

use std::ops::Range;

use jiter::{Jiter, Peek};

use super::Json;
use super::parse::{self, JsonError, JsonErrorKind};
use crate::limits;

/// Where the elements lie in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within<'a> {
    /// The text is one array; its items are the elements.
    Array,
    /// The text is one object; the items of the array in this member are the elements.
    Member(&'a str),
    /// Each line that is not blank is an element (NDJSON). A byte order mark at the start and
    /// `\r` at the end of a line are allowed.
    Lines,
}

/// One element of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its bytes in the text, without white space around.
    pub range: Range<usize>,
    /// The value, or why it is none. Offsets count from the start of the whole text, paths from
    /// the element.
    pub json: Result<Json, JsonError>,
}

/// All elements of `bytes`, in order.
///
/// # Errors
/// If the text around the elements is at fault, so that it can't be known where they are, or if
/// there are more than [`limits::ELEMENTS_MAX`].
pub fn elements(bytes: &[u8], within: Within<'_>) -> Result<Vec<Element>, JsonError> {
    let mut found = Vec::new();
    for element in Elements::new(bytes, within) {
        let element = element?;
        if found.len() == limits::ELEMENTS_MAX {
            let kind = JsonErrorKind::TooManyElements;
            return Err(JsonError::new(kind, element.range.start));
        }
        found.push(element);
    }
    Ok(found)
}

/// The elements of a text one by one, so that a large batch never lies parsed in memory as a
/// whole. After an `Err` the iterator is at its end.
#[derive(Debug)]
pub struct Elements<'b> {
    bytes: &'b [u8],
    within: Within<'b>,
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    Done,
}

impl<'b> Elements<'b> {
    /// Prepares to walk `bytes`; nothing is read yet.
    #[must_use]
    pub fn new(bytes: &'b [u8], within: Within<'b>) -> Self {
        Self { bytes, within, at: 0, state: State::Before }
    }

    fn step(&mut self) -> Result<Option<Element>, JsonError> {
        let first = match (self.state, self.within) {
            (State::Done, _) => None,
            (_, Within::Lines) => return Ok(self.line()),
            (State::Before, _) => self.open()?,
            (State::Inside, _) => self.on_rest(Jiter::array_step)?,
        };
        match first {
            Some(first) => Ok(Some(self.item(first)?)),
            None if self.state == State::Done => Ok(None),
            None => self.close().map(|()| None),
        }
    }

    /// Runs one step of `jiter` on what is left. Its state is its place and nothing else, so a
    /// new one can go on wherever the last one, or a bracket scan, came to.
    fn on_rest<T, E>(&mut self, step: impl FnOnce(&mut Jiter<'b>) -> Result<T, E>) -> Result<T, JsonError>
    where
        JsonError: From<E>,
    {
        let mut jiter = Jiter::new(&self.bytes[self.at..]);
        let result = step(&mut jiter).map_err(|error| JsonError::from(error).shifted(self.at));
        self.at += jiter.current_index();
        result
    }

    /// Goes to the first element.
    fn open(&mut self) -> Result<Option<Peek>, JsonError> {
        let name = match self.within {
            Within::Member(name) => Some(name),
            _ => None,
        };
        self.state = State::Inside;
        self.on_rest(|jiter| {
            if let Some(name) = name {
                enter_member(jiter, name)?;
            }
            match jiter.peek()? {
                Peek::Array => Ok(jiter.known_array()?),
                _ => Err(no_array(jiter.current_index())),
            }
        })
    }

    fn item(&mut self, first: Peek) -> Result<Element, JsonError> {
        let start = self.at;
        let parsed = self.on_rest(|jiter| parse::value(jiter, first, 0));
        if let Err(error) = &parsed {
            self.at = match end_of_value(self.bytes, start) {
                Some(end) => end,
                None => return Err(error.clone()),
            };
        }
        Ok(Element { range: start..self.at, json: parsed })
    }

    /// Checks what stands behind the last element.
    fn close(&mut self) -> Result<(), JsonError> {
        self.state = State::Done;
        let name = match self.within {
            Within::Member(name) => Some(name),
            _ => None,
        };
        self.on_rest(|jiter| {
            if let Some(name) = name {
                while let Some(key) = jiter.next_key()? {
                    if key == name {
                        let at = jiter.current_index();
                        return Err(JsonError::new(JsonErrorKind::DuplicateKey, at));
                    }
                    skip_value(jiter)?;
                }
            }
            jiter.finish().map_err(JsonError::from)
        })
    }

    fn line(&mut self) -> Option<Element> {
        if self.state == State::Before {
            self.state = State::Inside;
            if self.bytes.starts_with(b"\xef\xbb\xbf") {
                self.at = 3;
            }
        }
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let (before, line) = (self.at, rest[..length].trim_ascii_start());
            self.at = (before + length + 1).min(self.bytes.len());
            let start = before + length - line.len();
            let line = line.trim_ascii_end();
            if !line.is_empty() {
                return Some(Element {
                    range: start..start + line.len(),
                    json: Json::parse(line).map_err(|error| error.shifted(start)),
                });
            }
        }
        self.state = State::Done;
        None
    }
}

impl Iterator for Elements<'_> {
    type Item = Result<Element, JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.state = State::Done;
        }
        step.transpose()
    }
}

fn no_array(offset: usize) -> JsonError {
    JsonError::new(JsonErrorKind::NoSuchArray, offset)
}

/// Goes behind the colon of member `name` of the object that comes next.
fn enter_member(jiter: &mut Jiter<'_>, name: &str) -> Result<(), JsonError> {
    if jiter.peek()? != Peek::Object {
        return Err(no_array(jiter.current_index()));
    }
    let mut found = jiter.known_object()?.map(|key| key == name);
    while let Some(is_it) = found {
        if is_it {
            return Ok(());
        }
        skip_value(jiter)?;
        found = jiter.next_key()?.map(|key| key == name);
    }
    Err(no_array(jiter.current_index()))
}

fn skip_value(jiter: &mut Jiter<'_>) -> Result<(), JsonError> {
    let first = jiter.peek()?;
    parse::value(jiter, first, 1).map(|_| ())
}

/// The end of the value that starts at `start`, found by brackets alone; `None` if there is none.
fn end_of_value(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b',' if depth == 0 => return Some(at),
            b']' | b'}' if depth == 0 => return Some(at),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
