//! The canonical text of a query: one spelling for each meaning, which parses to an equal tree
//! whatever the clock and the zone of the reader.

use std::fmt::{self, Display, Formatter, Write as _};

use super::Query;
use super::ast::{Clause, Comparison, Expr, FieldRef, Item, Value};
use super::fields::Kind;
use super::parse;
use super::pattern::{Glob, Pattern};
use super::words::WordPatterns;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        expr(f, &self.root().node, Around::Nothing)
    }
}

/// What an expression stands in, and so which operators need parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Or,
    And,
    Not,
}

fn expr(f: &mut Formatter<'_>, expr_: &Expr, around: Around) -> fmt::Result {
    let needs_group = match expr_ {
        Expr::Or(_) => around != Around::Nothing,
        Expr::And(_) => matches!(around, Around::And | Around::Not),
        Expr::Not(_) => around == Around::Not,
        _ => false,
    };
    if needs_group {
        f.write_char('(')?;
        expr(f, expr_, Around::Nothing)?;
        return f.write_char(')');
    }
    match expr_ {
        Expr::All => f.write_char('*'),
        Expr::And(nodes) => joined(f, nodes, " ", |f, node| expr(f, &node.node, Around::And)),
        Expr::Or(nodes) => joined(f, nodes, " OR ", |f, node| expr(f, &node.node, Around::Or)),
        Expr::Not(inner) => {
            f.write_char('-')?;
            expr(f, &inner.node, Around::Not)
        }
        Expr::Clause(clause_) => clause(f, clause_),
        Expr::Text(words) => free_text(f, words),
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    parts: &[T],
    separator: &str,
    print: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        print(f, part)?;
    }
    Ok(())
}

fn free_text(f: &mut Formatter<'_>, words: &WordPatterns) -> fmt::Result {
    let text = pattern_text(words.written());
    let is_bare = words.written().as_literal().is_none() || parse::reads_as_text(&text, words);
    if is_bare { f.write_str(&text) } else { quoted(f, &text) }
}

impl Display for FieldRef {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name)?;
        if self.path.is_empty() {
            return Ok(());
        }
        f.write_char('.')?;
        if is_dotted(&self.path) {
            return joined(f, &self.path, ".", |f, segment| f.write_str(segment));
        }
        for c in pointer(&self.path).chars() {
            if c == ':' || c == '\\' || c.is_whitespace() {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        Ok(())
    }
}

/// Whether every segment can stand between dots, before a colon as well as behind one.
fn is_dotted(path: &[String]) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    path.iter().all(|segment| !segment.is_empty() && segment.bytes().all(is_plain))
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

fn clause(f: &mut Formatter<'_>, clause: &Clause) -> fmt::Result {
    let field = &clause.field.node;
    write!(f, "{field}:")?;
    match &clause.value.node {
        Value::Any => f.write_char('*'),
        Value::Compare(comparison, item_) => compare(f, field, *comparison, &item_.node),
        Value::Range { from, to } => {
            range(f, field, from.as_ref().map(|item| &item.node), to.as_ref().map(|item| &item.node))
        }
        Value::AnyOf(items) => joined(f, items, ",", |f, item_| item(f, field, &item_.node)),
    }
}

fn compare(f: &mut Formatter<'_>, field: &FieldRef, comparison: Comparison, item_: &Item) -> fmt::Result {
    f.write_str(comparison.symbol())?;
    match (comparison, item_) {
        (Comparison::Exactly, Item::Text(text)) => {
            let text = text.as_literal().unwrap_or_default();
            let value = Value::Compare(comparison, super::Spanned::made(item_.clone()));
            if parse::reads_as_value(field, &format!("={text}"), &value) { f.write_str(text) } else { quoted(f, text) }
        }
        // The text covers whole seconds: these two operators look at where it ends.
        (Comparison::Above | Comparison::AtMost, Item::Time(moment)) => f.write_str(&moment.text_of_end()),
        (_, Item::Time(moment)) => f.write_str(&moment.text_of_start()),
        _ => item(f, field, item_),
    }
}

fn range(f: &mut Formatter<'_>, field: &FieldRef, from: Option<&Item>, to: Option<&Item>) -> fmt::Result {
    if let (Some(Item::Time(from)), Some(Item::Time(to)), Kind::Time) = (from, to, field.field.kind) {
        let (first, last) = (from.text_of_start(), to.text_of_end());
        if first == last {
            return f.write_str(&first);
        }
    }
    match from {
        Some(Item::Time(moment)) => f.write_str(&moment.text_of_start())?,
        Some(from) => item(f, field, from)?,
        None => {}
    }
    f.write_str("..")?;
    match to {
        Some(Item::Time(moment)) => f.write_str(&moment.text_of_end()),
        Some(to) => item(f, field, to),
        None => Ok(()),
    }
}

fn item(f: &mut Formatter<'_>, field: &FieldRef, item_: &Item) -> fmt::Result {
    let text = match item_ {
        Item::Text(pattern) if pattern.as_literal().is_none() => {
            return f.write_str(&pattern_text(pattern));
        }
        Item::Words(words) if words.written().as_literal().is_none() => {
            return f.write_str(&pattern_text(words.written()));
        }
        Item::Text(pattern) => pattern_text(pattern),
        Item::Words(words) => pattern_text(words.written()),
        Item::Time(moment) => return f.write_str(&moment.text_of_instant()),
        Item::Net(network) if field.field.kind == Kind::Ip => {
            return if network.prefix_len() == network.max_prefix_len() {
                write!(f, "{}", network.addr())
            } else {
                write!(f, "{network}")
            };
        }
        Item::Net(network) => return write!(f, "{network}"),
        Item::Number(number) => return f.write_str(number.literal()),
        Item::Flag(flag) => return f.write_str(flag.name()),
        Item::Field(field) => field.to_string(),
        Item::Path(path) if is_dotted(path) => path.join("."),
        Item::Path(path) => pointer(path),
    };
    let value = Value::AnyOf(vec![super::Spanned::made(item_.clone())]);
    if parse::reads_as_value(field, &text, &value) { f.write_str(&text) } else { quoted(f, &text) }
}

fn pattern_text(pattern: &Pattern) -> String {
    pattern
        .globs()
        .iter()
        .map(|glob| match glob {
            Glob::Literal(text) => text.as_str(),
            Glob::One => "?",
            Glob::Many => "*",
        })
        .collect()
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if c == '"' || c == '\\' {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}
