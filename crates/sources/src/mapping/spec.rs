//! `source.toml`: how a kind is recognised and framed.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::bytes::Regex;
use serde::Deserialize;
use vrl::value::Value;

use super::lookup::Tables;

use crate::decode::Format;
use crate::detect::{Glimpse, best_likeness};
use crate::frame::lines;
use crate::{Framing, Likeness, Records, SplitError};

/// Lines of a head that are held against [`Look::line`].
const LINES_MAX: usize = 16;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// What the kind is, for people: `Okta System Log`.
    pub(super) title: String,
    /// Members that hold the records when these come as one object around an array.
    #[serde(default)]
    pub(super) envelopes: Vec<String>,
    /// How records are written.
    #[serde(default)]
    pub(super) format: Format,
    /// With `format = "lines"`: what the first line of a record looks like, if it may have several.
    #[serde(default, deserialize_with = "pattern")]
    pub(super) first_line: Option<Regex>,
    /// Request headers that the program looks at.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// Tables that the program looks into, by name.
    #[serde(default, deserialize_with = "tables")]
    pub(super) tables: Arc<Tables>,
    /// What a record looks like: the best of them counts.
    #[serde(default, rename = "look")]
    looks: Vec<Look>,
}

/// One way in which a record can show its kind: everything that is said must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    /// How sure that makes, 1 to 100.
    score: u8,
    /// Members, or paths of members joined by dots, that it has.
    #[serde(default)]
    has: Vec<String>,
    /// Of these it has at least one.
    #[serde(default)]
    has_any: Vec<String>,
    /// It has none of these.
    #[serde(default)]
    lacks: Vec<String>,
    /// Members whose text begins so.
    #[serde(default)]
    starts: BTreeMap<String, String>,
    /// Members whose text is one of these.
    #[serde(default)]
    is: BTreeMap<String, Vec<String>>,
    /// What a line looks like.
    #[serde(default, deserialize_with = "pattern")]
    line: Option<Regex>,
}

fn tables<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Arc<Tables>, D::Error> {
    let written = BTreeMap::<String, BTreeMap<String, toml::Value>>::deserialize(from)?;
    let table = |table: BTreeMap<String, toml::Value>| table.into_iter().map(|(key, value)| (key, of_toml(value)));
    Ok(Arc::new(written.into_iter().map(|(name, rows)| (name, table(rows).collect())).collect()))
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Integer(value) => value.into(),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(of_toml).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key.into(), of_toml(value))).collect())
        }
        toml::Value::String(text) => text.into(),
        toml::Value::Float(value) => Value::from_f64_or_zero(value),
        toml::Value::Datetime(value) => value.to_string().into(),
    }
}

fn pattern<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(from)?;
    Regex::new(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Spec {
    pub(super) fn read(text: &str) -> Result<Spec, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    pub(super) fn framing(&self) -> Framing {
        if self.first_line.is_some() { Framing::Blocks } else { self.format.framing() }
    }

    pub(super) fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        match &self.first_line {
            Some(first) => Ok(Box::new(lines::blocks(body, |line| first.is_match(line))?)),
            None => self.format.split(body, &self.envelopes),
        }
    }

    pub(super) fn sniff(&self, head: &[u8]) -> Likeness {
        if self.format.is_json() {
            return best_likeness(head, &self.envelopes, |seen| self.best(|look| look.is_like(seen)));
        }
        let lines = || head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(LINES_MAX);
        self.best(|look| look.line.as_ref().is_some_and(|line| lines().any(|text| line.is_match(text))))
    }

    fn best(&self, is_like: impl Fn(&Look) -> bool) -> Likeness {
        let best = self.looks.iter().filter(|look| is_like(look)).max_by_key(|look| look.score);
        best.map_or(Likeness::NONE, |look| Likeness::new(look.score.min(100), look.reason()))
    }
}

impl Look {
    fn is_like(&self, seen: Glimpse<'_>) -> bool {
        let text = |name: &String| seen.text(name);
        self.line.is_none()
            && self.has.iter().all(|name| seen.has(name))
            && (self.has_any.is_empty() || self.has_any.iter().any(|name| seen.has(name)))
            && !self.lacks.iter().any(|name| seen.has(name))
            && self.starts.iter().all(|(name, start)| text(name).is_some_and(|text| text.starts_with(start)))
            && self.is.iter().all(|(name, words)| text(name).is_some_and(|text| words.iter().any(|word| word == text)))
    }

    fn reason(&self) -> String {
        let mut reasons = Vec::new();
        if !self.has.is_empty() {
            reasons.push(format!("has {}", self.has.join(", ")));
        }
        if !self.has_any.is_empty() {
            reasons.push(format!("has one of {}", self.has_any.join(", ")));
        }
        reasons.extend(self.starts.iter().map(|(name, start)| format!("{name} begins with {start}")));
        reasons.extend(self.is.iter().map(|(name, words)| format!("{name} is {}", words.join(" or "))));
        if self.line.is_some() {
            reasons.push("its lines look like it".to_owned());
        }
        reasons.join(", ")
    }
}
