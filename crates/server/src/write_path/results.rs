//! What the producer hears: one result per event, the receipts, the counts.

use super::Conflict;
use super::earlier::{Earlier, look_up};
use super::gather::{Fate, Sent};
use crate::failure::Failure;
use crate::node::Node;
use crate::proof_paths::Paths;
use cairn_admit::Refusal;
use cairn_api::v1::{EventResult, RangeHashes, Receipt, Status, SubmitAnswer};
use cairn_event::{EventId, Index, Position, TrailRef};
use cairn_ledger::Hash;
use cairn_store::{Placed, RunReply};
use std::collections::BTreeMap;
use tokio::task::spawn_blocking;

/// Written and synced on this node's disk.
const DURABILITY: &str = "fsync";

/// Receipts for runs of duplicates in one answer. Duplicates may lie anywhere in their trail, and each
/// run has a receipt of its own; whoever needs more asks for the proof of an event.
const EARLIER_RECEIPTS_MAX: usize = 64;

/// The results of one request, being put together.
pub(crate) struct Results {
    results: Vec<EventResult>,
    proven: Vec<Proven>,
    /// Results that name an event that was there before, by its place.
    earlier: BTreeMap<(TrailRef, u64), Vec<usize>>,
    conflicts: u64,
}

/// A receipt together with the leaves it proves.
pub(crate) struct Proven {
    pub(crate) trail: TrailRef,
    pub(crate) receipt: cairn_store::Receipt,
    pub(crate) leaves: Vec<Hash>,
    /// Indexes in the trail, each with the place of its result.
    pub(crate) members: Vec<(u64, usize)>,
}

impl Results {
    pub(crate) fn new(sent: &[Sent], replies: &[RunReply]) -> Results {
        let results = Vec::with_capacity(sent.len());
        let mut made = Results { results, proven: Vec::new(), earlier: BTreeMap::new(), conflicts: 0 };
        let mut stored: Vec<Vec<(usize, Hash)>> = replies.iter().map(|_| Vec::new()).collect();
        for (ordinal, event) in sent.iter().enumerate() {
            let result = match &event.fate {
                Fate::Refused(refusal) => explained(Status::Refused, refusal),
                Fate::Submitted { run, at, id, leaf, quarantined, .. } => {
                    let trail = &replies[*run].trail;
                    match replies[*run].placed[*at] {
                        Placed::Stored { index } => {
                            stored[*run].push((ordinal, *leaf));
                            let door = match quarantined {
                                Some(reason) => explained(Status::Quarantined, reason),
                                None => EventResult::new(Status::Stored),
                            };
                            identified(placed(door, trail, index), *id, leaf)
                        }
                        Placed::Duplicate { index } => made.duplicate(ordinal, trail, index),
                        // Filled in when the marked event is durable.
                        Placed::Conflict { .. } => EventResult::new(Status::Stored),
                    }
                }
            };
            made.results.push(result);
        }
        for (reply, stored) in replies.iter().zip(stored) {
            made.take_receipt(reply, stored);
        }
        made
    }

    /// Takes in what became of the marked events, of which there is one for each conflict.
    pub(crate) fn take_conflicts(
        &mut self,
        conflicts: &[Conflict],
        events: &[(EventId, Hash)],
        replies: &[RunReply],
    ) -> Result<(), Failure> {
        let Some(reply) = replies.first() else { return Ok(()) };
        let mut stored = Vec::new();
        for ((conflict, at), (id, leaf)) in conflicts.iter().zip(&reply.placed).zip(events) {
            let ordinal = conflict.ordinal;
            let mut result = match *at {
                Placed::Stored { index } => {
                    self.conflicts += 1;
                    stored.push((ordinal, *leaf));
                    identified(placed(EventResult::new(Status::Stored), &reply.trail, index), *id, leaf)
                }
                Placed::Duplicate { index } => self.duplicate(ordinal, &reply.trail, index),
                Placed::Conflict { index } => {
                    let what = "the key of a conflicting event is taken by another event";
                    return Err(Failure::internal(what, &format!("{}@{index}", reply.trail)));
                }
            };
            result.conflict_of = Some(format!("{}@{}", reply.trail, conflict.index));
            self.results[ordinal] = result;
        }
        self.take_receipt(reply, stored);
        Ok(())
    }

