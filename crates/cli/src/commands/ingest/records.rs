//! Takes an input apart into records, one at a time, whatever its size.

use std::io::{BufRead, Read};

use cairn_event::Json;
use cairn_sources::{Detected, Framing, SharedSource, Source, Sources};

use super::input::{Input, Layout, RECORD_BYTES_MAX, WHOLE_BYTES_MAX};
use super::keys::{Occurrences, with_key};

/// A record on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Which record of its input it is, from 0.
    pub(crate) number: u64,
    /// What is sent.
    pub(crate) bytes: Vec<u8>,
    /// Whether it may stand in an array: it is whole JSON.
    pub(crate) is_json: bool,
}

/// A kind of records, as far as their sender must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: String,
    /// How its records stand in a body.
    pub(crate) framing: Framing,
}

impl Kind {
    /// The kind of a source.
    pub(crate) fn of(source: &dyn Source) -> Kind {
        Kind { name: source.kind().to_owned(), framing: source.framing() }
    }
}

/// What comes out of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A record.
    Record(Outgoing),
    /// A record that can't be sent at all, and why.
    Unsendable { number: u64, why: String },
    /// What follows is of this kind: a file may hold records of several.
    Turn { kind: Kind, how: String },
    /// What follows is not sent together with what came before: the server would put records of both
    /// together, and its answer would not fit what was sent.
    Apart,
}

/// Bytes of lines that are taken apart at once, by a source that looks at more than a line at a time.
const PIECE_BYTES: usize = 8 << 20;

/// Gives every record of an input to `take`, in order, until that says to stop. If the kind of the input
/// was found and not named, a record that does not look like it at all is looked at by itself.
///
/// # Errors
/// What reading says; an input that can't be taken apart as a whole. Records given so far stand.
pub(crate) fn each(input: Input, sources: &Sources, take: &mut dyn FnMut(Taken) -> bool) -> Result<(), String> {
    let may_turn = input.likeness.is_some() && input.source.is_json() && input.source.kind() != NATIVE;
    let mut splitter = Splitter {
        now: input.source.clone(),
        others: may_turn.then(|| sources.clone()),
        is_native: input.source.kind() == NATIVE,
        framing: input.source.framing(),
        is_json: input.source.is_json(),
        occurrences: Occurrences::default(),
        number: 0,
    };
    match input.layout {
        Layout::Lines if splitter.framing == Framing::Blocks => splitter.pieces(&*input.source, input.bytes, take),
        Layout::Lines => splitter.lines(input.bytes, take),
        Layout::Whole => splitter.whole(&*input.source, input.bytes, take),
    }
}

/// The kind of events that are Cairn's own.
const NATIVE: &str = "native";

struct Splitter {
    /// The kind of the records now.
    now: SharedSource,
    /// What else a record may be.
    others: Option<Sources>,
    is_native: bool,
    framing: Framing,
    /// Records are JSON, or should be.
    is_json: bool,
    occurrences: Occurrences,
    number: u64,
}

impl Splitter {
    fn lines(&mut self, mut bytes: Box<dyn BufRead + Send>, take: &mut dyn FnMut(Taken) -> bool) -> Result<(), String> {
        let mut line = Vec::new();
        let mut is_first = true;
        loop {
            line.clear();
            let limit = RECORD_BYTES_MAX as u64 + 1;
            let read = (&mut bytes).take(limit).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
            if read == 0 {
                return Ok(());
            }
            let too_long = line.len() > RECORD_BYTES_MAX && line.last() != Some(&b'\n');
            if too_long {
                skip_line(&mut bytes).map_err(|error| error.to_string())?;
            }
            let mut record = if self.is_json { line.trim_ascii() } else { line.trim_ascii_end() };
            if std::mem::take(&mut is_first) {
                record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record).trim_ascii();
            }
            if record.is_empty() {
                continue;
            }
            let goes_on = if too_long { take(self.too_long()) } else { self.give(record, take) };
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn whole(
        &mut self,
        source: &dyn Source,
        bytes: Box<dyn BufRead + Send>,
        take: &mut dyn FnMut(Taken) -> bool,
    ) -> Result<(), String> {
        let mut body = Vec::new();
        bytes.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut body).map_err(|error| error.to_string())?;
        if body.len() as u64 > WHOLE_BYTES_MAX {
            return Err(format!(
                "it is one JSON text of more than {} MiB; put one record on each line (`jq -c '.[]'`), then any size is taken",
                WHOLE_BYTES_MAX >> 20
            ));
        }
        self.split(source, &body, take).map(drop)
    }

