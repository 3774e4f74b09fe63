//! What an event looks like to an index: a few numbers, terms by field, and running text.
//!
//! Terms are made here and nowhere else, from the values that the query language compares with. The
//! table [`TERMS`] is read by the planner too, so both sides agree on where a value stands.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cairn_event::filter::{Expr, FLAGS, FieldRef, Item, Query, Value, each_changed_path, each_text, fold};
use cairn_event::{Json, Position};
use ipnet::IpNet;
use jiff::Timestamp;

use crate::filter::TermField;

/// Fields of the query language whose values are terms, and where those stand.
///
/// A field that is not listed is narrowed by the words of its value. Ids are not listed on purpose:
/// they are words of the text, nearly unique ones, and a second term for each would make the index
/// half as large again.
pub(crate) const TERMS: &[(&str, TermField)] = &[
    ("actor", TermField::Actor),
    ("actor.type", TermField::ActorType),
    ("action", TermField::Action),
    ("op", TermField::Op),
    ("res", TermField::Resource),
    ("type", TermField::Type),
    ("outcome", TermField::Outcome),
    ("severity", TermField::Severity),
    ("class", TermField::Class),
    ("env", TermField::Env),
    ("service", TermField::Service),
    ("region", TermField::Region),
    ("source", TermField::Source),
    ("producer", TermField::Producer),
    ("country", TermField::Country),
];

/// Fields whose presence is a term. Those that are in nearly every event are not worth one, and of
/// those with few values the terms themselves tell.
pub(crate) const PRESENT: &[&str] = &[
    "behalf",
    "approver",
    "related",
    "reason",
    "ip",
    "request",
    "trace",
    "session",
    "correlation",
    "cause",
    "changed",
    "before",
    "after",
    "metadata",
    "raw",
];

/// Most bytes of a changed path that is a term, and most paths of one event.
const CHANGED_BYTES_MAX: usize = 1024;
const CHANGED_PATHS_MAX: usize = 1000;

/// Stands among the changed paths of an event that has longer or more of them than are indexed.
/// Paths begin with a slash, so it is none.
pub(crate) const CHANGED_MORE: &str = "*";

/// The numbers of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// When it happened, in nanoseconds since 1970. Times before 1677 and after 2262 stand at the
    /// ends of what fits; [`Numbers::NONE`] if there is none.
    pub time_ns: i64,
    /// When it was received, in the same way.
    pub received_ns: i64,
    /// The index in the trail.
    pub index: u64,
}

impl Numbers {
    /// Stands for a time that is not there; below all others.
    pub const NONE: i64 = i64::MIN;
    /// The earliest time that is told apart from earlier ones.
    pub const FIRST: i64 = i64::MIN + 1;
    /// The latest time that is told apart from later ones.
    pub const LAST: i64 = i64::MAX;

    /// A time as the index orders it.
    #[must_use]
    pub fn nanoseconds(time: Timestamp) -> i64 {
        let held = time.as_nanosecond().clamp(Self::FIRST.into(), Self::LAST.into());
        i64::try_from(held).expect("clamped to the range of i64")
    }
}

/// An event as an index sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its numbers.
    pub numbers: Numbers,
    /// All terms, one behind the other.
    joined: String,
    /// For each term its field and where it ends in `joined`.
    ends: Vec<(TermField, usize)>,
    /// Where the words come from: texts that are separated by line feeds, which belong to no word.
    pub text: String,
}

impl Document {
    /// The terms with their fields; words are not among them but in [`Document::text`].
    pub fn terms(&self) -> impl Iterator<Item = (TermField, &str)> {
        self.ends.iter().scan(0, |start, (field, end)| {
            let term = &self.joined[*start..*end];
            *start = *end;
            Some((*field, term))
        })
    }

    fn push(&mut self, field: TermField, term: &str) {
        self.joined.push_str(term);
        self.ends.push((field, self.joined.len()));
    }
}

