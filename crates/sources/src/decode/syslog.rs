//! Syslog messages: RFC 5424 by its grammar, RFC 3164 as it is found in the wild.
//!
//! A message that claims to be RFC 5424 and breaks its grammar is still taken, as far as it could be
//! read: `fault` then names the part that is wrong, and `message` is the rest. RFC 3164 describes what
//! was seen in 2001 rather than a grammar; loggers write its time in several ways, and some leave out
//! the host or the tag.

use std::borrow::Cow;

use cairn_event::json::Object;
use cairn_event::limits;

use super::FIELDS_MAX;
use crate::frame::{Record, SyslogFrames, lines};
use crate::{Records, SplitError};

/// Facilities by number (RFC 5424 section 6.2.1).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "security", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Severities by number.
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

const PRIORITY_MAX: u16 = 191;

/// Reads one message.
pub(super) fn decode(text: &str) -> Object {
    // Some senders end a message with a line feed although its length says where it ends.
    let text = text.trim_end_matches(['\n', '\r', '\0']);
    let mut said = Object::new();
    let (priority, rest) = priority(text);
    if let Some(priority) = priority {
        said.insert("priority", u64::from(priority));
        said.insert("facility", FACILITIES[usize::from(priority / 8)]);
        said.insert("severity", SEVERITIES[usize::from(priority % 8)]);
    }
    match priority.and_then(|_| version(rest)) {
        Some((version, rest)) => rfc5424(version, rest, &mut said),
        None => rfc3164(rest, &mut said),
    }
    said
}

/// The format that stands inside a message, if that begins with one: `CEF` or `LEEF`. What somebody has
/// put further behind is text.
pub(super) fn inner(text: &str) -> Option<&'static str> {
    let said = decode(text);
    let part = |name: &str| said.get(name).and_then(cairn_event::Json::as_str).unwrap_or_default();
    let message = part("message").trim_start();
    // Some devices write a dash where the number of their process should stand: `device -: CEF:0|...`.
    let message = message.split_once(" -: ").filter(|(tag, _)| !tag.contains(' ')).map_or(message, |(_, rest)| rest);
    // Without a tag of its own, the name of the format is taken for one.
    let begins = |name: &str| part("app") == name || message.starts_with(&format!("{name}:"));
    ["CEF", "LEEF"].into_iter().find(|name| begins(name))
}

/// The messages of a body. One that begins with a length was recorded as a stream (RFC 6587).
pub(super) fn split(body: &[u8]) -> Result<Records<'_>, SplitError> {
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || !body[digits..].starts_with(b" <") {
        return Ok(Box::new(lines::blocks(body, begins)?));
    }
    let mut frames = SyslogFrames::new(limits::RECORD_BYTES_MAX);
    frames.push(body);
    let mut frames = Some(frames);
    let messages = std::iter::from_fn(move || match frames.as_mut()?.next_message() {
        Some(message) => Some(message),
        None => frames.take()?.rest(),
    });
    Ok(Box::new(messages.map(|message| Record { bytes: Cow::Owned(message), range: 0..0 })))
}

/// Whether a line begins a message, rather than carrying the one before it on.
pub(super) fn begins(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&line[..line.len().min(64)]);
    let (priority, rest) = priority(&text);
    priority.is_some() || time_3164(rest).is_some()
}

/// `<34>`: the number, and what follows it. Without one, all of the text.
fn priority(text: &str) -> (Option<u16>, &str) {
    let inside = text.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let Some((digits, rest)) = inside.filter(|(digits, _)| (1..=3).contains(&digits.len())) else {
        return (None, text);
    };
    let canonical = digits == "0" || !digits.starts_with('0');
    let number = digits.parse().ok().filter(|number| canonical && *number <= PRIORITY_MAX);
    if number.is_some() && digits.bytes().all(|byte| byte.is_ascii_digit()) { (number, rest) } else { (None, text) }
}

