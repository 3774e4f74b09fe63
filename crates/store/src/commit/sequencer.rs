//! Gives events their indexes. Pure: it looks at keys and sizes and says what to write; nothing happens here.

use super::record::Prepared;
use super::wal::Body;
use crate::planted::{self, Bug};
use crate::seams::KeyEntry;
use cairn_event::TrailRef;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;

/// The events of one request that go to one trail, in the producer's order.
#[derive(Debug, Clone)]
pub struct Run {
    /// The trail they go to.
    pub trail: TrailRef,
    /// The events.
    pub events: Vec<Prepared>,
}

/// What became of one event of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It has this index now.
    Stored {
        /// The new index.
        index: u64,
    },
    /// The same key with the same content stands at this index already.
    Duplicate {
        /// The index of the first one.
        index: u64,
    },
    /// The same key with other content stands at this index; this event was not stored yet.
    Conflict {
        /// The index of the first one.
        index: u64,
    },
}

impl Placed {
    /// Where the event, or the one that has its key, stands.
    #[must_use]
    pub fn index(self) -> u64 {
        match self {
            Placed::Stored { index } | Placed::Duplicate { index } | Placed::Conflict { index } => index,
        }
    }
}

/// A planned run: the fate of each event, and the new indexes, which are contiguous.
#[derive(Debug)]
pub(crate) struct PlannedRun {
    pub(crate) trail: TrailRef,
    pub(crate) placed: Vec<Placed>,
    pub(crate) new: Range<u64>,
}

/// An event that gets an index when the frame is durable.
pub(crate) struct Newcomer<'a> {
    pub(crate) event: &'a Prepared,
    /// Its record's place in the frame body.
    pub(crate) place: Range<usize>,
}

/// What one commit group does, once its frame is durable.
pub(crate) struct Plan<'a> {
    pub(crate) body: Body,
    /// Per request, per run.
    pub(crate) requests: Vec<Vec<PlannedRun>>,
    /// New events by trail, in index order.
    pub(crate) grown: BTreeMap<TrailRef, Vec<Newcomer<'a>>>,
}

/// Sizes and keys as they stand before the group.
pub(crate) trait Heads {
    /// Number of events in the trail.
    fn size(&self, trail: &TrailRef) -> u64;
    /// The first use of a key.
    fn find(&self, trail: &TrailRef, key: &[u8; 32]) -> io::Result<Option<KeyEntry>>;
}

/// Plans one group. `notes` are checkpoints issued since the last frame; they travel in front.
pub(crate) fn step<'a>(requests: &'a [Vec<Run>], notes: &[String], heads: &dyn Heads) -> io::Result<Plan<'a>> {
    let mut plan = Plan { body: Body::default(), requests: Vec::new(), grown: BTreeMap::new() };
    for note in notes {
        plan.body.checkpoint(note);
    }
    // Keys that this very group introduces: the heads move only after the sync.
    let mut fresh: BTreeMap<&TrailRef, HashMap<[u8; 32], KeyEntry>> = BTreeMap::new();
    for runs in requests {
        let mut planned = Vec::with_capacity(runs.len());
        for run in runs {
            let grown = plan.grown.entry(run.trail.clone()).or_default();
            let first = heads.size(&run.trail) + grown.len() as u64;
            let seen = fresh.entry(&run.trail).or_default();
            let mut placed = Vec::with_capacity(run.events.len());
            let mut new: Vec<&Prepared> = Vec::with_capacity(run.events.len());
            for event in &run.events {
                let known = match seen.get(&event.key) {
                    Some(entry) => Some(*entry),
                    None => heads.find(&run.trail, &event.key)?,
                };
                placed.push(match known.filter(|_| !planted::on(Bug::RetryTakesNewIndex)) {
                    Some(entry) if entry.fingerprint == event.fingerprint => Placed::Duplicate { index: entry.index },
                    Some(entry) => Placed::Conflict { index: entry.index },
                    None => {
                        let index = first + new.len() as u64;
                        seen.insert(event.key, KeyEntry { index, fingerprint: event.fingerprint });
                        new.push(event);
                        Placed::Stored { index }
                    }
                });
            }
            if !new.is_empty() {
                let places = plan.body.run(&run.trail, first, &new);
                grown.extend(new.iter().zip(places).map(|(event, place)| Newcomer { event, place }));
            }
            planned.push(PlannedRun { trail: run.trail.clone(), placed, new: first..first + new.len() as u64 });
        }
        plan.requests.push(planned);
    }
    plan.grown.retain(|_, events| !events.is_empty());
    Ok(plan)
}
