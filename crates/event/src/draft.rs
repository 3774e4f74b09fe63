//! What the producer said: an event before the server has added anything.

pub mod places;
mod read;
pub(crate) mod write;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::actor::{Actor, object};
use crate::blob::Blobs;
use crate::changes::{Changes, shallow};
use crate::idempotency::{fingerprint_of_raw, short};
use crate::ids::{Digest, EventId, SpanId, TraceId};
use crate::invalid::Invalid;
use crate::json::{Json, Object};
use crate::limits;
use crate::outcome::{Class, Operation, Outcome, Severity};
use crate::parts::PartText;
use crate::raw::Raw;
use crate::resource::{Origin, Resource};
use crate::text::{Action, FromJson, Id, Label, LongText, Name, string};
use write::Written;

/// What a producer said about one action. Every field holds a value that is valid by its type, so
/// a draft may be read from JSON or built by hand with the same certainty.
///
/// In JSON, `null` and an empty list mean the same as leaving an optional member out, except in
/// `before`, `after`, `changes` and inside `metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The identity the producer gave.
    pub id: Option<EventId>,
    /// When it happened, by the producer's clock.
    pub time: Timestamp,
    /// Who did it, as claimed.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// What kind of thing that is.
    pub operation: Option<Operation>,
    /// What it was done to.
    pub resource: Resource,
    /// Further targets.
    pub related: Vec<Resource>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it ended so.
    pub outcome_reason: Option<LongText>,
    /// The request that did it.
    pub request_id: Option<Name>,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// The span it belongs to.
    pub span_id: Option<SpanId>,
    /// The session it belongs to.
    pub session_id: Option<Name>,
    /// Whatever else ties it to other events.
    pub correlation_id: Option<Name>,
    /// What caused it: positions `tenant/trail@index`, or references into other systems.
    pub cause: Vec<Id>,
    /// Where the request came from.
    pub origin: Option<Origin>,
    /// The environment, such as `production`.
    pub environment: Option<Label>,
    /// The region.
    pub region: Option<Label>,
    /// The service that did it.
    pub service: Option<Label>,
    /// The state before.
    pub before: Option<State>,
    /// The state after.
    pub after: Option<State>,
    /// SHA-256 of the canonical text of `before`, as given.
    pub before_hash: Option<Digest>,
    /// SHA-256 of the canonical text of `after`, as given.
    pub after_hash: Option<Digest>,
    /// What changed, as given.
    pub changes: Option<Changes>,
    /// Whether anything changed, as given.
    pub effective_change: Option<bool>,
    /// Whether it was only tried out.
    pub dry_run: Option<bool>,
    /// The class, as given.
    pub class: Option<Class>,
    /// The severity, as given.
    pub severity: Option<Severity>,
    /// The registered schema of the action.
    pub schema: Option<SchemaRef>,
    /// Whatever else the producer has to say.
    pub metadata: Option<Metadata>,
    /// The source's own record. It is stored in the server's part.
    pub raw: Option<Raw>,
    /// What makes two deliveries the same one. It steers admission and is no part of the event.
    pub idempotency_key: Option<Id>,
}

impl Draft {
    /// A draft with the required fields and nothing else.
    #[must_use]
    pub fn new(time: Timestamp, actor: Actor, action: Action, resource: Resource) -> Self {
        Self {
            id: None,
            time,
            actor,
            action,
            operation: None,
            resource,
            related: Vec::new(),
            outcome: None,
            outcome_reason: None,
            request_id: None,
            trace_id: None,
            span_id: None,
            session_id: None,
            correlation_id: None,
            cause: Vec::new(),
            origin: None,
            environment: None,
            region: None,
            service: None,
            before: None,
            after: None,
            before_hash: None,
            after_hash: None,
            changes: None,
            effective_change: None,
            dry_run: None,
            class: None,
            severity: None,
            schema: None,
            metadata: None,
            raw: None,
            idempotency_key: None,
        }
    }

