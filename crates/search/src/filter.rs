//! What an index is asked: a boolean of exact terms, term patterns and ranges.

use cairn_event::TrailRef;
use cairn_event::filter::Pattern;

/// Where a term stands. Terms are folded as [`cairn_event::filter::fold`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TermField {
    /// Id, name and e-mail of the actor.
    Actor,
    /// Kind of actor.
    ActorType,
    /// The action.
    Action,
    /// The operation.
    Op,
    /// Id and name of the resource, `type/id` and `type:id`.
    Resource,
    /// Type of the resource.
    Type,
    /// How it ended.
    Outcome,
    /// Severity.
    Severity,
    /// Class.
    Class,
    /// Environment.
    Env,
    /// Service.
    Service,
    /// Region.
    Region,
    /// Kind and name of the source, and `kind/name`.
    Source,
    /// The authenticated sender.
    Producer,
    /// Country of origin.
    Country,
    /// Addresses as fixed-width hexadecimal, so that a network is a range of terms.
    Ip,
    /// Changed paths and all that they are part of.
    Changed,
    /// The states of `is:`.
    State,
    /// The names of optional fields that are present.
    Has,
    /// Words of the text, by [`cairn_event::filter::words`].
    Word,
}

impl TermField {
    /// All of them, in the order of an engine's schema.
    pub const ALL: &[Self] = &[
        Self::Actor,
        Self::ActorType,
        Self::Action,
        Self::Op,
        Self::Resource,
        Self::Type,
        Self::Outcome,
        Self::Severity,
        Self::Class,
        Self::Env,
        Self::Service,
        Self::Region,
        Self::Source,
        Self::Producer,
        Self::Country,
        Self::Ip,
        Self::Changed,
        Self::State,
        Self::Has,
        Self::Word,
    ];

    /// The name of the field in an engine's schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::ActorType => "actor_type",
            Self::Action => "action",
            Self::Op => "op",
            Self::Resource => "res",
            Self::Type => "type",
            Self::Outcome => "outcome",
            Self::Severity => "severity",
            Self::Class => "class",
            Self::Env => "env",
            Self::Service => "service",
            Self::Region => "region",
            Self::Source => "source",
            Self::Producer => "producer",
            Self::Country => "country",
            Self::Ip => "ip",
            Self::Changed => "changed",
            Self::State => "state",
            Self::Has => "has",
            Self::Word => "word",
        }
    }
}

/// A number that every document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberField {
    /// When it happened, in nanoseconds since 1970.
    Time,
    /// When it was received, in nanoseconds since 1970.
    Received,
    /// The index in the trail.
    Index,
}

/// Which documents are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every document.
    All,
    /// No document.
    Nothing,
    /// Documents that have this term.
    Term(TermField, String),
    /// Documents that have a term which matches, by [`Pattern::matches_folded`].
    Pattern(TermField, Pattern),
    /// Documents that have a term from `from` to `to`, both included, in byte order.
    Between {
        /// Where the term stands.
        field: TermField,
        /// The least term.
        from: String,
        /// The greatest term.
        to: String,
    },
    /// Documents whose number lies from `from` to `to`, both included.
    Number {
        /// Which number.
        field: NumberField,
        /// The least value.
        from: i64,
        /// The greatest value.
        to: i64,
    },
    /// Documents of this trail.
    Trail(TrailRef),
    /// Documents that pass all of these; at least two.
    And(Vec<Filter>),
    /// Documents that pass at least one of these; at least two.
    Or(Vec<Filter>),
    /// Documents that don't pass this.
    Not(Box<Filter>),
}

impl Filter {
    /// All of `filters`; those that say nothing drop out.
    #[must_use]
    pub fn and(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut operands = Vec::new();
        for filter in filters {
            match filter {
                Self::All => {}
                Self::Nothing => return Self::Nothing,
                Self::And(inner) => operands.extend(inner),
                other => operands.push(other),
            }
        }
        match operands.len() {
            0 => Self::All,
            1 => operands.swap_remove(0),
            _ => Self::And(operands),
        }
    }

    /// At least one of `filters`; none at all is [`Filter::Nothing`].
    #[must_use]
    pub fn or(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut operands = Vec::new();
        for filter in filters {
            match filter {
                Self::Nothing => {}
                Self::All => return Self::All,
                Self::Or(inner) => operands.extend(inner),
                other => operands.push(other),
            }
        }
        match operands.len() {
            0 => Self::Nothing,
            1 => operands.swap_remove(0),
            _ => Self::Or(operands),
        }
    }

    /// The documents that `self` leaves out.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::All => Self::Nothing,
            Self::Nothing => Self::All,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}
