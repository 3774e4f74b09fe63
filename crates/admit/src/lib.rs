//! Decides what happens to a draft under the policy in force.
//!
//! ```text
//! Offer + Facts ── admit() ──▶ Admitted | Quarantined | Refused
//! ```
//!
//! **Invariant:** pure. The same offer, facts and occurrences give the same verdict, byte for byte:
//! the clock reading and the fresh id come in with the call. **Invariant:** bad input is a value, not
//! an error; what is wrong with one record never touches its neighbours.

mod classify;
mod key;
pub mod protect;
mod quarantine;
mod refusal;

use cairn_event::{Admission, Digest, Draft, Event, EventId, Position, Producer, Said, TrailRef, idempotency, limits};
use jiff::Timestamp;
use protect::Changed;

pub use classify::{class_of, severity_of};
pub use key::{Occurrences, RequestKey};
pub use protect::Protection;
pub use quarantine::{QUARANTINE_ACTION, QUARANTINE_TRAIL, quarantine_of};
pub use refusal::{Code, Fault, Refusal};

/// The kind of source whose records are Cairn's own events: their producer can be told what is wrong
/// and send again, so what is invalid is refused. Records of every other kind can't be sent better,
/// so what can't be mapped is kept in quarantine.
pub const NATIVE: &str = "native";

/// One record, offered for admission.
#[derive(Debug)]
pub struct Offer<'a> {
    /// The record exactly as it was received.
    pub bytes: &'a [u8],
    /// What the record says, or why that can't be read.
    pub content: Result<Draft, Refusal>,
    /// What the source itself tells its records apart by: unique inside one source.
    pub natural_key: Option<String>,
    /// The key of the whole request and the place of the record in it, from an `Idempotency-Key` header.
    pub request_key: Option<RequestKey<'a>>,
    /// The id that the event gets unless the producer gave one. A new one for each offer.
    pub fresh_id: EventId,
}

/// What is true of every record of a request. The clock is read once per request.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The server's clock.
    pub now: Timestamp,
    /// Who the credential belongs to.
    pub principal: &'a str,
    /// The kind of source: [`NATIVE`], `kubernetes`, `cloudtrail`.
    pub source_kind: &'a str,
    /// The name of the source inside its kind, such as the name of a cluster.
    pub source_name: &'a str,
    /// The trail that the credential writes to.
    pub trail: &'a TrailRef,
    /// The fingerprint of the policy in force.
    pub policy: Option<Digest>,
    /// What must not be in the trail.
    pub protection: Protection<'a>,
    /// Headers of the request that say something about the records, by name in lower case.
    pub headers: &'a [(String, String)],
    /// The quarantined record that is tried again, if it is one: then `now` is when that came.
    pub retried_from: Option<&'a Position>,
}

/// What happens to a record.
#[derive(Debug)]
pub enum Verdict {
    /// It is an event of the trail it was meant for.
    Admitted(Box<Admitted>),
    /// It could not be read; its bytes are an event of the trail [`QUARANTINE_TRAIL`].
    Quarantined {
        /// The event that keeps it.
        kept: Box<Admitted>,
        /// Why it could not be read.
        reason: Refusal,
    },
    /// Nothing is stored; the producer is told why.
    Refused(Refusal),
}

/// An event that is ready to be committed.
#[derive(Debug)]
pub struct Admitted {
    /// The event.
    pub event: Event,
    /// The trail it goes to.
    pub trail: TrailRef,
    /// What makes a second delivery the same one, within the trail.
    pub key: [u8; 32],
    /// What the content is recognised by: the same key with another fingerprint is a conflict.
    pub fingerprint: [u8; 16],
}

/// Decides about one record. `occurrences` belongs to one request and counts equal records in it, so
/// that two equal events in one request are two events, and the same request sent again is not.
#[must_use]
pub fn admit(offer: Offer<'_>, facts: &Facts<'_>, occurrences: &mut Occurrences) -> Verdict {
    if offer.bytes.len() > limits::RECORD_BYTES_MAX {
        return Verdict::Refused(Refusal::too_large(offer.bytes.len()));
    }
    let Offer { bytes, content, natural_key, request_key, fresh_id } = offer;
    let identity = key::Identity { natural_key: natural_key.as_deref(), request_key };
    let admitted = content.and_then(|draft| admitted(draft, &identity, fresh_id, facts, facts.trail, occurrences));
    match admitted {
        Ok(admitted) => Verdict::Admitted(Box::new(admitted)),
        Err(reason) if facts.source_kind == NATIVE => Verdict::Refused(reason),
        Err(reason) => quarantined(bytes, reason, fresh_id, facts, occurrences),
    }
}

fn admitted(
    draft: Draft,
    identity: &key::Identity<'_>,
    fresh_id: EventId,
    facts: &Facts<'_>,
    trail: &TrailRef,
    occurrences: &mut Occurrences,
) -> Result<Admitted, Refusal> {
    let said = Said::of(draft);
    let (draft, fingerprint) = (said.draft(), said.fingerprint());
    let mut identified = key::identify(draft, identity, fingerprint, occurrences);
    let changed = facts.protection.protect(&said, &mut identified, fingerprint)?;
    let fingerprint = changed.as_ref().map_or(fingerprint, |changed| changed.protected.fingerprint);
    let scope =
        idempotency::Scope { trail, principal: facts.principal, source: (facts.source_kind, facts.source_name) };
    let id = draft.id.map(|id| id.to_string());
    let key = idempotency::key(&scope, &identified, id.as_deref(), &fingerprint);
    let admission = Admission {
        id: fresh_id,
        received_at: facts.now,
        producer: Producer {
            principal: facts.principal.to_owned(),
            source_kind: facts.source_kind.to_owned(),
            source_name: facts.source_name.to_owned(),
            sequence: None,
        },
        class: class_of(draft),
        severity: severity_of(draft),
        identified,
        conflict_with: None,
        policy: facts.policy,
        protected: None,
        retried_from: facts.retried_from.cloned(),
    };
    let event = match changed {
        None => Event::of(said, admission)?,
        Some(Changed { said, derived, protected }) => {
            Event::with(said, derived, Admission { protected: Some(protected), ..admission })?
        }
    };
    Ok(Admitted { event, trail: trail.clone(), key, fingerprint })
}

fn quarantined(
    bytes: &[u8],
    reason: Refusal,
    fresh_id: EventId,
    facts: &Facts<'_>,
    occurrences: &mut Occurrences,
) -> Verdict {
    let trail = quarantine_of(facts.trail);
    let identity = key::Identity::default();
    let kept = quarantine::draft(bytes, &reason, facts)
        .and_then(|draft| admitted(draft, &identity, fresh_id, facts, &trail, occurrences));
    match kept {
        Ok(kept) => Verdict::Quarantined { kept: Box::new(kept), reason },
        // Too large to be kept with its envelope: the first reason is still the one that matters.
        Err(_) => Verdict::Refused(reason),
    }
}

#[cfg(test)]
mod tests;
