//! The search: candidates from the index and the tail beside it, each read and checked, in pages.

use std::collections::{BTreeMap, BTreeSet};

use cairn_event::filter::Query;
use cairn_event::{Json, Positions, ReadError, Stored, TrailRef};

use crate::cursor::{Cursor, CursorError, Question, TRAILS_MAX};
use crate::doc::Numbers;
use crate::index::{Hit, Index, IndexError, Reached, Scope};
use crate::page::{FoundEvent, Page, Partial, SearchError, SearchOptions, Total};
use crate::plan::Plan;
use crate::tail::{Scan, Tail};

/// Most events on one page.
pub const LIMIT_MAX: usize = 1000;

/// Most bytes of stored texts on one page, save that it has one event at least.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

/// Candidates that are read at once: what is in memory before the page is known to be full.
const READ_AT_ONCE: usize = 100;

/// Candidates that are asked for at once when not each of them is a hit.
const CHUNK_FIRST: usize = 64;
const CHUNK_MAX: usize = 1024;

/// Searches these trails. Nobody sees an event of any other.
///
/// Pages fit together: events that arrive while somebody turns pages don't shift them. The event
/// is shown as it is read now; the index only says where to look.
///
/// # Errors
/// By [`SearchError`]; nothing found is a page without hits.
pub fn search(
    index: &dyn Index,
    positions: &dyn Positions,
    trails: &[TrailRef],
    query: &Query,
    options: &SearchOptions<'_>,
) -> Result<Page, SearchError> {
    let run = Run::begin(positions, trails, query, options)?;
    let before = index.reached();
    let page = run.page(index, &before)?;
    // The index answers for what it had reached before it was asked, unless it was cleared.
    let reached = index.reached();
    let after = sizes(&reached);
    let is_smaller = |r: &Reached| after.get(&r.trail).copied().unwrap_or(0) < r.size;
    if before.iter().any(is_smaller) {
        return Err(SearchError::IndexCleared);
    }
    Ok(page)
}

fn sizes(reached: &[Reached]) -> BTreeMap<&TrailRef, u64> {
    reached.iter().map(|reached| (&reached.trail, reached.size)).collect()
}

/// How many of these events fit a page.
pub(crate) fn fitting(found: &[(Hit, FoundEvent)], limit: usize) -> usize {
    let mut bytes = 0;
    let fits = found.iter().take(limit).take_while(|(_, event)| {
        bytes += event.bytes;
        bytes <= PAGE_BYTES_MAX
    });
    fits.count().max(1.min(limit).min(found.len()))
}

/// The event of a stored record.
pub(crate) fn json_of(stored: &Stored) -> Result<Json, SearchError> {
    stored.event().map_err(|fault| {
        SearchError::Read(ReadError::Corrupt {
            trail: stored.position.trail.clone(),
            index: stored.position.index.0,
            place: "stored text".to_owned(),
            reason: fault.to_string(),
        })
    })
}

/// A search whose question is settled.
struct Run<'r> {
    positions: &'r dyn Positions,
    query: &'r Query,
    options: &'r SearchOptions<'r>,
    plan: Plan,
    question: Question,
    snapshot: Vec<(TrailRef, u64)>,
    after: Option<Hit>,
    limit: usize,
}

/// Hits of the index, and how far it was looked through.
#[derive(Default)]
struct Indexed {
    found: Vec<(Hit, FoundEvent)>,
    /// Bytes of the events found.
    bytes: usize,
    examined: u64,
    /// The last candidate looked at, if there may be more behind it.
    more_after: Option<Hit>,
    partial: Option<Partial>,
}

