//! Reading members of foreign records, and writing what they say into a draft.
//!
//! Absent, `null`, empty and of another type are all "not said". A text that is longer than the draft
//! allows is left out of its place, never cut: `raw` has it whole. Otherwise whoever can choose a long
//! user agent could send the record of what he did into quarantine.

use cairn_event::json::Object;
use cairn_event::{Json, limits};

/// The string that a chain of members leads to, unless it is empty.
pub(crate) fn text<'j>(json: &'j Json, path: &[&str]) -> Option<&'j str> {
    value(json, path)?.as_str().filter(|text| !text.is_empty())
}

/// The value that a chain of members leads to, unless it is `null`.
pub(crate) fn value<'j>(json: &'j Json, path: &[&str]) -> Option<&'j Json> {
    path.iter().try_fold(json, |json, name| json.get(name)).filter(|value| !value.is_null())
}

/// The elements of the array that a chain of members leads to; none if it is not an array.
pub(crate) fn items<'j>(json: &'j Json, path: &[&str]) -> &'j [Json] {
    value(json, path).and_then(Json::as_array).unwrap_or_default()
}

/// Adds a member if there is something to say.
pub(crate) fn put(object: &mut Object, name: &str, said: Option<impl Into<Json>>) {
    if let Some(said) = said {
        object.insert(name, said);
    }
}

/// Adds a text if there is one of at most `bytes_max` bytes.
pub(crate) fn put_text(object: &mut Object, name: &str, said: Option<&str>, bytes_max: usize) {
    put(object, name, said.filter(|said| said.len() <= bytes_max));
}

/// Adds a list if it is neither empty nor longer than a list of an event may be.
pub(crate) fn put_list<T: Into<Json>>(object: &mut Object, name: &str, list: Vec<T>) {
    if (1..=limits::LIST_ITEMS_MAX).contains(&list.len()) {
        object.insert(name, list);
    }
}

/// Adds an object as a member unless it is empty.
pub(crate) fn put_object(object: &mut Object, name: &str, member: Object) {
    if !member.is_empty() {
        object.insert(name, member);
    }
}

/// An address as RFC 4291 and common IPv4 notation write it. A form that means different addresses
/// to different readers (`225.178.039.250`: decimal or octal?) is not one; the text itself is kept by
/// the caller.
pub(crate) fn address(text: &str) -> Option<&str> {
    text.parse::<std::net::IpAddr>().is_ok().then_some(text)
}

/// `service.noun.verb` from words as the source writes them; empty words are left out. What does not
/// fit into an action is called `other`, because a made-up path must not decide where a record goes.
pub(crate) fn action(words: [&str; 3]) -> String {
    let [service, noun, verb] = words.map(|dotted| {
        let words = dotted.split('.').filter(|word| !word.is_empty());
        words.map(action_word).collect::<Vec<_>>().join(".")
    });
    let or_other = |word: &str| if word.is_empty() { "other" } else { word }.to_owned();
    let (service, verb) = (or_other(&service), or_other(&verb));
    let joined = |noun: &str, verb: &str| {
        let parts = [service.as_str(), noun, verb];
        let said = parts.into_iter().filter(|part| !part.is_empty());
        said.collect::<Vec<_>>().join(".")
    };
    let candidates = [joined(&noun, &verb), joined("other", &verb)];
    let fitting = candidates.into_iter().find(|action| action.len() <= limits::ACTION_BYTES_MAX);
    fitting.unwrap_or_else(|| "other.other".to_owned())
}

/// A word that may stand in an action: lower-case letters, digits, `_` and `-`; others become `_`.
pub(crate) fn action_word(text: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '-') => c,
        _ => '_',
    };
    text.chars().map(plain).collect()
}
