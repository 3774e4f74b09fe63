//! What could not be read: grouped by cause, and tried again under the mappings and rules of today.

use crate::failure::Failure;
use crate::node::Node;
use crate::read_path;
use crate::write_path::{self, Ids, Producer};
use cairn_access::{Principal, Scopes};
use cairn_admit::{Admitted, Occurrences, QUARANTINE_ACTION, Verdict, admit, quarantine_of};
use cairn_api::v1::{QuarantineGroup, QuarantineList};
use cairn_event::{Json, Position, Positions, TrailRef};
use cairn_store::Prepared;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// The action of the event that says what was tried again.
pub(crate) const RETRY_ACTION: &str = "cairn.quarantine.retry";
/// Records that one listing looks at: the newest ones.
const LISTED_MAX: u64 = 100_000;
/// Records that one request tries again, at most.
pub(crate) const RETRIED_MAX: usize = 500;

/// A record that could not be read.
pub(crate) struct Entry {
    pub(crate) position: Position,
    event: Json,
}

impl Entry {
    fn text(&self, pointer: &str) -> &str {
        self.event.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
    }

    /// Kind and name of its source.
    pub(crate) fn source(&self) -> &str {
        self.text("/resource/id")
    }
}

/// The records that wait, oldest first, and how many were tried again with success.
pub(crate) struct Waiting {
    pub(crate) entries: Vec<Entry>,
    pub(crate) solved: usize,
    /// Whether there are older ones that were not looked at.
    pub(crate) is_partial: bool,
}

/// Reads the quarantine.
pub(crate) fn waiting(node: &Node, principal: &Principal) -> Result<Waiting, Failure> {
    let trail = quarantine_of(&principal.trail);
    let size = node.reader().size(&trail);
    let first = size.saturating_sub(LISTED_MAX);
    let (mut entries, mut solved) = (Vec::new(), HashSet::new());
    read_path::each_event(node, &trail, first..size, |position, event| {
        match event.get("action").and_then(Json::as_str) {
            Some(QUARANTINE_ACTION) => entries.push(Entry { position, event }),
            Some(RETRY_ACTION) => {
                let positions = event.pointer("/metadata/solved").and_then(Json::as_array).unwrap_or_default();
                solved.extend(positions.iter().filter_map(Json::as_str).map(str::to_owned));
            }
            _ => {}
        }
    })?;
    let before = entries.len();
    entries.retain(|entry| !solved.contains(&entry.position.to_string()));
    Ok(Waiting { solved: before - entries.len(), entries, is_partial: first > 0 })
}

/// The records that wait, grouped by source, side at fault and cause.
pub(crate) fn list(node: &Node, principal: &Principal) -> Result<QuarantineList, Failure> {
    let found = waiting(node, principal)?;
    let mut groups: BTreeMap<[String; 4], QuarantineGroup> = BTreeMap::new();
    for entry in &found.entries {
        let [source, fault, code, field] = ["/resource/id", "/metadata/fault", "/metadata/code", "/metadata/field"]
            .map(|at| entry.text(at).to_owned());
        let time = entry.text("/received_at").to_owned();
        let group = groups.entry([source.clone(), fault.clone(), code.clone(), field.clone()]);
        let group = group.or_insert_with(|| QuarantineGroup {
            source,
            fault,
            code,
            field,
            reason: entry.text("/outcome_reason").to_owned(),
            count: 0,
            first: time.clone(),
            last: String::new(),
            example: entry.position.to_string(),
        });
        group.count += 1;
        group.last = time;
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(QuarantineList {
        trail: quarantine_of(&principal.trail).to_string(),
        waiting: found.entries.len() as u64,
        solved: found.solved as u64,
        partial: found.is_partial,
        groups,
    })
}

/// What became of a record that was tried again.
pub(crate) enum Tried {
    /// It is an event now, to be committed to this trail.
    Mapped(TrailRef, Box<Prepared>),
    /// It still can't be read.
    Still(String),
}

/// Maps and admits a record as if it had come when it came, by whom it came.
pub(crate) fn try_again(node: &Node, entry: &Entry) -> Result<Tried, Failure> {
    let still = |reason: &str| Ok(Tried::Still(reason.to_owned()));
    let Some((kind, name)) = entry.source().split_once('/') else { return still("it names no source") };
    let Some(source) = node.config().sources.by_kind(kind) else {
        return still("there is no source of its kind any more");
    };
    let (id, trail) = (entry.text("/producer/principal").parse(), entry.text("/resource/parent").parse::<TrailRef>());
    let (Ok(id), Ok(trail)) = (id, trail) else { return still("it does not say who sent it and where to") };
    if trail.tenant != entry.position.trail.tenant {
        return still("it was meant for another tenant");
    }
    let Ok(received_at) = entry.text("/received_at").parse::<Timestamp>() else {
        return still("it does not say when it came");
    };
    let headers = entry.event.pointer("/metadata/headers").and_then(Json::as_object);
    let headers = headers.into_iter().flat_map(|headers| headers.iter());
    let headers = headers.filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned()))).collect();
    let principal = Principal { id, trail, scopes: Scopes::from_words(["ingest"]).expect("it is a scope") };
    let producer = Producer { principal, source: source.clone(), source_name: name.to_owned(), headers };
    let bytes = read_path::value(node, &entry.position, "raw")?;
    let keys = node.keys().of(producer.principal.tenant());
    let facts = write_path::facts(node, &producer, &keys, received_at);
    let facts = cairn_admit::Facts { retried_from: Some(&entry.position), ..facts };
    let id = Ids::new(node).next(received_at);
    let offer = write_path::offer(&producer, &bytes, None, (received_at, id));
    match admit(offer, &facts, &mut Occurrences::default()) {
        Verdict::Admitted(admitted) => {
            let Admitted { event, trail, key, fingerprint } = *admitted;
            let prepared = node.store().prepare(&trail, &event, key, fingerprint)?;
            Ok(Tried::Mapped(trail, Box::new(prepared)))
        }
        Verdict::Quarantined { reason, .. } | Verdict::Refused(reason) => still(&reason.to_string()),
    }
}
