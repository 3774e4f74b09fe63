//! The first documents in the order of results, and how many there are.
//!
//! Segments are visited in the order of their best times, and one that can't hold anything better
//! is not opened: the newest events of a large index cost the newest segments.

use std::collections::{BinaryHeap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use ::tantivy::columnar::ColumnValues;
use ::tantivy::query::Weight;
use ::tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Searcher, SegmentReader};
use cairn_event::TrailRef;
use cairn_search::{Hit, Order, Scope};

use super::fields::{INDEX, TIME, TRAIL};
use super::marks::Marks;

/// The trails of an index as a search sees them.
pub(super) struct Ranks {
    /// In the order of their names; the rank is the place.
    trails: Vec<TrailRef>,
    /// By ordinal: the rank, and the index below which documents count.
    of_ordinal: Vec<(u32, u64)>,
    ordinals: HashMap<TrailRef, usize>,
    /// The trails in scope, if that leaves out some that have documents.
    some: Option<Vec<usize>>,
    /// Whether some documents of a trail in scope don't count.
    cut: bool,
}

impl Ranks {
    pub(super) fn new(marks: &Marks, scope: &Scope) -> Self {
        let below: HashMap<_, _> = scope.trails.iter().map(|(trail, end)| (trail, *end)).collect();
        let mut ranks = Self {
            trails: Vec::new(),
            of_ordinal: vec![(0, 0); marks.by_name().count()],
            ordinals: HashMap::new(),
            some: None,
            cut: false,
        };
        let mut inside = Vec::new();
        let mut is_any_outside = false;
        for (rank, (trail, ordinal, size)) in (0..).zip(marks.by_name()) {
            let end = below.get(trail).copied().unwrap_or(0);
            ranks.trails.push(trail.clone());
            ranks.of_ordinal[ordinal] = (rank, end);
            ranks.ordinals.insert(trail.clone(), ordinal);
            if end > 0 {
                inside.push(ordinal);
                ranks.cut |= end < size;
            } else {
                is_any_outside |= size > 0;
            }
        }
        ranks.some = is_any_outside.then_some(inside);
        ranks
    }

    pub(super) fn ordinal(&self, trail: &TrailRef) -> Option<usize> {
        self.ordinals.get(trail).copied()
    }

    pub(super) fn some_trails(&self) -> Option<impl Iterator<Item = usize>> {
        self.some.as_ref().map(|ordinals| ordinals.iter().copied())
    }

    /// The rank of a trail and the index below which it counts; none counts of an unknown one.
    fn counted(&self, ordinal: u64) -> (u32, u64) {
        usize::try_from(ordinal).ok().and_then(|at| self.of_ordinal.get(at).copied()).unwrap_or((0, 0))
    }
}

/// The place of a document in the order of results: the least key is shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    time: i64,
    /// Twice the rank; the odd ones between belong to trails that are not in the index.
    trail: u32,
    index: u64,
}

impl Key {
    fn new(time: i64, trail: u32, index: u64, order: Order) -> Self {
        match order {
            Order::Oldest => Self { time, trail, index },
            // The complement turns each order around and back again.
            Order::Newest => Self { time: !time, trail: !trail, index: !index },
        }
    }

    pub(super) fn of_hit(hit: &Hit, ranks: &Ranks, order: Order) -> Self {
        let place = |at: usize| u32::try_from(at).expect("fewer trails than u32 holds");
        let trail = match ranks.trails.binary_search(&hit.trail) {
            Ok(rank) => 2 * place(rank) + 1,
            Err(rank) => 2 * place(rank),
        };
        Self::new(hit.time_ns, trail, hit.index, order)
    }

    pub(super) fn to_hit(self, ranks: &Ranks, order: Order) -> Hit {
        let Self { time, trail, index } = Self::new(self.time, self.trail, self.index, order);
        Hit { time_ns: time, trail: ranks.trails[(trail / 2) as usize].clone(), index }
    }
}

/// Three columns of a segment.
struct Columns {
    times: Arc<dyn ColumnValues<i64>>,
    trails: Arc<dyn ColumnValues<u64>>,
    indexes: Arc<dyn ColumnValues<i64>>,
}

