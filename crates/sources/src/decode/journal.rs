//! The export format of the systemd journal: `FIELD=value` lines, a blank line behind each entry
//! (systemd, "Journal Export Formats"). A value that is not plain text comes as `FIELD`, a newline,
//! its length as 64 bits little endian, its bytes and a newline; so entries can't be found by lines.

use std::borrow::Cow;

use cairn_event::Json;
use cairn_event::json::Object;

use super::FIELDS_MAX;
use super::cef::add;
use crate::frame::Record;
use crate::frame::json::{JsonRecords, NO_ENVELOPE};
use crate::{Records, SplitError};

/// The entries of a body: in the export format, or as JSON, one a line.
pub(super) fn split(body: &[u8]) -> Result<Records<'_>, SplitError> {
    if body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'[')) {
        return Ok(Box::new(JsonRecords::of(body, NO_ENVELOPE)?));
    }
    let mut at = 0;
    let mut entries = std::iter::from_fn(move || {
        while body.get(at) == Some(&b'\n') {
            at += 1;
        }
        let start = at;
        while let Some((_, end)) = field(body, at) {
            at = end;
        }
        if at < body.len() && body[at] != b'\n' {
            // What comes here is no field: the entry is broken, up to the next blank line.
            at = body[at..].windows(2).position(|pair| pair == b"\n\n").map_or(body.len(), |len| at + len);
        }
        (start < body.len())
            .then(|| Record { bytes: Cow::Borrowed(body[start..at].trim_ascii_end()), range: start..at })
    })
    .filter(|entry| !entry.bytes.is_empty());
    let first = entries.next().ok_or(SplitError::Empty)?;
    Ok(Box::new(std::iter::once(first).chain(entries)))
}

/// A field: its name and its value.
type Field<'b> = (&'b [u8], &'b [u8]);

/// The field that begins at `at`, and where the next one begins.
fn field(body: &[u8], at: usize) -> Option<(Field<'_>, usize)> {
    let line_len = body[at..].iter().position(|byte| *byte == b'\n').unwrap_or(body.len() - at);
    let line = &body[at..at + line_len];
    if line.is_empty() {
        return None;
    }
    let after = (at + line_len + 1).min(body.len());
    match line.iter().position(|byte| *byte == b'=') {
        Some(equals) => is_name(&line[..equals]).then_some(((&line[..equals], &line[equals + 1..]), after)),
        None if is_name(line) => {
            let len = u64::from_le_bytes(body.get(after..after + 8)?.try_into().ok()?);
            let start = after + 8;
            let end = start.checked_add(usize::try_from(len).ok()?).filter(|end| *end <= body.len())?;
            let next = if body.get(end) == Some(&b'\n') { end + 1 } else { end };
            Some(((line, &body[start..end]), next))
        }
        None => None,
    }
}

fn is_name(name: &[u8]) -> bool {
    (1..=64).contains(&name.len())
        && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Reads one entry, in the export format or as JSON (`journalctl -o json`); `None` if it is neither.
pub(super) fn decode(entry: &[u8]) -> Option<Object> {
    if entry.first() == Some(&b'{') {
        let Ok(Json::Object(said)) = Json::parse(entry) else { return None };
        return Some(said.into_iter().map(|(name, value)| (name, text_of_bytes(value))).collect());
    }
    let mut said = Object::new();
    let mut at = 0;
    let mut fields = 0;
    while let Some(((name, value), next)) = field(entry, at) {
        fields += 1;
        if fields > FIELDS_MAX {
            return None;
        }
        add(&mut said, &String::from_utf8_lossy(name), String::from_utf8_lossy(value).into_owned());
        at = next;
    }
    (at >= entry.len() && !said.is_empty()).then_some(said)
}

/// JSON output gives values that are not text as arrays of their bytes.
fn text_of_bytes(value: Json) -> Json {
    let bytes =
        |items: &[Json]| items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect::<Option<Vec<u8>>>();
    match value.as_array().filter(|items| !items.is_empty()).and_then(bytes) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_their_fields_not_by_blank_lines() {
        let mut body = b"__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE\n".to_vec();
        body.extend(5_u64.to_le_bytes());
        body.extend(b"a\n\nb=\n\nA=1\nbroken\nB=2\n\n__REALTIME_TIMESTAMP=2\nMESSAGE=x\nMESSAGE=y\n\nbroken\n");
        let entries: Vec<_> = split(&body).expect("entries").collect();
        let shown: Vec<_> =
            entries.iter().map(|entry| decode(&entry.bytes).map(|said| Json::Object(said).to_text())).collect();
        assert_eq!(
            shown,
            [
                Some(r#"{"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":"a\n\nb="}"#.to_owned()),
                None,
                Some(r#"{"__REALTIME_TIMESTAMP":"2","MESSAGE":["x","y"]}"#.to_owned()),
                None,
            ]
        );
        assert_eq!(split(b"{\"A\":\"1\"}\n{\"A\":\"2\"}\n").expect("JSON").count(), 2);
        assert_eq!(
            decode(br#"{"MESSAGE":[104,105],"A":"b"}"#).map(|said| Json::Object(said).to_text()).as_deref(),
            Some(r#"{"MESSAGE":"hi","A":"b"}"#)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::sample::select(b"AB=\n\x01\x00{}\"x".to_vec()), 0..64)) {
            if let Ok(entries) = split(&bytes) {
                entries.for_each(|entry| drop(decode(&entry.bytes)));
            }
        }
    }
}