    /// Reads a draft from JSON in the shape of `cairn/event/v1`.
    ///
    /// # Errors
    /// The first thing that is wrong: a member that is missing, unknown, of another kind, over its
    /// limit, or one that only the server may set.
    pub fn from_json(json: Json) -> Result<Self, Invalid> {
        read::draft(json)
    }

    /// The text and slots of part 0.
    #[must_use]
    pub fn part(&self) -> PartText {
        write::part(self).part
    }

    /// What the content is recognised by when it comes again: see [`Said::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        fingerprint(self, &write::part(self))
    }
}

/// A draft with what it comes to in writing: written once, for its fingerprint and for the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub(crate) draft: Draft,
    pub(crate) part: PartText,
    pub(crate) blobs: Blobs,
    pub(crate) fingerprint: [u8; 16],
}

impl Said {
    /// Writes a draft.
    #[must_use]
    pub fn of(draft: Draft) -> Self {
        let written = write::part(&draft);
        let fingerprint = fingerprint(&draft, &written);
        Self { draft, part: written.part, blobs: written.blobs, fingerprint }
    }

    /// The draft.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The text of part 0.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.part.text
    }

    /// The values that are too large for the text.
    pub fn large_values(&self) -> impl Iterator<Item = &[u8]> {
        self.blobs.iter().map(|(_, blob)| &*blob.bytes)
    }

    /// What the content is recognised by when it comes again: the first 16 bytes of SHA-256 over
    /// the canonical text of `raw` if that is JSON and stands in the event, else over `raw` itself,
    /// else over part 0 without `id`. Neither `idempotency_key` nor anything the server adds has a
    /// part in it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }
}

fn fingerprint(draft: &Draft, written: &Written) -> [u8; 16] {
    match &draft.raw {
        Some(raw) if raw.is_large() => short(&Sha256::digest(raw.as_bytes())),
        Some(raw) => fingerprint_of_raw(raw.as_bytes()),
        None => {
            let (before, behind) = (&written.part.text[..written.id.start], &written.part.text[written.id.end..]);
            short(&Sha256::new().chain_update(before).chain_update(behind).finalize())
        }
    }
}

/// A state of a resource: any JSON value of at most [`limits::STATE_DEPTH_MAX`] levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(Json);

impl State {
    /// Takes a state.
    ///
    /// # Errors
    /// If it is nested too deep.
    pub fn new(json: Json) -> Result<Self, Invalid> {
        shallow(json).map(Self)
    }

    /// The state.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        &self.0
    }
}

impl FromJson for State {
    const WANT: &'static str = "a JSON value";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::new(value)
    }
}

/// Free members: at most [`limits::METADATA_KEYS_MAX`] keys over all levels, of which there are at
/// most [`limits::METADATA_DEPTH_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata(Json);

impl Metadata {
    /// Takes free members.
    ///
    /// # Errors
    /// If there are too many, or too deep.
    pub fn new(object: Object) -> Result<Self, Invalid> {
        let json = Json::Object(object);
        let (keys, depth) = (json.keys(), json.depth());
        if keys > limits::METADATA_KEYS_MAX {
            let want = format!("at most {} keys", limits::METADATA_KEYS_MAX);
            return Err(Invalid::new(format!("object with {keys} keys in all"), want));
        }
        if depth > limits::METADATA_DEPTH_MAX {
            let want = format!("at most {} levels", limits::METADATA_DEPTH_MAX);
            return Err(Invalid::new(format!("object of {depth} levels"), want));
        }
        Ok(Self(json))
    }

    /// The members, as an object.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        &self.0
    }
}

impl FromJson for Metadata {
    const WANT: &'static str = "an object";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::new(object(value, Self::WANT)?)
    }
}

/// The name and version of a registered action schema, `name@version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRef(Label);

impl SchemaRef {
    /// The reference as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromJson for SchemaRef {
    const WANT: &'static str = "name@version";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let text = string(value, Self::WANT)?;
        match text.split_once('@') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() => Label::new(text).map(Self),
            _ => Err(Invalid::new(format!("string of {} bytes", text.len()), Self::WANT)),
        }
    }
}

#[cfg(test)]
mod tests;
