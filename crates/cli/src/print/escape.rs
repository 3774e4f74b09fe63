//! Makes text from events safe to show: whatever could steer a terminal, reorder a line or start a
//! formula in a spreadsheet is written out as an escape instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character may change how the text around it is shown: C0 and C1 controls, DEL, line and
/// paragraph separators, bidirectional controls (Unicode UAX #9), other invisible format characters,
/// and the tag characters that can hide a message.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// One line of text that shows every character it has: `\n`, `\t`, `\x1b`, `\u{202e}`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && (c as u32) < 0x80 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON text with every unsafe character of its strings written as `\uXXXX`: the same JSON to a
/// parser, harmless on a terminal. Compact JSON text has such characters inside strings only.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for c in text.chars() {
        if is_unsafe(c) && c != '\n' {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// One CSV field (RFC 4180). A field that a spreadsheet would take for a formula gets an apostrophe in
/// front, which shows it as text.
pub(crate) fn csv(text: &str) -> String {
    let shown = line(text);
    // A tab or a line feed at the start counts too, and `line` has turned those into a backslash.
    let formula = shown
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '|', '%'])
        && shown.parse::<f64>().is_err();
    let guarded = if formula { Cow::Owned(format!("'{shown}")) } else { shown };
    if formula || guarded.contains(['"', ',', ';', '\'']) || guarded.starts_with(' ') || guarded.ends_with(' ') {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_line(text: &str, shown: &str) {
        assert_eq!(line(text), shown);
        assert!(!line(text).contains(is_unsafe));
    }

    #[test]
    fn whatever_steers_a_terminal_is_written_out() {
        check_line("plain, with ümläuts and 漢字", "plain, with ümläuts and 漢字");
        check_line("\u{1b}[31mred\u{1b}[0m", "\\x1b[31mred\\x1b[0m");
        check_line("bell\u{7} del\u{7f} csi\u{9b}2J", "bell\\x07 del\\x7f csi\\u{9b}2J");
        check_line("a\tb\r\nc", "a\\tb\\r\\nc");
        check_line("user\u{202e}gnp.exe\u{202c}", "user\\u{202e}gnp.exe\\u{202c}");
        check_line("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}");
        check_line("tag\u{e0041}", "tag\\u{e0041}");
        check_line("\u{2028}", "\\u{2028}");
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = serde_json::json!({"a\u{202e}": "\u{1b}[2J \u{9b} \u{e0041} \u{7f} ü", "b": [1, "\n"]});
        let text = value.to_string();
        let shown = json(&text);
        assert!(!shown.contains(is_unsafe), "{shown}");
        let back: serde_json::Value = serde_json::from_str(&shown).expect("valid JSON");
        assert_eq!(back, value);
    }

    #[track_caller]
    fn check_csv(text: &str, field: &str) {
        assert_eq!(csv(text), field);
    }

    #[test]
    fn no_cell_is_a_formula() {
        check_csv("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"");
        check_csv("@SUM(A1)", "\"'@SUM(A1)\"");
        check_csv("+cmd|' /C calc'!A0", "\"'+cmd|' /C calc'!A0\"");
        check_csv("-2+3", "\"'-2+3\"");
        check_csv("  =1", "\"'  =1\"");
        check_csv("-5.5", "-5.5");
        check_csv("\t=1", "\\t=1");
        check_csv("plain", "plain");
        check_csv("a,b", "\"a,b\"");
        check_csv("a\nb", "a\\nb");
    }
}
