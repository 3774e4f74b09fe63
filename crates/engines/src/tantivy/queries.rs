//! From what the search asks to what tantivy runs.

use std::ops::Bound;

use ::tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, EnableScoring, Occur, Query, RangeQuery, TermQuery, Weight,
};
use ::tantivy::schema::IndexRecordOption;
use ::tantivy::{Searcher, Term};
use cairn_search::Filter;

use super::fields::Fields;
use super::scan::{Scan, TermScan};
use super::top::Ranks;

/// The documents that pass `filter`, of the trails in scope where that leaves some out.
pub(super) fn weight(
    filter: &Filter,
    ranks: &Ranks,
    searcher: &Searcher,
    fields: &Fields,
) -> ::tantivy::Result<Box<dyn Weight>> {
    let queries = Queries { fields, ranks };
    let query = match ranks.some_trails() {
        None => queries.of(filter),
        Some(trails) => {
            let own = trails.map(|ordinal| queries.trail(ordinal)).collect();
            boolean(vec![(Occur::Must, any(own)), (Occur::Must, queries.of(filter))])
        }
    };
    query.weight(EnableScoring::disabled_from_searcher(searcher))
}

struct Queries<'q> {
    fields: &'q Fields,
    ranks: &'q Ranks,
}

fn boolean(clauses: Vec<(Occur, Box<dyn Query>)>) -> Box<dyn Query> {
    Box::new(BooleanQuery::new(clauses))
}

fn any(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.swap_remove(0),
        _ => boolean(queries.into_iter().map(|query| (Occur::Should, query)).collect()),
    }
}

impl Queries<'_> {
    fn of(&self, filter: &Filter) -> Box<dyn Query> {
        match filter {
            Filter::All => Box::new(AllQuery),
            Filter::Nothing => Box::new(EmptyQuery),
            Filter::Term(field, term) => exactly(Term::from_field_text(self.fields.term(*field), term)),
            Filter::Pattern(field, pattern) => {
                let scan = Scan::Pattern(pattern.clone());
                Box::new(TermScan::new(self.fields.term(*field), scan))
            }
            Filter::Between { field, from, to } => {
                Box::new(TermScan::new(self.fields.term(*field), Scan::Between { from: from.clone(), to: to.clone() }))
            }
            Filter::Number { field, from, to } => {
                let end = |value| Bound::Included(Term::from_field_i64(self.fields.number(*field), value));
                Box::new(RangeQuery::new(end(*from), end(*to)))
            }
            Filter::Trail(trail) => match self.ranks.ordinal(trail) {
                Some(ordinal) => self.trail(ordinal),
                None => Box::new(EmptyQuery),
            },
            Filter::And(filters) => self.all(filters),
            Filter::Or(filters) => any(filters.iter().map(|filter| self.of(filter)).collect()),
            Filter::Not(inner) => self.all(std::slice::from_ref(&Filter::Not(inner.clone()))),
        }
    }

    /// What is left out has to be taken from something: from everything, if nothing is asked for.
    fn all(&self, filters: &[Filter]) -> Box<dyn Query> {
        let clause = |filter: &Filter| match filter {
            Filter::Not(inner) => (Occur::MustNot, self.of(inner)),
            other => (Occur::Must, self.of(other)),
        };
        let mut clauses: Vec<_> = filters.iter().map(clause).collect();
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        boolean(clauses)
    }

    fn trail(&self, ordinal: usize) -> Box<dyn Query> {
        exactly(Term::from_field_u64(self.fields.trail, ordinal as u64))
    }
}

fn exactly(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}
