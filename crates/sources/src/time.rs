//! Times as sources write them.

use cairn_event::{Invalid, Json};
use jiff::Timestamp;

/// Reads the first of the named members that is present as a time.
///
/// RFC 3339 with an offset is what the formats promise. Tools that stored the record in between often
/// drop the `T` and the offset; the formats read here are in UTC by definition, so such a time is UTC.
///
/// # Errors
/// None of the members is present, or the first one present is not a time.
pub(crate) fn first_time(record: &Json, names: &[&[&str]], field: &str) -> Result<Timestamp, Invalid> {
    let Some(said) = names.iter().find_map(|path| crate::field::value(record, path)) else {
        return Err(crate::absent(field, "a time in RFC 3339"));
    };
    said.as_str()
        .and_then(instant)
        .ok_or_else(|| crate::unlike(field, said, "a time in RFC 3339, 2024-05-01T09:30:00Z"))
}

fn instant(text: &str) -> Option<Timestamp> {
    let parsed = cairn_event::time::parse(text).or_else(|_| cairn_event::time::parse(&format!("{text}Z")));
    parsed.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_an_offset_is_utc_and_a_date_is_no_time() {
        let cases = [
            ("2023-07-10T11:42:18Z", Some("2023-07-10T11:42:18Z")),
            ("2018-10-25T13:58:49.736141Z", Some("2018-10-25T13:58:49.736141Z")),
            ("2022-02-08T09:23:37+11:00", Some("2022-02-07T22:23:37Z")),
            ("2022-11-29 00:09:04.38", Some("2022-11-29T00:09:04.38Z")),
            ("2024-06-02 19:41:40.000000000", Some("2024-06-02T19:41:40Z")),
            ("2024-06-02", None),
            ("redacted", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(instant(text).map(|t| t.to_string()).as_deref(), want, "{text}");
        }
    }
}
