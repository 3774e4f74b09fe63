//! Every field of the language: its name, what it compares and which members of the event it reads.

use std::borrow::Cow;

use super::ast::FieldRef;
use super::event_values;
use crate::ids::Position;
use crate::json::Json;
use crate::outcome::{ActorType, Operation, Outcome, Severity, Via};

/// One field, as a person types it before the colon.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name, printed in canonical queries.
    pub name: &'static str,
    /// Other names that are read as this field.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub kind: Kind,
    /// Whether a value may begin with `*` or `?`. Such a value makes an index walk all its terms,
    /// so only fields with few or valuable terms allow it.
    pub leading_wildcard: bool,
    /// Which members it reads.
    pub reads: Reads,
    /// One sentence for a person.
    pub doc: &'static str,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

/// What the values of a field are, and so what can be asked of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared as a whole, case-insensitive, with wildcards.
    Text,
    /// Running text, in which words are looked for.
    Words,
    /// One of a list of words.
    Enum(&'static [&'static str]),
    /// One of a list of words that rise in rank; comparisons and ranges follow the list.
    Ranked(&'static [&'static str]),
    /// An instant.
    Time,
    /// An IP address; values are addresses, networks, or text with wildcards.
    Ip,
    /// A number.
    Number,
    /// Any JSON below the field, by path: text, numbers, times and networks.
    Path,
    /// A path inside the difference between `before` and `after`.
    Changed,
    /// The name of another field.
    Has,
    /// A [`Flag`].
    Is,
    /// Part of the language whose data does not exist yet; the text says what is missing.
    Unavailable(&'static str),
}

/// Where the values of a field come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Members of the event, as RFC 6901 pointers.
    Members(&'static [&'static str]),
    /// As `Members`, and the first two values joined by `/` and by `:`, so that both
    /// `invoice/42` and `invoice:42` name the resource of type `invoice` with id `42`.
    Joined {
        /// The two members that are joined.
        pair: [&'static str; 2],
        /// The members whose own values count.
        members: &'static [&'static str],
    },
    /// The source's own record, where its bytes are text.
    RawText,
    /// The tenant of the position.
    Tenant,
    /// The trail of the position, alone and as `tenant/trail`.
    Trail,
    /// The position as `tenant/trail@index`.
    Position,
    /// The index of the position.
    Index,
    /// No value of its own.
    Nothing,
}

/// A state that `is:` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// The event has the key of an earlier one and other content.
    Conflict,
    /// Something was changed.
    Change,
    /// Nothing was changed: before and after are the same.
    Noop,
    /// The action was only tried out.
    DryRun,
    /// The event lies in a quarantine trail.
    Quarantined,
    /// Protection replaced or withheld something in it.
    Redacted,
}

/// The flags by name, in the order of the reference.
pub const FLAGS: &[(&str, Flag)] = &[
    ("change", Flag::Change),
    ("conflict", Flag::Conflict),
    ("dry-run", Flag::DryRun),
    ("noop", Flag::Noop),
    ("quarantined", Flag::Quarantined),
    ("redacted", Flag::Redacted),
];

/// Words of `is:` that the language has and whose data does not exist yet.
pub const FLAGS_UNAVAILABLE: &[(&str, &str)] = &[
    ("duplicate", "a duplicate is answered with the receipt of the first event and not stored again"),
    ("gap", "gaps are not recorded yet"),
    ("held", "legal holds do not exist yet"),
];

impl Flag {
    /// The word after `is:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        FLAGS.iter().find(|(_, flag)| *flag == self).map(|(name, _)| *name).expect("every flag has a line in FLAGS")
    }
}

impl FieldRef {
    /// The field `name`, or an alias of it. Behind `before`, `after` and `metadata` a path may
    /// follow: dotted (`after.spec.replicas`), or as `.` and an RFC 6901 pointer
    /// (`after./metadata/labels/app.kubernetes.io~1name`) in which a backslash takes the meaning
    /// from a colon, a space or another backslash. `None` if there is no such field.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some(field) = field(name) {
            return Some(Self { field, path: Vec::new() });
        }
        let (head, rest) = name.split_once('.')?;
        let field = field(head).filter(|field| field.kind == Kind::Path)?;
        let path = match rest.strip_prefix('/') {
            Some(pointer) => pointer_segments(&without_backslashes(pointer)),
            None => dotted_segments(rest)?,
        };
        Some(Self { field, path })
    }

    /// The values that a clause on this field compares with, as text: strings as they are, numbers
    /// as written, booleans as `true` and `false`, and the values inside lists and objects. An
    /// index that stores exactly these answers like [`super::Query::matches`].
    #[must_use]
    pub fn values<'e>(&self, event: &'e Json, position: &Position) -> Vec<Cow<'e, str>> {
        event_values::texts(self, event, position)
    }
}

