//! What an index knows of one clause.

use cairn_event::filter::{Clause, Comparison, FieldRef, Item, Kind, Pattern, Spanned, Value, fold};
use cairn_event::{Position, TrailRef};
use ipnet::IpNet;

use super::narrow::{literal_cover, phrase_cover, value_cover};
use super::{Cover, Planner, held_time};
use crate::doc::{CHANGED_MORE, Numbers, PRESENT, TERMS, address_digits, changed_term, network_term};
use crate::filter::{Filter, NumberField, TermField};

/// Fields whose values are among the terms of a wider field.
const WITHIN: &[(&str, TermField)] = &[
    ("actor.id", TermField::Actor),
    ("actor.name", TermField::Actor),
    ("actor.email", TermField::Actor),
    ("resource.id", TermField::Resource),
    ("resource.name", TermField::Resource),
    ("kind", TermField::Source),
];

impl Planner<'_> {
    pub(super) fn clause(self, clause: &Clause) -> Cover {
        let field = &clause.field.node;
        let value = &clause.value.node;
        if matches!(value, Value::Any) {
            return present(field);
        }
        match field.field.name {
            "tenant" => self.trails(value, |trail| vec![trail.tenant.to_string()]),
            "trail" => self.trails(value, |trail| vec![trail.trail.to_string(), trail.to_string()]),
            "position" => each(value, position_cover),
            "created" => time_cover(NumberField::Time, value),
            "ingested" => time_cover(NumberField::Received, value),
            "index" => index_cover(value),
            _ => match field.field.kind {
                Kind::Ip => ip_cover(field, value),
                Kind::Ranked(names) => ranked_cover(field, names, value),
                Kind::Time | Kind::Number => Cover::ANY,
                _ => each(value, |item, comparison| item_cover(field, item, comparison)),
            },
        }
    }

    /// The trails whose names match; nothing in an event decides this.
    fn trails(self, value: &Value, names: impl Fn(&TrailRef) -> Vec<String>) -> Cover {
        let matches = |item: &Item, comparison: Option<Comparison>, name: &str| match item {
            Item::Text(pattern) if comparison.is_some() => pattern.as_literal() == Some(name),
            Item::Text(pattern) => pattern.matches(name),
            _ => false,
        };
        let matched: Vec<_> = self
            .trails
            .iter()
            .filter(|trail| {
                let any = |item: &Spanned<Item>, comparison| {
                    names(trail).iter().any(|name| matches(&item.node, comparison, name))
                };
                match value {
                    Value::AnyOf(items) => items.iter().any(|item| any(item, None)),
                    Value::Compare(comparison, item) => any(item, Some(*comparison)),
                    Value::Any | Value::Range { .. } => false,
                }
            })
            .collect();
        if matched.len() == self.trails.len() {
            return Cover::exact(Filter::All);
        }
        Cover::exact(Filter::or(matched.into_iter().cloned().map(Filter::Trail)))
    }
}

/// The cover of a list, or of `=x`; ranges of fields without an order don't exist.
fn each(value: &Value, cover: impl Fn(&Item, Option<Comparison>) -> Cover) -> Cover {
    match value {
        Value::AnyOf(items) => Cover::or(items.iter().map(|item| cover(&item.node, None)).collect()),
        Value::Compare(comparison, item) => cover(&item.node, Some(*comparison)),
        Value::Any | Value::Range { .. } => Cover::ANY,
    }
}

/// Fields that every index knows to have few values, so that looking for any of them is cheap.
const FEW_VALUES: &[TermField] = &[
    TermField::Op,
    TermField::Outcome,
    TermField::Severity,
    TermField::Class,
    TermField::Env,
    TermField::Service,
    TermField::Region,
    TermField::Country,
];

