//! Reading: search, who, timeline, one event, its proof, the tail, the trails.

use super::caller::Caller;
use super::parameters::Parameters;
use super::{blocking, json, prefers};
use crate::failure::Failure;
use crate::node::Node;
use crate::read_path::{self, Asked, Bound, EventName, LIMIT_DEFAULT, Paging, read_query};
use crate::tail::Tail;
use crate::telemetry;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use cairn_access::{Principal, Scope};
use cairn_api::ProblemCode;
use cairn_api::v1::{TrailList, TrailView};
use cairn_event::{BLOBS, Position, Positions, TrailRef};
use cairn_search::run::LIMIT_MAX;
use cairn_search::{Cursor, Order, TimelineBy};
use std::time::{Duration, Instant};

/// A stream that has nothing to send says so this often, so that both sides know that the other lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Most events before the end that a tail may begin with.
const TAIL_LAST_MAX: u64 = 10_000;

fn paging(parameters: &Parameters) -> Result<Paging, Failure> {
    let limit = parameters.number("limit", LIMIT_MAX as u64)?.and_then(|limit| usize::try_from(limit).ok());
    let cursor = parameters.get("cursor").map(Cursor::parse).transpose().map_err(|error| {
        Failure::new(ProblemCode::CursorInvalid, error.to_string()).field("cursor").hint("begin again without a cursor")
    })?;
    Ok(Paging { cursor, limit: limit.unwrap_or(LIMIT_DEFAULT) })
}

pub(crate) async fn search(
    State(node): State<Node>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let began = Instant::now();
    let page = blocking(&node, move |node, gone| {
        let paging = paging(&parameters)?;
        let order = match parameters.word("order", &["newest", "oldest"])? {
            Some("oldest") => Order::Oldest,
            _ => Order::Newest,
        };
        let bounds = (parameters.get("from"), parameters.get("to"));
        let q = parameters.get("q").unwrap_or_default();
        let asked = read_query(node, q, bounds, parameters.get("zone"), paging.cursor.as_ref())?;
        read_path::search_page(node, &principal, &asked, &paging, order, &Bound::new(node, gone))
    });
    let page = page.await?;
    node.telemetry().read(telemetry::Read::Search, began.elapsed());
    json(&page)
}

pub(crate) async fn who(State(node): State<Node>, caller: Caller, parameters: Parameters) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let began = Instant::now();
    let page = blocking(&node, move |node, gone| {
        let paging = paging(&parameters)?;
        let query = read_path::who_query(parameters.need("verb")?, parameters.need("resource")?)?;
        let as_of = paging.cursor.as_ref().map_or_else(|| node.now(), Cursor::as_of);
        let asked = Asked::at(query, as_of);
        read_path::search_page(node, &principal, &asked, &paging, Order::Newest, &Bound::new(node, gone))
    });
    let page = page.await?;
    node.telemetry().read(telemetry::Read::Who, began.elapsed());
    json(&page)
}

pub(crate) async fn timeline(
    State(node): State<Node>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Failure> {
    const BY: [(&str, TimelineBy); 5] = [
        ("request_id", TimelineBy::Request),
        ("trace_id", TimelineBy::Trace),
        ("session_id", TimelineBy::Session),
        ("actor", TimelineBy::Actor),
        ("resource", TimelineBy::Resource),
    ];
    let principal = caller.with(Scope::Read)?;
    let began = Instant::now();
    let events = blocking(&node, move |node, gone| {
        let given: Vec<_> = BY.iter().filter(|(name, _)| parameters.get(name).is_some()).collect();
        let [(name, by)] = given.as_slice() else {
            let names = BY.map(|(name, _)| name).join(", ");
            return Err(Failure::parameter("request_id", format!("want exactly one of: {names}")));
        };
        let value = parameters.need(name)?;
        read_path::timeline(node, &principal, (*by, value), &paging(&parameters)?, &Bound::new(node, gone))
    });
    let events = events.await?;
    node.telemetry().read(telemetry::Read::Timeline, began.elapsed());
    json(&events)
}

pub(crate) async fn event(
    State(node): State<Node>,
    caller: Caller,
    Path(event): Path<String>,
    _: Parameters,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let (name, began) = (EventName::parse(&event)?, Instant::now());
    let view = blocking(&node, move |node, gone| {
        let position = read_path::locate(node, &principal, name, &Bound::new(node, gone))?;
        read_path::show(node, &position)
    });
    let view = view.await?;
    node.telemetry().read(telemetry::Read::Event, began.elapsed());
    json(&view)
}

pub(crate) async fn proof(
    State(node): State<Node>,
    caller: Caller,
    Path(event): Path<String>,
    _: Parameters,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let name = EventName::parse(&event)?;
    if prefers(&headers, "text/plain", "application/json") {
        let text = blocking(&node, move |node, gone| {
            let position = read_path::locate(node, &principal, name, &Bound::new(node, gone))?;
            read_path::prove_as_text(node, &position)
        });
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.await?).into_response());
    }
    let view = blocking(&node, move |node, gone| {
        let position = read_path::locate(node, &principal, name, &Bound::new(node, gone))?;
        read_path::prove(node, &position)
    });
    json(&view.await?)
}

