//! The one predicate language: what searches, scopes, holds and subscriptions are written in.
//!
//! A query is parsed once into a tree that knows nothing of any index. [`Query::matches`] decides
//! one event and is the meaning of the language: an index may answer faster, never differently.
//! The reference for people is `docs/reference/query.md`.
//!
//! ```
//! use cairn_event::Json;
//! use cairn_event::filter::{Context, parse};
//!
//! let context = Context::utc("2026-11-24T13:30:00Z".parse()?);
//! let query = parse("op:delete actor:alice,bob created:>2026-11-01", &context).expect("valid");
//! let event = Json::parse(
//!     br#"{"actor":{"id":"alice"},"operation":"delete","time":"2026-11-24T12:00:00Z"}"#,
//! )?;
//! assert!(query.matches(&event, &"default/main@7".parse()?));
//! assert_eq!(
//!     query.to_string(),
//!     "op:delete actor:alice,bob created:>2026-11-01T23:59:59Z"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ast;
mod bounds;
mod changed;
mod decimal;
mod diagnostic;
mod event_values;
mod fields;
mod forms;
mod items;
mod lex;
mod matches;
mod parse;
mod pattern;
mod print;
mod suggest;
mod time;
mod words;

#[cfg(test)]
mod tests;

pub use ast::{Clause, Comparison, Expr, FieldRef, Item, Node, Span, Spanned, Value};
pub use changed::each_changed_path;
pub use decimal::Decimal;
pub use diagnostic::Diagnostic;
pub use event_values::each_text;
pub use fields::{FIELDS, FLAGS, FLAGS_UNAVAILABLE, Field, Flag, Kind, Reads, field};
pub use items::LIST_ITEMS_MAX;
pub use parse::{CLAUSES_MAX, Context, DEPTH_MAX, QUERY_BYTES_MAX, parse};
pub use pattern::{Glob, Pattern, fold};
pub use time::Moment;
pub use words::{WORD_CHARS_MAX, WordPatterns, words};

use crate::ids::Position;
use crate::json::Json;

/// A parsed query. Two queries are equal when they ask for the same thing.
///
/// `Display` prints the canonical text, which parses to an equal query in every time zone.
#[derive(Debug, Clone)]
pub struct Query {
    root: Node,
    hints: Vec<Diagnostic>,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Query {}

impl From<Expr> for Query {
    fn from(expr: Expr) -> Self {
        Self { root: Spanned::made(expr), hints: Vec::new() }
    }
}

impl Query {
    /// The query that every event matches.
    #[must_use]
    pub fn all() -> Self {
        Expr::All.into()
    }

    /// `field:value` with `value` taken as it is: no wildcards, no operators, no need to quote.
    ///
    /// # Errors
    /// The field is unknown, or the value is not one that it can have. The spans are those of the
    /// canonical text.
    pub fn term(field: &str, value: &str) -> Result<Self, Diagnostic> {
        parse::term(field, value)
    }

    /// The query that no event matches.
    #[must_use]
    pub fn none() -> Self {
        Expr::none().into()
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Remarks on a query that is valid and perhaps not meant: a lower-case `or`, for example.
    #[must_use]
    pub fn hints(&self) -> &[Diagnostic] {
        &self.hints
    }

    /// What must hold together: the operands of a conjunction, or the query itself.
    pub fn conjuncts(&self) -> &[Node] {
        match &self.root.node {
            Expr::And(nodes) => nodes,
            _ => std::slice::from_ref(&self.root),
        }
    }

    /// Both queries.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut hints = self.hints;
        hints.extend(other.hints);
        let root = Spanned::made(Expr::and(vec![self.root, other.root]));
        Self { root, hints }
    }

    /// Either query.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut hints = self.hints;
        hints.extend(other.hints);
        let root = Spanned::made(Expr::or(vec![self.root, other.root]));
        Self { root, hints }
    }

    /// The same query, that also holds where a value it asks for stands in another form: `forms` gives those in which
    /// protection may have stored a value. Patterns, comparisons and words from lists stay as they are.
    #[must_use]
    pub fn with_forms(&self, forms: &dyn Fn(&str) -> Vec<String>) -> Self {
        Self { root: forms::widened(&self.root, forms), hints: self.hints.clone() }
    }

    /// Whether the event at `position` matches: the meaning of the query.
    ///
    /// `event` is the union of both parts. A hidden member is `null` there and has no value.
    #[must_use]
    pub fn matches(&self, event: &Json, position: &Position) -> bool {
        matches::holds(&self.root.node, event, position)
    }

    /// Bounds of `created` that every matching event keeps, both included; `None` is unbounded.
    /// They may be wider than the query, never narrower.
    #[must_use]
    pub fn time_bounds(&self) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
        bounds::created(&self.root.node)
    }
}
