//! Our canonical text is RFC 8785's wherever that RFC does not change a value.

use proptest::prelude::*;

use super::*;
use crate::arbitrary;

fn both(text: &str) -> (String, String) {
    let json = Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    (canonical(&json, Numbers::Rfc8785), canonical(&json, Numbers::AsWritten))
}

#[test]
fn numbers_that_a_double_holds_are_written_as_rfc_8785_does() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("1.0", "1"),
        ("1e2", "100"),
        ("100E-2", "1"),
        ("0.1", "0.1"),
        ("0.10", "0.1"),
        ("1e21", "1e+21"),
        ("1.5E-7", "1.5e-7"),
        ("-9007199254740991", "-9007199254740991"),
        ("9007199254740991", "9007199254740991"),
        ("1e300", "1e+300"),
        ("5e-324", "5e-324"),
        ("0e99999", "0"),
    ] {
        assert_eq!(both(text), (expected.to_owned(), expected.to_owned()), "{text}");
    }
}

#[test]
fn numbers_that_a_double_changes_stay_as_written_on_request() {
    for (text, rfc) in [
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993", "9007199254740992"),
        ("-12345678901234567890", "-12345678901234567000"),
        ("100000000000000000000", "100000000000000000000"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("1234567890.12345678901", "1234567890.1234567"),
        ("1e-400", "0"),
        ("-1e-400", "0"),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("1e-99999999999999999999", "0"),
    ] {
        assert_eq!(both(text), (rfc.to_owned(), text.to_owned()), "{text}");
    }
}

#[test]
fn keys_are_sorted_by_utf_16_code_units() {
    let text = "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\u{e000}\":3,\"a\":4,\"aa\":5,\"\":6,\"€\":7}";
    let sorted = "{\"\":6,\"a\":4,\"aa\":5,\"€\":7,\"\u{1f600}\":2,\"\u{e000}\":3,\"\u{fb33}\":1}";
    assert_eq!(both(text).0, sorted);
}

/// `json` with every number beyond the range of doubles replaced: the other library has no text
/// for those.
fn finite(json: Json) -> Json {
    match json {
        Json::Number(number) if !number.as_f64().is_finite() => Json::Null,
        Json::Array(items) => Json::Array(items.into_iter().map(finite).collect()),
        Json::Object(object) => Json::Object(object.into_iter().map(|(k, v)| (k, finite(v))).collect()),
        other => other,
    }
}

proptest! {
    #[test]
    fn key_order_is_that_of_utf_16(a in arbitrary::string(), b in arbitrary::string()) {
        prop_assert_eq!(key_order(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
    }

    #[test]
    fn another_library_writes_the_same_bytes(json in arbitrary::json()) {
        let json = finite(json);
        let theirs: serde_json::Value =
            serde_json::from_str(&canonical(&json, Numbers::Rfc8785)).expect("JSON");
        let theirs = serde_json_canonicalizer::to_string(&theirs).expect("finite");
        prop_assert_eq!(canonical(&json, Numbers::Rfc8785), theirs);
    }

    #[test]
    fn canonical_text_is_its_own_canonical_text(json in arbitrary::json()) {
        for numbers in [Numbers::AsWritten, Numbers::Rfc8785] {
            let text = canonical(&json, numbers);
            let again = Json::parse(text.as_bytes()).expect("canonical text is JSON");
            prop_assert_eq!(&canonical(&again, numbers), &text);
        }
    }

    #[test]
    fn values_kept_as_written_denote_the_same_number(number in arbitrary::number()) {
        let text = canonical(&number, Numbers::AsWritten);
        let literal = number.to_text();
        prop_assert!(
            text == literal || Decimal::of(&text) == Decimal::of(&literal),
            "{} became {}", literal, text
        );
    }
}
