//! The members of an event that a segment repeats as typed columns, so that a query engine can prune.

use super::segment::Row;
use crate::error::Corrupt;
use jiff::Timestamp;
use serde::Deserialize;

/// One value per typed column; `None` where the event has no such member or it is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) time: i64,
    pub(crate) received_at: i64,
    /// In the order of [`TEXT_COLUMNS`].
    pub(crate) texts: [Option<String>; TEXT_COLUMNS.len()],
}

/// Names of the text columns in file order.
pub(crate) const TEXT_COLUMNS: [&str; 14] = [
    "id",
    "actor_id",
    "actor_type",
    "action",
    "operation",
    "resource_type",
    "resource_id",
    "outcome",
    "class",
    "severity",
    "request_id",
    "trace_id",
    "principal",
    "source",
];

/// The members of a part that become columns; all others are passed over without being built.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members {
    id: Option<String>,
    time: Option<String>,
    received_at: Option<String>,
    actor: Option<Typed>,
    action: Option<String>,
    operation: Option<String>,
    resource: Option<Typed>,
    outcome: Option<String>,
    class: Option<String>,
    severity: Option<String>,
    request_id: Option<String>,
    trace_id: Option<String>,
    producer: Option<Producer>,
}

/// An actor or a resource.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    id: Option<String>,
    r#type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Producer {
    principal: Option<String>,
    source_kind: Option<String>,
    source_name: Option<String>,
}

impl Columns {
    /// Reads the members out of the two texts of a row.
    pub(crate) fn of(row: &Row, file: &str) -> Result<Columns, Corrupt> {
        let unread = |what: String| Corrupt::in_file(file, format!("event {}: {what}", row.index));
        let members = |text: &str| serde_json::from_str::<Members>(text).map_err(|error| unread(error.to_string()));
        let (said, added) = (members(&row.texts[0])?, members(&row.texts[1])?);
        let nanoseconds = |name: &str, text: Option<String>| {
            let time: Option<Timestamp> = text.and_then(|time| time.parse().ok());
            let time = time.ok_or_else(|| unread(format!("no time at /{name}")))?;
            i64::try_from(time.as_nanosecond()).map_err(|_| unread(format!("/{name} is beyond the years 1677 to 2262")))
        };
        let (actor, resource) = (said.actor.unwrap_or_default(), said.resource.unwrap_or_default());
        let producer = added.producer.unwrap_or_default();
        let source = producer.source_kind.zip(producer.source_name).map(|(kind, name)| format!("{kind}/{name}"));
        Ok(Columns {
            time: nanoseconds("time", said.time)?,
            received_at: nanoseconds("received_at", added.received_at)?,
            texts: [
                said.id.or(added.id),
                actor.id,
                actor.r#type,
                said.action,
                said.operation,
                resource.r#type,
                resource.id,
                said.outcome,
                said.class.or(added.class),
                said.severity.or(added.severity),
                said.request_id,
                said.trace_id,
                producer.principal,
                source,
            ],
        })
    }
}
