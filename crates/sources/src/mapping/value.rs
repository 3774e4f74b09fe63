//! Between our JSON and the values of the mapping language.
//!
//! The language has integers of 64 bits and doubles; records have numbers as somebody wrote them. A
//! number that would come back otherwise than it went in travels as a marked text.

use cairn_event::Json;
use cairn_event::json::{Number, Object};
use vrl::value::{ObjectMap, Value};

/// Begins a number that travels as a text. A text of a record that begins with it gets it twice.
const MARK: char = '\u{f8ff}';

pub(super) fn to_value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(value),
        Json::Number(number) => number_to_value(&number),
        Json::String(text) if text.starts_with(MARK) => Value::from(format!("{MARK}{text}")),
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::Array(items.into_iter().map(to_value).collect()),
        Json::Object(object) => {
            Value::Object(object.into_iter().map(|(key, value)| (key.into(), to_value(value))).collect::<ObjectMap>())
        }
    }
}

fn number_to_value(number: &Number) -> Value {
    if let Some(integer) = number.as_i64().filter(|integer| Number::from(*integer) == *number) {
        return Value::Integer(integer);
    }
    let float = number.as_f64();
    if float.is_finite() && float_text(float) == number.literal() {
        return Value::from_f64_or_zero(float);
    }
    Value::from(format!("{MARK}{number}"))
}

fn float_text(float: f64) -> String {
    format!("{float:?}")
}

pub(super) fn to_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::Bool(value),
        Value::Integer(value) => value.into(),
        Value::Float(value) => Number::from_literal(&float_text(*value)).map_or(Json::Null, Json::Number),
        Value::Timestamp(time) => time.to_rfc3339().into(),
        Value::Array(items) => Json::Array(items.into_iter().map(to_json).collect()),
        Value::Object(map) => {
            Json::Object(map.into_iter().map(|(key, value)| (String::from(key), to_json(value))).collect::<Object>())
        }
        text @ (Value::Bytes(_) | Value::String(_) | Value::Regex(_)) => text_to_json(&text.to_string_lossy()),
    }
}

fn text_to_json(text: &str) -> Json {
    match text.strip_prefix(MARK) {
        None => Json::from(text),
        Some(rest) if rest.starts_with(MARK) => Json::from(rest),
        // A program may have changed the text; then it is one.
        Some(rest) => Number::from_literal(rest).map_or_else(|| Json::from(rest), Json::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_does_not_touch_comes_back_as_it_was() {
        let text = format!(
            r#"{{"a":[1,-5,1.5,1.50,1e400,12345678901234567890,0.1,-0,1E2,9007199254740993,"{MARK}1","x",null,true]}}"#
        );
        let json = Json::parse(text.as_bytes()).expect("JSON");
        assert_eq!(to_json(to_value(json.clone())).to_text(), json.to_text());
    }
}