/// The version number that RFC 5424 puts behind the priority.
fn version(rest: &str) -> Option<(u64, &str)> {
    let (version, rest) = rest.split_once(' ')?;
    let is_version =
        (1..=3).contains(&version.len()) && !version.starts_with('0') && version.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| version.parse().ok()).flatten().map(|version| (version, rest))
}

fn rfc5424(version: u64, rest: &str, said: &mut Object) {
    said.insert("protocol", "rfc5424");
    said.insert("version", version);
    let mut at = rest;
    let fault = rfc5424_parts(&mut at, said).err();
    if let Some(fault) = fault {
        said.insert("fault", fault);
        // A logger that forgot a field may have written a whole message of the other kind.
        let message = at.strip_prefix(' ').unwrap_or(at);
        if !message.is_empty() {
            said.insert("message", message);
        }
    }
}

/// Takes the parts behind the version, leaving `at` before the first one that is wrong.
fn rfc5424_parts(at: &mut &str, said: &mut Object) -> Result<(), &'static str> {
    const NAMES: [(&str, usize); 4] = [("host", 255), ("app", 48), ("pid", 128), ("msgid", 32)];
    let time = word(at);
    if time != "-" {
        if !is_time_5424(time) {
            return Err("time");
        }
        said.insert("time", time);
    }
    skip(at, time.len(), "time")?;
    for (name, bytes_max) in NAMES {
        let field = word(at);
        let is_valid = (1..=bytes_max).contains(&field.len()) && field.bytes().all(|byte| (33..=126).contains(&byte));
        if !is_valid {
            return Err(name);
        }
        if field != "-" {
            said.insert(name, field);
        }
        skip(at, field.len(), name)?;
    }
    let after = match at.strip_prefix('-') {
        Some(after) => after,
        None => {
            let mut is_strict = true;
            let (elements, after) = structured_data(at, &mut is_strict).ok_or("structured_data")?;
            said.insert("structured_data", elements);
            if !is_strict {
                said.insert("fault", "structured_data");
            }
            after
        }
    };
    *at = after;
    match after.strip_prefix(' ') {
        Some(message) => {
            let message = message.strip_prefix('\u{feff}').unwrap_or(message);
            if !message.is_empty() {
                said.insert("message", message);
            }
            Ok(())
        }
        None if after.is_empty() => Ok(()),
        None => Err("structured_data"),
    }
}

fn word<'t>(at: &&'t str) -> &'t str {
    at.split(' ').next().unwrap_or_default()
}

/// Steps over a field and the one space behind it.
fn skip(at: &mut &str, len: usize, name: &'static str) -> Result<(), &'static str> {
    *at = at[len..].strip_prefix(' ').ok_or(name)?;
    Ok(())
}

/// RFC 3339 as RFC 5424 section 6.2.3 narrows it: capital letters, at most six digits of a second.
fn is_time_5424(text: &str) -> bool {
    let fraction = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    let is_leap_second = text.get(17..19) == Some("60");
    text.as_bytes().get(10) == Some(&b'T')
        && !text.ends_with('z')
        && fraction <= 6
        && !is_leap_second
        && cairn_event::time::parse(text).is_ok()
}

/// `[id name="value" ...]...`: the elements, and what follows them. `is_strict` becomes false if a
/// backslash stands before a character that is not escaped.
fn structured_data<'t>(text: &'t str, is_strict: &mut bool) -> Option<(Object, &'t str)> {
    let mut elements = Object::new();
    let mut count = 0;
    let mut at = text;
    while let Some(inside) = at.strip_prefix('[') {
        let (id, mut rest) = sd_name(inside)?;
        let mut params = Object::new();
        while let Some(param) = rest.strip_prefix(' ') {
            let (name, after) = sd_name(param)?;
            let (value, after) = sd_value(after.strip_prefix("=\"")?, is_strict)?;
            params.insert(name, value);
            count += 1;
            if count > FIELDS_MAX {
                return None;
            }
            rest = after;
        }
        at = rest.strip_prefix(']')?;
        count += 1;
        if count > FIELDS_MAX {
            return None;
        }
        // An element comes once (section 6.3.2).
        if elements.insert(id, params).is_some() {
            return None;
        }
    }
    (at.len() < text.len()).then_some((elements, at))
}

