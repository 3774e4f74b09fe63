//! What a query says about the time of its events, for planning.

use jiff::Timestamp;

use super::ast::{Clause, Comparison, Expr, Item, Value};

type Bounds = (Option<Timestamp>, Option<Timestamp>);

const NONE: Bounds = (None, None);

/// Bounds that every event which matches keeps, both included.
pub(super) fn created(expr: &Expr) -> Bounds {
    match expr {
        // Nothing is known of what a negation leaves over.
        Expr::All | Expr::Not(_) | Expr::Text(_) => NONE,
        Expr::Clause(clause) if clause.field.node.field.name == "created" => of_clause(clause),
        Expr::Clause(_) => NONE,
        Expr::And(nodes) => {
            nodes.iter().map(|node| created(&node.node)).fold(NONE, |(from, to), (other_from, other_to)| {
                // An absent lower bound is below every other, as `Option` orders; an absent upper
                // bound is above.
                let to = match (to, other_to) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                (from.max(other_from), to)
            })
        }
        Expr::Or(nodes) => nodes
            .iter()
            .map(|node| created(&node.node))
            .reduce(|(from, to), (other_from, other_to)| {
                (from.min(other_from), to.zip(other_to).map(|(a, b)| a.max(b)))
            })
            .unwrap_or(NONE),
    }
}

fn of_clause(clause: &Clause) -> Bounds {
    let time = |item: &Item| match item {
        Item::Time(moment) => Some(moment.at()),
        _ => None,
    };
    match &clause.value.node {
        Value::Any => NONE,
        Value::Compare(Comparison::Above | Comparison::AtLeast, item) => (time(&item.node), None),
        Value::Compare(Comparison::Below | Comparison::AtMost, item) => (None, time(&item.node)),
        Value::Compare(Comparison::Exactly, item) => (time(&item.node), time(&item.node)),
        Value::Range { from, to } => {
            (from.as_ref().and_then(|item| time(&item.node)), to.as_ref().and_then(|item| time(&item.node)))
        }
        Value::AnyOf(items) => {
            let times = || items.iter().filter_map(|item| time(&item.node));
            (times().min(), times().max())
        }
    }
}