impl Columns {
    fn of(segment: &SegmentReader) -> ::tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            times: columns.column_first_or_default(TIME)?,
            trails: columns.column_first_or_default(TRAIL)?,
            indexes: columns.column_first_or_default(INDEX)?,
        })
    }

    /// The document's trail as in [`Key`] and its index, if it counts.
    fn position(&self, document: DocId, ranks: &Ranks) -> Option<(u32, u64)> {
        let (rank, below) = ranks.counted(self.trails.get_val(document));
        let index = self.indexes.get_val(document).unsigned_abs();
        (index < below).then_some((2 * rank + 1, index))
    }
}

/// What is collected.
pub(super) struct Top<'t> {
    pub(super) ranks: &'t Ranks,
    pub(super) times: RangeInclusive<i64>,
    pub(super) order: Order,
    pub(super) after: Option<Key>,
    pub(super) limit: usize,
}

impl Top<'_> {
    /// The first `limit` keys behind `after`, in order.
    pub(super) fn collect(&self, weight: &dyn Weight, searcher: &Searcher) -> ::tantivy::Result<Vec<Key>> {
        let mut segments = Vec::new();
        for segment in searcher.segment_readers() {
            let columns = Columns::of(segment)?;
            let (least, greatest) = (columns.times.min_value(), columns.times.max_value());
            if segment.max_doc() == 0 || least > *self.times.end() || greatest < *self.times.start() {
                continue;
            }
            let best = match self.order {
                Order::Newest => Key::new(greatest, 0, 0, self.order).time,
                Order::Oldest => least,
            };
            segments.push((best, segment, columns));
        }
        segments.sort_by_key(|(best, _, _)| *best);
        let mut first = BinaryHeap::with_capacity(self.limit.min(4096) + 1);
        for (best, segment, columns) in segments {
            let is_full = first.len() >= self.limit;
            if is_full && first.peek().is_none_or(|worst: &Key| best > worst.time) {
                break;
            }
            let mut times = [0; COLLECT_BLOCK_BUFFER_LEN];
            weight.for_each_no_score(segment, &mut |documents| {
                let times = &mut times[..documents.len()];
                columns.times.get_vals(documents, times);
                for (document, time) in documents.iter().zip(times) {
                    self.offer(*document, *time, &columns, &mut first);
                }
            })?;
        }
        Ok(first.into_sorted_vec())
    }

    fn offer(&self, document: DocId, time: i64, columns: &Columns, first: &mut BinaryHeap<Key>) {
        if !self.times.contains(&time) {
            return;
        }
        // The time alone decides most cases, and reading it is cheap.
        let ordered = Key::new(time, 0, 0, self.order).time;
        let is_before = self.after.is_some_and(|after| ordered < after.time);
        let is_full = first.len() >= self.limit;
        if is_before || is_full && first.peek().is_none_or(|worst| ordered > worst.time) {
            return;
        }
        let Some((trail, index)) = columns.position(document, self.ranks) else {
            return;
        };
        let key = Key::new(time, trail, index, self.order);
        if self.after.is_some_and(|after| key <= after) {
            return;
        }
        first.push(key);
        if first.len() > self.limit {
            first.pop();
        }
    }
}

/// How many documents count.
pub(super) fn count(
    weight: &dyn Weight,
    searcher: &Searcher,
    ranks: &Ranks,
    times: &RangeInclusive<i64>,
) -> ::tantivy::Result<u64> {
    let mut count = 0;
    for segment in searcher.segment_readers() {
        let columns = Columns::of(segment)?;
        let (least, greatest) = (columns.times.min_value(), columns.times.max_value());
        if segment.max_doc() == 0 || least > *times.end() || greatest < *times.start() {
            continue;
        }
        let is_whole = !ranks.cut && times.contains(&least) && times.contains(&greatest);
        if is_whole {
            count += u64::from(weight.count(segment)?);
            continue;
        }
        weight.for_each_no_score(segment, &mut |documents| {
            let counts = |document: &&DocId| {
                times.contains(&columns.times.get_val(**document))
                    && (!ranks.cut || columns.position(**document, ranks).is_some())
            };
            count += documents.iter().filter(counts).count() as u64;
        })?;
    }
    Ok(count)
}
