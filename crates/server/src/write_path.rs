//! The write path: one request's events from bytes to receipts, in order.

mod earlier;
mod gather;
mod results;

use crate::failure::Failure;
use crate::gate::Lease;
use crate::intake::{self, Encoding};
use crate::node::Node;
use cairn_access::Principal;
use cairn_api::v1::SubmitAnswer;
use cairn_event::TrailRef;
use cairn_sources::SharedSource;
use cairn_store::{Placed, Prepared, Run, RunReply, StoreError};
use gather::{Fate, Gathered, Received, Sent};
pub(crate) use gather::{Ids, facts, offer};
use results::Results;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Bodies up to this size are worked on where they arrived: a turn on another thread costs more than
/// they do.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Who delivers, and in which format.
pub(crate) struct Producer {
    pub(crate) principal: Principal,
    pub(crate) source: SharedSource,
    pub(crate) source_name: String,
    /// What the source wants to know of the request's headers.
    pub(crate) headers: Vec<(String, String)>,
}

/// What was sent.
pub(crate) enum Content {
    /// A body as it came, which the source cuts into records.
    Body { sent: Vec<u8>, encoding: Encoding },
    /// Records that the transport itself keeps apart.
    Records(Vec<Vec<u8>>),
}

/// What was sent, and what was said about it.
pub(crate) struct RawBatch {
    pub(crate) content: Content,
    /// Key of a single event, prefix of the keys of a batch.
    pub(crate) idempotency_key: Option<String>,
    pub(crate) answer: AnswerForm,
    /// Room for the body, held until the answer is made.
    pub(crate) lease: Lease,
    /// When the request's head had arrived.
    pub(crate) received: Instant,
}

/// What the producer wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerForm {
    /// An inclusion proof for every event instead of only for a single one.
    pub(crate) proof_each: bool,
    /// A single object that is refused makes the whole request fail.
    pub(crate) single_fails: bool,
}

/// Takes one request from bytes to receipts. Every event leaves by exactly one door (stored, duplicate,
/// quarantined, sampled, refused), and the answer is only given if they add up.
pub(crate) async fn accept(node: &Node, producer: Producer, batch: RawBatch) -> Result<SubmitAnswer, Failure> {
    let (form, received) = (batch.answer, batch.received);
    // Sources and admission: limits, records, drafts, verdicts, commitments. Nothing is durable yet.
    let (mut gathered, producer) = off_reactor(node, producer, batch).await?;
    if let (true, Some(refusal)) = (form.single_fails, gathered.sole_refusal()) {
        node.telemetry().answered(&refused_alone());
        return Err(Failure::refused(refusal));
    }
    let runs = std::mem::take(&mut gathered.runs);
    let replies = commit(node, runs).await?;
    // Durable from here: whatever goes wrong now, the events stay, and a retry finds them.
    let mut results = Results::new(&gathered.sent, &replies);
    let conflicts = conflicts(&gathered.sent, &replies);
    if !conflicts.is_empty() {
        // Another event has the key: this one is kept too, under a key of its own, and says so.
        let marked = gathered.conflicting(node, &producer, conflicts)?;
        let events = marked.runs.iter().flat_map(|run| &run.events);
        let events: Vec<_> = events.map(|event| (event.id, event.leaf)).collect();
        let replies = commit(node, marked.runs).await?;
        results.take_conflicts(&marked.conflicts, &events, &replies)?;
        results.take_refused(&marked.refused);
    }
    node.announce_growth();
    observe(node, &gathered.sent, received);
    let with_proofs = form.proof_each || gathered.sent.len() == 1;
    let answer = results.into_answer(node, with_proofs).await?;
    assert!(answer.adds_up(), "every event leaves by exactly one door");
    node.telemetry().answered(&answer);
    Ok(answer)
}

/// Decodes, maps, admits and commits to the slots: pure computing, elsewhere if there is much of it.
async fn off_reactor(node: &Node, producer: Producer, batch: RawBatch) -> Result<(Gathered, Producer), Failure> {
    let RawBatch { content, idempotency_key, mut lease, .. } = batch;
    let is_large = match &content {
        Content::Body { sent, encoding } => sent.len() > INLINE_BYTES_MAX || *encoding != Encoding::Identity,
        Content::Records(records) => records.iter().map(Vec::len).sum::<usize>() > INLINE_BYTES_MAX,
    };
    let is_long = is_large || !producer.source.is_ready();
    let owner = node.clone();
    let work = move || {
        let received = match content {
            Content::Body { sent, encoding } => Received::Body(intake::expand(sent, encoding, &mut lease)?),
            Content::Records(records) => Received::Records(records),
        };
        let gathered = gather::gather(&owner, &producer, received, idempotency_key, lease)?;
        Ok((gathered, producer))
    };
    if !is_long {
        return work();
    }
    let _turn = node.gate().worker().await;
    spawn_blocking(work).await.map_err(|error| Failure::internal("a request could not be worked on", &error))?
}

/// Hands the runs to the writer and waits until they are durable.
pub(crate) async fn commit(node: &Node, runs: Vec<Run>) -> Result<Vec<RunReply>, Failure> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let (sender, receiver) = oneshot::channel();
    // The producer may be gone by the time the writer answers; the events are durable all the same.
    node.store().submit(runs, Box::new(move |reply| drop(sender.send(reply))));
    Ok(receiver.await.map_err(|_| unanswered())??)
}

/// The writer is gone, and with it the answer.
pub(crate) fn unanswered() -> StoreError {
    StoreError::WriterStopped { reason: "the writer ended without an answer".to_owned() }
}

/// Hands one event to the writer, waits until it is durable and says where it stands.
pub(crate) async fn commit_one(node: &Node, trail: &TrailRef, event: Prepared) -> Result<Placed, Failure> {
    let replies = commit(node, vec![Run { trail: trail.clone(), events: vec![event] }]).await?;
    let placed = replies.first().and_then(|reply| reply.placed.first());
    Ok(*placed.expect("one event was submitted, and the writer answers for each"))
}

/// An event whose key had been used for other content.
pub(crate) struct Conflict {
    /// Which event of the request.
    ordinal: usize,
    /// Index of the event that has the key, in the same trail.
    index: u64,
}

fn conflicts(sent: &[Sent], replies: &[RunReply]) -> Vec<Conflict> {
    let conflict = |(ordinal, event): (usize, &Sent)| {
        let Fate::Submitted { run, at, .. } = event.fate else { return None };
        match replies[run].placed[at] {
            Placed::Conflict { index } => Some(Conflict { ordinal, index }),
            Placed::Stored { .. } | Placed::Duplicate { .. } => None,
        }
    };
    sent.iter().enumerate().filter_map(conflict).collect()
}

/// The latencies of M1, of all events that are durable now.
fn observe(node: &Node, sent: &[Sent], received: Instant) {
    let (waited, now) = (received.elapsed(), node.now());
    let mut of_class = Vec::new();
    for event in sent {
        let Fate::Submitted { class, time, .. } = event.fate else { continue };
        if let Ok(since) = now.duration_since(time).try_into() {
            node.telemetry().emitted_to_durable(class, since);
        }
        match of_class.iter_mut().find(|(known, _)| *known == class) {
            Some((_, count)) => *count += 1,
            None => of_class.push((class, 1)),
        }
    }
    for (class, count) in of_class {
        node.telemetry().received_to_durable(class, waited, count);
    }
}

fn refused_alone() -> SubmitAnswer {
    SubmitAnswer { received: 1, refused: 1, ..SubmitAnswer::default() }
}
