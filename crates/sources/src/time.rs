//! Times as sources write them.
//!
//! Every producer means an instant, few spell it alike. What is read here names one instant without
//! doubt: RFC 3339 and its relatives, seconds since 1970 and their parts, the date lines of mail, web
//! servers and system logs. A time without an offset is UTC: that is what the formats that leave it
//! out say of themselves. A time without a year is the newest one that is not ahead of its reception.

use cairn_event::Json;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Spellings with an offset, as [`strtime`] writes them.
const WITH_OFFSET: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%dT%H:%M%:z",
    "%Y%m%dT%H%M%S%z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
    "%b %d %Y %H:%M:%S%.f %z",
];

/// Abbreviations of zones that name one offset nearly everywhere: those of RFC 822, and the common
/// ones of servers elsewhere. One that means several offsets (`IST`) is none of them.
const ZONES: &[(&str, &str)] = &[
    ("UTC", "+0000"),
    ("GMT", "+0000"),
    ("UT", "+0000"),
    ("Z", "+0000"),
    ("WET", "+0000"),
    ("EST", "-0500"),
    ("EDT", "-0400"),
    ("CST", "-0600"),
    ("CDT", "-0500"),
    ("MST", "-0700"),
    ("MDT", "-0600"),
    ("PST", "-0800"),
    ("PDT", "-0700"),
    ("WEST", "+0100"),
    ("BST", "+0100"),
    ("CET", "+0100"),
    ("CEST", "+0200"),
    ("EET", "+0200"),
    ("EEST", "+0300"),
    ("MSK", "+0300"),
    ("JST", "+0900"),
    ("KST", "+0900"),
    ("AEST", "+1000"),
    ("AEDT", "+1100"),
    ("NZST", "+1200"),
    ("NZDT", "+1300"),
];

/// Spellings without one, read as UTC.
const WITHOUT_OFFSET: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%S",
    "%a, %d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%b %d %Y %H:%M:%S%.f",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%d %b %Y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
];

/// Most bytes of a text that may be a time.
const TEXT_BYTES_MAX: usize = 64;

/// Digits of a fraction of a second that are kept: nanoseconds.
const FRACTION_DIGITS_MAX: usize = 9;

/// How far ahead of its reception a time without a year may seem to be: a clock may go wrong, and a
/// zone may be meant that is not said.
const AHEAD_HOURS_MAX: i64 = 25;

/// The instant that a member of a record names. `received_at` gives the year where the text has none.
pub(crate) fn instant(said: &Json, received_at: Timestamp) -> Option<Timestamp> {
    match said {
        Json::Number(number) => since_1970(&number.literal()),
        Json::String(text) => text_instant(text.trim(), received_at),
        _ => None,
    }
}

/// The instant that a text names.
fn text_instant(text: &str, received_at: Timestamp) -> Option<Timestamp> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if let Ok(time) = cairn_event::time::parse(text) {
        return Some(time);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return since_1970(text);
    }
    let plain = plain(text);
    let with_offset = WITH_OFFSET.iter().find_map(|format| strtime::parse(format, &plain).ok()?.to_timestamp().ok());
    let without =
        || WITHOUT_OFFSET.iter().find_map(|format| in_utc(strtime::parse(format, &plain).ok()?.to_datetime().ok()?));
    with_offset.or_else(without).or_else(|| without_year(&plain, received_at)).filter(|time| *time >= year_one())
}

/// One spelling for what many write in several: a comma before the fraction, more digits in it than
/// nanoseconds have, names of UTC, the zone's name behind its offset, doubled spaces.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let zone_name =
        |word: &&str| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_uppercase()) && *word != "PM";
    let is_offset = |word: &str| word.len() >= 5 && word.starts_with(['+', '-']);
    let words = match words.as_slice() {
        // Go prints both: `+0000 UTC`, and the reading of its own clock behind them.
        [start @ .., offset, zone] if is_offset(offset) && zone_name(zone) => [start, &[*offset]].concat(),
        [start @ .., zone] if !start.is_empty() => match ZONES.iter().find(|(name, _)| name == zone) {
            Some((_, offset)) => [start, &[*offset]].concat(),
            None => words.clone(),
        },
        other => other.to_vec(),
    };
    let joined = words.join(" ");
    let joined = joined.strip_suffix(['Z', 'z']).map_or(joined.clone(), |start| format!("{start}+0000"));
    short_fraction(&joined)
}

fn short_fraction(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let separator = text.rfind(':').and_then(|colon| {
        let at = colon + text[colon..].find(['.', ','])?;
        (is_digit(at.wrapping_sub(1)) && is_digit(at + 1)).then_some(at)
    });
    let Some(at) = separator else { return text.to_owned() };
    let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let (kept, rest) = (digits.min(FRACTION_DIGITS_MAX), &text[at + 1 + digits..]);
    format!("{}.{}{rest}", &text[..at], &text[at + 1..at + 1 + kept])
}

