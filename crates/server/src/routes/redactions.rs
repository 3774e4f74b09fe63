//! Hiding values after the fact, looking for values that should be hidden, reading tokens, and the epochs of the keys.

use super::body::{read, required};
use super::caller::Caller;
use super::parameters::Parameters;
use super::reads::own_trail;
use super::{blocking, json};
use crate::failure::Failure;
use crate::node::Node;
use crate::own::{self, Deed};
use crate::protection::EpochError;
use crate::read_path;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use cairn_access::{Principal, Scope};
use cairn_admit::Protection;
use cairn_admit::protect::uncovered;
use cairn_api::v1::{
    EpochList, EpochRequest, Finding, Redaction, RedactionRequest, Reveal, RevealRequest, Scan, Uncovered,
};
use cairn_event::json::Object;
use cairn_event::{Json, Operation, Positions, TrailName, TrailRef, hidden_with, slot_of};

/// Events that one request for a scan looks at, at most.
const SCAN_EVENTS_MAX: u64 = 10_000;
/// The trail of what was looked at and read.
const ACCESS_TRAIL: &str = "access";

pub(crate) async fn apply(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: RedactionRequest = required(body, "an object with event, members and reason").await?;
    let reason = reason_of(request.reason)?;
    let slots = slots(&request.members)?;
    let name = read_path::EventName::parse(&request.event)?;
    let reader = principal.clone();
    let position = blocking(&node, move |node, gone| {
        let bound = read_path::Bound::new(node, gone);
        read_path::locate(node, &reader, name, &bound)
    });
    let position = position.await?;
    let members = slots.iter().map(|slot| Json::from(*slot)).collect();
    let deed = Deed {
        trail: position.trail.clone(),
        action: "cairn.redaction.apply",
        operation: Operation::Update,
        resource: ("cairn.event", position.to_string()),
        reason: Some(reason),
        metadata: [("members", Json::Array(members))].into_iter().collect(),
    };
    let recorded = own::record(&node, &principal, deed).await?;
    let (at, hidden) = (position.clone(), slots.clone());
    blocking(&node, move |node, _| {
        let with: Vec<&str> =
            hidden.iter().flat_map(|slot| [slot].into_iter().chain(hidden_with(slot))).copied().collect();
        node.store().redact(&at.trail, at.index.0, &with)?;
        node.follow().renew(at);
        Ok(())
    })
    .await?;
    let members = slots.iter().map(|slot| (*slot).to_owned()).collect();
    json(&Redaction { position: position.to_string(), members, recorded: recorded.to_string() })
}

/// The slots that members name: `metadata`, `actor.email`, `/actor/email`.
fn slots(members: &[String]) -> Result<Vec<&'static str>, Failure> {
    let slot = |member: &String| {
        let pointer = if member.starts_with('/') { member.clone() } else { format!("/{}", member.replace('.', "/")) };
        let slot = slot_of(&pointer).filter(|slot| *slot == pointer);
        slot.ok_or_else(|| {
            Failure::parameter("members", "one of them can't be hidden alone")
                .hint(format!("there are: {}", cairn_event::SLOTS.join(" ")))
        })
    };
    let slots = members.iter().map(slot).collect::<Result<Vec<_>, _>>()?;
    if slots.is_empty() { Err(Failure::parameter("members", "want at least one")) } else { Ok(slots) }
}

pub(crate) async fn scan(
    State(node): State<Node>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let trail = match parameters.get("trail") {
        Some(name) => own_trail(&principal, name)?,
        None => principal.trail.clone(),
    };
    let from = match parameters.get("from") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Failure::parameter("from", "want an index: 0"))?,
    };
    let page = blocking(&node, move |node, _| scan_page(node, &principal, &trail, from));
    json(&page.await?)
}

fn scan_page(node: &Node, principal: &Principal, trail: &TrailRef, from: u64) -> Result<Scan, Failure> {
    let size = node.reader().size(trail);
    let keys = node.keys().of(principal.tenant());
    let protection = Protection { rules: &node.config().protection, keys: &keys };
    let end = size.min(from.saturating_add(SCAN_EVENTS_MAX));
    let mut scan = Scan { trail: trail.to_string(), size, scanned: 0, uncovered: Vec::new(), next: None };
    let at = read_path::each_event(node, trail, from..end, |position, event| {
        scan.scanned += 1;
        let found = uncovered(protection, event);
        if !found.is_empty() {
            let finding = |note: cairn_event::Note| Finding { member: note.member, rule: note.rule, count: note.count };
            let findings = found.into_iter().map(finding).collect();
            scan.uncovered.push(Uncovered { position: position.to_string(), findings });
        }
    })?;
    scan.next = (at < size && at > from).then_some(at);
    node.telemetry().scanned(scan.scanned, scan.uncovered.len() as u64);
    Ok(scan)
}

pub(crate) async fn reveal(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: RevealRequest = required(body, "an object with token and reason").await?;
    let reason = reason_of(request.reason)?;
    let value = node.keys().of(principal.tenant()).reveal(&request.token);
    let name: TrailName = ACCESS_TRAIL.parse().expect("every tenant may have this trail");
    let deed = Deed {
        trail: TrailRef { tenant: principal.tenant().clone(), trail: name },
        action: "cairn.token.reveal",
        operation: Operation::Read,
        resource: ("cairn.token", request.token.chars().take(256).collect()),
        reason: Some(reason),
        metadata: [("revealed", Json::from(value.is_some()))].into_iter().collect(),
    };
    // Durable before anybody sees the value.
    let recorded = own::record(&node, &principal, deed).await?;
    let value = value.ok_or_else(|| {
        Failure::not_found("no value is behind this token")
            .hint("it is of another tenant, of an epoch that was forgotten, a hash, or not whole")
    })?;
    json(&Reveal { value, recorded: recorded.to_string() })
}

pub(crate) async fn epochs(State(node): State<Node>, caller: Caller, _: Parameters) -> Result<Response, Failure> {
    caller.with(Scope::Admin)?;
    json(&EpochList { epochs: node.keys().epochs() })
}

pub(crate) async fn change_epochs(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: EpochRequest = read(body).await?.unwrap_or_default();
    let mut metadata = Object::new();
    let action = match request.forget {
        Some(epoch) => {
            metadata.insert("epoch", u64::from(epoch));
            "cairn.protection.epoch.forget"
        }
        None => "cairn.protection.epoch.begin",
    };
    let deed = Deed {
        trail: principal.trail.clone(),
        action,
        operation: Operation::Update,
        resource: ("cairn.keys", "protection".to_owned()),
        reason: request.reason,
        metadata,
    };
    own::record(&node, &principal, deed).await?;
    let changed = blocking(&node, move |node, _| {
        let changed = match request.forget {
            Some(epoch) => node.keys().forget_epoch(node.engines(), epoch),
            None => node.keys().begin_epoch(node.engines()),
        };
        changed.map_err(|error| match error {
            EpochError::Store(error) => error.into(),
            EpochError::TooMany => Failure::parameter("epochs", error.to_string()).hint("forget an old one first"),
            EpochError::NotOver => Failure::parameter("forget", error.to_string()),
        })
    });
    changed.await?;
    json(&EpochList { epochs: node.keys().epochs() })
}

/// Why something is done that needs a reason.
fn reason_of(reason: String) -> Result<String, Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::parameter("reason", "want the reason, in words that an auditor understands"));
    }
    Ok(reason)
}
