//! Splitting: whatever the framing, each record stands alone and no byte of a body goes unseen.

use proptest::prelude::*;

use super::*;

/// The records of a body as text, broken ones in angle brackets.
fn split(body: &str) -> Vec<String> {
    let records = JsonRecords::of(body.as_bytes(), &["Records"]).expect("the body splits");
    let shown = |record: Record<'_>| {
        assert_eq!(*record.bytes, body.as_bytes()[record.range.clone()], "range and bytes agree");
        let text = String::from_utf8_lossy(&record.bytes).into_owned();
        if Json::parse(&record.bytes).is_ok() { text } else { format!("<{text}>") }
    };
    records.map(shown).collect()
}

#[track_caller]
fn check(body: &str, want: &[&str]) {
    assert_eq!(split(body), want, "{body:?}");
}

#[test]
fn one_object_is_one_record_even_over_several_lines() {
    check("{\"a\":\n 1}\n", &["{\"a\":\n 1}"]);
    check("\u{feff}{\"a\":1}", &["{\"a\":1}"]);
}

#[test]
fn lines_may_be_blank_end_in_crlf_or_not_end_at_all() {
    check("{\"a\":1}\r\n\n  \n{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"]);
    check("\u{feff}{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}", "{\"a\":2}"]);
}

#[test]
fn blank_lines_cost_no_more_than_their_bytes() {
    let body = format!("oops{}{{}}", "\n".repeat(4 << 20));
    assert_eq!(split(&body), ["<oops>", "{}"]);
}

#[test]
fn a_bad_line_is_one_bad_record() {
    check("{\"a\":1}\n{\"a\":\n{\"a\":3}\n", &["{\"a\":1}", "<{\"a\":>", "{\"a\":3}"]);
    check("oops\n{\"a\":1}\n", &["<oops>", "{\"a\":1}"]);
    check("{\"a\":\"\n{\"a\":1}\n", &["<{\"a\":\">", "{\"a\":1}"]);
}

#[test]
fn a_bad_element_is_one_bad_record() {
    check("[]", &[""; 0]);
    check("[1, {\"a\":1,\"a\":2} ,[2]]", &["1", "<{\"a\":1,\"a\":2}>", "[2]"]);
    check("[{\"a\" 1},{\"b\":2}{},3]", &["<{\"a\" 1}>", "<{\"b\":2}{}>", "3"]);
    check("[1,]", &["1", "<>"]);
    check("[,1]", &["<>", "1"]);
}

#[test]
fn a_body_that_breaks_off_keeps_the_records_before_the_break() {
    check("[1,{\"a\":", &["1", "<{\"a\":>"]);
    check("[1,", &["1", "<>"]);
    check("[1", &["1", "<>"]);
    check("[{\"a\":1}", &["{\"a\":1}", "<>"]);
    check("{\"Records\":[1]", &["1", "<>"]);
    check("{\"Records\":[1,2],\"x\":", &["1", "2", "<,\"x\":>"]);
    check("[1] [2]", &["1", "[2]"]);
}

#[test]
fn an_envelope_may_hold_other_members_and_may_be_followed_by_another() {
    check("{\"v\":{\"Records\":0},\"Records\":[1,2],\"w\":[]}", &["1", "2"]);
    check("{\"Records\":[1]}{\"Records\":[]}\n{\"Records\":[2]}", &["1", "2"]);
    check("{\"Records\":[1]} what", &["1", "<what>"]);
    assert_eq!(
        JsonRecords::of(b"{\"Records\":{}}", &["Records"]).err(),
        Some(SplitError::Envelope { member: "Records".to_owned() })
    );
}

#[test]
fn what_is_not_text_is_named() {
    assert_eq!(JsonRecords::of(b" \r\n", &[""; 0]).err(), Some(SplitError::Empty));
    assert_eq!(JsonRecords::of(b"\x1f\x8b\x08", &[""; 0]).err(), Some(SplitError::NotText { looks_like: "gzip" }));
}

proptest! {
    #[test]
    fn any_bytes_split_into_ordered_ranges(body in prop::collection::vec(prop_oneof![
        Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b','), Just(b':'), Just(b'\\'),
        Just(b'\n'), Just(b'1'), Just(b' '), any::<u8>()], 0..80)) {
        let Ok(records) = JsonRecords::of(&body, &["1"]) else { return Ok(()) };
        let mut end_before = 0;
        for record in records {
            prop_assert!(record.range.start >= end_before && record.range.end <= body.len());
            end_before = record.range.end;
        }
    }

    #[test]
    fn elements_come_back_as_they_were(values in prop::collection::vec("(\\{\"[a-z]\":\"[^\"\\\\\\x00-\\x1f]{0,6}\"\\})|[1-9][0-9]{0,3}|\\[\\]", 0..6)) {
        let array = format!(" [ {} ] ", values.join(" , "));
        prop_assert_eq!(split(&array), values.clone());
        prop_assert_eq!(split(&format!("{{\"n\":0,\"Records\":{array}}}")), values.clone());
        if !values.is_empty() && !values[0].starts_with('[') {
            prop_assert_eq!(split(&values.join("\n")), values);
        }
    }
}
