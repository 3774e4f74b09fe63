//! Kubernetes API server audit events, `audit.k8s.io/v1` and `v1beta1`.

mod map;
mod verb;

use crate::detect::{Glimpse, best_likeness};
use crate::{Likeness, MapError, Mapped, Record, Records, Source, SplitError};

/// The member of an `EventList` that holds the events.
const ENVELOPE: &str = "items";

/// Kubernetes audit events: an `EventList`, single events, arrays, or one per line.
#[derive(Debug, Clone, Copy)]
pub struct Kubernetes;

impl Source for Kubernetes {
    fn kind(&self) -> &'static str {
        "kubernetes"
    }

    fn sniff(&self, head: &[u8]) -> Likeness {
        best_likeness(head, Some(ENVELOPE), judge)
    }

    fn split<'a>(&self, body: &'a [u8]) -> Result<Records<'a>, SplitError> {
        Records::of(body, Some(ENVELOPE))
    }

    fn map(&self, record: Record<'_>) -> Result<Mapped, MapError> {
        map::map(record)
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