fn sd_name(text: &str) -> Option<(&str, &str)> {
    let is_end = |c: char| !('!'..='~').contains(&c) || matches!(c, '=' | ']' | '"');
    let len = text.find(is_end)?;
    (1..=32).contains(&len).then(|| text.split_at(len))
}

/// A value up to its closing quote. Only `"`, `\` and `]` are escaped; before any other character a
/// backslash is read as itself, which section 6.3.3 asks for although its grammar does not allow it.
fn sd_value<'t>(text: &'t str, is_strict: &mut bool) -> Option<(String, &'t str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            ']' => return None,
            '\\' => match chars.clone().next() {
                Some((_, escaped @ ('"' | '\\' | ']'))) => {
                    value.push(escaped);
                    chars.next();
                }
                _ => {
                    *is_strict = false;
                    value.push('\\');
                }
            },
            c => value.push(c),
        }
    }
    None
}

fn rfc3164(text: &str, said: &mut Object) {
    said.insert("protocol", "rfc3164");
    let text = text.trim_start();
    let Some((time, rest)) = time_3164(text) else {
        said.insert("fault", "time");
        if !text.is_empty() {
            said.insert("message", text);
        }
        return;
    };
    said.insert("time", time);
    // A colon behind the time says that neither host nor tag follow.
    let Some(rest) = rest.strip_prefix(' ') else {
        said.insert("message", rest.trim_start_matches(':').trim_start());
        return;
    };
    let rest = rest.trim_start();
    let first = word(&rest);
    let is_host = !first.ends_with(':') && !first.contains('[') && rest.len() > first.len();
    let rest = if is_host {
        said.insert("host", first);
        rest[first.len()..].trim_start()
    } else {
        rest
    };
    let message = tag(rest, said).unwrap_or(rest);
    if !message.is_empty() {
        said.insert("message", message);
    }
}

/// `sshd[42]:` or `sshd:`; what follows it. `None` if the text does not begin with a tag.
fn tag<'t>(text: &'t str, said: &mut Object) -> Option<&'t str> {
    let len = text.find(|c: char| c.is_whitespace() || matches!(c, ':' | '[')).filter(|len| *len > 0)?;
    let (name, rest) = text.split_at(len);
    let (pid, rest) = match rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((pid, rest)) => (Some(pid), rest),
        None => (None, rest),
    };
    let after = match (pid, rest.strip_prefix(':')) {
        (_, Some(after)) => after,
        (Some(_), None) => rest,
        (None, None) => return None,
    };
    said.insert("app", name);
    if let Some(pid) = pid.filter(|pid| !pid.is_empty()) {
        said.insert("pid", pid);
    }
    Some(after.trim_start())
}

