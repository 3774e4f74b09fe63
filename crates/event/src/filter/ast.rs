//! The tree of a query. Every node knows where it was written; two trees are equal when they ask
//! for the same thing, wherever it stood in the text.

use std::fmt;

use ipnet::IpNet;

use super::decimal::Decimal;
use super::fields::{Field, Flag};
use super::pattern::Pattern;
use super::time::Moment;
use super::words::WordPatterns;

/// A half-open range of bytes in the text of a query. Nodes built by code have an empty one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A part of a query and where it was written. Equality looks at the part alone.
#[derive(Clone)]
pub struct Spanned<T> {
    /// The part.
    pub node: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `node`, written at `span`.
    pub fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }

    /// `node`, made by code and so written nowhere.
    pub fn made(node: T) -> Self {
        Self::new(node, Span::default())
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

/// One expression with its place.
pub type Node = Spanned<Expr>;

/// What must hold of an event.
///
/// [`Expr::and`] and [`Expr::or`] keep the normal form that the parser makes: at least two
/// operands, none of them of the same operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// Every event: the empty query, or `*`.
    All,
    /// All operands hold.
    And(Vec<Node>),
    /// At least one operand holds.
    Or(Vec<Node>),
    /// The operand does not hold.
    Not(Box<Node>),
    /// A member of the event has a value.
    Clause(Clause),
    /// Words occur somewhere in the event.
    Text(WordPatterns),
}

impl Expr {
    /// All of `nodes`; nodes that hold of every event drop out, and none at all is [`Expr::All`].
    #[must_use]
    pub fn and(nodes: Vec<Node>) -> Self {
        let mut operands = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.node {
                Self::All => {}
                Self::And(inner) => operands.extend(inner),
                _ => operands.push(node),
            }
        }
        match operands.len() {
            0 => Self::All,
            1 => operands.remove(0).node,
            _ => Self::And(operands),
        }
    }

    /// At least one of `nodes`. One that holds of every event makes the others idle; none at all
    /// holds of no event.
    #[must_use]
    pub fn or(nodes: Vec<Node>) -> Self {
        let mut operands = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.node {
                Self::All => return Self::All,
                Self::Or(inner) => operands.extend(inner),
                _ => operands.push(node),
            }
        }
        match operands.len() {
            0 => Self::none(),
            1 => operands.remove(0).node,
            _ => Self::Or(operands),
        }
    }

    /// Holds of no event; printed `-*`.
    #[must_use]
    pub fn none() -> Self {
        Self::Not(Box::new(Node::made(Self::All)))
    }
}

/// `field:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What is looked at.
    pub field: Spanned<FieldRef>,
    /// What it must be.
    pub value: Spanned<Value>,
}

/// A field of the language, with the path inside it for `before`, `after` and `metadata`.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldRef {
    /// The entry of [`super::FIELDS`].
    pub field: &'static Field,
    /// Unescaped path segments below the field; empty for the whole.
    pub path: Vec<String>,
}

impl fmt::Debug for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a clause asks of its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `*`: the field is there.
    Any,
    /// `>x`, `>=x`, `<x`, `<=x`, `=x`.
    Compare(Comparison, Spanned<Item>),
    /// `from..to`, both ends included; at least one is given.
    Range {
        /// The least value that matches; `None` is unbounded.
        from: Option<Spanned<Item>>,
        /// The greatest value that matches; `None` is unbounded.
        to: Option<Spanned<Item>>,
    },
    /// `a,b`: any of the items. Never empty.
    AnyOf(Vec<Spanned<Item>>),
}

/// How a value compares with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `=`: the same text, upper and lower case told apart; the item is a literal [`Item::Text`].
    Exactly,
}

impl Comparison {
    /// The operator as written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Exactly => "=",
        }
    }
}

/// One value to compare with. Which kinds a field can have follows from its [`super::Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole value, case-insensitive, perhaps with wildcards.
    Text(Pattern),
    /// Words that follow each other inside the value.
    Words(WordPatterns),
    /// An instant. Only in comparisons and ranges, or alone when written to the nanosecond.
    Time(Moment),
    /// An address (full prefix) or a network, truncated to its prefix, IPv4-mapped ones as IPv4.
    Net(IpNet),
    /// A number, compared exactly.
    Number(Decimal),
    /// The field that must be present (`has:`).
    Field(FieldRef),
    /// A state of the event (`is:`).
    Flag(Flag),
    /// A path that must have changed (`changed:`), as unescaped segments. Never empty.
    Path(Vec<String>),
}
