//! Events as rows, as sentences and in full.

use std::io;

use cairn_event::Json;
use cairn_event::json::Object;
use jiff::Timestamp;

use super::table::{Cell, Row};
use super::{Printer, Tone, dotted, escape, times};

/// An event with its place, as the server gives it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// `tenant/trail@index`.
    pub(crate) position: String,
    /// RFC 6962 leaf hash of its log entry, base64.
    pub(crate) leaf_hash: String,
    /// The union of what the producer said and what the server added.
    pub(crate) event: Json,
}

/// Titles of the columns of [`Found::row`].
pub(crate) const COLUMNS: &[&str] = &["TIME", "ACTOR", "ACTION", "RESOURCE", "OUTCOME", "POSITION"];

/// Longest text of one member in [`Printer::event`] for people; `--json` has everything.
const SHOWN_BYTES_MAX: usize = 2_000;

impl Found {
    /// The string at a dotted path.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        dotted(&self.event, path).and_then(Json::as_str).filter(|text| !text.is_empty())
    }

    fn time(&self) -> Option<Timestamp> {
        self.text("time")?.parse().ok()
    }

    /// The actor by the name people know it by.
    pub(crate) fn actor(&self) -> &str {
        ["actor.name", "actor.email", "actor.id"].iter().find_map(|path| self.text(path)).unwrap_or("?")
    }

    /// The resource by the name people know it by.
    pub(crate) fn resource(&self) -> &str {
        ["resource.name", "resource.id"].iter().find_map(|path| self.text(path)).unwrap_or("?")
    }

    /// The event as one JSON object: place and hash first, then its own members.
    pub(crate) fn json(&self) -> Json {
        let mut object = Object::new();
        object.insert("position", self.position.as_str());
        object.insert("leaf_hash", self.leaf_hash.as_str());
        for (name, value) in self.event.as_object().map(Object::iter).into_iter().flatten() {
            object.insert(name, value.clone());
        }
        Json::Object(object)
    }

    /// The event as a row under [`COLUMNS`].
    pub(crate) fn row(&self, printer: &Printer) -> Row {
        let time = self.text("time").unwrap_or_default();
        let when = self.time().map_or_else(|| time.to_owned(), |at| times::relative(at, printer.now, &printer.zone));
        let outcome = self.text("outcome").unwrap_or("unknown");
        let resource_id = self.text("resource.id").unwrap_or_default();
        let resource_type = self.text("resource.type").unwrap_or_default();
        Row {
            cells: vec![
                Cell::new(time).short(when).tone(Tone::Dim),
                Cell::new(self.text("actor.id").unwrap_or_default()).short(self.actor()),
                Cell::new(self.text("action").unwrap_or_default()),
                Cell::new(format!("{resource_type}/{resource_id}")).short(self.resource()),
                Cell::new(outcome).tone(outcome_tone(outcome)),
                Cell::new(self.position.as_str()).tone(Tone::Dim),
            ],
            json: self.json(),
        }
    }

    /// Who did what to what, when and from where, as one sentence without a full stop.
    pub(crate) fn sentence(&self, printer: &Printer) -> String {
        let mut out = escape::line(self.actor()).into_owned();
        let how = [self.text("actor.auth.method"), mfa(&self.event)].into_iter().flatten().collect::<Vec<_>>();
        if !how.is_empty() {
            out.push_str(&format!(" ({})", escape::line(&how.join(", "))));
        }
        let (did, to_do) = verbs(self.text("operation").unwrap_or("other"));
        let action = self.text("action").unwrap_or("?");
        let (did, to_do) = match did {
            "" => (format!("did {action} on"), format!("do {action} on")),
            did => (did.to_owned(), to_do.to_owned()),
        };
        let resource = escape::line(self.resource()).into_owned();
        match self.text("outcome") {
            Some("denied") => out.push_str(&format!(" was not allowed to {to_do} {resource}")),
            Some("failure") => out.push_str(&format!(" failed to {to_do} {resource}")),
            Some("success") => out.push_str(&format!(" {did} {resource}")),
            _ => out.push_str(&format!(" {did} {resource} (outcome unknown)")),
        }
        if let Some(at) = self.time() {
            let when = times::relative(at, printer.now, &printer.zone);
            let on = if when.ends_with("ago") || when.starts_with("in ") || when == "now" { "" } else { "on " };
            out.push_str(&format!(" {on}{when}"));
        }
        let first_ip = self.event.pointer("/origin/ips/0").and_then(Json::as_str);
        if let Some(ip) = self.text("actor.ip").or(first_ip) {
            out.push_str(&format!(" from {}", escape::line(ip)));
        }
        if let Some(name) = self.text("actor.on_behalf_of.name").or(self.text("actor.on_behalf_of.id")) {
            out.push_str(&format!(" on behalf of {}", escape::line(name)));
        }
        out
    }
}