    /// Takes in events that the mark of the conflict makes too large.
    pub(crate) fn take_refused(&mut self, refused: &[(usize, Refusal)]) {
        for (ordinal, refusal) in refused {
            self.results[*ordinal] = explained(Status::Refused, refusal);
        }
    }

    fn duplicate(&mut self, ordinal: usize, trail: &TrailRef, index: u64) -> EventResult {
        self.earlier.entry((trail.clone(), index)).or_default().push(ordinal);
        placed(EventResult::new(Status::Duplicate), trail, index)
    }

    fn take_receipt(&mut self, reply: &RunReply, stored: Vec<(usize, Hash)>) {
        let Some(receipt) = reply.receipt.clone() else { return };
        assert_eq!(receipt.count, stored.len() as u64, "a receipt covers exactly the new events of its run");
        let leaves = stored.iter().map(|(_, leaf)| *leaf).collect();
        let members = (receipt.first..).zip(stored).map(|(index, (ordinal, _))| (index, ordinal)).collect();
        self.proven.push(Proven { trail: reply.trail.clone(), receipt, leaves, members });
    }

    /// The answer. Events that were there before are read again, for their ids and their receipts.
    pub(crate) async fn into_answer(mut self, node: &Node, with_proofs: bool) -> Result<SubmitAnswer, Failure> {
        let mut receipts: Vec<Receipt> = self.proven.iter().map(receipt).collect();
        if !self.earlier.is_empty() {
            let (reader, earlier) = (node.reader().clone(), std::mem::take(&mut self.earlier));
            let found = spawn_blocking(move || look_up(&reader, &earlier)).await;
            let Earlier { events, proven } =
                found.map_err(|error| Failure::internal("stored events could not be read", &error))??;
            node.telemetry().checked(events.len() as u64);
            for event in events {
                for ordinal in event.ordinals {
                    let result = &mut self.results[ordinal];
                    result.id.clone_from(&event.id);
                    result.leaf_hash = Some(event.leaf.to_base64());
                }
            }
            receipts.extend(proven.iter().take(EARLIER_RECEIPTS_MAX).map(receipt));
            self.proven.extend(proven);
        }
        if with_proofs {
            self.add_paths();
        }
        Ok(counted(self.results, receipts, self.conflicts))
    }

    fn add_paths(&mut self) {
        for Proven { receipt, leaves, members, .. } in &self.proven {
            let paths = Paths::new(&receipt.proof, leaves);
            for (index, ordinal) in members {
                let result = &mut self.results[*ordinal];
                result.inclusion_proof = Some(paths.path(*index).iter().map(Hash::to_base64).collect());
                result.tree_size = Some(receipt.checkpoint.size);
            }
        }
    }
}

fn placed(result: EventResult, trail: &TrailRef, index: u64) -> EventResult {
    let position = Position { trail: trail.clone(), index: Index(index) };
    EventResult { position: Some(position.to_string()), index: Some(index), ..result }
}

fn identified(result: EventResult, id: EventId, leaf: &Hash) -> EventResult {
    EventResult { id: Some(id.to_string()), leaf_hash: Some(leaf.to_base64()), ..result }
}

fn explained(status: Status, refusal: &Refusal) -> EventResult {
    EventResult {
        code: Some(refusal.code.as_str().to_owned()),
        field: (!refusal.field.is_empty()).then(|| refusal.field.clone()),
        detail: Some(refusal.detail()),
        hint: refusal.hint.clone(),
        ..EventResult::new(status)
    }
}

fn receipt(proven: &Proven) -> Receipt {
    let Proven { trail, receipt, .. } = proven;
    let text = |hashes: &[Hash]| hashes.iter().map(Hash::to_base64).collect();
    Receipt {
        trail: trail.to_string(),
        durability: DURABILITY.to_owned(),
        first: receipt.first,
        count: receipt.count,
        checkpoint: receipt.checkpoint.note.clone(),
        proof: RangeHashes { left: text(&receipt.proof.left), right: text(&receipt.proof.right) },
    }
}

fn counted(results: Vec<EventResult>, receipts: Vec<Receipt>, conflicts: u64) -> SubmitAnswer {
    let count = |status| results.iter().filter(|result| result.status == status).count() as u64;
    SubmitAnswer {
        received: results.len() as u64,
        stored: count(Status::Stored),
        duplicate: count(Status::Duplicate),
        quarantined: count(Status::Quarantined),
        sampled: count(Status::Sampled),
        refused: count(Status::Refused),
        conflicts,
        results,
        receipts,
    }
}