/// Turns events into documents. Made once, used for each event.
#[derive(Debug)]
pub struct Extractor {
    terms: Vec<(TermField, FieldRef)>,
    address: FieldRef,
    /// Queries that tell whether an optional field is there, and its name.
    present: Vec<(&'static str, Query)>,
    /// Queries that tell whether an event is in a state, and its name.
    states: Vec<(&'static str, Query)>,
}

impl Default for Extractor {
    fn default() -> Self {
        Self::new()
    }
}

impl Extractor {
    /// An extractor for the fields that the query language has.
    #[must_use]
    pub fn new() -> Self {
        let field = |name| FieldRef::named(name).expect("the language has the fields of TERMS");
        let query = |field, word| Query::term(field, word).expect("the word comes from its list");
        Self {
            terms: TERMS.iter().map(|(name, at)| (*at, field(name))).collect(),
            address: field("ip"),
            present: PRESENT.iter().map(|name| (*name, query("has", name))).collect(),
            states: FLAGS.iter().map(|(name, _)| (*name, query("is", name))).collect(),
        }
    }

    /// The document of one event.
    #[must_use]
    pub fn document(&self, event: &Json, position: &Position) -> Document {
        let mut document = Document {
            numbers: Numbers {
                time_ns: time(event, "time"),
                received_ns: time(event, "received_at"),
                index: position.index.0,
            },
            joined: String::with_capacity(512),
            ends: Vec::with_capacity(48),
            text: String::with_capacity(1024),
        };
        for (at, field) in &self.terms {
            for value in field.values(event, position) {
                document.push(*at, &fold(&value));
            }
        }
        for value in self.address.values(event, position) {
            if let Some(term) = address_term(&value) {
                document.push(TermField::Ip, &term);
            }
        }
        for (queries, at) in [(&self.present, TermField::Has), (&self.states, TermField::State)] {
            for (name, query) in queries {
                if query.matches(event, position) {
                    document.push(at, name);
                }
            }
        }
        if event.get("changes").is_some() {
            add_changed(event, &mut document);
        }
        each_text(event, |text| {
            document.text.push_str(text);
            document.text.push('\n');
        });
        document
    }
}

pub(crate) fn time(event: &Json, member: &str) -> i64 {
    event
        .get(member)
        .and_then(Json::as_str)
        .and_then(|text| text.parse::<Timestamp>().ok())
        .map_or(Numbers::NONE, Numbers::nanoseconds)
}

fn add_changed(event: &Json, document: &mut Document) {
    let mut terms = BTreeSet::new();
    let mut is_more = false;
    each_changed_path(event, |path| {
        let length: usize = path.iter().map(|segment| segment.len() + 1).sum();
        if length > CHANGED_BYTES_MAX || terms.len() >= CHANGED_PATHS_MAX {
            is_more = true;
        } else {
            terms.insert(changed_term(path));
        }
    });
    if is_more {
        document.push(TermField::Changed, CHANGED_MORE);
    }
    for term in terms {
        document.push(TermField::Changed, &term);
    }
}

/// The term of a changed path: an RFC 6901 pointer, so that no two paths share one.
pub(crate) fn changed_term<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().fold(String::new(), |mut term, segment| {
        term.push('/');
        term.push_str(&segment.as_ref().replace('~', "~0").replace('/', "~1"));
        term
    })
}

/// The term of an address or network as an event gives it; other text has none.
fn address_term(text: &str) -> Option<String> {
    let address = text.split_once('%').map_or(text, |(address, _zone)| address);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Some(address_digits(address.to_canonical()));
    }
    if !text.contains('/') {
        return None;
    }
    let query = Query::term("ip", text).ok()?;
    let Expr::Clause(clause) = &query.root().node else {
        return None;
    };
    let Value::AnyOf(items) = &clause.value.node else {
        return None;
    };
    match &items.first()?.node {
        Item::Net(network) => Some(network_term(network)),
        _ => None,
    }
}

/// Digits of fixed width behind the version, so that terms sort as addresses do.
pub(crate) fn address_digits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("4{:08x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("6{:032x}", v6.to_bits()),
    }
}

/// The term of a network that an event names as such.
pub(crate) fn network_term(network: &IpNet) -> String {
    format!("n{network}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(event: &str) -> Document {
        let event = Json::parse(event.as_bytes()).expect("valid JSON");
        Extractor::new().document(&event, &"a/main@7".parse().expect("a position"))
    }

    fn terms_of(document: &Document, wanted: TermField) -> Vec<&str> {
        document.terms().filter(|(field, _)| *field == wanted).map(|(_, term)| term).collect()
    }

    #[test]
    fn terms_are_folded_and_told_apart_by_field() {
        let document = document(
            r#"{"time":"1970-01-01T00:00:01Z","actor":{"id":"U1","name":"Alice","type":"user"},
            "resource":{"type":"Invoice","id":"42"},"request_id":"R","session_id":"S",
            "changes":[{"op":"replace","path":"/a~1b/0","old":1,"value":2}]}"#,
        );
        assert_eq!(document.numbers.time_ns, 1_000_000_000);
        assert_eq!(document.numbers.received_ns, Numbers::NONE);
        assert_eq!(document.numbers.index, 7);
        assert_eq!(terms_of(&document, TermField::Actor), ["u1", "alice"]);
        assert_eq!(terms_of(&document, TermField::Resource), ["invoice/42", "invoice:42", "42"]);
        assert_eq!(terms_of(&document, TermField::Changed), ["/a~1b", "/a~1b/0"]);
        assert!(terms_of(&document, TermField::Has).contains(&"request"));
        assert!(!terms_of(&document, TermField::Has).contains(&"trace"));
        assert!(document.text.contains("Alice\n"));
    }

    #[test]
    fn addresses_of_both_versions_sort_in_their_own_ranges() {
        assert_eq!(address_term("10.0.0.1").as_deref(), Some("40a000001"));
        assert_eq!(address_term("::ffff:10.0.0.1").as_deref(), Some("40a000001"));
        assert_eq!(address_term("fe80::1%eth0"), address_term("fe80::1"));
        assert_eq!(address_term("10.0.0.9/8").as_deref(), Some("n10.0.0.0/8"));
        assert_eq!(address_term("ec2.amazonaws.com"), None);
    }

    #[test]
    fn an_event_with_too_many_changed_paths_says_so() {
        let changes: Vec<_> =
            (0..=CHANGED_PATHS_MAX).map(|n| format!(r#"{{"op":"add","path":"/k{n}","value":1}}"#)).collect();
        let document = document(&format!(r#"{{"changes":[{}]}}"#, changes.join(",")));
        let terms = terms_of(&document, TermField::Changed);
        assert_eq!(terms.len(), CHANGED_PATHS_MAX + 1);
        assert_eq!(terms[0], CHANGED_MORE);
    }
}
