//! From a query to what an index is asked.
//!
//! The answer of a plan holds every event that matches; it may hold more, since each candidate is
//! read and checked again. Where it holds no more, the plan is exact and its count is the total.

mod clause;
mod narrow;

use std::ops::RangeInclusive;

use cairn_event::TrailRef;
use cairn_event::filter::{Expr, Query, WordPatterns};
use jiff::Timestamp;

use crate::doc::Numbers;
use crate::filter::{Filter, NumberField, TermField};
use narrow::word_filter;

/// What an index is asked for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which documents may match.
    pub filter: Filter,
    /// The times that may match, as in [`crate::index::Hit::time_ns`].
    pub time_ns: RangeInclusive<i64>,
    /// Whether nothing passes but what matches.
    pub exact: bool,
}

impl Plan {
    /// The plan for a query over these trails.
    #[must_use]
    pub fn of(query: &Query, trails: &[TrailRef]) -> Self {
        let mut window = Window::ALL;
        let (from, to) = query.time_bounds();
        if let Some(from) = from {
            window.from(Numbers::nanoseconds(from));
        }
        if let Some(to) = to {
            window.to(Numbers::nanoseconds(to));
        }
        let mut covers = Vec::new();
        for node in query.conjuncts() {
            let cover = Planner { trails }.cover(&node.node, Sign::Plain);
            match cover.filter {
                // A time that all results keep belongs to the scope, where it costs the least.
                Filter::Number { field: NumberField::Time, from, to } => {
                    window.from(from);
                    window.to(to);
                    covers.push(Cover { filter: Filter::All, exact: cover.exact });
                }
                _ => covers.push(cover),
            }
        }
        let Cover { filter, exact } = Cover::and(covers);
        Self { filter, time_ns: window.0..=window.1, exact }
    }

    /// Words and whole values, folded, that occur in the stored text of every event that matches,
    /// if that text is ASCII: what makes a scan cheap.
    #[must_use]
    pub fn required_texts(&self) -> Vec<&str> {
        let filters = match &self.filter {
            Filter::And(filters) => filters.as_slice(),
            one => std::slice::from_ref(one),
        };
        filters.iter().filter_map(required_text).collect()
    }
}

/// The text that an event with this term must hold as it is.
fn required_text(filter: &Filter) -> Option<&str> {
    let Filter::Term(field, term) = filter else {
        return None;
    };
    let is_made = matches!(
        field,
        TermField::Resource
            | TermField::Source
            | TermField::Ip
            | TermField::Changed
            | TermField::State
            | TermField::Has
    );
    // What JSON escapes stands otherwise in the text.
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\');
    (!is_made && term.bytes().all(is_plain)).then_some(term)
}

/// Times from the first to the last.
struct Window(i64, i64);

impl Window {
    const ALL: Self = Self(Numbers::NONE, Numbers::LAST);

    fn from(&mut self, from: i64) {
        self.0 = self.0.max(from);
    }

    fn to(&mut self, to: i64) {
        self.1 = self.1.min(to);
        // Without a lower bound a time that is missing would count as an early one.
        self.0 = self.0.max(Numbers::FIRST);
    }
}

/// Documents among which all that match are, and whether there are no others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cover {
    filter: Filter,
    exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Negated,
}

impl Cover {
    /// Nothing is known: every document may match.
    const ANY: Self = Self { filter: Filter::All, exact: false };

    fn exact(filter: Filter) -> Self {
        Self { filter, exact: true }
    }

    fn wider(filter: Filter) -> Self {
        Self { filter, exact: false }
    }

    fn and(covers: Vec<Self>) -> Self {
        let exact = covers.iter().all(|cover| cover.exact);
        let filter = Filter::and(covers.into_iter().map(|cover| cover.filter));
        Self { filter, exact }
    }

    fn or(covers: Vec<Self>) -> Self {
        let exact = covers.iter().all(|cover| cover.exact);
        let filter = Filter::or(covers.into_iter().map(|cover| cover.filter));
        Self { filter, exact }
    }

    /// What doesn't match lies outside an exact cover; of a wider one nothing is known.
    fn signed(self, sign: Sign) -> Self {
        match (sign, self.exact) {
            (Sign::Plain, _) => self,
            (Sign::Negated, true) => Self::exact(self.filter.negated()),
            (Sign::Negated, false) => Self::ANY,
        }
    }
}

#[derive(Clone, Copy)]
struct Planner<'t> {
    trails: &'t [TrailRef],
}

impl Planner<'_> {
    /// Covers what matches `expr`, or what does not. Negation moves down to the clauses, so that
    /// one that can't be answered by the index alone doesn't spoil its neighbours.
    fn cover(self, expr: &Expr, sign: Sign) -> Cover {
        match (expr, sign) {
            (Expr::Not(inner), Sign::Plain) => self.cover(&inner.node, Sign::Negated),
            (Expr::Not(inner), Sign::Negated) => self.cover(&inner.node, Sign::Plain),
            (Expr::And(nodes), Sign::Plain) | (Expr::Or(nodes), Sign::Negated) => {
                Cover::and(nodes.iter().map(|node| self.cover(&node.node, sign)).collect())
            }
            (Expr::Or(nodes), Sign::Plain) | (Expr::And(nodes), Sign::Negated) => {
                Cover::or(nodes.iter().map(|node| self.cover(&node.node, sign)).collect())
            }
            (Expr::All, sign) => Cover::exact(Filter::All).signed(sign),
            (Expr::Text(words), sign) => words_cover(words).signed(sign),
            (Expr::Clause(clause), sign) => self.clause(clause).signed(sign),
        }
    }
}

/// One word is found exactly; whether several follow each other, the index does not know.
fn words_cover(words: &WordPatterns) -> Cover {
    let exact = words.words().len() == 1;
    Cover { filter: Filter::and(words.words().iter().map(word_filter)), exact }
}

/// A time as the index holds it, and whether it is told apart from all others.
fn held_time(time: Timestamp) -> (i64, bool) {
    let held = Numbers::nanoseconds(time);
    (held, (Numbers::FIRST + 1..Numbers::LAST).contains(&held))
}

#[cfg(test)]
mod tests;
