//! The event: what the producer said, and what the server knows and computes about it.

use jiff::Timestamp;

use crate::blob::{Blob, Blobs};
use crate::canonical::{Numbers, canonical};
use crate::changes::{Changes, diff};
use crate::draft::write::{boolean, json, plain, text};
use crate::draft::{Draft, Said, State};
use crate::idempotency::Identified;
use crate::ids::{Digest, EventId, Hex, Position};
use crate::invalid::Invalid;
use crate::json::Json;
use crate::limits;
use crate::outcome::{Class, Severity};
use crate::parts::{PartText, PartWriter, merge};
use crate::protection::Protected;

/// Who delivered an event, by the credential and never by the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// The authenticated principal.
    pub principal: String,
    /// The kind of source, such as `native` or `kubernetes`.
    pub source_kind: String,
    /// The name of the source among those of its kind.
    pub source_name: String,
    /// The producer's own sequence number, if the source has one.
    pub sequence: Option<u64>,
}

/// What the server adds at admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The identity to assign; used if the producer gave none.
    pub id: EventId,
    /// The server's clock.
    pub received_at: Timestamp,
    /// Who delivered it.
    pub producer: Producer,
    /// The class; used if the producer gave none.
    pub class: Class,
    /// The severity; used if the producer gave none.
    pub severity: Severity,
    /// How the record is told apart from every other.
    pub identified: Identified,
    /// The event that came before with the same key and other content.
    pub conflict_with: Option<Position>,
    /// The fingerprint of the policies in force, if there are any.
    pub policy: Option<Digest>,
    /// What protection did, if it did anything.
    pub protected: Option<Protected>,
    /// The quarantined record that this event was made of later.
    pub retried_from: Option<Position>,
}

/// What follows from `before` and `after`, where the producer did not say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derived {
    /// SHA-256 of the state before.
    pub before_hash: Option<Digest>,
    /// SHA-256 of the state after.
    pub after_hash: Option<Digest>,
    /// What changed from the one to the other.
    pub changes: Option<Changes>,
    /// Whether anything changed.
    pub effective_change: Option<bool>,
}

/// One event, complete but for its place in a trail. Both its texts are ready and together within
/// [`limits::EVENT_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    draft: Draft,
    admission: Admission,
    derived: Derived,
    producer: PartText,
    server: PartText,
    blobs: Vec<Blob>,
    fingerprint: [u8; 16],
}

impl Event {
    /// Joins a draft with what the server adds: hashes of the states, what changed between them,
    /// and the facts of admission.
    ///
    /// Changes that the server would have to compute are left out if they are more than
    /// [`limits::CHANGES_MAX`] or would make the event too large; the states say the same. States and
    /// raw records of more than [`limits::INLINE_BYTES_MAX`] become blobs beside the event.
    ///
    /// # Errors
    /// If a given hash is not that of the given state, or the event is larger than
    /// [`limits::EVENT_BYTES_MAX`].
    pub fn new(draft: Draft, admission: Admission) -> Result<Self, Invalid> {
        Self::of(Said::of(draft), admission)
    }

    /// The same from a draft that is written already.
    ///
    /// # Errors
    /// As [`Event::new`].
    pub fn of(said: Said, admission: Admission) -> Result<Self, Invalid> {
        let derived = said.derived()?;
        Self::with(said, derived, admission)
    }

    /// The same with what follows from the states given: protection changes states after it is known what changed
    /// between them.
    ///
    /// # Errors
    /// If the event is larger than [`limits::EVENT_BYTES_MAX`].
    pub fn with(said: Said, derived: Derived, admission: Admission) -> Result<Self, Invalid> {
        let Said { draft, part: producer, blobs: states, fingerprint } = said;
        let fingerprint = admission.protected.as_ref().map_or(fingerprint, |protected| protected.fingerprint);
        let (server, raw) = server_part(&draft, &admission, &derived);
        let is_kept = |path: &str| !withheld(&admission).contains(&path);
        let blobs = states.into_iter().chain(raw).filter(|(path, _)| is_kept(path)).map(|(_, blob)| blob).collect();
        let mut event = Self { draft, admission, derived, producer, server, blobs, fingerprint };
        if event.size_bytes() > limits::EVENT_BYTES_MAX && event.derived.changes.take().is_some() {
            event.server = server_part(&event.draft, &event.admission, &event.derived).0;
        }
        event.within_limit()
    }

