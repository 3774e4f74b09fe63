//! Kubernetes API server audit events, `audit.k8s.io/v1` and `v1beta1`.

mod map;
mod stages;
mod verb;

use crate::detect::{Glimpse, best_likeness};
use crate::frame::json::JsonRecords;
use crate::{Delivery, Framing, Likeness, MapError, Mapped, Records, Source, SplitError};

/// The member of an `EventList` that holds the events.
const ENVELOPE: &[&str] = &["items"];

/// Kubernetes audit events: an `EventList`, single events, arrays, or one per line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kubernetes;

impl Source for Kubernetes {
    fn kind(&self) -> &str {
        "kubernetes"
    }

    fn title(&self) -> &str {
        "Kubernetes audit"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, ENVELOPE, judge)
    }

    fn framing(&self) -> Framing {
        Framing::Blocks
    }

    fn split<'a>(&'a self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Ok(Box::new(stages::together(JsonRecords::of(body, ENVELOPE)?)))
    }

    fn map(&self, record: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError> {
        map::map(record, delivery)
    }
}

fn judge(seen: Glimpse<'_>) -> Likeness {
    let version = seen.text("apiVersion");
    if version.is_some_and(|version| version.starts_with("audit.k8s.io/")) {
        return Likeness::new(100, "apiVersion is audit.k8s.io");
    }
    if version.is_some() {
        return Likeness::NONE;
    }
    if seen.has_all(&["auditID", "verb"]) {
        return Likeness::new(95, "has auditID and verb");
    }
    let is_event = seen.text("kind") == Some("Event");
    let about_request = ["user", "objectRef", "responseStatus", "requestURI", "sourceIPs"];
    if is_event && seen.has("verb") && about_request.iter().any(|name| seen.has(name)) {
        return Likeness::new(80, "kind is Event, has verb and other members of a request");
    }
    if seen.has("kind") {
        return Likeness::new(10, "has kind, as every Kubernetes object");
    }
    Likeness::NONE
}
