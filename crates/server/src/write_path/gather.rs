//! From a body to prepared events: split, map, admit, commit to the slots. Pure computing.

use super::{Conflict, Producer};
use crate::failure::Failure;
use crate::gate::Lease;
use crate::node::Node;
use cairn_admit::protect::TenantKeys;
use cairn_admit::{Admitted, Facts, Fault, Occurrences, Offer, Protection, Refusal, RequestKey, Verdict, admit};
use cairn_api::ProblemCode;
use cairn_event::{Class, EventId, Index, Position, TrailRef, limits};
use cairn_ledger::Hash;
use cairn_sources::{Delivery, MapError, Record, Records, SplitError};
use cairn_store::{Run, conflict_key};
use jiff::Timestamp;
use std::borrow::Cow;
use std::ops::Range;

/// The events of one request, admitted and not yet durable.
pub(crate) struct Gathered {
    /// One per record, in the order of the body.
    pub(crate) sent: Vec<Sent>,
    /// What goes to the writer: one run per trail.
    pub(crate) runs: Vec<Run>,
    /// The body, kept until it is certain that no event has to be made again.
    body: Vec<u8>,
    facts_now: Timestamp,
    idempotency_key: Option<String>,
    _lease: Lease,
}

/// One record of the request.
pub(crate) struct Sent {
    range: Range<usize>,
    /// The record itself, if it does not stand in the body in one piece.
    put_together: Option<Vec<u8>>,
    pub(crate) fate: Fate,
}

impl Sent {
    fn bytes<'b>(&'b self, body: &'b [u8]) -> &'b [u8] {
        self.put_together.as_deref().unwrap_or(&body[self.range.clone()])
    }
}

/// What admission decided.
pub(crate) enum Fate {
    /// On its way to a trail.
    Submitted {
        /// Number of the run, and place in it.
        run: usize,
        at: usize,
        id: EventId,
        leaf: Hash,
        class: Class,
        time: Timestamp,
        key: [u8; 32],
        fingerprint: [u8; 16],
        /// Why it goes to the quarantine, if it does.
        quarantined: Option<Box<Refusal>>,
    },
    /// Breaks a rule.
    Refused(Box<Refusal>),
}

/// Records of a request, from its beginning, that are told where they belong.
const HINTED_MAX: u32 = 20;

/// What arrived, expanded.
pub(crate) enum Received {
    /// A body, to be cut into records.
    Body(Vec<u8>),
    /// Records.
    Records(Vec<Vec<u8>>),
}

pub(crate) fn gather(
    node: &Node,
    producer: &Producer,
    received: Received,
    idempotency_key: Option<String>,
    lease: Lease,
) -> Result<Gathered, Failure> {
    let keys = node.keys().of(producer.principal.tenant());
    let facts = facts(node, producer, &keys, node.now());
    let mut occurrences = Occurrences::default();
    let mut ids = Ids::new(node);
    let (mut sent, mut runs) = (Vec::new(), Vec::new());
    let (body, apart) = match received {
        Received::Body(body) => (body, Vec::new()),
        Received::Records(records) => (Vec::new(), records),
    };
    let records: Records<'_> = if apart.is_empty() {
        producer.source.split(&body).map_err(unreadable)?
    } else {
        Box::new(apart.into_iter().map(|record| Record { bytes: Cow::Owned(record), range: 0..0 }))
    };
    for (place, record) in (0_u32..).zip(records) {
        if sent.len() == limits::BATCH_EVENTS_MAX {
            let detail = format!("more than {} events in one batch", limits::BATCH_EVENTS_MAX);
            return Err(Failure::new(ProblemCode::TooManyEvents, detail).hint("send them in several batches"));
        }
        let request_key = idempotency_key.as_deref().map(|key| RequestKey { key, place });
        let offer = offer(producer, &record.bytes, request_key, (facts.now, ids.next(facts.now)));
        let fate = match admit(offer, &facts, &mut occurrences) {
            Verdict::Admitted(admitted) => submitted(node, &mut runs, *admitted, None)?,
            Verdict::Quarantined { kept, reason } => submitted(node, &mut runs, *kept, Some(Box::new(reason)))?,
            // The first ones are enough to see what went wrong, and looking costs more than refusing.
            Verdict::Refused(refusal) if place >= HINTED_MAX => Fate::Refused(Box::new(refusal)),
            Verdict::Refused(refusal) => Fate::Refused(Box::new(hinted(refusal, node, producer, &record.bytes))),
        };
        let put_together = match record.bytes {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes),
        };
        sent.push(Sent { range: record.range, put_together, fate });
    }
    Ok(Gathered { sent, runs, facts_now: facts.now, body, idempotency_key, _lease: lease })
}

