//! Times: RFC 3339 with an offset in, UTC with nanoseconds out.

use jiff::Timestamp;

use crate::invalid::Invalid;
use crate::json::Json;
use crate::text::{FromJson, string};

/// Reads a time of RFC 3339. The offset is required: a local time names no instant.
///
/// # Errors
/// If it has another shape, names no real date, is finer than nanoseconds or before the year 1.
pub fn parse(text: &str) -> Result<Timestamp, Invalid> {
    let refuse = || Invalid::new(format!("string of {} bytes", text.len()), WANT);
    match shape(text.as_bytes()) {
        Shape::Rfc3339 => {}
        Shape::WithoutOffset => {
            return Err(refuse().hint("add the offset, such as Z or +02:00"));
        }
        Shape::Other => return Err(refuse().hint("write it like 2024-05-01T12:30:00.123Z")),
    }
    let time: Timestamp = text
        .parse()
        .map_err(|_| refuse().hint("the date or time of day does not exist, or is finer than nanoseconds"))?;
    if time.as_second() < YEAR_ONE_SECOND {
        return Err(refuse().hint("years start at 0001"));
    }
    Ok(time)
}

/// 0001-01-01T00:00:00Z in seconds since 1970: before it, RFC 3339 has no years in UTC.
const YEAR_ONE_SECOND: i64 = -62_135_596_800;

const WANT: &str = "an RFC 3339 time with offset";

impl FromJson for Timestamp {
    const WANT: &'static str = WANT;

    fn from_json(value: Json) -> Result<Self, Invalid> {
        parse(&string(value, WANT)?)
    }
}

#[derive(PartialEq, Eq)]
enum Shape {
    Rfc3339,
    WithoutOffset,
    Other,
}

/// Checks the grammar of RFC 3339 section 5.6, which is narrower than what jiff reads.
fn shape(text: &[u8]) -> Shape {
    const TEMPLATE: &[u8] = b"0000-00-00T00:00:00";
    let Some((start, mut rest)) = text.split_at_checked(TEMPLATE.len()) else {
        return Shape::Other;
    };
    let fits = start.iter().zip(TEMPLATE).all(|(byte, want)| match want {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        want => byte == want,
    });
    if !fits {
        return Shape::Other;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return Shape::Other;
        }
        rest = &fraction[digits..];
    }
    match rest {
        [] => Shape::WithoutOffset,
        [b'Z' | b'z'] => Shape::Rfc3339,
        [b'+' | b'-', h1 @ b'0'..=b'2', h2 @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9']
            if (*h1, *h2) < (b'2', b'4') =>
        {
            Shape::Rfc3339
        }
        _ => Shape::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_in_utc_with_all_its_digits() {
        for (text, printed) in [
            ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00Z"),
            ("2024-05-01t12:30:00.5z", "2024-05-01T12:30:00.5Z"),
            ("2024-05-01 12:30:00+02:00", "2024-05-01T10:30:00Z"),
            ("2024-05-01T12:30:00.123456789-00:00", "2024-05-01T12:30:00.123456789Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2024-02-29T00:00:00-23:59", "2024-02-29T23:59:00Z"),
        ] {
            let time = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(time.to_string(), printed);
            assert_eq!(parse(printed), Ok(time));
        }
    }

    #[test]
    fn what_is_no_instant_is_refused_with_advice() {
        for (text, hint) in [
            ("2024-05-01T12:30:00", "offset"),
            ("2024-05-01T12:30:00.5", "offset"),
            ("2024-05-01", "2024-05-01T12:30:00.123Z"),
            ("", "2024-05-01T12:30:00.123Z"),
            ("1714566600", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30Z", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30:00+02", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30:00+24:00", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30:00+02:60", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30:00Z[UTC]", "2024-05-01T12:30:00.123Z"),
            ("2024-05-01T12:30:00.Z", "2024-05-01T12:30:00.123Z"),
            ("2023-02-29T00:00:00Z", "does not exist"),
            ("2024-05-01T24:00:00Z", "does not exist"),
            ("2024-05-01T12:30:00.1234567891Z", "nanoseconds"),
            ("0000-12-31T00:00:00Z", "0001"),
            ("-00001-01-01T00:00:00Z", "2024-05-01T12:30:00.123Z"),
        ] {
            let refused = parse(text).expect_err(text);
            assert!(refused.to_string().contains(hint), "{text}: {refused}");
        }
    }
}
