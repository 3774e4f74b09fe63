//! Events that the index does not have yet, read directly.

use std::ops::Range;

use cairn_event::filter::Query;
use cairn_event::{Positions, Stored, TrailRef};

use crate::doc::time;
use crate::index::{Hit, Order};
use crate::page::{FoundEvent, SearchError};
use crate::plan::Plan;
use crate::run::{fitting, json_of};

/// Events read at once. Between two reads the stop signal is looked at.
const READ_EVENTS: u64 = 250;

/// What is looked for, and how far.
pub(crate) struct Scan<'s> {
    pub(crate) positions: &'s dyn Positions,
    pub(crate) query: &'s Query,
    pub(crate) plan: &'s Plan,
    pub(crate) order: Order,
    /// Only events behind this one are kept; all that match are counted.
    pub(crate) after: Option<&'s Hit>,
    /// How many to keep.
    pub(crate) keep: usize,
    pub(crate) stop: &'s dyn Fn() -> bool,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// The first matches behind the cursor, in order.
    pub(crate) found: Vec<(Hit, FoundEvent)>,
    /// How many events match, before and behind the cursor.
    pub(crate) matched: u64,
    /// How many events were read.
    pub(crate) read: u64,
    /// How many events were neither in the index nor read.
    pub(crate) missed: u64,
    /// Whether the stop signal ended the scan.
    pub(crate) stopped: bool,
}

impl Scan<'_> {
    /// Reads at most `budget` events of these ranges, the newest of each.
    pub(crate) fn run(&self, ranges: Vec<(TrailRef, Range<u64>)>, budget: u64) -> Result<Tail, SearchError> {
        let mut ranges = ranges;
        // The shortest first, so that what it leaves of its share goes to the longer ones.
        ranges.sort_by_key(|(_, range)| range.end - range.start);
        let mut tail = Tail::default();
        let required = self.plan.required_texts();
        let waiting = ranges.len() as u64;
        for (done, (trail, range)) in (0..).zip(ranges) {
            let length = range.end - range.start;
            let share = (budget - tail.read).div_ceil(waiting - done).min(length);
            tail.missed += length - share;
            self.trail(&trail, range.end - share..range.end, &required, &mut tail)?;
        }
        Ok(tail)
    }

    fn trail(
        &self,
        trail: &TrailRef,
        range: Range<u64>,
        required: &[&str],
        tail: &mut Tail,
    ) -> Result<(), SearchError> {
        let mut next = range.start;
        while next < range.end {
            if tail.stopped || (self.stop)() {
                tail.stopped = true;
                break;
            }
            let stored = self.positions.read(trail, next..range.end.min(next + READ_EVENTS))?;
            let Some(last) = stored.last() else { break };
            let end = last.position.index.0 + 1;
            tail.read += end - next;
            next = end;
            for event in stored {
                if required.iter().all(|text| may_hold(&event, text)) {
                    self.look_at(event, tail)?;
                }
            }
            self.keep_first(&mut tail.found);
        }
        tail.missed += range.end - next;
        Ok(())
    }

    fn look_at(&self, stored: Stored, tail: &mut Tail) -> Result<(), SearchError> {
        let event = json_of(&stored)?;
        let time_ns = time(&event, "time");
        if !self.plan.time_ns.contains(&time_ns) || !self.query.matches(&event, &stored.position) {
            return Ok(());
        }
        tail.matched += 1;
        let hit = Hit { time_ns, trail: stored.position.trail.clone(), index: stored.position.index.0 };
        if self.after.is_none_or(|after| self.order.compare(after, &hit).is_lt()) {
            tail.found.push((hit, FoundEvent::new(stored, event)));
        }
        Ok(())
    }

    fn keep_first(&self, found: &mut Vec<(Hit, FoundEvent)>) {
        found.sort_unstable_by(|(a, _), (b, _)| self.order.compare(a, b));
        // One more than fits says that there is more.
        found.truncate((fitting(found, self.keep) + 1).min(self.keep));
    }
}

/// Whether the stored texts may hold `text`, which is folded ASCII. Beyond ASCII there are letters
/// that fold to ASCII ones, so a text that has any may hold everything.
fn may_hold(event: &Stored, text: &str) -> bool {
    [&event.producer_text, &event.server_text]
        .into_iter()
        .any(|part| !part.is_ascii() || holds_folded(part.as_bytes(), text.as_bytes()))
}

fn holds_folded(text: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let Some(last_start) = text.len().checked_sub(wanted.len()) else {
        return false;
    };
    text[..=last_start].iter().enumerate().any(|(at, byte)| {
        byte.to_ascii_lowercase() == *first && text[at + 1..at + wanted.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_text_is_found_wherever_it_stands() {
        for (text, wanted, expected) in [
            ("Alice", "alice", true),
            ("xALICE", "alice", true),
            ("alicE!", "alice", true),
            ("aalice", "alice", true),
            ("alic", "alice", false),
            ("", "a", false),
            ("", "", true),
        ] {
            assert_eq!(holds_folded(text.as_bytes(), wanted.as_bytes()), expected, "{text:?}");
        }
    }
}
