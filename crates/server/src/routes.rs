//! The routes: from a request to a call of the write or read path, and back. No route but `/healthz` and
//! `/readyz` runs without a principal; see [`cairn_api::ROUTES`] for the list with what each needs.

mod admin;
mod body;
mod caller;
mod events;
mod health;
mod log;
pub(crate) mod otlp;
mod parameters;
mod quarantine;
mod reads;
mod redactions;

pub(crate) use caller::Caller;

use crate::failure::{FailedWith, Failure};
use crate::node::Node;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cairn_api::ProblemCode;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::spawn_blocking;

/// All routes of a node.
pub(crate) fn router(node: Node) -> Router {
    Router::new()
        .route("/v1/events", post(events::native))
        .route("/v1/sources/{kind}/{name}", post(events::source))
        .route("/v1/logs", post(events::otlp))
        .route("/v1/search", get(reads::search))
        .route("/v1/who", get(reads::who))
        .route("/v1/timeline", get(reads::timeline))
        .route("/v1/events/{event}", get(reads::event))
        .route("/v1/events/{event}/proof", get(reads::proof))
        .route("/v1/events/{event}/values/{member}", get(reads::value))
        .route("/v1/tail", get(reads::tail))
        .route("/v1/trails", get(reads::trails))
        .route("/v1/seal", post(admin::seal))
        .route("/v1/index/rebuild", post(admin::rebuild_index))
        .route("/v1/tokens", get(admin::tokens).post(admin::create_token))
        .route("/v1/quarantine", get(quarantine::list))
        .route("/v1/quarantine/retry", post(quarantine::retry))
        .route("/v1/redactions", post(redactions::apply))
        .route("/v1/redactions/scan", get(redactions::scan))
        .route("/v1/redactions/reveal", post(redactions::reveal))
        .route("/v1/redactions/epochs", get(redactions::epochs).post(redactions::change_epochs))
        .route("/t/{tenant}/{trail}/checkpoint", get(log::checkpoint))
        .route("/t/{tenant}/{trail}/tile/{*tile}", get(log::tile))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(health::openapi))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        // The write path has limits of its own, each with its own answer.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(node.clone(), count_problems))
        .with_state(node)
}

/// Counts answers that are problems, by code.
async fn count_problems(State(node): State<Node>, request: axum::extract::Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(code) = response.extensions().get::<FailedWith>() {
        node.telemetry().problem(&code.0);
    }
    response
}

async fn no_such_route() -> Failure {
    Failure::not_found("there is no such route").hint("GET /openapi.json lists them")
}

async fn no_such_method() -> Failure {
    Failure::new(ProblemCode::MethodNotAllowed, "this route does not take this method")
        .hint("GET /openapi.json lists them")
}

/// A JSON answer.
fn json(value: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(value).map_err(|error| Failure::internal("an answer can't be written", &error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Whether the request asks for `media` rather than for the `usual` one.
fn prefers(headers: &HeaderMap, media: &str, usual: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named =
        |media: &str| accept.split(',').position(|part| part.split(';').next().unwrap_or_default().trim() == media);
    match (named(media), named(usual)) {
        (Some(at), Some(usual)) => at < usual,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Runs a read off the reactor, if there is room for one. Its `gone` turns true when the caller has
/// gone away, so that nothing is searched for nobody.
async fn blocking<T: Send + 'static>(
    node: &Node,
    read: impl FnOnce(&Node, &AtomicBool) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let permit = node.gate().read()?;
    let gone = Arc::new(AtomicBool::new(false));
    let _guard = SetOnDrop(gone.clone());
    let node = node.clone();
    let read = spawn_blocking(move || {
        let answer = read(&node, &gone);
        drop(permit);
        answer
    });
    read.await.map_err(|error| Failure::internal("a read ended early", &error))?
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, wants_text: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header value"));
        assert_eq!(prefers(&headers, "text/plain", "application/json"), wants_text, "{accept}");
    }

    #[test]
    fn text_is_given_to_whoever_names_it_first() {
        check("text/plain", true);
        check("text/plain;q=0.9, */*", true);
        check("text/plain, application/json", true);
        check("application/json, text/plain", false);
        check("*/*", false);
        check("", false);
    }
}
