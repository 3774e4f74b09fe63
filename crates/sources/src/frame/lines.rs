//! Text: one record a line, or several lines that belong together.

use std::borrow::Cow;
use std::ops::Range;

use super::{Record, SplitError};

/// The lines of a body that hold anything, without their line ends.
pub(crate) fn lines(body: &[u8]) -> Result<impl Iterator<Item = Record<'_>>, SplitError> {
    let start = super::text_start(body)?;
    let mut at = start;
    let mut ranges = std::iter::from_fn(move || {
        while at < body.len() {
            let line_len = body[at..].iter().position(|byte| *byte == b'\n');
            let (start, end) = (at, line_len.map_or(body.len(), |len| at + len));
            at = end + 1;
            let line = without_end(body, start..end);
            if !body[line.clone()].trim_ascii().is_empty() {
                return Some(line);
            }
        }
        None
    });
    let first = ranges.next().ok_or(SplitError::Empty)?;
    Ok(std::iter::once(first).chain(ranges).map(move |range| record(body, range)))
}

/// The records of a body in which a line for which `begins` says so is the first of a record, and the
/// lines behind it belong to it.
pub(crate) fn blocks(
    body: &[u8],
    begins: impl Fn(&[u8]) -> bool,
) -> Result<impl Iterator<Item = Record<'_>>, SplitError> {
    let mut lines = lines(body)?.peekable();
    Ok(std::iter::from_fn(move || {
        let first = lines.next()?.range;
        let mut end = first.end;
        while let Some(line) = lines.next_if(|line| !begins(&line.bytes)) {
            end = line.range.end;
        }
        Some(record(body, first.start..end))
    }))
}

fn record(body: &[u8], range: Range<usize>) -> Record<'_> {
    Record { bytes: Cow::Borrowed(&body[range.clone()]), range }
}

/// A line without the carriage return, and the NUL that some system loggers leave behind it.
fn without_end(body: &[u8], range: Range<usize>) -> Range<usize> {
    let len = body[range.clone()].iter().rposition(|byte| !matches!(byte, b'\r' | b'\0')).map_or(0, |last| last + 1);
    range.start..range.start + len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(records: impl Iterator<Item = Record<'a>>) -> Vec<String> {
        records.map(|record| String::from_utf8_lossy(&record.bytes).into_owned()).collect()
    }

    #[test]
    fn a_line_is_a_record_whatever_ends_it() {
        assert_eq!(shown(lines("\u{feff}a\r\n\n  \n b\0\nc".as_bytes()).expect("text")), ["a", " b", "c"]);
        assert_eq!(lines(b" \n").map(Iterator::count).err(), Some(SplitError::Empty));
    }

    #[test]
    fn lines_belong_to_the_record_that_began_before_them() {
        let begins = |line: &[u8]| line.starts_with(b"#");
        assert_eq!(shown(blocks(b"lost\n#1\n a\n\n b\n#2\n", begins).expect("text")), ["lost", "#1\n a\n\n b", "#2"]);
    }
}
