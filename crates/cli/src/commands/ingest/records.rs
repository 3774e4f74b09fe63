//! Takes an input apart into records, one at a time, whatever its size.

use std::io::{BufRead, Read};

use cairn_event::Json;
use cairn_sources::Source;

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

/// What comes out of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A record.
    Record(Outgoing),
    /// A record that can't be sent at all, and why.
    Unsendable { number: u64, why: String },
}

/// Gives every record of an input to `take`, in order, until that says to stop.
///
/// # Errors
/// What reading says; an input that can't be taken apart as a whole. Records given so far stand.
pub(crate) fn each(input: Input, take: &mut dyn FnMut(Taken) -> bool) -> Result<(), String> {
    let mut splitter =
        Splitter { is_native: input.source.kind() == "native", occurrences: Occurrences::default(), number: 0 };
    match input.layout {
        Layout::Lines => splitter.lines(input.bytes, take),
        Layout::Whole => splitter.whole(input.source, input.bytes, take),
    }
}

struct Splitter {
    is_native: bool,
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
            let mut record = line.trim_ascii();
            if std::mem::take(&mut is_first) {
                record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record).trim_ascii();
            }
            if record.is_empty() {
                continue;
            }
            let taken = if too_long { self.too_long() } else { self.record(record, &Json::parse(record).ok()) };
            if !take(taken) {
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
        for record in source.split(&body).map_err(|error| error.to_string())? {
            let taken = if record.bytes.len() > RECORD_BYTES_MAX {
                self.too_long()
            } else {
                self.record(record.bytes, &record.json.ok())
            };
            if !take(taken) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &[u8], json: &Option<Json>) -> Taken {
        let number = self.next();
        let keyed =
            json.as_ref().filter(|_| self.is_native).and_then(|json| with_key(record, json, &mut self.occurrences));
        let mut bytes = keyed.unwrap_or_else(|| record.to_vec());
        if json.is_none() {
            // What is not JSON can only be sent as a line, so it must be one. Whole JSON keeps its bytes.
            bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
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
        let source = cairn_sources::by_kind(kind).expect("a kind");
        let bytes = Box::new(BufReader::with_capacity(7, Cursor::new(text.to_owned().into_bytes())));
        let mut got = Vec::new();
        let input = Input { source, likeness: None, compression: None, layout, bytes };
        each(input, &mut |taken| {
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
