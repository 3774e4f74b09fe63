//! Liveness, readiness, metrics, and the description of this interface.

use super::caller::Caller;
use super::parameters::Parameters;
use super::{json, prefers};
use crate::failure::Failure;
use crate::node::Node;
use crate::telemetry::scrape;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cairn_api::v1::{Dependency, Readiness};

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn healthz() -> Response {
    ([(header::CONTENT_TYPE, TEXT)], "ok\n").into_response()
}

/// Open to everyone, so it says how the node is and nothing about what is in it.
pub(crate) async fn readyz(State(node): State<Node>, headers: HeaderMap) -> Result<Response, Failure> {
    let readiness = readiness(&node);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if prefers(&headers, "application/json", "text/plain") {
        return Ok((status, json(&readiness)?).into_response());
    }
    let line = |dependency: &Dependency| {
        let state = if dependency.ok { "ok" } else { "FAILED" };
        format!("{}: {state}, {}\n", dependency.name, dependency.detail)
    };
    let lines: String = readiness.dependencies.iter().map(line).collect();
    Ok((status, [(header::CONTENT_TYPE, TEXT)], lines).into_response())
}

fn readiness(node: &Node) -> Readiness {
    let (health, follow) = (node.store().health(), node.follow().state());
    let is_stopping = *node.stop_signal().borrow();
    let dependency = |name: &str, ok: bool, detail: String| Dependency { name: name.to_owned(), ok, detail };
    let writer = match &health.stopped {
        Some(reason) => dependency("writer", false, format!("stopped for good: {reason}")),
        None if is_stopping => dependency("writer", false, "the node is stopping".to_owned()),
        None => dependency("writer", true, format!("{} bytes not sealed yet", health.unsealed_bytes)),
    };
    let has_space = health.free_bytes >= health.reserve_bytes;
    let space = format!("{} bytes free, {} in reserve", health.free_bytes, health.reserve_bytes);
    let queue = format!("{} requests, {} bytes wait", health.queued_requests, health.queued_bytes);
    let index = match &follow.failed {
        Some(_) => "it does not follow; searches read events directly".to_owned(),
        None => format!("{} events behind", follow.behind),
    };
    // The index is never needed to take an event: it is told of, but it makes no node unready.
    Readiness {
        ready: writer.ok && has_space,
        dependencies: vec![
            writer,
            dependency("disk", has_space, space),
            dependency("queue", true, queue),
            dependency("index", follow.failed.is_none(), index),
        ],
    }
}

/// Series that name trails are given for the caller's tenant; for all if the node is configured open.
pub(crate) async fn metrics(State(node): State<Node>, headers: HeaderMap) -> Result<Response, Failure> {
    let page = if node.config().http.metrics_open {
        scrape(&node, None)
    } else {
        let Caller(principal) = Caller::of(&headers, &node)?;
        scrape(&node, Some(principal.tenant()))
    };
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response())
}

pub(crate) async fn openapi(_: Caller, _: Parameters) -> Result<Response, Failure> {
    json(&cairn_api::openapi())
}
