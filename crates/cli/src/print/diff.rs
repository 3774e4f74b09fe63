//! Changes as a diff.

use std::io;

use cairn_event::Json;
use cairn_event::json::Object;

use super::table::{Cell, Row};
use super::{Printer, Tone, escape};

/// One operation of `changes`: RFC 6902 with the old value beside it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    op: String,
    path: String,
    old: Option<Json>,
    new: Option<Json>,
}

/// The changes that an event shows: those it lists, else a created or removed state, member by member.
pub(crate) fn changes(event: &Json) -> Vec<Change> {
    if let Some(listed) = event.get("changes").and_then(Json::as_array) {
        return listed.iter().map(listed_change).collect();
    }
    match (event.get("before").filter(|state| !state.is_null()), event.get("after").filter(|state| !state.is_null())) {
        (None, Some(after)) => whole("add", after),
        (Some(before), None) => whole("remove", before),
        _ => Vec::new(),
    }
}

fn listed_change(change: &Json) -> Change {
    let text = |name: &str| change.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    Change { op: text("op"), path: text("path"), old: change.get("old").cloned(), new: change.get("value").cloned() }
}

fn whole(op: &str, state: &Json) -> Vec<Change> {
    let change = |path: String, value: &Json| {
        let (old, new) = if op == "add" { (None, Some(value.clone())) } else { (Some(value.clone()), None) };
        Change { op: op.to_owned(), path, old, new }
    };
    match state {
        Json::Object(members) if !members.is_empty() => {
            let pointer = |name: &str| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            members.iter().map(|(name, value)| change(pointer(name), value)).collect()
        }
        other => vec![change(String::new(), other)],
    }
}

impl Printer {
    /// Prints changes: `+` added, `-` removed, `~` changed, with both values.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn changes(&mut self, changes: &[Change]) -> io::Result<()> {
        if self.for_program() {
            let rows: Vec<Row> = changes.iter().map(Change::row).collect();
            return self.table(&["OP", "PATH", "OLD", "NEW"], &rows);
        }
        for change in changes {
            let path =
                if change.path.is_empty() { "(whole)".to_owned() } else { escape::line(&change.path).into_owned() };
            let value = |value: &Option<Json>| value.as_ref().map(|json| escape::line(&json.to_text()).into_owned());
            let (mark, tone) = match (&change.old, &change.new) {
                (None, Some(_)) => ("+", Tone::Good),
                (Some(_), None) => ("-", Tone::Bad),
                _ => ("~", Tone::Warn),
            };
            match (value(&change.old), value(&change.new)) {
                (Some(old), Some(new)) => {
                    let head = self.tint(tone, &format!("{mark} {path}")).into_owned();
                    let old = self.tint(Tone::Bad, &format!("  - {old}")).into_owned();
                    let new = self.tint(Tone::Good, &format!("  + {new}")).into_owned();
                    self.line(&head)?;
                    self.line(&old)?;
                    self.line(&new)?;
                }
                (one, other) => {
                    let value = one.or(other).unwrap_or_default();
                    let text = self.tint(tone, &format!("{mark} {path}  {value}")).into_owned();
                    self.line(&text)?;
                }
            }
        }
        Ok(())
    }
}

impl Change {
    fn row(&self) -> Row {
        let text = |value: &Option<Json>| value.as_ref().map(Json::to_text).unwrap_or_default();
        let mut json = Object::new();
        json.insert("op", self.op.as_str());
        json.insert("path", self.path.as_str());
        for (name, value) in [("old", &self.old), ("value", &self.new)] {
            if let Some(value) = value {
                json.insert(name, value.clone());
            }
        }
        Row {
            cells: vec![
                Cell::new(self.op.as_str()),
                Cell::new(self.path.as_str()),
                Cell::new(text(&self.old)),
                Cell::new(text(&self.new)),
            ],
            json: Json::Object(json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: &str, expected: &[(&str, &str, &str, &str)]) {
        let event = Json::parse(event.as_bytes()).expect("JSON");
        let text = |value: &Option<Json>| value.as_ref().map(Json::to_text).unwrap_or_default();
        let got: Vec<_> =
            changes(&event).iter().map(|c| (c.op.clone(), c.path.clone(), text(&c.old), text(&c.new))).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(op, path, old, new)| ((*op).into(), (*path).into(), (*old).into(), (*new).into()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn listed_changes_come_first_and_a_lone_state_counts_as_added_or_removed() {
        check(r#"{"changes":[{"op":"replace","path":"/n","old":3,"value":5}]}"#, &[("replace", "/n", "3", "5")]);
        check(r#"{"after":{"a/b":1}}"#, &[("add", "/a~1b", "", "1")]);
        check(r#"{"before":{"x":"y"}}"#, &[("remove", "/x", "\"y\"", "")]);
        check(r#"{"after":7}"#, &[("add", "", "", "7")]);
        check(r#"{"before":{"x":1},"after":{"x":1},"changes":[]}"#, &[]);
        check("{}", &[]);
    }
}
