//! The meaning of a query: whether one event matches.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::Timestamp;

use super::ast::{Clause, Comparison, Expr, FieldRef, Item, Value};
use super::changed::any_changed_path;
use super::decimal::Decimal;
use super::event_values::{Scalar, any_text, any_value, is_present};
use super::fields::{Flag, Kind};
use super::items::{network, rank};
use super::pattern::{Pattern, fold};
use crate::ids::Position;
use crate::json::Json;

/// The name of the trail in which a tenant's quarantined events lie.
const QUARANTINE_TRAIL: &str = "quarantine";

pub(super) fn holds(expr: &Expr, event: &Json, position: &Position) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(nodes) => nodes.iter().all(|node| holds(&node.node, event, position)),
        Expr::Or(nodes) => nodes.iter().any(|node| holds(&node.node, event, position)),
        Expr::Not(inner) => !holds(&inner.node, event, position),
        Expr::Clause(clause) => clause_holds(clause, event, position),
        Expr::Text(words) => any_text(event, &mut |text| words.occur_in(text)),
    }
}

fn clause_holds(clause: &Clause, event: &Json, position: &Position) -> bool {
    let field = &clause.field.node;
    match (&clause.value.node, field.field.kind) {
        (Value::Any, _) => is_present(field, event),
        (Value::AnyOf(items), Kind::Has | Kind::Is | Kind::Changed) => {
            items.iter().any(|item| state_holds(&item.node, event, position))
        }
        (value, _) => any_value(field, event, position, &mut |scalar| value_matches(field, value, &scalar)),
    }
}

/// Items that ask for something other than a value of their own field.
fn state_holds(item: &Item, event: &Json, position: &Position) -> bool {
    let is_member = |pointer, value| event.pointer(pointer).and_then(Json::as_bool) == Some(value);
    match item {
        Item::Field(field) => is_present(field, event),
        Item::Path(path) => any_changed_path(event, &mut |changed| changed == path.as_slice()),
        Item::Flag(flag) => match flag {
            Flag::Conflict => event.get("conflict_with").is_some_and(|with| !with.is_null()),
            Flag::Change => is_member("/effective_change", true),
            Flag::Noop => is_member("/effective_change", false),
            Flag::DryRun => is_member("/dry_run", true),
            Flag::Redacted => event.get("protected").is_some(),
            Flag::Quarantined => position.trail.trail.as_str() == QUARANTINE_TRAIL,
        },
        _ => false,
    }
}

fn value_matches(field: &FieldRef, value: &Value, scalar: &Scalar<'_>) -> bool {
    let order = |item: &Item| order(field, scalar, item);
    match value {
        Value::Any => true,
        Value::Compare(Comparison::Exactly, item) => match &item.node {
            Item::Text(text) => text.as_literal() == Some(&*scalar.text()),
            _ => false,
        },
        Value::Compare(comparison, item) => order(&item.node).is_some_and(|order| match comparison {
            Comparison::Above => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
            Comparison::Below => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Exactly => order.is_eq(),
        }),
        Value::Range { from, to } => {
            let is_within = |end: &Option<super::Spanned<Item>>, test: fn(Ordering) -> bool| {
                end.as_ref().is_none_or(|item| order(&item.node).is_some_and(test))
            };
            is_within(from, Ordering::is_ge) && is_within(to, Ordering::is_le)
        }
        Value::AnyOf(items) => items.iter().any(|item| item_matches(&item.node, scalar)),
    }
}

fn item_matches(item: &Item, scalar: &Scalar<'_>) -> bool {
    match item {
        Item::Text(pattern) => pattern.matches(&scalar.text()),
        Item::Words(words) => words.occur_in(&scalar.text()),
        Item::Time(moment) => time_of(scalar) == Some(moment.at()),
        Item::Net(wanted) => match scalar {
            Scalar::Text(text) => match address_of(text) {
                Some(address) => wanted.contains(&address),
                None => network(text).as_ref() == Some(wanted),
            },
            _ => false,
        },
        Item::Number(number) => match scalar {
            Scalar::Number(value) => Decimal::from(&**value).compare(number).is_eq(),
            // Text stays text here: the identifier "0042" is not the number 42.
            _ => fold(&scalar.text()) == fold(number.literal()),
        },
        Item::Field(_) | Item::Flag(_) | Item::Path(_) => false,
    }
}

/// How the value compares with the item; `None` if they are of different kinds.
fn order(field: &FieldRef, scalar: &Scalar<'_>, item: &Item) -> Option<Ordering> {
    match item {
        Item::Time(moment) => Some(time_of(scalar)?.cmp(&moment.at())),
        Item::Number(number) => {
            let value = match scalar {
                Scalar::Number(value) => Decimal::from(&**value),
                // Producers write 64-bit integers as strings, so such text has its place.
                Scalar::Text(text) => Decimal::parse(text)?,
                Scalar::Bool(_) => return None,
            };
            Some(value.compare(number))
        }
        Item::Text(word) => {
            let value = rank(field, &Pattern::literal(&fold(&scalar.text())))?;
            Some(value.cmp(&rank(field, word)?))
        }
        _ => None,
    }
}

fn time_of(scalar: &Scalar<'_>) -> Option<Timestamp> {
    match scalar {
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// An address, IPv4-mapped ones as IPv4; a zone (`%eth0`) says nothing about it.
fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}
