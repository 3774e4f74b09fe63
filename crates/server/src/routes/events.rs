//! `POST /v1/events` and `POST /v1/sources/{kind}/{name}`.

use super::caller::Caller;
use super::json;
use super::parameters::Parameters;
use crate::failure::Failure;
use crate::intake::{self, Encoding};
use crate::node::Node;
use crate::write_path::{AnswerForm, Producer, RawBatch, accept};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use cairn_access::{Principal, Scope};
use cairn_api::ProblemCode;
use cairn_api::v1::SubmitAnswer;
use cairn_event::limits;
use cairn_sources::{ALL, Source, by_kind};
use std::time::{Duration, Instant};

/// Name of the source of events that are sent in Cairn's own format.
const NATIVE_NAME: &str = "api";

pub(crate) async fn native(
    State(node): State<Node>,
    parameters: Result<Parameters, Failure>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let source = || Ok((by_kind(cairn_admit::NATIVE).expect("there is the native source"), NATIVE_NAME.to_owned()));
    take(&node, parameters, &headers, body, source, SingleObject::Fails).await
}

pub(crate) async fn source(
    State(node): State<Node>,
    Path((kind, name)): Path<(String, String)>,
    parameters: Result<Parameters, Failure>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&node, parameters, &headers, body, || source_of(&kind, name), SingleObject::IsBatch).await
}

/// What a body that is one object means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SingleObject {
    /// One event: if it is refused, the request fails.
    Fails,
    /// A delivery that happens to hold one record.
    IsBatch,
}

async fn take(
    node: &Node,
    parameters: Result<Parameters, Failure>,
    headers: &HeaderMap,
    mut body: Body,
    source: impl FnOnce() -> Result<(&'static dyn Source, String), Failure>,
    single: SingleObject,
) -> Response {
    let received = Instant::now();
    let head = Head::read(node, parameters, headers, source);
    let answer = match head {
        Ok(head) => head.take(node, &mut body, single, received).await,
        Err(failure) => Err(failure),
    };
    match answer.and_then(|answer| json(&answer)) {
        Ok(response) => response,
        Err(failure) => {
            // Whoever is still sending would see a broken connection instead of the reason.
            intake::drain(body).await;
            failure.into_response()
        }
    }
}

/// Everything about the request that is known before its body is read.
struct Head {
    principal: Principal,
    source: &'static dyn Source,
    source_name: String,
    encoding: Encoding,
    is_lines: bool,
    idempotency_key: Option<String>,
    announced: Option<usize>,
    proof_each: bool,
}

impl Head {
    fn read(
        node: &Node,
        parameters: Result<Parameters, Failure>,
        headers: &HeaderMap,
        source: impl FnOnce() -> Result<(&'static dyn Source, String), Failure>,
    ) -> Result<Head, Failure> {
        let principal = Caller::of(headers, node)?.with(Scope::Ingest)?;
        let (source, source_name) = source()?;
        let proof_each = parameters?.word("proof", &["each"])?.is_some();
        Ok(Head {
            principal,
            source,
            source_name,
            encoding: Encoding::of(headers)?,
            is_lines: is_lines(headers)?,
            idempotency_key: idempotency_key(headers)?,
            announced: intake::announced_bytes(headers)?,
            proof_each,
        })
    }

    async fn take(
        self,
        node: &Node,
        body: &mut Body,
        single: SingleObject,
        received: Instant,
    ) -> Result<SubmitAnswer, Failure> {
        if *node.stop_signal().borrow() {
            return Err(Failure::stopping());
        }
        let mut lease = node.gate().ingest(self.announced.unwrap_or(0))?;
        let wait = Duration::from_millis(node.config().http.body_wait_ms_max);
        let sent = intake::read_body(body, self.announced, &mut lease, wait).await?;
        let single_fails = single == SingleObject::Fails && !self.is_lines;
        let answer = AnswerForm { proof_each: self.proof_each, single_fails };
        let Head { principal, source, source_name, encoding, idempotency_key, .. } = self;
        let batch = RawBatch { sent, encoding, idempotency_key, answer, lease, received };
        accept(node, Producer { principal, source, source_name }, batch).await
    }
}

fn source_of(kind: &str, name: String) -> Result<(&'static dyn Source, String), Failure> {
    let Some(source) = by_kind(kind) else {
        let known: Vec<_> = ALL.iter().map(|source| source.kind()).collect();
        return Err(Failure::new(ProblemCode::SourceUnknown, "there is no source of this kind")
            .field("kind")
            .hint(format!("kinds: {}", known.join(", "))));
    };
    // The same rule as for the names of trails, so that it can stand anywhere.
    if name.parse::<cairn_event::TrailName>().is_err() {
        return Err(Failure::parameter("name", "the name of a source is 1 to 63 of a-z, 0-9 and -"));
    }
    Ok((source, name))
}

/// Whether the content type says one record per line. Other JSON types are told apart by their content.
fn is_lines(headers: &HeaderMap) -> Result<bool, Failure> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => Ok(true),
        // What command-line tools send unless told otherwise.
        "" | "application/x-www-form-urlencoded" | "application/octet-stream" | "text/plain" => Ok(false),
        "application/cloudevents+json" | "application/cloudevents-batch+json" => Err(unsupported()),
        media if media == "application/json" || media.ends_with("+json") || media == "text/json" => Ok(false),
        _ => Err(unsupported()),
    }
}

fn unsupported() -> Failure {
    Failure::new(ProblemCode::MediaUnsupported, "the content type is not one that is read here")
        .field("Content-Type")
        .hint("send application/json or application/x-ndjson")
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= limits::ID_BYTES_MAX);
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let want = format!("want 1 to {} visible ASCII characters", limits::ID_BYTES_MAX);
        Failure::new(ProblemCode::HeaderInvalid, want).field("Idempotency-Key")
    })
}