    /// The same event, marked as being in conflict with an earlier one.
    ///
    /// # Errors
    /// If the mark makes it larger than [`limits::EVENT_BYTES_MAX`].
    pub fn in_conflict_with(mut self, earlier: Position) -> Result<Self, Invalid> {
        self.admission.conflict_with = Some(earlier);
        self.server = server_part(&self.draft, &self.admission, &self.derived).0;
        self.within_limit()
    }

    fn within_limit(self) -> Result<Self, Invalid> {
        let size_bytes = self.size_bytes();
        if size_bytes <= limits::EVENT_BYTES_MAX {
            return Ok(self);
        }
        let want = format!("an event of at most {} bytes", limits::EVENT_BYTES_MAX);
        let invalid = Invalid::new(format!("{size_bytes} bytes"), want);
        let hint = "before, after and raw may be this large, all other members together may not";
        Err(Invalid { hint: Some(hint.to_owned()), is_too_large: true, ..invalid })
    }

    /// Slots whose values are committed to and not kept: they leave with the event once it is written.
    #[must_use]
    pub fn withheld(&self) -> &[&'static str] {
        withheld(&self.admission)
    }

    /// The values that are kept beside the event, which holds their hashes.
    #[must_use]
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// The bytes of both texts.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.producer.text.len() + self.server.text.len()
    }

    /// What the producer said.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// What the server added.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The identity: the producer's, else the server's.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.draft.id.unwrap_or(self.admission.id)
    }

    /// The class in force: the producer's, else the server's.
    #[must_use]
    pub fn class(&self) -> Class {
        self.draft.class.unwrap_or(self.admission.class)
    }

    /// The severity in force: the producer's, else the server's.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.draft.severity.unwrap_or(self.admission.severity)
    }

    /// Part 0: what the producer said.
    #[must_use]
    pub fn producer_part(&self) -> &PartText {
        &self.producer
    }

    /// Part 1: what the server added.
    #[must_use]
    pub fn server_part(&self) -> &PartText {
        &self.server
    }

    /// Both parts, producer first.
    #[must_use]
    pub fn into_parts(self) -> (PartText, PartText) {
        (self.producer, self.server)
    }

    /// What the content is recognised by: see [`Said::fingerprint`] and [`Protected::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }

    /// The event a person sees.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let shown = |part: &PartText| part.redacted(|path| self.withheld().contains(&path)).text;
        let read = |part| Json::parse(shown(part).as_bytes()).expect("what a part writer wrote is JSON");
        merge(read(&self.producer), read(&self.server))
    }
}

fn withheld(admission: &Admission) -> &[&'static str] {
    admission.protected.as_ref().map_or(&[], |protected| &protected.withheld)
}

impl Said {
    /// What follows from the two states: their hashes, and what changed between them.
    ///
    /// # Errors
    /// If a given hash is not that of the given state.
    pub fn derived(&self) -> Result<Derived, Invalid> {
        derive(&self.draft, &self.part, &self.blobs)
    }
}