    /// Lines of a source that puts records of several lines together, or takes one line apart.
    fn pieces(
        &mut self,
        source: &dyn Source,
        mut bytes: Box<dyn BufRead + Send>,
        take: &mut dyn FnMut(Taken) -> bool,
    ) -> Result<(), String> {
        let mut piece = Vec::new();
        loop {
            let limit = RECORD_BYTES_MAX as u64 + 1;
            let read = (&mut bytes).take(limit).read_until(b'\n', &mut piece).map_err(|error| error.to_string())?;
            if (read == 0 || piece.len() >= PIECE_BYTES) && !piece.trim_ascii().is_empty() {
                let goes_on = self.split(source, &piece, take)? && take(Taken::Apart);
                piece.clear();
                if !goes_on {
                    return Ok(());
                }
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Gives the records of a body; false if nobody wants more of them.
    fn split(&mut self, source: &dyn Source, body: &[u8], take: &mut dyn FnMut(Taken) -> bool) -> Result<bool, String> {
        for record in source.split(body).map_err(|error| error.to_string())? {
            let is_too_long = record.bytes.len() > RECORD_BYTES_MAX;
            if !(if is_too_long { take(self.too_long()) } else { self.give(&record.bytes, take) }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives one record, after the word that it is of another kind, if it is.
    fn give(&mut self, record: &[u8], take: &mut dyn FnMut(Taken) -> bool) -> bool {
        if let Some(found) = self.other_kind(record) {
            let turn = Taken::Turn { kind: Kind::of(&*found.source), how: found.likeness.reason.into_owned() };
            self.now = found.source;
            if !take(turn) {
                return false;
            }
        }
        take(self.record(record))
    }

    fn other_kind(&self, record: &[u8]) -> Option<Detected> {
        let others = self.others.as_ref().filter(|_| self.now.sniff(record).score == 0)?;
        let can_be = |found: &Detected| found.source.is_json() && found.source.kind() != NATIVE;
        others.detect(record).filter(can_be)
    }

    fn record(&mut self, record: &[u8]) -> Taken {
        let number = self.next();
        let json = self.is_json.then(|| Json::parse(record).ok()).flatten();
        let keyed =
            json.as_ref().filter(|_| self.is_native).and_then(|json| with_key(record, json, &mut self.occurrences));
        let mut bytes = keyed.unwrap_or_else(|| record.to_vec());
        if json.is_none() && self.is_json {
            // What is not JSON can only be sent as a line, so it must be one. Whole JSON keeps its bytes.
            bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
        if json.is_none() && self.framing == Framing::Blocks {
            // A blank line behind it: for some formats that is what ends a record, the others pass over it.
            bytes.push(b'\n');
        }
        Taken::Record(Outgoing { number, bytes, is_json: json.is_some() })
    }

    fn too_long(&mut self) -> Taken {
        let why = format!("it has more than {} MiB", RECORD_BYTES_MAX >> 20);
        Taken::Unsendable { number: self.next(), why }
    }

    fn next(&mut self) -> u64 {
        let number = self.number;
        self.number += 1;
        number
    }
}

fn skip_line(bytes: &mut (impl BufRead + ?Sized)) -> std::io::Result<()> {
    loop {
        let buffer = bytes.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (skipped, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        bytes.consume(skipped);
        if is_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    #[track_caller]
    fn check(kind: &str, layout: Layout, text: &str, expected: &[(&str, bool)]) {
        let sources = Sources::builtin();
        let source = sources.by_kind(kind).expect("a kind");
        let bytes = Box::new(BufReader::with_capacity(7, Cursor::new(text.to_owned().into_bytes())));
        let mut got = Vec::new();
        let input = Input { source, likeness: None, compression: None, layout, bytes };
        each(input, &sources, &mut |taken| {
            got.push(taken);
            true
        })
        .expect("taken apart");
        let numbers: Vec<u64> = (0..expected.len() as u64).collect();
        let seen: Vec<(u64, String, bool)> = got
            .into_iter()
            .map(|taken| match taken {
                Taken::Record(record) => {
                    (record.number, String::from_utf8_lossy(&record.bytes).into_owned(), record.is_json)
                }
                Taken::Unsendable { number, why } => (number, why, false),
                Taken::Apart | Taken::Turn { .. } => {
                    unreachable!("the kind was named, and lines are sent as they come")
                }
            })
            .collect();
        let expected: Vec<(u64, String, bool)> = numbers
            .into_iter()
            .zip(expected)
            .map(|(number, (text, is_json))| (number, (*text).to_owned(), *is_json))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn lines_come_one_by_one_and_a_broken_one_takes_no_neighbour() {
        check(
            "cloudtrail",
            Layout::Lines,
            "\u{feff}{\"eventID\":\"1\"}\r\n\n{broken\n  {\"eventID\":\"2\"}",
            &[("{\"eventID\":\"1\"}", true), ("{broken", false), ("{\"eventID\":\"2\"}", true)],
        );
    }

    #[test]
    fn records_of_an_envelope_keep_their_bytes() {
        check(
            "cloudtrail",
            Layout::Whole,
            "{\"Records\": [ {\"eventID\":\n \"1\"}, {\"eventID\": \"2\" } ]}",
            &[("{\"eventID\":\n \"1\"}", true), ("{\"eventID\": \"2\" }", true)],
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_the_next_one_read() {
        let long = format!("{{\"eventID\":\"{}\"}}\n{{\"eventID\":\"2\"}}\n", "x".repeat(RECORD_BYTES_MAX));
        check("cloudtrail", Layout::Lines, &long, &[("it has more than 8 MiB", false), ("{\"eventID\":\"2\"}", true)]);
    }
}
