//! JSON to draft. The value is taken apart, so that no string is copied.

use super::Draft;
use crate::actor::{Actor, object};
use crate::invalid::Invalid;
use crate::json::{Json, Object};
use crate::resource::Resource;
use crate::text::{Action, FromJson, optional, required};

/// What may be said, in the order in which it is documented.
const MEMBERS: &[&str] = &[
    "id",
    "time",
    "actor",
    "action",
    "operation",
    "resource",
    "related",
    "outcome",
    "outcome_reason",
    "request_id",
    "trace_id",
    "span_id",
    "session_id",
    "correlation_id",
    "cause",
    "origin",
    "environment",
    "region",
    "service",
    "before",
    "after",
    "before_hash",
    "after_hash",
    "changes",
    "effective_change",
    "dry_run",
    "class",
    "severity",
    "schema",
    "metadata",
    "raw",
    "idempotency_key",
];

/// What only the server may say, and why.
const RESERVED: &[(&str, &str)] = &[
    ("received_at", "the server's clock says when an event was received; put your own into time"),
    ("before_blob", "put the state into before, however large it is"),
    ("after_blob", "put the state into after, however large it is"),
    ("raw_blob", "put the record into raw, however large it is"),
    ("producer", "it comes from the credential; who acted goes into actor"),
    ("conflict_with", "the server finds conflicts itself"),
    ("policy", "the server notes the policy in force itself"),
];

pub(super) fn draft(json: Json) -> Result<Draft, Invalid> {
    let mut object = object(json, "an event, which is a JSON object")?;
    let time = take(&mut object, "time")?;
    let actor = take::<Actor>(&mut object, "actor")?;
    let action = take::<Action>(&mut object, "action")?;
    let resource = take::<Resource>(&mut object, "resource")?;
    let mut draft = Draft::new(time, actor, action, resource);
    for (key, value) in object {
        optional_member(&mut draft, &key, value)?;
    }
    Ok(draft)
}

fn take<T: FromJson>(object: &mut Object, key: &'static str) -> Result<T, Invalid> {
    if let Some(value) = object.remove(key) {
        return required(key, value);
    }
    // A slip in the name of a required member is better told than its absence.
    match object.iter().find(|(name, _)| !MEMBERS.contains(name)) {
        Some((name, _)) => Err(unknown(name)),
        None => Err(Invalid::missing(key, T::WANT)),
    }
}

fn optional_member(draft: &mut Draft, key: &str, value: Json) -> Result<(), Invalid> {
    match key {
        "id" => draft.id = optional(key, value)?,
        "operation" => draft.operation = optional(key, value)?,
        "related" => draft.related = optional(key, value)?.unwrap_or_default(),
        "outcome" => draft.outcome = optional(key, value)?,
        "outcome_reason" => draft.outcome_reason = optional(key, value)?,
        "request_id" => draft.request_id = optional(key, value)?,
        "trace_id" => draft.trace_id = optional(key, value)?,
        "span_id" => draft.span_id = optional(key, value)?,
        "session_id" => draft.session_id = optional(key, value)?,
        "correlation_id" => draft.correlation_id = optional(key, value)?,
        "cause" => draft.cause = optional(key, value)?.unwrap_or_default(),
        "origin" => draft.origin = optional(key, value)?,
        "environment" => draft.environment = optional(key, value)?,
        "region" => draft.region = optional(key, value)?,
        "service" => draft.service = optional(key, value)?,
        // A state may be null: then there was, or is, nothing.
        "before" => draft.before = Some(required(key, value)?),
        "after" => draft.after = Some(required(key, value)?),
        "before_hash" => draft.before_hash = optional(key, value)?,
        "after_hash" => draft.after_hash = optional(key, value)?,
        "changes" => draft.changes = optional(key, value)?,
        "effective_change" => draft.effective_change = optional(key, value)?,
        "dry_run" => draft.dry_run = optional(key, value)?,
        "class" => draft.class = optional(key, value)?,
        "severity" => draft.severity = optional(key, value)?,
        "schema" => draft.schema = optional(key, value)?,
        "metadata" => draft.metadata = optional(key, value)?,
        "raw" => draft.raw = optional(key, value)?,
        "idempotency_key" => draft.idempotency_key = optional(key, value)?,
        other => return Err(unknown(other)),
    }
    Ok(())
}

fn unknown(name: &str) -> Invalid {
    match RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        Some((_, reason)) => Invalid::new("a value", "nothing: only the server sets it").hint(*reason).under(name),
        None => Invalid::unknown_member(name, MEMBERS, "free members go into metadata"),
    }
}
