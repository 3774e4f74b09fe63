//! The values that a field has in an event, and the texts that free text is searched in.

use std::borrow::Cow;

use super::ast::FieldRef;
use super::fields::{Kind, Reads};
use crate::ids::Position;
use crate::json::{Json, Number};

/// Members whose texts are not searched as free text: times and hashes have fields of their own,
/// and as words they would be in every event or in only one.
const NOT_FREE_TEXT: &[&str] = &["time", "received_at", "before_hash", "after_hash"];

/// Calls `visit` with every text that free text is searched in, in the order of the event: each
/// string and each number as written, at any depth. Left out are `time`, `received_at`,
/// `before_hash`, `after_hash`, and `raw` where its bytes are no text. Words that follow each other
/// count as a phrase inside one text, never across two.
pub fn each_text(event: &Json, mut visit: impl FnMut(&str)) {
    any_text(event, &mut |text| {
        visit(text);
        false
    });
}

/// Whether `test` holds of a text that free text is searched in.
pub(super) fn any_text(event: &Json, test: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some(event) = event.as_object() else {
        return false;
    };
    event.iter().any(|(name, value)| {
        let is_binary = name == "raw" && value.as_object().is_some();
        !NOT_FREE_TEXT.contains(&name)
            && !is_binary
            && any_scalar(value, &mut |scalar| match scalar {
                Scalar::Text(text) => test(&text),
                Scalar::Number(number) => test(&number.literal()),
                Scalar::Bool(_) => false,
            })
    })
}

/// A value without parts.
pub(super) enum Scalar<'e> {
    Text(Cow<'e, str>),
    Number(Cow<'e, Number>),
    Bool(bool),
}

impl<'e> Scalar<'e> {
    /// The value as text: numbers as written.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => number.literal(),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    fn into_text(self) -> Cow<'e, str> {
        match self {
            Self::Text(text) => text,
            other => Cow::Owned(other.text().into_owned()),
        }
    }
}

type Test<'t, 'e> = &'t mut dyn FnMut(Scalar<'e>) -> bool;

/// Whether `test` holds of a value that the field has.
pub(super) fn any_value<'e>(field: &FieldRef, event: &'e Json, position: &Position, test: Test<'_, 'e>) -> bool {
    let mut test_text = |text: String| test(Scalar::Text(text.into()));
    match field.field.reads {
        Reads::Members(pointers) => {
            pointers.iter().any(|pointer| any_at(event, pointer, &field.path, &mut |value| any_scalar(value, test)))
        }
        Reads::Joined { pair, members } => {
            let scalar = |pointer| event.pointer(pointer).and_then(Json::as_str);
            if let [Some(first), Some(second)] = pair.map(scalar)
                && (test_text(format!("{first}/{second}")) || test_text(format!("{first}:{second}")))
            {
                return true;
            }
            members.iter().filter_map(|pointer| event.pointer(pointer)).any(|value| any_scalar(value, test))
        }
        Reads::RawText => {
            event.pointer("/raw").and_then(Json::as_str).is_some_and(|text| test(Scalar::Text(text.into())))
        }
        Reads::Tenant => test_text(position.trail.tenant.to_string()),
        Reads::Trail => test_text(position.trail.trail.to_string()) || test_text(position.trail.to_string()),
        Reads::Position => test_text(position.to_string()),
        Reads::Index => test(Scalar::Number(Cow::Owned(position.index.0.into()))),
        Reads::Nothing => false,
    }
}

/// Whether the field has a value: something other than `null` and the empty list.
pub(super) fn is_present(field: &FieldRef, event: &Json) -> bool {
    let is_value = |value: &Json| match value {
        Json::Null => false,
        Json::Array(items) => !items.is_empty(),
        _ => true,
    };
    match field.field.reads {
        Reads::Members(pointers) | Reads::Joined { members: pointers, .. } => {
            pointers.iter().any(|pointer| any_at(event, pointer, &field.path, &mut |value| is_value(value)))
        }
        Reads::RawText => event.pointer("/raw").is_some_and(is_value),
        Reads::Tenant | Reads::Trail | Reads::Position | Reads::Index => true,
        Reads::Nothing => false,
    }
}

/// See [`FieldRef::values`].
pub(super) fn texts<'e>(field: &FieldRef, event: &'e Json, position: &Position) -> Vec<Cow<'e, str>> {
    let mut texts = Vec::new();
    if field.field.kind != Kind::Changed {
        any_value(field, event, position, &mut |scalar| {
            texts.push(scalar.into_text());
            false
        });
    }
    texts
}

/// Whether `test` holds of a value at `path` below the member at `pointer`. A segment that is no
/// index of a list, or none that the list has, looks into each of its elements.
fn any_at<'e>(event: &'e Json, pointer: &str, path: &[String], test: &mut dyn FnMut(&'e Json) -> bool) -> bool {
    event.pointer(pointer).is_some_and(|value| any_below(value, path, test))
}

fn any_below<'e>(value: &'e Json, path: &[String], test: &mut dyn FnMut(&'e Json) -> bool) -> bool {
    let Some((segment, rest)) = path.split_first() else {
        return test(value);
    };
    match value {
        Json::Object(object) => object.get(segment).is_some_and(|inner| any_below(inner, rest, test)),
        Json::Array(items) => match index(segment).and_then(|at| items.get(at)) {
            Some(inner) => any_below(inner, rest, test),
            None => items.iter().any(|inner| any_below(inner, path, test)),
        },
        _ => false,
    }
}

/// A list index without leading zeros (RFC 6901 section 4).
fn index(segment: &str) -> Option<usize> {
    let is_index = segment == "0" || !segment.starts_with('0') && segment.bytes().all(|b| b.is_ascii_digit());
    is_index.then(|| segment.parse().ok()).flatten()
}

/// Whether `test` holds of the value, or of one inside it. `null` is no value.
fn any_scalar<'e>(value: &'e Json, test: Test<'_, 'e>) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => test(Scalar::Bool(*value)),
        Json::Number(number) => test(Scalar::Number(Cow::Borrowed(number))),
        Json::String(text) => test(Scalar::Text(Cow::Borrowed(text))),
        Json::Array(items) => items.iter().any(|item| any_scalar(item, test)),
        Json::Object(object) => object.iter().any(|(_, inner)| any_scalar(inner, test)),
    }
}
