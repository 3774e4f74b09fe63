//! JSON comes out as it went in, and what is not JSON is refused with its place.

use proptest::prelude::*;

use super::*;
use crate::{arbitrary, limits};

fn parsed(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn numbers_keep_their_digits_and_objects_their_order() {
    for text in [
        r#"{"z":1,"a":[12345678901234567890.10,1E400,-0,-0.0,1e2],"m":{}}"#,
        "9223372036854775808",
        "-9223372036854775809",
        "999999999999999999",
        "-1000000000000000000",
        "0",
        r#"["","\u0000\b\t\n\f\r\u001f\"\\/","é😀"]"#,
    ] {
        assert_eq!(parsed(text).to_text(), text);
    }
}

#[test]
fn escapes_denote_the_same_text_as_the_characters() {
    let text = parsed(r#""\u00e9\ud83d\ude00\/\u0041\u0000""#);
    assert_eq!(text, Json::from("é😀/A\0"));
}

#[test]
fn what_is_no_json_is_refused_with_its_kind_and_place() {
    use JsonErrorKind as Kind;
    for (text, kind, offset, path) in [
        (&b"{\"a\":1,\"b\":{\"c\":1,\"c\":2}}"[..], Kind::DuplicateKey, 22, "/b/c"),
        (br#"{"\u0061":1,"a":2}"#, Kind::DuplicateKey, 16, "/a"),
        (br#"{"a/b":["\ud800"]}"#, Kind::LoneSurrogate, 15, "/a~1b/0"),
        (br#""\udc00""#, Kind::LoneSurrogate, 6, ""),
        (br#""\ud800\ud800""#, Kind::LoneSurrogate, 12, ""),
        (br#""\ud800x""#, Kind::LoneSurrogate, 7, ""),
        (b"[\"\xff\"]", Kind::InvalidUtf8, 2, "/0"),
        (b"{\"\xc0\x80\":1}", Kind::InvalidUtf8, 2, ""),
        (b"\"\xed\xa0\x80\"", Kind::InvalidUtf8, 1, ""),
        (b"[1,]", Kind::Syntax, 3, ""),
        (b"NaN", Kind::Syntax, 0, ""),
        (b"[-Infinity]", Kind::Syntax, 2, "/0"),
        (b"01", Kind::Syntax, 1, ""),
        (b"+1", Kind::Syntax, 0, ""),
        (b"'a'", Kind::Syntax, 0, ""),
        (b"\"\n\"", Kind::Syntax, 1, ""),
        (b"1 2", Kind::TrailingBytes, 2, ""),
        (b"{\"a\":", Kind::Truncated, 5, ""),
        (b"", Kind::Truncated, 0, ""),
        (b"\xef\xbb\xbf1", Kind::Syntax, 0, ""),
    ] {
        let error = Json::parse(text).expect_err("refused");
        let shown = String::from_utf8_lossy(text);
        assert_eq!((error.kind, error.path.as_str()), (kind, path), "{shown}");
        assert_eq!(error.offset, offset, "{shown}");
    }
}

#[test]
fn duplicate_keys_are_found_among_many() {
    let many = |last: &str| {
        let members: Vec<_> = (0..5000).map(|n| format!("\"k{n}\":{n}")).collect();
        format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert!(Json::parse(many("new").as_bytes()).is_ok());
    for repeated in ["k0", "k23", "k24", "k4999"] {
        let error = Json::parse(many(repeated).as_bytes()).expect_err("duplicate");
        assert_eq!(error.kind, JsonErrorKind::DuplicateKey);
        assert_eq!(error.path, format!("/{repeated}"));
    }
}

#[test]
fn nesting_is_allowed_to_the_limit_and_not_beyond() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let deepest = parsed(&nested(limits::JSON_DEPTH_MAX));
    assert_eq!(deepest.depth(), limits::JSON_DEPTH_MAX);
    for bomb in [nested(limits::JSON_DEPTH_MAX + 1), "[".repeat(1 << 20), "{\"a\":".repeat(1 << 18)] {
        let error = Json::parse(bomb.as_bytes()).expect_err("too deep");
        assert_eq!(error.kind, JsonErrorKind::TooDeep);
    }
}

#[test]
fn numbers_have_a_length_limit() {
    let digits = |n| "1".repeat(n);
    assert!(Json::parse(digits(limits::NUMBER_BYTES_MAX).as_bytes()).is_ok());
    for long in [
        digits(limits::NUMBER_BYTES_MAX + 1),
        digits(1 << 20),
        format!("0.{}", digits(1 << 20)),
        format!("1e{}", digits(1 << 20)),
    ] {
        let error = Json::parse(long.as_bytes()).expect_err("too long");
        assert_eq!(error.kind, JsonErrorKind::NumberTooLong);
    }
}

#[test]
fn messages_state_the_limits_that_hold() {
    for (kind, limit) in [
        (JsonErrorKind::TooDeep, limits::JSON_DEPTH_MAX),
        (JsonErrorKind::NumberTooLong, limits::NUMBER_BYTES_MAX),
        (JsonErrorKind::TooManyElements, limits::ELEMENTS_MAX),
    ] {
        assert!(kind.text().contains(&limit.to_string()), "{}", kind.text());
    }
}

#[test]
fn a_pointer_leads_to_its_value() {
    let json = parsed(r#"{"a":{"b/c":[10,20],"~":1,"":2},"0":3}"#);
    for (pointer, value) in [
        ("/a/b~1c/1", Some("20")),
        ("/a/~0", Some("1")),
        ("/a/", Some("2")),
        ("/0", Some("3")),
        ("/a/b~1c/01", None),
        ("/a/b~1c/2", None),
        ("/a/b~1c/-", None),
        ("/a/b~1c/+1", None),
        ("a", None),
        ("/a/x/y", None),
    ] {
        let found = json.pointer(pointer).map(Json::to_text);
        assert_eq!(found.as_deref(), value, "{pointer}");
    }
    assert_eq!(json.pointer(""), Some(&json));
}

#[test]
fn literals_are_checked() {
    for good in ["0", "-1.5e+300", "123456789012345678901234567890"] {
        assert_eq!(Number::from_literal(good).expect("number").literal(), good);
    }
    for bad in ["", " 1", "1 ", "1\n", "01", "NaN", "\"1\"", "1,2", "--1", "0x1"] {
        assert_eq!(Number::from_literal(bad), None, "{bad:?}");
    }
    let large = Number::from(u64::MAX);
    assert_eq!((large.as_u64(), large.as_i64()), (Some(u64::MAX), None));
    let least = Number::from(i64::MIN);
    assert_eq!((least.as_i64(), least.as_u64()), (Some(i64::MIN), None));
    assert!(Number::from_literal("1e999").expect("number").as_f64().is_infinite());
}

#[test]
fn objects_are_equal_in_any_order() {
    assert_eq!(parsed(r#"{"a":1,"b":[{"c":1,"d":2}]}"#), parsed(r#"{"b":[{"d":2,"c":1}],"a":1}"#));
    assert_ne!(parsed(r#"{"a":1}"#), parsed(r#"{"a":1.0}"#));
    assert_ne!(parsed(r#"{"a":1}"#), parsed(r#"{"b":1}"#));
    assert_ne!(parsed("[1,2]"), parsed("[2,1]"));
}

/// Each element as its bytes and either `ok` or the kind of its error.
fn taken(text: &[u8], within: Within<'_>) -> Result<Vec<(String, Option<JsonErrorKind>)>, JsonErrorKind> {
    let elements = elements(text, within).map_err(|error| error.kind)?;
    Ok(elements
        .into_iter()
        .map(|element| {
            let bytes = &text[element.range.clone()];
            if let Ok(json) = &element.json {
                assert_eq!(Json::parse(bytes).as_ref(), Ok(json));
            }
            let error = element.json.err();
            if let Some(error) = &error {
                assert!(error.offset >= element.range.start, "{error}");
            }
            (String::from_utf8_lossy(bytes).into_owned(), error.map(|e| e.kind))
        })
        .collect())
}

fn check_taken(text: &str, within: Within<'_>, expected: &[(&str, Option<JsonErrorKind>)]) {
    let found = taken(text.as_bytes(), within).unwrap_or_else(|kind| panic!("{text}: {kind:?}"));
    let found: Vec<_> = found.iter().map(|(text, kind)| (text.as_str(), *kind)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn arrays_and_members_are_taken_apart() {
    check_taken("[]", Within::Array, &[]);
    check_taken(" [ 1 , {\"a\":[2]} ] ", Within::Array, &[("1", None), ("{\"a\":[2]}", None)]);
    let records = r#"{"v":{"Records":[9]},"Records":[ {"a":1} ,"x"],"w":[1]}"#;
    check_taken(records, Within::Member("Records"), &[("{\"a\":1}", None), ("\"x\"", None)]);
    check_taken(r#"{"items":[]}"#, Within::Member("items"), &[]);
}

#[test]
fn a_broken_element_leaves_its_neighbours_alone() {
    use JsonErrorKind as Kind;
    let deep = "[".repeat(500) + &"]".repeat(500);
    check_taken(
        &format!(r#"[1,{{"a":1,"a":"]}},\""}},"\ud800",{{"b":tru}},{deep},2]"#),
        Within::Array,
        &[
            ("1", None),
            (r#"{"a":1,"a":"]},\""}"#, Some(Kind::DuplicateKey)),
            (r#""\ud800""#, Some(Kind::LoneSurrogate)),
            (r#"{"b":tru}"#, Some(Kind::Syntax)),
            (&deep, Some(Kind::TooDeep)),
            ("2", None),
        ],
    );
    let found = taken(b"[\"\xff\",3]", Within::Array).expect("array");
    assert_eq!(found[0].1, Some(Kind::InvalidUtf8));
    assert_eq!(found[1], ("3".to_owned(), None));
}

#[test]
fn what_surrounds_the_elements_must_be_json() {
    use JsonErrorKind as Kind;
    for (text, within, kind) in [
        ("{}", Within::Array, Kind::NoSuchArray),
        ("[1,2", Within::Array, Kind::Truncated),
        ("[1,2]3", Within::Array, Kind::TrailingBytes),
        ("[1,{\"a\":", Within::Array, Kind::Truncated),
        ("[1,]", Within::Array, Kind::Syntax),
        ("[1 2]", Within::Array, Kind::Syntax),
        ("", Within::Array, Kind::Truncated),
        ("{}", Within::Member("a"), Kind::NoSuchArray),
        ("[]", Within::Member("a"), Kind::NoSuchArray),
        (r#"{"a":1}"#, Within::Member("a"), Kind::NoSuchArray),
        (r#"{"a":[1],"a":[2]}"#, Within::Member("a"), Kind::DuplicateKey),
        (r#"{"a":[1],"b":}"#, Within::Member("a"), Kind::Syntax),
        (r#"{"a":[1]}x"#, Within::Member("a"), Kind::TrailingBytes),
    ] {
        assert_eq!(taken(text.as_bytes(), within), Err(kind), "{text}");
    }
}

#[test]
fn lines_are_taken_apart() {
    use JsonErrorKind as Kind;
    let one = [("{\"a\":1}", None)];
    for text in ["{\"a\":1}", "{\"a\":1}\n", "\u{feff}{\"a\":1}\r\n", "\n \n\t{\"a\":1} \r\n\r\n"] {
        check_taken(text, Within::Lines, &one);
    }
    check_taken("", Within::Lines, &[]);
    check_taken(
        "1\n{\"a\":\n[2] x\n\"\\ud800\"\n3",
        Within::Lines,
        &[
            ("1", None),
            ("{\"a\":", Some(Kind::Truncated)),
            ("[2] x", Some(Kind::TrailingBytes)),
            ("\"\\ud800\"", Some(Kind::LoneSurrogate)),
            ("3", None),
        ],
    );
}

proptest! {
    #[test]
    fn text_parses_back_to_the_same_value(json in arbitrary::json()) {
        let text = json.to_text();
        prop_assert_eq!(Json::parse(text.as_bytes()), Ok(json));
    }

    #[test]
    fn a_strict_library_reads_the_same_from_our_text(json in arbitrary::json()) {
        let text = json.to_text();
        let theirs: Result<&serde_json::value::RawValue, _> = serde_json::from_str(&text);
        prop_assert!(theirs.is_ok(), "{}", text);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
        for within in [Within::Array, Within::Member("a"), Within::Lines] {
            let _ = elements(&bytes, within);
        }
    }

    #[test]
    fn no_brackets_cause_a_panic(text in r#"[\[\]{}",:\\a1 \n]{0,40}"#) {
        let _ = Json::parse(text.as_bytes());
        for within in [Within::Array, Within::Member("a"), Within::Lines] {
            if let Ok(found) = elements(text.as_bytes(), within) {
                prop_assert!(found.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            }
        }
    }

    #[test]
    fn elements_are_those_of_the_whole(items in prop::collection::vec(arbitrary::json(), 0..6)) {
        let array = Json::Array(items.clone());
        let object: Object = [("x", Json::Null), ("Records", array.clone())].into_iter().collect();
        let lines: String = items.iter().map(|item| item.to_text() + "\n").collect();
        for (text, within) in [
            (array.to_text(), Within::Array),
            (Json::Object(object).to_text(), Within::Member("Records")),
            (lines, Within::Lines),
        ] {
            let found = elements(text.as_bytes(), within).expect("valid");
            let found: Vec<_> = found.into_iter().map(|e| e.json.expect("valid")).collect();
            prop_assert_eq!(&found, &items);
        }
    }
}
