//! The quarantine: what waits in it, and trying it again.

use super::body::read;
use super::caller::Caller;
use super::parameters::Parameters;
use super::{blocking, json};
use crate::failure::Failure;
use crate::node::Node;
use crate::own::{self, Deed};
use crate::quarantine::{self, Entry, RETRIED_MAX, RETRY_ACTION, Tried};
use crate::write_path;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use cairn_access::{Principal, Scope};
use cairn_admit::quarantine_of;
use cairn_api::v1::{Retried, RetryAnswer, RetryRequest};
use cairn_event::{Index, Json, Operation, Position};
use cairn_store::Placed;

pub(crate) async fn list(State(node): State<Node>, caller: Caller, _: Parameters) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    json(&blocking(&node, move |node, _| quarantine::list(node, &principal)).await?)
}

pub(crate) async fn retry(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: RetryRequest = read(body).await?.unwrap_or_default();
    let asker = principal.clone();
    let (tried, next) = blocking(&node, move |node, _| try_all(node, &asker, &request)).await?;
    let mut answer = RetryAnswer {
        tried: tried.len() as u64,
        stored: 0,
        duplicate: 0,
        still: 0,
        results: Vec::with_capacity(tried.len()),
        next,
    };
    let mut solved = Vec::new();
    for (position, tried) in tried {
        let mut result = Retried { position: position.to_string(), event: None, reason: None };
        match tried {
            Tried::Still(reason) => {
                answer.still += 1;
                result.reason = Some(reason);
            }
            Tried::Mapped(trail, prepared) => {
                // One by one: each is durable before it is said to be solved, and one that can't be stored harms no other.
                let placed = write_path::commit_one(&node, &trail, *prepared).await?;
                match placed {
                    Placed::Stored { .. } => answer.stored += 1,
                    Placed::Duplicate { .. } | Placed::Conflict { .. } => answer.duplicate += 1,
                }
                result.event = Some(Position { trail, index: Index(placed.index()) }.to_string());
                solved.push(Json::from(result.position.as_str()));
            }
        }
        answer.results.push(result);
    }
    node.announce_growth();
    if !solved.is_empty() {
        let trail = quarantine_of(&principal.trail);
        let deed = Deed {
            resource: ("cairn.trail", trail.to_string()),
            trail,
            action: RETRY_ACTION,
            operation: Operation::Update,
            reason: None,
            metadata: [("solved", Json::Array(solved))].into_iter().collect(),
        };
        own::record(&node, &principal, deed).await?;
    }
    json(&answer)
}

type All = (Vec<(Position, Tried)>, Option<u64>);

fn try_all(node: &Node, principal: &Principal, request: &RetryRequest) -> Result<All, Failure> {
    let wanted = request.positions.as_ref();
    let is_wanted = |entry: &Entry| {
        wanted.is_none_or(|wanted| wanted.contains(&entry.position.to_string()))
            && request.source.as_ref().is_none_or(|source| source == entry.source())
            && request.after.is_none_or(|after| entry.position.index.0 > after)
    };
    let mut waiting: Vec<Entry> = quarantine::waiting(node, principal)?.entries.into_iter().filter(is_wanted).collect();
    if let Some(missing) = wanted
        .and_then(|wanted| wanted.iter().find(|name| !waiting.iter().any(|entry| entry.position.to_string() == **name)))
    {
        return Err(Failure::not_found(format!("{missing} does not wait in the quarantine")));
    }
    let is_more = waiting.len() > RETRIED_MAX;
    waiting.truncate(RETRIED_MAX);
    let next = waiting.last().filter(|_| is_more).map(|entry| entry.position.index.0);
    let tried = waiting.into_iter().map(|entry| Ok((entry.position.clone(), quarantine::try_again(node, &entry)?)));
    Ok((tried.collect::<Result<_, Failure>>()?, next))
}
