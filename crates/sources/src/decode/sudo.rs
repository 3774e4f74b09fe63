//! The event log that sudo writes as JSON: one object whose members are the events, with the same few
//! names again and again (`sudoers(5)`, "JSON log format entries"). No parser of JSON keeps members of
//! the same name, so each is cut out as an object of its own.

use std::borrow::Cow;

use crate::SplitError;
use crate::frame::Record;
use crate::frame::json::{JsonRecords, NO_ENVELOPE};
use crate::scan::{Members, value_end};

/// The names of the events.
const EVENTS: [&[u8]; 5] = [b"accept", b"reject", b"alert", b"exit", b"log"];

/// The events of a body.
pub(super) fn split(body: &[u8]) -> Result<impl Iterator<Item = Record<'_>>, SplitError> {
    Ok(JsonRecords::of(body, NO_ENVELOPE)?.flat_map(events))
}

fn events(record: Record<'_>) -> Vec<Record<'_>> {
    let bytes = record.bytes.as_ref();
    let members: Vec<_> = Members::of(bytes, 0).collect();
    let is_log = members.len() > 1 && members.iter().all(|member| EVENTS.contains(&member.key));
    if !is_log {
        return vec![record];
    }
    let event = |member: &crate::scan::Member<'_>| {
        let end = value_end(bytes, member.value_at).unwrap_or(bytes.len());
        let value = member.value_at.min(end)..end;
        let parts: [&[u8]; 5] = [b"{\"", member.key, b"\":", &bytes[value.clone()], b"}"];
        let at = record.range.start;
        Record { bytes: Cow::Owned(parts.concat()), range: at + value.start..at + value.end }
    };
    members.iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_same_name_are_events_of_their_own() {
        let shown = |body: &str| -> Vec<String> {
            let records = split(body.as_bytes()).expect("JSON");
            records.map(|record| String::from_utf8_lossy(&record.bytes).into_owned()).collect()
        };
        assert_eq!(
            shown(r#"{ "accept": {"a":1}, "reject": {"b":2}, "accept": {"a":3} }"#),
            [r#"{"accept":{"a":1}}"#, r#"{"reject":{"b":2}}"#, r#"{"accept":{"a":3}}"#]
        );
        assert_eq!(shown(r#"{"accept":{"a":1}}"#), [r#"{"accept":{"a":1}}"#]);
        assert_eq!(shown(r#"{"accept":1,"command":2}"#), [r#"{"accept":1,"command":2}"#]);
        // Each line is looked at by itself, also where it breaks off.
        assert_eq!(
            shown("{\"accept\":1,\"reject\":\n{\"log\":{"),
            [r#"{"accept":1}"#, r#"{"reject":}"#, r#"{"log":{"#]
        );
        // Half a last event is half an event.
        assert_eq!(shown(r#"{"accept":{"a":1},"reject":{"b""#), [r#"{"accept":{"a":1}}"#, r#"{"reject":{"b"}"#]);
    }
}
