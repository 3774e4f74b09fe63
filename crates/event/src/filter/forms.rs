//! Asking for a value also in the forms in which protection may have stored it.

use super::ast::{Clause, Comparison, Expr, FieldRef, Item, Node, Spanned, Value};
use super::fields::Kind;
use super::pattern::Pattern;
use super::words::WordPatterns;

/// Fields whose values no rule replaces as a whole: words from lists, names that Cairn gives, and the grammar of actions.
const NEVER: &[&str] = &[
    "action", "type", "env", "service", "region", "country", "source", "kind", "producer", "tenant", "trail",
    "position", "id", "trace", "span", "schema",
];

pub(super) fn widened(node: &Node, forms: &dyn Fn(&str) -> Vec<String>) -> Node {
    let each = |nodes: &[Node]| nodes.iter().map(|node| widened(node, forms)).collect();
    let expr = match &node.node {
        Expr::All => Expr::All,
        Expr::And(nodes) => Expr::and(each(nodes)),
        Expr::Or(nodes) => Expr::or(each(nodes)),
        Expr::Not(inner) => Expr::Not(Box::new(widened(inner, forms))),
        Expr::Clause(clause) => of_clause(clause, forms),
        Expr::Text(words) => {
            let stored = words.written().as_literal().map(forms).unwrap_or_default();
            let stored = stored.iter().filter_map(|form| WordPatterns::phrase(form)).map(Expr::Text).map(Node::made);
            Expr::or(std::iter::once(Node::made(Expr::Text(words.clone()))).chain(stored).collect())
        }
    };
    Spanned::new(expr, node.span)
}

fn of_clause(clause: &Clause, forms: &dyn Fn(&str) -> Vec<String>) -> Expr {
    let field = &clause.field.node;
    let is_text = matches!(field.field.kind, Kind::Text | Kind::Words | Kind::Path);
    if !is_text || NEVER.contains(&field.field.name) {
        return Expr::Clause(clause.clone());
    }
    match &clause.value.node {
        Value::AnyOf(items) => {
            let stored = items.iter().flat_map(|item| of_item(field, &item.node, forms)).map(Spanned::made);
            let items = items.iter().cloned().chain(stored).collect();
            let value = Spanned::new(Value::AnyOf(items), clause.value.span);
            Expr::Clause(Clause { field: clause.field.clone(), value })
        }
        Value::Compare(Comparison::Exactly, item) => {
            let exactly = |item| {
                let value = Spanned::made(Value::Compare(Comparison::Exactly, Spanned::made(item)));
                Node::made(Expr::Clause(Clause { field: clause.field.clone(), value }))
            };
            let stored = of_item(field, &item.node, forms).into_iter().map(exactly);
            Expr::or(std::iter::once(Node::made(Expr::Clause(clause.clone()))).chain(stored).collect())
        }
        Value::Any | Value::Compare(..) | Value::Range { .. } => Expr::Clause(clause.clone()),
    }
}

fn of_item(field: &FieldRef, item: &Item, forms: &dyn Fn(&str) -> Vec<String>) -> Vec<Item> {
    let text = |form: &str| match field.field.kind {
        Kind::Words => WordPatterns::phrase(form).map(Item::Words),
        _ => Some(Item::Text(Pattern::literal(form))),
    };
    let of_literal = |value: &str| -> Vec<Item> {
        // `type/id` and `type:id` name a resource whose id alone is stored in another form.
        let joined = value.split_once(['/', ':']).filter(|(before, _)| !before.is_empty()).map(|(before, id)| {
            let separator = &value[before.len()..=before.len()];
            forms(id).into_iter().map(move |form| format!("{before}{separator}{form}"))
        });
        forms(value).into_iter().chain(joined.into_iter().flatten()).filter_map(|form| text(&form)).collect()
    };
    match item {
        Item::Text(pattern) => pattern.as_literal().map(of_literal).unwrap_or_default(),
        Item::Words(words) => words.written().as_literal().map(of_literal).unwrap_or_default(),
        Item::Number(number) => of_literal(number.literal()),
        Item::Net(net) if net.prefix_len() == net.max_prefix_len() => of_literal(&net.addr().to_string()),
        Item::Net(_) | Item::Time(_) | Item::Field(_) | Item::Flag(_) | Item::Path(_) => Vec::new(),
    }
}