impl Printer {
    /// One event in full: a sentence and its members for people, one row or one JSON value else.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn event(&mut self, found: &Found) -> io::Result<()> {
        if self.for_program() {
            let row = found.row(self);
            return self.table(COLUMNS, &[row]);
        }
        let sentence = found.sentence(self);
        let heading = self.tint(Tone::Bold, &sentence).into_owned();
        self.line(&heading)?;
        let mut members = vec![("position".to_owned(), found.position.clone())];
        flatten(&found.event, "", &mut members);
        let width = members.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(40);
        for (name, text) in members {
            let name = format!("{:width$}", escape::line(&name));
            let name = self.tint(Tone::Dim, &name).into_owned();
            self.line(&format!("  {name}  {}", shown(&text)))?;
        }
        Ok(())
    }
}

fn mfa(event: &Json) -> Option<&'static str> {
    event.pointer("/actor/auth/mfa").and_then(Json::as_bool).filter(|mfa| *mfa).map(|_| "mfa")
}

/// What was done, and what was wanted, for a sentence; empty if only the action says it.
fn verbs(operation: &str) -> (&'static str, &'static str) {
    match operation {
        "create" => ("created", "create"),
        "read" => ("read", "read"),
        "update" => ("changed", "change"),
        "delete" => ("deleted", "delete"),
        "grant" => ("granted rights on", "grant rights on"),
        "revoke" => ("revoked rights on", "revoke rights on"),
        "login" => ("logged in to", "log in to"),
        "logout" => ("logged out of", "log out of"),
        "deploy" => ("deployed", "deploy"),
        "approve" => ("approved", "approve"),
        "export" => ("exported", "export"),
        "execute" => ("ran", "run"),
        _ => ("", ""),
    }
}

fn outcome_tone(outcome: &str) -> Tone {
    match outcome {
        "success" => Tone::Good,
        "denied" | "failure" => Tone::Bad,
        _ => Tone::Warn,
    }
}

/// The members of an event, one line each: objects of the envelope are opened, states and metadata stay
/// on one line so that a large one does not bury the rest.
fn flatten(value: &Json, prefix: &str, out: &mut Vec<(String, String)>) {
    const CLOSED: [&str; 6] = ["before", "after", "changes", "metadata", "raw", "cause"];
    for (name, value) in value.as_object().map(Object::iter).into_iter().flatten() {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match value {
            Json::Object(_) if !CLOSED.contains(&path.as_str()) => flatten(value, &path, out),
            Json::String(text) => out.push((path, text.clone())),
            other => out.push((path, other.to_text())),
        }
    }
}

fn shown(text: &str) -> String {
    let safe = escape::line(text);
    if safe.len() <= SHOWN_BYTES_MAX {
        return safe.into_owned();
    }
    let mut end = SHOWN_BYTES_MAX;
    while !safe.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} in all; --json shows everything)", &safe[..end], times::size(text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;

    fn found(event: &str) -> Found {
        let event = Json::parse(event.as_bytes()).expect("JSON");
        Found { position: "default/main@7".into(), leaf_hash: "aGFzaA==".into(), event }
    }

    #[track_caller]
    fn check(event: &str, sentence: &str) {
        let printer = Printer::for_test(Form::Human, None, Box::new(io::sink()));
        assert_eq!(found(event).sentence(&printer), sentence);
    }

    #[test]
    fn a_sentence_says_who_did_what_to_what() {
        check(
            r#"{"time":"2023-11-14T19:59:20Z","actor":{"id":"u1","name":"alice@corp","auth":{"method":"okta","mfa":true}},
                "action":"invoice.delete","operation":"delete","resource":{"type":"invoice","id":"invoice-42"},
                "outcome":"success","origin":{"ips":["10.2.0.7"]}}"#,
            "alice@corp (okta, mfa) deleted invoice-42 2 h 14 m ago from 10.2.0.7",
        );
        check(
            r#"{"time":"2023-11-14T22:13:15Z","actor":{"id":"svc/etl","on_behalf_of":{"id":"bob"}},"action":"table.drop",
                "operation":"delete","resource":{"type":"table","id":"dw.orders"},"outcome":"denied"}"#,
            "svc/etl was not allowed to delete dw.orders 5 s ago on behalf of bob",
        );
        check(
            r#"{"time":"2020-01-01T00:00:00Z","actor":{"id":"x"},"action":"a.b","resource":{"type":"t","id":"r"},"outcome":"success"}"#,
            "x did a.b on r on 2020-01-01 00:00:00",
        );
        check("{}", "? did ? on ? (outcome unknown)");
    }

    #[test]
    fn a_hostile_name_stays_one_visible_line() {
        check(
            "{\"actor\":{\"id\":\"a\\u001b[2Kb\\nc\\u202e\"},\"operation\":\"read\",\"resource\":{\"id\":\"r\"},\"outcome\":\"success\"}",
            "a\\x1b[2Kb\\nc\\u{202e} read r",
        );
    }

    #[test]
    fn the_json_of_an_event_begins_with_its_place() {
        let text = found(r#"{"time":"t","n":12345678901234567890}"#).json().to_text();
        assert_eq!(text, r#"{"position":"default/main@7","leaf_hash":"aGFzaA==","time":"t","n":12345678901234567890}"#);
    }
}