impl<'r> Run<'r> {
    fn begin(
        positions: &'r dyn Positions,
        trails: &[TrailRef],
        query: &'r Query,
        options: &'r SearchOptions<'r>,
    ) -> Result<Self, SearchError> {
        let mut trails = trails.to_vec();
        trails.sort_unstable();
        trails.dedup();
        if trails.len() > TRAILS_MAX {
            return Err(SearchError::TooManyTrails(trails.len()));
        }
        let SearchOptions { from, to, order, .. } = *options;
        let question = Question::of(&format!("{query}\n{from:?}\n{to:?}\n{order:?}"));
        let size = |trail: TrailRef| {
            let size = positions.size(&trail);
            (trail, size)
        };
        let snapshot = match options.cursor {
            None => trails.iter().cloned().map(size).collect(),
            Some(cursor) if cursor.question != question => {
                return Err(CursorError::OtherQuery.into());
            }
            Some(cursor) => cursor.snapshot.clone(),
        };
        let is_known =
            |(trail, seen): &(TrailRef, u64)| trails.binary_search(trail).is_ok() && *seen <= positions.size(trail);
        if !snapshot.iter().all(is_known) {
            return Err(CursorError::OtherTrails.into());
        }
        let mut plan = Plan::of(query, &trails);
        let from = from.map_or(Numbers::NONE, Numbers::nanoseconds);
        let to = to.map_or(Numbers::LAST, Numbers::nanoseconds);
        plan.time_ns = from.max(*plan.time_ns.start())..=to.min(*plan.time_ns.end());
        Ok(Self {
            positions,
            query,
            options,
            plan,
            question,
            snapshot,
            after: options.cursor.and_then(|cursor| cursor.after.clone()),
            limit: options.limit.min(LIMIT_MAX),
        })
    }

    fn page(&self, index: &dyn Index, reached: &[Reached]) -> Result<Page, SearchError> {
        let reached = sizes(reached);
        let indexed_of = |trail, size: u64| reached.get(trail).copied().unwrap_or(0).min(size);
        let scope = Scope {
            trails: self
                .snapshot
                .iter()
                .map(|(trail, size)| (trail.clone(), indexed_of(trail, *size)))
                .filter(|(_, below)| *below > 0)
                .collect(),
            time_ns: self.plan.time_ns.clone(),
        };
        let tails: Vec<_> = self
            .snapshot
            .iter()
            .map(|(trail, size)| (trail.clone(), indexed_of(trail, *size)..*size))
            .filter(|(_, range)| !range.is_empty())
            .collect();
        let behind = tails.iter().map(|(_, range)| range.end - range.start).sum();
        let scan = Scan {
            positions: self.positions,
            query: self.query,
            plan: &self.plan,
            order: self.options.order,
            after: self.after.as_ref(),
            keep: if self.limit == 0 { 0 } else { self.limit + 1 },
            stop: self.options.budget.stop,
        };
        let tail = scan.run(tails, self.options.budget.unindexed)?;
        let indexed = self.indexed(index, &scope, tail.stopped)?;
        let total = match self.options.cursor {
            Some(cursor) => cursor.total,
            None => self.total(index, &scope, &indexed, &tail)?,
        };
        Ok(self.assemble(indexed, tail, total, behind))
    }

    /// Takes candidates until the page is full, none is left, or the budget ends.
    fn indexed(&self, index: &dyn Index, scope: &Scope, stopped: bool) -> Result<Indexed, SearchError> {
        let mut result = Indexed { more_after: self.after.clone(), ..Indexed::default() };
        if self.limit == 0 || scope.trails.is_empty() {
            result.more_after = None;
            return Ok(result);
        }
        let budget = self.options.budget;
        let mut chunk = CHUNK_FIRST;
        loop {
            let wanted = (self.limit + 1).saturating_sub(result.found.len());
            if wanted == 0 || result.bytes > PAGE_BYTES_MAX {
                return Ok(result);
            }
            if stopped || (budget.stop)() {
                result.partial = Some(Partial::Stopped);
                return Ok(result);
            }
            let left = usize::try_from(budget.candidates.saturating_sub(result.examined)).unwrap_or(usize::MAX);
            if left == 0 {
                result.partial = Some(Partial::Budget);
                return Ok(result);
            }
            let ask = if self.plan.exact { wanted } else { wanted.max(chunk) }.min(left);
            chunk = (chunk * 2).min(CHUNK_MAX);
            let after = result.more_after.as_ref();
            let hits = index.candidates(&self.plan.filter, scope, self.options.order, after, ask)?;
            check_inside(&hits, scope)?;
            let is_last = hits.len() < ask;
            for hits in hits.chunks(READ_AT_ONCE) {
                if result.bytes > PAGE_BYTES_MAX {
                    return Ok(result);
                }
                self.take(hits, &mut result)?;
            }
            if is_last {
                result.more_after = None;
                return Ok(result);
            }
        }
    }