/// The time at the beginning of a text, and what follows it.
fn time_3164(text: &str) -> Option<(&str, &str)> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let first = word(&text);
    // What rsyslog and others write today.
    if first.len() >= 20 && first.as_bytes()[4] == b'-' && first.contains('T') {
        return Some(text.split_at(first.len()));
    }
    if !MONTHS.contains(&first) {
        return None;
    }
    let mut end = 3;
    let mut words = 0;
    while words < 3 {
        let start = end + (text[end..].len() - text[end..].trim_start_matches(' ').len());
        let len = text[start..].find(' ').unwrap_or(text.len() - start);
        let piece = &text[start..start + len];
        if start == end || !piece.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if piece.contains(':') {
            let clock = piece.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(piece.len());
            let clock = piece[..clock].trim_end_matches(':').len();
            return (clock >= 7 && words > 0).then(|| text.split_at(start + clock));
        }
        (end, words) = (start + len, words + 1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Json;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(Json::Object(decode(text)).to_text(), want, "{text}");
    }

    #[test]
    fn a_message_of_rfc_5424_is_read_by_its_grammar() {
        check(
            r#"<165>1 2003-10-11T22:14:15.003Z host.example.com app 7 ID47 [a@32473 k="v \"q\" \] \\"][b] text"#,
            r#"{"priority":165,"facility":"local4","severity":"notice","protocol":"rfc5424","version":1,"time":"2003-10-11T22:14:15.003Z","host":"host.example.com","app":"app","pid":"7","msgid":"ID47","structured_data":{"a@32473":{"k":"v \"q\" ] \\"},"b":{}},"message":"text"}"#,
        );
        check(
            "<0>1 - - - - - -",
            r#"{"priority":0,"facility":"kern","severity":"emerg","protocol":"rfc5424","version":1}"#,
        );
        check(
            "<34>1 2003-10-11T22:14:15z h a - - - text",
            r#"{"priority":34,"facility":"auth","severity":"crit","protocol":"rfc5424","version":1,"fault":"time","message":"2003-10-11T22:14:15z h a - - - text"}"#,
        );
    }

    #[test]
    fn messages_of_old_loggers_are_read_as_they_come() {
        let read = |text: &str| {
            let said = decode(text);
            let part = |name: &str| said.get(name).and_then(Json::as_str).unwrap_or("-").to_owned();
            ["time", "host", "app", "pid", "message"].map(part).join("|")
        };
        for (text, want) in [
            ("<13>May  1 12:30:00 web sshd[42]: Accepted", "May  1 12:30:00|web|sshd|42|Accepted"),
            ("May  1 12:30:00.123 web kernel: x: y", "May  1 12:30:00.123|web|kernel|-|x: y"),
            ("May 01 2024 12:30:00 web su: (to root) bob", "May 01 2024 12:30:00|web|su|-|(to root) bob"),
            ("2024-05-01T12:30:00.5+02:00 web cron[7]: go", "2024-05-01T12:30:00.5+02:00|web|cron|7|go"),
            ("May  1 12:30:00 web Job `daily' terminated", "May  1 12:30:00|web|-|-|Job `daily' terminated"),
            ("May  1 12:30:00: --- repeated ---", "May  1 12:30:00|-|-|-|--- repeated ---"),
            ("May  1 12:30:00 sshd[42]: no host", "May  1 12:30:00|-|sshd|42|no host"),
            ("<13>just text", "-|-|-|-|just text"),
            ("", "-|-|-|-|-"),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn only_a_message_that_begins_so_holds_another_format() {
        assert_eq!(inner("<13>May  1 12:30:00 fw CEF:0|v|p|1|2|n|3|"), Some("CEF"));
        assert_eq!(inner("<13>May  1 12:30:00 fw app[1]: CEF:0|v|p|1|2|n|3|"), Some("CEF"));
        assert_eq!(inner("<13>1 2024-05-01T12:30:00Z fw app - - - LEEF:1.0|v|p|1|e|a=b"), Some("LEEF"));
        assert_eq!(inner("CEF:0|v|p|1|2|n|3|"), Some("CEF"));
        assert_eq!(inner("<134> May  1 12:30:00 fw device -: CEF:0|v|p|1|2|n|3|"), Some("CEF"));
        assert_eq!(inner("<86>May  1 12:30:00 web sshd[7]: Invalid user CEF:0|v|p|1|x|login|3|suser=root"), None);
    }

    #[test]
    fn a_recorded_stream_is_cut_by_its_lengths() {
        let messages = split(b"8 <1>a\nb c5 <2>xy\n<3>line\n7 <4>").expect("text");
        let shown: Vec<_> = messages.map(|message| String::from_utf8_lossy(&message.bytes).into_owned()).collect();
        assert_eq!(shown, ["<1>a\nb c", "<2>xy", "<3>line", "7 <4>"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*", start in "(<[0-9]{1,4}>)?([0-9]{1,2} )?(May  1 [0-9:.]{0,12})?[ \\[\\]=\"a-]{0,12}") {
            decode(&format!("{start}{text}"));
            begins(format!("{start}{text}").as_bytes());
        }
    }
}