fn derive(draft: &Draft, producer: &PartText, large: &Blobs) -> Result<Derived, Invalid> {
    let text = |path: &str| {
        let blob = || large.iter().find(|(of, _)| *of == path).map(|(_, blob)| &*blob.bytes);
        producer.value(path).map(str::as_bytes).or_else(blob)
    };
    let before = Side::of("before_hash", &draft.before, text("/before"));
    let after = Side::of("after_hash", &draft.after, text("/after"));
    let mut derived = Derived {
        before_hash: before.as_ref().map(|s| s.hash(draft.before_hash)).transpose()?.flatten(),
        after_hash: after.as_ref().map(|s| s.hash(draft.after_hash)).transpose()?.flatten(),
        ..Derived::default()
    };
    if let (Some(before), Some(after)) = (before, after) {
        // Equal states have equal canonical texts, and the texts are already there.
        let is_same = before.text == after.text;
        derived.effective_change = draft.effective_change.is_none().then_some(!is_same);
        if draft.changes.is_none() {
            derived.changes = match is_same {
                true => Some(Changes::default()),
                false => diff(before.state.as_json(), after.state.as_json()),
            };
        }
    }
    Ok(derived)
}

/// One of the two states, with its canonical text.
struct Side<'a> {
    hash_field: &'static str,
    state: &'a State,
    text: &'a [u8],
}

impl<'a> Side<'a> {
    fn of(hash_field: &'static str, state: &'a Option<State>, text: Option<&'a [u8]>) -> Option<Self> {
        Some(Self { hash_field, state: state.as_ref()?, text: text? })
    }

    /// The hash to add, which is none if a right one was given. Producers with a plain RFC 8785
    /// library round long numbers, so a given hash may be of that form too.
    fn hash(&self, given: Option<Digest>) -> Result<Option<Digest>, Invalid> {
        let computed = Digest::of(self.text);
        let Some(given) = given else {
            return Ok(Some(computed));
        };
        let rounded = || canonical(self.state.as_json(), Numbers::Rfc8785);
        if given == computed || given == Digest::of(rounded().as_bytes()) {
            return Ok(None);
        }
        let want = "SHA-256 of the state's RFC 8785 text";
        Err(Invalid::new("the hash of something else", want)
            .hint("leave it out and the server computes it")
            .under(self.hash_field))
    }
}

fn server_part(draft: &Draft, admission: &Admission, derived: &Derived) -> (PartText, Blobs) {
    let mut w = PartWriter::new();
    if let Some(hash) = &derived.after_hash {
        w.slot("/after_hash", plain(hash));
    }
    if let Some(hash) = &derived.before_hash {
        w.slot("/before_hash", plain(hash));
    }
    if let Some(changes) = &derived.changes {
        w.slot("/changes", |out| changes.write(out));
    }
    if draft.class.is_none() {
        w.member("class", text(admission.class.as_str()));
    }
    if let Some(position) = &admission.conflict_with {
        w.member("conflict_with", plain(position));
    }
    if let Some(is_effective) = derived.effective_change {
        w.member("effective_change", boolean(is_effective));
    }
    if draft.id.is_none() {
        w.member("id", plain(&admission.id));
    }
    if let Some(policy) = &admission.policy {
        w.member("policy", plain(policy));
    }
    let producer = &admission.producer;
    w.object("producer", |w| {
        if let Some(protected) = &admission.protected {
            w.member("fingerprint", plain(&Hex(&protected.fingerprint)));
        }
        if let Some(key) = admission.identified.to_json() {
            w.member("key", |out| out.push_str(&canonical(&key, Numbers::AsWritten)));
        }
        w.member("principal", text(&producer.principal));
        if let Some(sequence) = producer.sequence {
            w.member("sequence", |out| out.push_str(&sequence.to_string()));
        }
        w.member("source_kind", text(&producer.source_kind));
        w.member("source_name", text(&producer.source_name));
    });
    if let Some(protected) = &admission.protected {
        w.member("protected", json(&protected.to_json()));
    }
    match &draft.raw {
        Some(raw) if raw.is_large() => w.blob("/raw", "/raw_blob", Blob::of(raw.as_bytes())),
        Some(raw) => w.slot("/raw", |out| raw.write(out)),
        None => {}
    }
    w.member("received_at", plain(&admission.received_at));
    if let Some(position) = &admission.retried_from {
        w.member("retried_from", plain(position));
    }
    if draft.severity.is_none() {
        w.member("severity", text(admission.severity.as_str()));
    }
    w.finish_with_blobs()
}

#[cfg(test)]
mod tests;