fn present(field: &FieldRef) -> Cover {
    let name = field.field.name;
    if matches!(name, "tenant" | "trail" | "position" | "index") {
        return Cover::exact(Filter::All);
    }
    if PRESENT.contains(&name) {
        let has = Filter::Term(TermField::Has, name.to_owned());
        return Cover { filter: has, exact: field.path.is_empty() };
    }
    match listed(TERMS, name).filter(|at| FEW_VALUES.contains(at)) {
        Some(at) => {
            let any = Pattern::word("*").expect("a wildcard alone is a word");
            Cover::wider(Filter::Pattern(at, any))
        }
        None => Cover::ANY,
    }
}

fn listed(table: &[(&str, TermField)], name: &str) -> Option<TermField> {
    table.iter().find(|(field, _)| *field == name).map(|(_, at)| *at)
}

fn item_cover(field: &FieldRef, item: &Item, comparison: Option<Comparison>) -> Cover {
    match item {
        Item::Field(field) => present(field),
        Item::Flag(flag) => Cover::exact(Filter::Term(TermField::State, flag.name().to_owned())),
        Item::Path(path) => Cover::wider(Filter::or([
            Filter::Term(TermField::Changed, changed_term(path)),
            Filter::Term(TermField::Changed, CHANGED_MORE.to_owned()),
        ])),
        Item::Words(words) => phrase_cover(words),
        Item::Text(pattern) => {
            let name = field.field.name;
            match (listed(TERMS, name), listed(WITHIN, name)) {
                // `=` tells upper and lower case apart, the index does not.
                (Some(at), _) => Cover { filter: term_filter(at, pattern), exact: comparison.is_none() },
                (None, Some(at)) => Cover::wider(term_filter(at, pattern)),
                (None, None) => value_cover(field, pattern),
            }
        }
        // The order of comparisons is that of numbers and times, which are no terms.
        Item::Number(number) if comparison.is_none() => literal_cover(number.literal()),
        Item::Number(_) | Item::Time(_) | Item::Net(_) => Cover::ANY,
    }
}

fn term_filter(field: TermField, pattern: &Pattern) -> Filter {
    match pattern.as_literal() {
        Some(literal) => Filter::Term(field, fold(literal).into_owned()),
        None => Filter::Pattern(field, pattern.clone()),
    }
}

fn position_cover(item: &Item, comparison: Option<Comparison>) -> Cover {
    let Item::Text(pattern) = item else {
        return Cover::ANY;
    };
    let Some(literal) = pattern.as_literal() else {
        return Cover::ANY;
    };
    let name = if comparison.is_some() { literal.into() } else { fold(literal) };
    let Ok(position) = name.parse::<Position>() else {
        return Cover::exact(Filter::Nothing);
    };
    let Ok(index) = i64::try_from(position.index.0) else {
        return Cover::exact(Filter::Nothing);
    };
    Cover::exact(Filter::and([
        Filter::Trail(position.trail),
        Filter::Number { field: NumberField::Index, from: index, to: index },
    ]))
}

fn ip_cover(field: &FieldRef, value: &Value) -> Cover {
    let exact = field.field.name == "ip";
    each(value, |item, _| match item {
        Item::Net(network) => Cover { filter: network_filter(network), exact },
        Item::Text(pattern) => value_cover(field, pattern),
        _ => Cover::ANY,
    })
}

/// The addresses in a network, and the network itself where an event names it.
fn network_filter(network: &IpNet) -> Filter {
    let from = address_digits(network.network());
    let to = address_digits(network.broadcast());
    let addresses =
        if from == to { Filter::Term(TermField::Ip, from) } else { Filter::Between { field: TermField::Ip, from, to } };
    Filter::or([addresses, Filter::Term(TermField::Ip, network_term(network))])
}