    /// Reads candidates and keeps those that match.
    fn take(&self, hits: &[Hit], result: &mut Indexed) -> Result<(), SearchError> {
        let mut stored = read(self.positions, hits)?;
        for hit in hits {
            let Some(stored) = stored.remove(&(hit.trail.clone(), hit.index)) else {
                continue;
            };
            let event = json_of(&stored)?;
            if self.query.matches(&event, &stored.position) {
                let event = FoundEvent::new(stored, event);
                result.bytes += event.bytes;
                result.found.push((hit.clone(), event));
            }
        }
        result.examined += hits.len() as u64;
        result.more_after = hits.last().cloned().or(result.more_after.take());
        Ok(())
    }

    fn total(&self, index: &dyn Index, scope: &Scope, indexed: &Indexed, tail: &Tail) -> Result<Total, SearchError> {
        let found = indexed.found.len() as u64;
        let is_complete = tail.missed == 0 && !tail.stopped;
        let looked_at_all = self.limit > 0 && indexed.more_after.is_none() && indexed.partial.is_none();
        if looked_at_all {
            return Ok(Total { count: found + tail.matched, is_exact: is_complete });
        }
        let covered = if scope.trails.is_empty() { 0 } else { index.count(&self.plan.filter, scope)? };
        if self.plan.exact {
            return Ok(Total { count: covered + tail.matched, is_exact: is_complete });
        }
        // Of those not looked at, as many match as of those that were.
        let guess = match indexed.examined {
            0 => covered,
            examined => {
                let guess = u128::from(covered) * u128::from(found) / u128::from(examined);
                u64::try_from(guess).unwrap_or(u64::MAX).max(found)
            }
        };
        Ok(Total { count: guess + tail.matched, is_exact: covered == 0 && is_complete })
    }

    /// Merges both lists and cuts the page.
    fn assemble(&self, indexed: Indexed, tail: Tail, total: Total, behind: u64) -> Page {
        let order = self.options.order;
        let read = indexed.examined + tail.read;
        let mut merged = indexed.found;
        merged.extend(tail.found);
        merged.sort_by(|(a, _), (b, _)| order.compare(a, b));
        let mut after = None;
        if let Some(partial) = indexed.partial {
            debug_assert!(matches!(partial, Partial::Budget | Partial::Stopped));
            // Behind the last candidate looked at, the index may have hits that come before these.
            after = indexed.more_after;
            merged.retain(|(hit, _)| after.as_ref().is_some_and(|a| order.compare(hit, a).is_le()));
        }
        let is_unfinished = indexed.partial.is_some();
        let fits = fitting(&merged, self.limit);
        if merged.len() > fits {
            merged.truncate(fits);
            after = merged.last().map(|(hit, _)| hit.clone());
        }
        let next = (self.limit > 0 && (after.is_some() || is_unfinished)).then(|| Cursor {
            question: self.question,
            as_of: self.options.as_of,
            order,
            total,
            snapshot: self.snapshot.clone(),
            after,
        });
        let partial = match tail.missed {
            _ if tail.stopped => Some(Partial::Stopped),
            0 => indexed.partial,
            events => indexed.partial.or(Some(Partial::Unindexed { events })),
        };
        Page { hits: merged.into_iter().map(|(_, found)| found).collect(), total, next, partial, behind, read }
    }
}

/// The index names no event outside the search.
fn check_inside(hits: &[Hit], scope: &Scope) -> Result<(), SearchError> {
    for hit in hits {
        let is_inside = |(trail, below): &(TrailRef, u64)| *trail == hit.trail && hit.index < *below;
        if !scope.trails.iter().any(is_inside) {
            let reason = format!("it named {} outside the search", hit.position());
            return Err(IndexError::Unusable { reason }.into());
        }
    }
    Ok(())
}

type ByPosition = BTreeMap<(TrailRef, u64), Stored>;

/// Reads these events, all of a trail in one go.
fn read(positions: &dyn Positions, hits: &[Hit]) -> Result<ByPosition, SearchError> {
    let mut wanted: BTreeMap<&TrailRef, BTreeSet<u64>> = BTreeMap::new();
    for hit in hits {
        wanted.entry(&hit.trail).or_default().insert(hit.index);
    }
    let mut stored = ByPosition::new();
    for (trail, indexes) in wanted {
        let indexes: Vec<u64> = indexes.into_iter().collect();
        let events = positions.read_each(trail, &indexes)?;
        stored.extend(events.into_iter().map(|event| ((trail.clone(), event.position.index.0), event)));
    }
    Ok(stored)
}
