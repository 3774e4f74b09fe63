//! The source's own record: JSON where it is JSON, text where it is text.

use cairn_event::Json;

use super::rules::Rules;

/// Whether a rule may cover something in a record. JSON may spell any character as an escape; such text says nothing until
/// it is read.
pub(super) fn is_suspect(rules: &Rules, bytes: &[u8]) -> bool {
    rules.surely_covers(bytes)
        || memchr::memchr_iter(b'\\', bytes).any(|at| matches!(bytes.get(at + 1), Some(b'u' | b'/')))
}

/// The record as JSON, if it is an object or a list.
pub(super) fn json(bytes: &[u8]) -> Option<Json> {
    let json = Json::parse(bytes).ok()?;
    matches!(json, Json::Object(_) | Json::Array(_)).then_some(json)
}
