//! ArcSight Common Event Format: `CEF:0|vendor|product|version|class|name|severity|key=value ...`
//! (Micro Focus, "ArcSight Common Event Format Implementation Standard", version 26).
//!
//! Values stand unquoted and may hold spaces, so a value ends where the next `key=` begins. Devices
//! write all kinds of things into values, equals signs that nobody escaped among them; what can't be
//! told apart stays in the value before it.

use cairn_event::Json;
use cairn_event::json::Object;

use super::FIELDS_MAX;

const HEADER: [&str; 7] = ["cef_version", "vendor", "product", "version", "class_id", "name", "severity"];

/// Reads the CEF part of a line; `None` if it has none.
pub(super) fn decode(text: &str) -> Option<Object> {
    let start = text.find("CEF:")?;
    let fields = pipe_fields(&text[start + 4..], HEADER.len());
    if fields.0.len() < 5 {
        return None;
    }
    let mut said = Object::new();
    for (name, field) in HEADER.iter().zip(fields.0) {
        said.insert(*name, unescape(field.trim(), &['|', '\\']));
    }
    said.insert("extension", extension(fields.1.unwrap_or_default()));
    Some(said)
}

/// The first `count` fields, each up to an unescaped pipe, and the text behind them.
pub(super) fn pipe_fields(text: &str, count: usize) -> (Vec<&str>, Option<&str>) {
    let (mut fields, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '\\' => escaped = !escaped,
            '|' if !escaped => {
                fields.push(&text[start..at]);
                start = at + 1;
                if fields.len() == count {
                    return (fields, Some(&text[start..]));
                }
            }
            _ => escaped = false,
        }
        if c != '\\' {
            escaped = false;
        }
    }
    fields.push(&text[start..]);
    (fields, None)
}

/// `key=value key=value`. Of equal keys the values stand in a list.
fn extension(text: &str) -> Object {
    let mut keys: Vec<(usize, usize)> = Vec::new();
    // Where the word that is read began; one pass, however many equals signs there are.
    let (mut word, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            word = at + c.len_utf8();
        } else if c == '=' && before != '\\' && keys.len() < FIELDS_MAX {
            if is_key(&text[word..at]) {
                keys.push((word, at));
            }
            // Another equals sign of the same word belongs to the value.
            word = at + 1;
        }
        before = c;
    }
    let mut extension = Object::new();
    for (number, (start, equals)) in keys.iter().enumerate() {
        let end = keys.get(number + 1).map_or(text.len(), |(next, _)| *next);
        let value = unescape(text[equals + 1..end].trim(), &['=', '\\', '|']);
        add(&mut extension, &text[*start..*equals], value);
    }
    extension
}

fn is_key(word: &str) -> bool {
    const BYTES_MAX: usize = 256;
    (1..=BYTES_MAX).contains(&word.len())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']' | ','))
}

/// Adds a value under a key that may have one already.
pub(super) fn add(object: &mut Object, key: &str, value: String) {
    match object.get_mut(key) {
        None => drop(object.insert(key, value)),
        Some(Json::Array(values)) => values.push(value.into()),
        Some(first) => {
            let values = vec![std::mem::replace(first, Json::Null), value.into()];
            *first = Json::Array(values);
        }
    }
}

/// Undoes `\` before the given characters, `\n` and `\r`; another backslash is itself.
fn unescape(text: &str, escaped: &[char]) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('n')) if escaped.contains(&'=') => plain.push(chars.next().map_or('\n', |_| '\n')),
            ('\\', Some('r')) if escaped.contains(&'=') => plain.push(chars.next().map_or('\r', |_| '\r')),
            ('\\', Some(next)) if escaped.contains(next) => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_spaces_and_lose_their_escapes() {
        let said = decode(
            r"May  1 12:30:00 fw CEF:0|Acme|Wall\|X|1\\0|7|a name|5| src=192.0.2.1 msg=a \= b\nc \d dproc=two words  cs1= act=x act=y file=C:\\dir",
        );
        let want = r#"{"cef_version":"0","vendor":"Acme","product":"Wall|X","version":"1\\0","class_id":"7","name":"a name","severity":"5","extension":{"src":"192.0.2.1","msg":"a = b\nc \\d","dproc":"two words","cs1":"","act":["x","y"],"file":"C:\\dir"}}"#;
        assert_eq!(Json::Object(said.expect("CEF")).to_text(), want);
        assert_eq!(decode("CEF:0|only|three|1"), None);
        assert_eq!(decode("no CEF"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*", start in "(CEF:0)?[|\\\\=a ]{0,24}") {
            decode(&format!("{start}{text}"));
        }
    }
}