pub(crate) async fn value(
    State(node): State<Node>,
    caller: Caller,
    Path((event, member)): Path<(String, String)>,
    _: Parameters,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let name = EventName::parse(&event)?;
    let Some((member, _)) = BLOBS.into_iter().find(|(known, _)| *known == member) else {
        let known = BLOBS.map(|(known, _)| known).join(", ");
        return Err(Failure::not_found("events have no such large value").hint(format!("there are {known}")));
    };
    let media = if member == "raw" { "application/octet-stream" } else { "application/json" };
    let bytes = blocking(&node, move |node, gone| {
        let position = read_path::locate(node, &principal, name, &Bound::new(node, gone))?;
        read_path::value(node, &position, member)
    });
    Ok(([(header::CONTENT_TYPE, media)], bytes.await?).into_response())
}

pub(crate) async fn tail(
    State(node): State<Node>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let permit = node.gate().tail()?;
    let asked = read_query(&node, parameters.get("q").unwrap_or_default(), (None, None), None, None)?;
    let (trail, next) = tail_start(&node, &principal, &parameters, &headers)?;
    let query = node.keys().widened(principal.tenant(), &asked.query);
    let stream = Tail::new(node, trail, query, next, permit).into_stream();
    let stream = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that gathers a response before it passes it on would hold the events back.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], stream).into_response())
}

/// The trail to follow, and the first index to look at.
fn tail_start(
    node: &Node,
    principal: &Principal,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<(TrailRef, u64), Failure> {
    let named = match parameters.get("trail") {
        Some(name) => Some(own_trail(principal, name)?),
        None => None,
    };
    if let Some(last) = headers.get("last-event-id") {
        let position = last.to_str().ok().and_then(|text| text.parse::<Position>().ok());
        let position = position.filter(|position| principal.reaches(&position.trail));
        let position = position.ok_or_else(|| {
            Failure::new(ProblemCode::HeaderInvalid, "want a position that this stream gave: tenant/trail@index")
                .field("Last-Event-ID")
        })?;
        if named.is_some_and(|trail| trail != position.trail) {
            return Err(Failure::parameter("trail", "the last event was one of another trail"));
        }
        return Ok((position.trail, position.index.0.saturating_add(1)));
    }
    let trail = named.unwrap_or_else(|| principal.trail.clone());
    let last = parameters.number("last", TAIL_LAST_MAX)?.unwrap_or(0);
    let next = node.reader().size(&trail).saturating_sub(last);
    Ok((trail, next))
}

/// A trail of the principal's tenant by its name, with or without the tenant in front.
pub(crate) fn own_trail(principal: &Principal, name: &str) -> Result<TrailRef, Failure> {
    let full = match name.contains('/') {
        true => name.to_owned(),
        false => format!("{}/{name}", principal.tenant()),
    };
    let trail: TrailRef = full.parse().map_err(|_| Failure::parameter("trail", "want the name of a trail: main"))?;
    if principal.reaches(&trail) { Ok(trail) } else { Err(Failure::not_found(format!("there is no trail {trail}"))) }
}

pub(crate) async fn trails(State(node): State<Node>, caller: Caller, _: Parameters) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Read)?;
    let reached = node.index().reached();
    let mut trails = Vec::new();
    for trail in read_path::trails(&node, &principal) {
        let key = node.verifier_key(&trail).map_err(|error| Failure::internal("the log key can't be shown", &error))?;
        let indexed = reached.iter().find(|reached| reached.trail == trail).map_or(0, |reached| reached.size);
        trails.push(TrailView {
            trail: trail.to_string(),
            size: node.reader().size(&trail),
            indexed,
            root: node.reader().checkpoint(&trail).map(|checkpoint| checkpoint.root.to_base64()),
            verifier_key: key.to_string(),
        });
    }
    json(&TrailList { trails })
}