/// The segments of an RFC 6901 pointer without its first slash. A `~` that begins no escape stands
/// for itself.
pub(super) fn pointer_segments(pointer: &str) -> Vec<String> {
    pointer.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// The segments of `a.b`; `None` if one is empty.
pub(super) fn dotted_segments(dotted: &str) -> Option<Vec<String>> {
    let segments: Vec<String> = dotted.split('.').map(str::to_owned).collect();
    segments.iter().all(|segment| !segment.is_empty()).then_some(segments)
}

fn without_backslashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    plain
}

/// The entry called `name`, or with `name` among its aliases.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name || field.aliases.contains(&name))
}

/// The words of [`crate::Class`] by rising rank.
const CLASSES: &[&str] = &["bulk", "standard", "critical"];
const BOOLEANS: &[&str] = &["true", "false"];

/// A field of `kind` that reads `members`, without aliases and leading wildcards.
const fn of(name: &'static str, kind: Kind, members: &'static [&'static str], doc: &'static str) -> Field {
    Field { name, aliases: &[], kind, leading_wildcard: false, reads: Reads::Members(members), doc }
}

/// A text field that reads `members`.
const fn text(name: &'static str, members: &'static [&'static str], doc: &'static str) -> Field {
    of(name, Kind::Text, members, doc)
}

impl Field {
    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn leading(mut self) -> Self {
        self.leading_wildcard = true;
        self
    }

    const fn reading(mut self, reads: Reads) -> Self {
        self.reads = reads;
        self
    }
}

/// Every field, in the order of the reference.
pub const FIELDS: &[Field] = &[
    // Who.
    text("actor", &["/actor/id", "/actor/name", "/actor/email"], "who did it: id, name or e-mail").leading(),
    text("actor.id", &["/actor/id"], "id of the actor").leading(),
    text("actor.name", &["/actor/name"], "name of the actor").leading(),
    text("actor.email", &["/actor/email"], "e-mail of the actor").leading(),
    of("actor.type", Kind::Enum(ActorType::WORDS), &["/actor/type"], "kind of actor"),
    of("actor.ip", Kind::Ip, &["/actor/ip"], "address of the actor alone"),
    text("actor.session", &["/actor/session"], "session of the actor alone"),
    text("auth", &["/actor/auth/method"], "how the actor was authenticated").leading(),
    of("mfa", Kind::Enum(BOOLEANS), &["/actor/auth/mfa"], "whether a second factor was used"),
    of("via", Kind::Enum(Via::WORDS), &["/actor/via"], "the way by which the action came"),
    text(
        "behalf",
        &["/actor/on_behalf_of/id", "/actor/on_behalf_of/name", "/actor/on_behalf_of/email"],
        "for whom it was done: id, name or e-mail",
    )
    .also(&["on_behalf_of"])
    .leading(),
    text("approver", &["/actor/approved_by"], "who approved it").also(&["approved_by"]).leading(),
    // What.
    text("action", &["/action"], "the action, dotted, verb last").leading(),
    of("op", Kind::Enum(Operation::WORDS), &["/operation"], "what kind of action").also(&["operation"]),
    text("res", &[], "what it was done to: id, name, `type/id` or `type:id`")
        .also(&["resource"])
        .reading(Reads::Joined {
            pair: ["/resource/type", "/resource/id"],
            members: &["/resource/id", "/resource/name"],
        })
        .leading(),
    text("resource.id", &["/resource/id"], "id of the resource").leading(),
    text("resource.name", &["/resource/name"], "name of the resource").leading(),
    text("type", &["/resource/type"], "type of the resource").also(&["resource.type"]).leading(),
    text("namespace", &["/resource/namespace"], "namespace of the resource").also(&["resource.namespace"]).leading(),
    text("parent", &["/resource/parent"], "parent of the resource").also(&["resource.parent"]),
    text("related", &["/related"], "further targets, any of their values"),
    // How it went.
    of("outcome", Kind::Enum(Outcome::WORDS), &["/outcome"], "how it ended"),
    of("reason", Kind::Words, &["/outcome_reason"], "words of the reason given").also(&["outcome_reason"]),
    of("severity", Kind::Ranked(Severity::WORDS), &["/severity"], "how grave it is, in rising order"),
    of("class", Kind::Ranked(CLASSES), &["/class"], "how the event is treated, in rising order"),
    // From where.
    of("ip", Kind::Ip, &["/actor/ip", "/origin/ips"], "address of the actor or of any hop"),
    text("country", &["/origin/country"], "country of origin").also(&["origin.country"]).leading(),
    text("agent", &["/origin/user_agent"], "user agent").also(&["user_agent", "origin.user_agent"]).leading(),
    text("endpoint", &["/origin/endpoint"], "the endpoint that was called").also(&["origin.endpoint"]).leading(),
    // Where.
    text("tenant", &[], "tenant of the trail").reading(Reads::Tenant).leading(),
    text("trail", &[], "trail, alone or as `tenant/trail`").reading(Reads::Trail).leading(),
    text("env", &["/environment"], "environment").also(&["environment"]).leading(),
    text("region", &["/region"], "region").leading(),
    text("service", &["/service"], "service").leading(),
    text("source", &[], "source by kind, name or `kind/name`")
        .reading(Reads::Joined {
            pair: ["/producer/source_kind", "/producer/source_name"],
            members: &["/producer/source_kind", "/producer/source_name"],
        })
        .leading(),
    text("kind", &["/producer/source_kind"], "kind of the source alone").leading(),
    text("producer", &["/producer/principal"], "the authenticated sender")
        .also(&["principal", "producer.principal"])
        .leading(),
    // When.
    of("created", Kind::Time, &["/time"], "when it happened, by the producer's clock").also(&["time"]),
    of("ingested", Kind::Time, &["/received_at"], "when it was received").also(&["received_at"]),
    // Which one, and what belongs together.
    text("id", &["/id"], "id of the event"),
    text("position", &[], "`tenant/trail@index`").reading(Reads::Position),
    of("index", Kind::Number, &[], "index in the trail").reading(Reads::Index),
    text("request", &["/request_id"], "request").also(&["request_id"]),
    text("trace", &["/trace_id"], "trace (W3C)").also(&["trace_id"]),
    text("span", &["/span_id"], "span (W3C)").also(&["span_id"]),
    text("session", &["/session_id", "/actor/session"], "session").also(&["session_id"]),
    text("correlation", &["/correlation_id"], "correlation id").also(&["correlation_id"]),
    text("cause", &["/cause"], "what caused it: a position or an external reference"),
    text("schema", &["/schema"], "action schema, `name@version`").leading(),
    // Inside the change and the payload.
    of("changed", Kind::Changed, &["/changes"], "a path that changed, or one that it is part of"),
    of("before", Kind::Path, &["/before"], "the state before, by path"),
    of("after", Kind::Path, &["/after"], "the state after, by path"),
    of("metadata", Kind::Path, &["/metadata"], "metadata, by path").also(&["meta"]),
    text("before_hash", &["/before_hash"], "SHA-256 of the state before, in hex"),
    text("after_hash", &["/after_hash"], "SHA-256 of the state after, in hex"),
    of("raw", Kind::Words, &[], "words of the record as the source gave it").reading(Reads::RawText),
    // States.
    of("has", Kind::Has, &[], "a field that has a value").reading(Reads::Nothing),
    of("is", Kind::Is, &[], "a state of the event").reading(Reads::Nothing),
    of("case", Kind::Unavailable("cases do not exist yet"), &[], "case that the event belongs to")
        .reading(Reads::Nothing),
    of("held", Kind::Unavailable("legal holds do not exist yet"), &[], "legal hold that covers the event")
        .reading(Reads::Nothing),
    of(
        "proof",
        Kind::Unavailable("proof status is not indexed; `cairn verify` checks proofs"),
        &[],
        "whether the proof of the event holds",
    )
    .reading(Reads::Nothing),
    text("redacted", &["/protected"], "what protection did: a member, a rule, or `hash`, `mask`, `tokenize`, ..."),
];