fn ranked_cover(field: &FieldRef, names: &[&str], value: &Value) -> Cover {
    let rank = |item: &Spanned<Item>| match &item.node {
        Item::Text(word) => word.as_literal().and_then(|w| names.iter().position(|n| *n == w)),
        _ => None,
    };
    let (first, last) = (0, names.len());
    let span = match value {
        Value::AnyOf(items) => {
            return Cover::or(items.iter().map(|i| item_cover(field, &i.node, None)).collect());
        }
        Value::Range { from, to } => {
            let from = from.as_ref().map_or(Some(first), rank);
            let to = to.as_ref().map_or(Some(last), |item| rank(item).map(|at| at + 1));
            from.zip(to)
        }
        Value::Compare(comparison, item) => rank(item).map(|at| match comparison {
            Comparison::Above => (at + 1, last),
            Comparison::AtLeast => (at, last),
            Comparison::Below => (first, at),
            Comparison::AtMost => (first, at + 1),
            Comparison::Exactly => (at, at + 1),
        }),
        Value::Any => None,
    };
    match span.zip(listed(TERMS, field.field.name)) {
        Some(((from, to), at)) => {
            let names = names.get(from..to).unwrap_or_default();
            Cover::exact(Filter::or(names.iter().map(|name| Filter::Term(at, (*name).to_owned()))))
        }
        None => Cover::ANY,
    }
}

/// From and to as an index holds them, both included, with whether the index tells them from the
/// values outside.
type End = Option<(i64, bool)>;

fn number_cover(field: NumberField, least: i64, from: End, to: End) -> Cover {
    let exact = [from, to].into_iter().flatten().all(|(_, exact)| exact);
    let from = from.map_or(least, |(from, _)| from);
    let to = to.map_or(Numbers::LAST, |(to, _)| to);
    if from > to {
        return Cover { filter: Filter::Nothing, exact };
    }
    Cover { filter: Filter::Number { field, from, to }, exact }
}

fn next(end: (i64, bool)) -> (i64, bool) {
    if end.1 { (end.0 + 1, true) } else { end }
}

fn previous(end: (i64, bool)) -> (i64, bool) {
    if end.1 { (end.0 - 1, true) } else { end }
}

/// Comparisons and ranges of values that `read` turns into numbers; an unreadable one covers all.
fn ordered_cover(field: NumberField, least: i64, value: &Value, read: impl Fn(&Item) -> End) -> Cover {
    let cover = |from, to| number_cover(field, least, from, to);
    let found = match value {
        Value::Any => None,
        Value::AnyOf(items) => {
            let single = |item: &Spanned<Item>| read(&item.node).map(|at| cover(Some(at), Some(at)));
            items.iter().map(single).collect::<Option<Vec<_>>>().map(Cover::or)
        }
        Value::Range { from, to } => {
            // The outer option is missing if an end is given and unreadable.
            let end = |item: &Option<Spanned<Item>>| match item {
                Some(item) => read(&item.node).map(Some),
                None => Some(None),
            };
            end(from).zip(end(to)).map(|(from, to)| cover(from, to))
        }
        Value::Compare(comparison, item) => read(&item.node).map(|at| match comparison {
            Comparison::Above => cover(Some(next(at)), None),
            Comparison::AtLeast => cover(Some(at), None),
            Comparison::Below => cover(None, Some(previous(at))),
            Comparison::AtMost => cover(None, Some(at)),
            Comparison::Exactly => cover(Some(at), Some(at)),
        }),
    };
    found.unwrap_or(Cover::ANY)
}

fn time_cover(field: NumberField, value: &Value) -> Cover {
    let read = |item: &Item| match item {
        Item::Time(moment) => Some(held_time(moment.at())),
        _ => None,
    };
    ordered_cover(field, Numbers::FIRST, value, read)
}

fn index_cover(value: &Value) -> Cover {
    let read = |item: &Item| match item {
        Item::Number(number) => {
            let at: i64 = number.literal().parse().ok()?;
            // The ends of i64 stand for all that lies beyond them.
            (i64::MIN < at && at < i64::MAX).then_some((at, true))
        }
        _ => None,
    };
    ordered_cover(NumberField::Index, 0, value, read)
}