/// Seconds since 1970, or milli-, micro- or nanoseconds: told apart by size. Seconds reach to the year
/// 5138 before they could be taken for milliseconds, which for their part begin in March 1973.
fn since_1970(literal: &str) -> Option<Timestamp> {
    const MAX: i128 = 100_000_000_000;
    let (whole, fraction) = literal.split_once('.').unwrap_or((literal, ""));
    let whole: i128 = whole.parse().ok()?;
    if whole < 0 || fraction.len() > 18 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut scale: i128 = 1_000_000_000;
    while scale > 1 && whole >= MAX * (1_000_000_000 / scale) {
        scale /= 1000;
    }
    let part = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<i128>().ok()? * scale / 10_i128.pow(u32::try_from(fraction.len()).ok()?)
    };
    Timestamp::from_nanosecond(whole * scale + part).ok()
}

/// `May  1 12:30:00`, as classic system logs write it.
fn without_year(text: &str, received_at: Timestamp) -> Option<Timestamp> {
    let text = text.strip_suffix(" +0000").unwrap_or(text);
    let latest = received_at.checked_add(AHEAD_HOURS_MAX.hours()).ok()?;
    let this_year = TimeZone::UTC.to_datetime(latest).year();
    // 29 February may lie up to eight years back.
    (this_year.saturating_sub(8)..=this_year).rev().find_map(|year| {
        let dated = format!("{year} {text}");
        let formats = ["%Y %b %d %H:%M:%S%.f", "%Y %a %b %d %H:%M:%S%.f"];
        let time =
            formats.iter().find_map(|format| in_utc(strtime::parse(format, &dated).ok()?.to_datetime().ok()?))?;
        (time <= latest).then_some(time)
    })
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// Before it, RFC 3339 has no years.
fn year_one() -> Timestamp {
    Timestamp::from_second(-62_135_596_800).expect("a time that jiff can hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_is_read_from_all_its_spellings() {
        let received: Timestamp = "2024-06-01T00:00:00Z".parse().expect("a time");
        let cases: &[(&str, Option<&str>)] = &[
            ("2023-07-10T11:42:18Z", Some("2023-07-10T11:42:18Z")),
            ("2018-10-25t13:58:49.736141z", Some("2018-10-25T13:58:49.736141Z")),
            ("2022-02-08T09:23:37+11:00", Some("2022-02-07T22:23:37Z")),
            ("2022-02-08T09:23:37+1100", Some("2022-02-07T22:23:37Z")),
            ("2022-02-08 09:23:37 +1100", Some("2022-02-07T22:23:37Z")),
            ("2022-02-08 09:23:37,25 UTC", Some("2022-02-08T09:23:37.25Z")),
            ("2022-11-29 00:09:04.38", Some("2022-11-29T00:09:04.38Z")),
            ("2024-06-02T19:41:40.1234567891", Some("2024-06-02T19:41:40.123456789Z")),
            ("2022-02-08 09:23:37.123456 +0100 CET", Some("2022-02-08T08:23:37.123456Z")),
            ("2024-05-01T12:30Z", Some("2024-05-01T12:30:00Z")),
            ("20240501T123000Z", Some("2024-05-01T12:30:00Z")),
            ("2024/05/01 12:30:00", Some("2024-05-01T12:30:00Z")),
            ("Wed, 01 May 2024 12:30:00 GMT", Some("2024-05-01T12:30:00Z")),
            ("Wed, 01 May 2024 12:30:00 +0200", Some("2024-05-01T10:30:00Z")),
            ("01/May/2024:12:30:00 +0200", Some("2024-05-01T10:30:00Z")),
            ("Wed May  1 12:30:00 2024", Some("2024-05-01T12:30:00Z")),
            ("5/1/2024 2:30:00 PM", Some("2024-05-01T14:30:00Z")),
            ("May  1 12:30:00", Some("2024-05-01T12:30:00Z")),
            ("May  1 12:30:00 UTC", Some("2024-05-01T12:30:00Z")),
            ("May 01 2024 12:30:00 UTC", Some("2024-05-01T12:30:00Z")),
            ("2024-05-01 14:30:00.5 CEST", Some("2024-05-01T12:30:00.5Z")),
            ("2024-05-01 14:30:00 XYZ", None),
            ("Dec 31 23:59:59", Some("2023-12-31T23:59:59Z")),
            ("Feb 29 12:00:00", Some("2024-02-29T12:00:00Z")),
            ("1714566600", Some("2024-05-01T12:30:00Z")),
            ("1714566600.5", Some("2024-05-01T12:30:00.5Z")),
            ("1714566600123", Some("2024-05-01T12:30:00.123Z")),
            ("1714566600123456", Some("2024-05-01T12:30:00.123456Z")),
            ("1714566600123456789", Some("2024-05-01T12:30:00.123456789Z")),
            ("2024-06-02", None),
            ("2023-02-29T00:00:00Z", None),
            ("redacted", None),
            ("", None),
        ];
        for (text, want) in cases {
            let read = instant(&Json::from(*text), received);
            assert_eq!(read.map(|time| time.to_string()).as_deref(), *want, "{text}");
        }
        let number = Json::parse(b"1714566600.123").expect("JSON");
        assert_eq!(
            instant(&number, received).map(|time| time.to_string()).as_deref(),
            Some("2024-05-01T12:30:00.123Z")
        );
    }
}
