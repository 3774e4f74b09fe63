//! Draft to the text of part 0. Members are written in canonical order as they come, which the
//! tests hold against the general canonical writer.

use std::fmt::{Display, Write as _};
use std::ops::Range;

use super::Draft;
use crate::actor::Actor;
use crate::blob::Blobs;
use crate::canonical::{self, Numbers};
use crate::json::{Json, write_string};
use crate::parts::{PartText, PartWriter};
use crate::resource::{Origin, Resource};

/// What a draft comes to in writing.
pub(crate) struct Written {
    pub(crate) part: PartText,
    pub(crate) blobs: Blobs,
    /// Where the member `id` stands in the text, with the comma before it.
    pub(crate) id: Range<usize>,
}

pub(crate) fn part(draft: &Draft) -> Written {
    let mut w = PartWriter::new();
    w.member("action", text(draft.action.as_str()));
    w.object("actor", |w| actor(w, &draft.actor));
    states(&mut w, draft);
    let id = correlation(&mut w, draft);
    if let Some(metadata) = &draft.metadata {
        w.slot("/metadata", json(metadata.as_json()));
    }
    if let Some(operation) = draft.operation {
        w.member("operation", text(operation.as_str()));
    }
    if let Some(from) = &draft.origin {
        w.object("origin", |w| origin(w, from));
    }
    if let Some(outcome) = draft.outcome {
        w.member("outcome", text(outcome.as_str()));
    }
    if let Some(reason) = &draft.outcome_reason {
        w.slot("/outcome_reason", text(reason.as_str()));
    }
    if let Some(region) = &draft.region {
        w.member("region", text(region.as_str()));
    }
    if !draft.related.is_empty() {
        w.slot(
            "/related",
            list(&draft.related, |resource, out| {
                canonical::write(&resource.to_json(), Numbers::AsWritten, out);
            }),
        );
    }
    if let Some(request_id) = &draft.request_id {
        w.member("request_id", text(request_id.as_str()));
    }
    w.object("resource", |w| resource(w, &draft.resource));
    rest(&mut w, draft);
    let (part, blobs) = w.finish_with_blobs();
    Written { part, blobs, id }
}

/// From `after` to `before_hash`.
fn states(w: &mut PartWriter, draft: &Draft) {
    if let Some(state) = &draft.after {
        w.slot_or_blob("/after", "/after_blob", json(state.as_json()));
    }
    if let Some(hash) = &draft.after_hash {
        w.slot("/after_hash", plain(hash));
    }
    if let Some(state) = &draft.before {
        w.slot_or_blob("/before", "/before_blob", json(state.as_json()));
    }
    if let Some(hash) = &draft.before_hash {
        w.slot("/before_hash", plain(hash));
    }
}

/// From `cause` to `id`, of which it gives the place.
fn correlation(w: &mut PartWriter, draft: &Draft) -> Range<usize> {
    if !draft.cause.is_empty() {
        w.member("cause", list(&draft.cause, |id, out| write_string(id.as_str(), out)));
    }
    if let Some(changes) = &draft.changes {
        w.slot("/changes", |out| changes.write(out));
    }
    if let Some(class) = draft.class {
        w.member("class", text(class.as_str()));
    }
    if let Some(id) = &draft.correlation_id {
        w.member("correlation_id", text(id.as_str()));
    }
    if let Some(is_dry) = draft.dry_run {
        w.member("dry_run", boolean(is_dry));
    }
    if let Some(is_effective) = draft.effective_change {
        w.member("effective_change", boolean(is_effective));
    }
    if let Some(environment) = &draft.environment {
        w.member("environment", text(environment.as_str()));
    }
    let before = w.length();
    if let Some(id) = &draft.id {
        w.member("id", plain(id));
    }
    before..w.length()
}

/// From `schema` to `trace_id`.
fn rest(w: &mut PartWriter, draft: &Draft) {
    if let Some(schema) = &draft.schema {
        w.member("schema", text(schema.as_str()));
    }
    if let Some(service) = &draft.service {
        w.member("service", text(service.as_str()));
    }
    if let Some(id) = &draft.session_id {
        w.member("session_id", text(id.as_str()));
    }
    if let Some(severity) = draft.severity {
        w.member("severity", text(severity.as_str()));
    }
    if let Some(id) = &draft.span_id {
        w.member("span_id", text(id.as_str()));
    }
    w.member("time", plain(&draft.time));
    if let Some(id) = &draft.trace_id {
        w.member("trace_id", text(id.as_str()));
    }
}

fn actor(w: &mut PartWriter, actor: &Actor) {
    if !actor.approved_by.is_empty() {
        w.slot("/actor/approved_by", list(&actor.approved_by, |id, out| write_string(id.as_str(), out)));
    }
    if let Some(auth) = &actor.auth {
        let auth = auth.to_json();
        w.member("auth", json(&auth));
    }
    if let Some(email) = &actor.email {
        w.slot("/actor/email", text(email.as_str()));
    }
    w.slot("/actor/id", text(actor.id.as_str()));
    if let Some(ip) = &actor.ip {
        w.slot("/actor/ip", plain(ip));
    }
    if let Some(name) = &actor.name {
        w.slot("/actor/name", text(name.as_str()));
    }
    if let Some(other) = &actor.on_behalf_of {
        w.slot("/actor/on_behalf_of", |out| other.write(out));
    }
    if let Some(session) = &actor.session {
        w.slot("/actor/session", text(session.as_str()));
    }
    w.member("type", text(actor.actor_type.as_str()));
    if let Some(via) = actor.via {
        w.member("via", text(via.as_str()));
    }
}

fn origin(w: &mut PartWriter, origin: &Origin) {
    if let Some(country) = &origin.country {
        w.member("country", text(country.as_str()));
    }
    if let Some(endpoint) = &origin.endpoint {
        w.member("endpoint", text(endpoint.as_str()));
    }
    if !origin.ips.is_empty() {
        w.slot("/origin/ips", list(&origin.ips, |ip, out| plain(ip)(out)));
    }
    if let Some(user_agent) = &origin.user_agent {
        w.slot("/origin/user_agent", text(user_agent.as_str()));
    }
}

fn resource(w: &mut PartWriter, resource: &Resource) {
    w.slot("/resource/id", text(resource.id.as_str()));
    if let Some(name) = &resource.name {
        w.slot("/resource/name", text(name.as_str()));
    }
    if let Some(namespace) = &resource.namespace {
        w.member("namespace", text(namespace.as_str()));
    }
    if let Some(parent) = &resource.parent {
        w.member("parent", text(parent.as_str()));
    }
    w.member("type", text(resource.resource_type.as_str()));
}

/// A string of any content.
pub(crate) fn text(text: &str) -> impl FnOnce(&mut String) {
    move |out| write_string(text, out)
}

/// A string of which the printed form never needs an escape: times, ids, hashes, addresses.
pub(crate) fn plain(value: &impl Display) -> impl FnOnce(&mut String) {
    move |out| write!(out, "\"{value}\"").expect("writing to a String can't fail")
}

pub(crate) fn boolean(value: bool) -> impl FnOnce(&mut String) {
    move |out| out.push_str(if value { "true" } else { "false" })
}

/// A value whose text is not known to be canonical.
pub(crate) fn json(json: &Json) -> impl FnOnce(&mut String) {
    move |out| canonical::write(json, Numbers::AsWritten, out)
}

fn list<T>(items: &[T], write: impl Fn(&T, &mut String)) -> impl FnOnce(&mut String) {
    move |out| {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write(item, out);
        }
        out.push(']');
    }
}