impl Gathered {
    /// The refusal of a body that is one object, if that was refused.
    pub(crate) fn sole_refusal(&self) -> Option<&Refusal> {
        match self.sent.as_slice() {
            [Sent { fate: Fate::Refused(refusal), range, .. }] if is_alone(&self.body, range) => Some(refusal),
            _ => None,
        }
    }

    /// Makes the events of a conflict again, each marked with the position of the event that has its
    /// key, and under a key of its own (`formats/receipt.md`).
    pub(crate) fn conflicting(
        &self,
        node: &Node,
        producer: &Producer,
        conflicts: Vec<Conflict>,
    ) -> Result<Conflicting, Failure> {
        let keys = node.keys().of(producer.principal.tenant());
        let facts = facts(node, producer, &keys, self.facts_now);
        let mut ids = Ids::new(node);
        let mut marked = Conflicting { runs: Vec::new(), conflicts: Vec::new(), refused: Vec::new() };
        for conflict in conflicts {
            let sent = &self.sent[conflict.ordinal];
            let Fate::Submitted { key, fingerprint, .. } = &sent.fate else {
                unreachable!("only submitted events conflict")
            };
            // Identified as it was the first time: what identifies it is part of the event.
            let place = u32::try_from(conflict.ordinal).expect("a batch is limited to far fewer events");
            let request_key = self.idempotency_key.as_deref().map(|key| RequestKey { key, place });
            let offer = offer(producer, sent.bytes(&self.body), request_key, (facts.now, ids.next(facts.now)));
            let Verdict::Admitted(admitted) = admit(offer, &facts, &mut Occurrences::default()) else {
                // The key of a quarantined record is made from its content, so no other content has it; so is
                // that of an event that is told apart by how often its content occurs.
                unreachable!("what was admitted once is admitted again: same bytes, same clock reading");
            };
            let position = Position { trail: admitted.trail.clone(), index: Index(conflict.index) };
            match admitted.event.in_conflict_with(position) {
                Ok(event) => {
                    let key = conflict_key(key, fingerprint);
                    let prepared = node.store().prepare(&admitted.trail, &event, key, *fingerprint)?;
                    let run = run_of(&mut marked.runs, &admitted.trail);
                    marked.runs[run].events.push(prepared);
                    marked.conflicts.push(conflict);
                }
                Err(invalid) => marked.refused.push((conflict.ordinal, invalid.into())),
            }
        }
        Ok(marked)
    }
}

/// Whether the record is all of the body, and not the one item of an array.
fn is_alone(body: &[u8], record: &Range<usize>) -> bool {
    !body[..record.start].contains(&b'[')
}

/// The events of a request whose keys had been used for other content.
pub(crate) struct Conflicting {
    /// What goes to the writer: at most one run, since all of them belong to the producer's trail.
    pub(crate) runs: Vec<Run>,
    /// One per event of the run.
    pub(crate) conflicts: Vec<Conflict>,
    /// Those that the mark makes too large, by their place in the request.
    pub(crate) refused: Vec<(usize, Refusal)>,
}

