//! The plainest index there is: a list of documents, looked through from end to end.

use std::sync::{Mutex, MutexGuard};

use cairn_event::TrailRef;
use cairn_event::filter::words;

use crate::doc::Document;
use crate::filter::{Filter, NumberField, TermField};
use crate::index::{Hit, Index, IndexError, Order, Reached, Scope};

/// An index in memory. It is slow, and so simple that it can be believed.
#[derive(Debug, Default)]
pub struct MemoryIndex {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    committed: Vec<Entry>,
    added: Vec<Entry>,
    /// Trail and index of committed entries that are to go.
    replaced: Vec<(TrailRef, u64)>,
    reached: Vec<Reached>,
}

#[derive(Debug)]
struct Entry {
    trail: TrailRef,
    document: Document,
    words: Vec<String>,
}

impl MemoryIndex {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

impl Entry {
    fn hit(&self) -> Hit {
        let numbers = self.document.numbers;
        Hit { time_ns: numbers.time_ns, trail: self.trail.clone(), index: numbers.index }
    }

    fn is_in(&self, scope: &Scope) -> bool {
        scope.time_ns.contains(&self.document.numbers.time_ns)
            && scope.trails.iter().any(|(trail, below)| *trail == self.trail && self.document.numbers.index < *below)
    }

    fn any_term(&self, field: TermField, mut test: impl FnMut(&str) -> bool) -> bool {
        if field == TermField::Word {
            return self.words.iter().any(|word| test(word));
        }
        self.document.terms().any(|(at, term)| at == field && test(term))
    }

    fn passes(&self, filter: &Filter) -> bool {
        let numbers = self.document.numbers;
        match filter {
            Filter::All => true,
            Filter::Nothing => false,
            Filter::Term(field, wanted) => self.any_term(*field, |term| term == wanted),
            Filter::Pattern(field, pattern) => self.any_term(*field, |term| pattern.matches_folded(term)),
            Filter::Between { field, from, to } => {
                self.any_term(*field, |term| from.as_str() <= term && term <= to.as_str())
            }
            Filter::Number { field, from, to } => {
                let value = match field {
                    NumberField::Time => numbers.time_ns,
                    NumberField::Received => numbers.received_ns,
                    NumberField::Index => i64::try_from(numbers.index).unwrap_or(i64::MAX),
                };
                (*from..=*to).contains(&value)
            }
            Filter::Trail(trail) => self.trail == *trail,
            Filter::And(filters) => filters.iter().all(|filter| self.passes(filter)),
            Filter::Or(filters) => filters.iter().any(|filter| self.passes(filter)),
            Filter::Not(filter) => !self.passes(filter),
        }
    }
}

impl Index for MemoryIndex {
    fn add(&self, trail: &TrailRef, documents: Vec<Document>) -> Result<(), IndexError> {
        let entry = |document: Document| Entry {
            trail: trail.clone(),
            words: words(&document.text).map(|word| word.into_owned()).collect(),
            document,
        };
        self.locked().added.extend(documents.into_iter().map(entry));
        Ok(())
    }

    fn replace(&self, trail: &TrailRef, document: Document) -> Result<(), IndexError> {
        self.locked().replaced.push((trail.clone(), document.numbers.index));
        self.add(trail, vec![document])
    }

    fn commit(&self, reached: &[Reached]) -> Result<(), IndexError> {
        let mut state = self.locked();
        let replaced = std::mem::take(&mut state.replaced);
        state.committed.retain(|entry| !replaced.contains(&(entry.trail.clone(), entry.document.numbers.index)));
        let added = std::mem::take(&mut state.added);
        state.committed.extend(added);
        for new in reached {
            state.reached.retain(|old| old.trail != new.trail);
            state.reached.push(new.clone());
        }
        Ok(())
    }

    fn rollback(&self) -> Result<(), IndexError> {
        let mut state = self.locked();
        state.added.clear();
        state.replaced.clear();
        Ok(())
    }

    fn clear(&self) -> Result<(), IndexError> {
        *self.locked() = State::default();
        Ok(())
    }

    fn reached(&self) -> Vec<Reached> {
        self.locked().reached.clone()
    }

    fn candidates(
        &self,
        filter: &Filter,
        scope: &Scope,
        order: Order,
        after: Option<&Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let state = self.locked();
        let found = state.committed.iter().filter(|e| e.is_in(scope) && e.passes(filter));
        let mut hits: Vec<_> =
            found.map(Entry::hit).filter(|hit| after.is_none_or(|after| order.compare(after, hit).is_lt())).collect();
        hits.sort_by(|a, b| order.compare(a, b));
        hits.truncate(limit);
        Ok(hits)
    }

    fn count(&self, filter: &Filter, scope: &Scope) -> Result<u64, IndexError> {
        let state = self.locked();
        let found = state.committed.iter().filter(|e| e.is_in(scope) && e.passes(filter));
        Ok(found.count() as u64)
    }
}