pub(crate) fn facts<'a>(node: &'a Node, producer: &'a Producer, keys: &'a TenantKeys, now: Timestamp) -> Facts<'a> {
    Facts {
        now,
        principal: producer.principal.id.as_str(),
        source_kind: producer.source.kind(),
        source_name: &producer.source_name,
        trail: &producer.principal.trail,
        policy: node.config().policy,
        protection: Protection { rules: &node.config().protection, keys },
        headers: &producer.headers,
        retried_from: None,
    }
}

pub(crate) fn offer<'a>(
    producer: &Producer,
    bytes: &'a [u8],
    request_key: Option<RequestKey<'a>>,
    (now, fresh_id): (Timestamp, EventId),
) -> Offer<'a> {
    let delivery = Delivery { received_at: now, headers: &producer.headers };
    let (content, natural_key) = match producer.source.map(bytes, &delivery) {
        Ok(mapped) => (Ok(mapped.draft), mapped.natural_key),
        Err(MapError::Json(error)) => (Err(error.into()), None),
        Err(MapError::Invalid(invalid)) => (Err(invalid.into()), None),
        Err(MapError::Mapping(invalid)) => (Err(Refusal { fault: Fault::Mapping, ..invalid.into() }), None),
    };
    Offer { bytes, content, natural_key, request_key, fresh_id }
}

fn submitted(
    node: &Node,
    runs: &mut Vec<Run>,
    admitted: Admitted,
    quarantined: Option<Box<Refusal>>,
) -> Result<Fate, Failure> {
    let Admitted { event, trail, key, fingerprint } = admitted;

    let (class, time) = (event.class(), event.draft().time);
    let prepared = node.store().prepare(&trail, &event, key, fingerprint)?;
    let run = run_of(runs, &trail);
    let (id, leaf, at) = (prepared.id, prepared.leaf, runs[run].events.len());
    runs[run].events.push(prepared);
    Ok(Fate::Submitted { run, at, id, leaf, class, time, key, fingerprint, quarantined })
}

fn run_of(runs: &mut Vec<Run>, trail: &TrailRef) -> usize {
    match runs.iter().position(|run| run.trail == *trail) {
        Some(run) => run,
        None => {
            runs.push(Run { trail: trail.clone(), events: Vec::new() });
            runs.len() - 1
        }
    }
}

/// A record of another format that was sent as an event deserves to hear where it belongs.
fn hinted(mut refusal: Refusal, node: &Node, producer: &Producer, bytes: &[u8]) -> Refusal {
    if producer.source.kind() != cairn_admit::NATIVE {
        return refusal;
    }
    let looks_like = node.config().sources.detect(bytes).map(|found| found.source.kind().to_owned());
    if let Some(kind) = looks_like.filter(|kind| kind != cairn_admit::NATIVE) {
        refusal.hint = Some(format!("it looks like {kind}: send it to /v1/sources/{kind}/NAME"));
    }
    refusal
}

fn unreadable(error: SplitError) -> Failure {
    match error {
        SplitError::Empty => Failure::new(ProblemCode::BodyEmpty, error.to_string()),
        SplitError::NotText { looks_like: "gzip" | "zstd" } => {
            Failure::new(ProblemCode::BodyUnreadable, error.to_string()).hint("say so with Content-Encoding")
        }
        _ => Failure::new(ProblemCode::BodyUnreadable, error.to_string()),
    }
}

/// Fresh event ids. One draw of secret bytes serves three of them.
pub(crate) struct Ids<'n> {
    node: &'n Node,
    drawn: [u8; 32],
    left: usize,
}

impl<'n> Ids<'n> {
    const BYTES: usize = 10;

    pub(crate) fn new(node: &'n Node) -> Ids<'n> {
        Ids { node, drawn: [0; 32], left: 0 }
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> EventId {
        if self.left < Self::BYTES {
            self.drawn = self.node.engines().entropy.secret();
            self.left = self.drawn.len();
        }
        self.left -= Self::BYTES;
        let random = self.drawn[self.left..self.left + Self::BYTES].try_into().expect("as many as asked for");
        EventId::from_parts(u64::try_from(now.as_millisecond()).unwrap_or(0), random)
    }
}
