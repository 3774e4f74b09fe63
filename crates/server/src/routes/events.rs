//! `POST /v1/events` and `POST /v1/sources/{kind}/{name}`.

use super::caller::Caller;
use super::json;
use super::otlp;
use super::parameters::Parameters;
use crate::failure::Failure;
use crate::intake::{self, Encoding};
use crate::node::Node;
use crate::write_path::{AnswerForm, Content, Producer, RawBatch, accept};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use cairn_access::{Principal, Proof, Scope, Webhook};
use cairn_api::ProblemCode;
use cairn_api::v1::SubmitAnswer;
use cairn_event::limits;
use cairn_sources::SharedSource;
use std::time::{Duration, Instant};

/// Name of the source of events that are sent in Cairn's own format.
const NATIVE_NAME: &str = "api";

/// The kind that CloudEvents are of.
const CLOUDEVENTS: &str = "cloudevents";

pub(crate) async fn native(
    State(node): State<Node>,
    parameters: Result<Parameters, Failure>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // CloudEvents say by their headers that they are such; they have the same door.
    let kind = if mode(&headers).is_some() { CLOUDEVENTS } else { cairn_admit::NATIVE };
    let source = || Ok((node.config().sources.by_kind(kind).expect("it is built in"), NATIVE_NAME.to_owned()));
    take(&node, parameters, &headers, body, source, SingleObject::Fails).await
}

pub(crate) async fn source(
    State(node): State<Node>,
    Path((kind, name)): Path<(String, String)>,
    parameters: Result<Parameters, Failure>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let claim = Claim::of(&node, &headers, &kind, &name);
    let source = || source_of(&node, &kind, name);
    let received = Instant::now();
    let head = Head::read(&node, parameters, &headers, claim, source);
    answered(&node, head, body, SingleObject::IsBatch, received, json).await
}

/// A delivery that shows no token, to the address of a webhook: who sent it is known once its body was
/// read.
struct Claim {
    principal: Principal,
    webhook: Webhook,
    proof: Proof,
}

impl Claim {
    fn of(node: &Node, headers: &HeaderMap, kind: &str, name: &str) -> Option<Claim> {
        if headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        let proof = Proof::HEADERS.iter().find_map(|header| Proof::of(header, headers.get(*header)?.to_str().ok()?))?;
        let table = node.tokens().table();
        let (principal, webhook) = table.webhook(kind, name)?;
        Some(Claim { principal: principal.clone(), webhook: webhook.clone(), proof })
    }

    /// Refuses a body that the proof is not of.
    fn check(&self, sent: &[u8]) -> Result<(), Failure> {
        if self.webhook.is_proved(&self.proof, sent) {
            return Ok(());
        }
        Err(Failure::new(ProblemCode::Unauthenticated, "the proof of the delivery is not of this body and secret")
            .hint("give the sender the secret that `cairn token create --webhook` printed"))
    }
}

/// How CloudEvents are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CloudEventsMode {
    /// The envelope is in the body: one event, or an array of them.
    Structured,
    /// The envelope is in the headers.
    Binary,
}

/// How the headers say that CloudEvents are sent, if they do.
fn mode(headers: &HeaderMap) -> Option<CloudEventsMode> {
    if media(headers).starts_with("application/cloudevents") {
        Some(CloudEventsMode::Structured)
    } else {
        headers.contains_key("ce-specversion").then_some(CloudEventsMode::Binary)
    }
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
    body: Body,
    source: impl FnOnce() -> Result<(SharedSource, String), Failure>,
    single: SingleObject,
) -> Response {
    let received = Instant::now();
    let head = Head::read(node, parameters, headers, None, source);
    answered(node, head, body, single, received, json).await
}

/// Takes a request whose head was read, and shows its answer.
async fn answered(
    node: &Node,
    head: Result<Head, Failure>,
    mut body: Body,
    single: SingleObject,
    received: Instant,
    shown: impl FnOnce(&SubmitAnswer) -> Result<Response, Failure>,
) -> Response {
    let answer = match head {
        Ok(head) => head.take(node, &mut body, single, received).await,
        Err(failure) => Err(failure),
    };
    match answer.and_then(|answer| shown(&answer)) {
        Ok(response) => response,
        Err(failure) => {
            // Whoever is still sending would see a broken connection instead of the reason.
            intake::drain(body).await;
            failure.into_response()
        }
    }
}

/// `POST /v1/logs`: OpenTelemetry logs over HTTP (OTLP/HTTP, JSON or protobuf).
pub(crate) async fn otlp(State(node): State<Node>, headers: HeaderMap, body: Body) -> Response {
    let received = Instant::now();
    let source = || Ok((node.config().sources.by_kind(otlp::KIND).expect("it is built in"), otlp::NAME.to_owned()));
    let head = Head::read(&node, Ok(Parameters::default()), &headers, None, source);
    let is_protobuf = media(&headers) == otlp::PROTOBUF;
    let shown = |answer: &SubmitAnswer| Ok(otlp::response(answer, is_protobuf));
    answered(&node, head, body, SingleObject::IsBatch, received, shown).await
}

/// Everything about the request that is known before its body is read.
struct Head {
    principal: Principal,
    /// What is still to be proved by the body.
    claim: Option<Claim>,
    source: SharedSource,
    source_name: String,
    headers: Vec<(String, String)>,
    form: Form,
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
        claim: Option<Claim>,
        source: impl FnOnce() -> Result<(SharedSource, String), Failure>,
    ) -> Result<Head, Failure> {
        let caller = match &claim {
            Some(claim) => Caller(claim.principal.clone()),
            None => Caller::of(headers, node)?,
        };
        let principal = caller.with(Scope::Ingest)?;
        let is_claim = claim.is_some();
        let (source, source_name) = source()?;
        let proof_each = parameters?.word("proof", &["each"])?.is_some();
        Ok(Head {
            principal,
            claim,
            headers: wanted(headers, source.headers()),
            form: Form::of(headers, source.kind()),
            source,
            source_name,
            encoding: Encoding::of(headers)?,
            is_lines: is_lines(headers)?,
            idempotency_key: idempotency_key(headers)?,
            // Room for what was only announced is made for those who are known.
            announced: intake::announced_bytes(headers)?.filter(|_| !is_claim),
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
        if let Some(claim) = &self.claim {
            claim.check(&sent)?;
        }
        let content = match self.form {
            Form::AsSent => Content::Body { sent, encoding: self.encoding },
            Form::CloudEvent(envelope) => {
                let data = intake::expand(sent, self.encoding, &mut lease)?;
                Content::Records(vec![around(&envelope, &data)?])
            }
            Form::OtlpProtobuf => {
                let request = intake::expand(sent, self.encoding, &mut lease)?;
                Content::Body { sent: otlp::decoded(&request)?, encoding: Encoding::Identity }
            }
        };
        let single_fails = single == SingleObject::Fails && !self.is_lines;
        let answer = AnswerForm { proof_each: self.proof_each, single_fails };
        let Head { principal, source, source_name, headers, idempotency_key, .. } = self;
        let batch = RawBatch { content, idempotency_key, answer, lease, received };
        accept(node, Producer { principal, source, source_name, headers }, batch).await
    }
}

/// What a body is, beside what its source knows of it.
enum Form {
    /// Records of the source.
    AsSent,
    /// The data of a CloudEvent, whose envelope is in these headers.
    CloudEvent(Vec<(String, Vec<u8>)>),
    /// OpenTelemetry logs in protobuf.
    OtlpProtobuf,
}

impl Form {
    fn of(headers: &HeaderMap, kind: &str) -> Form {
        if kind == CLOUDEVENTS && mode(headers) == Some(CloudEventsMode::Binary) {
            let pair =
                |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
            Form::CloudEvent(headers.iter().map(pair).collect())
        } else if kind == otlp::KIND && media(headers) == otlp::PROTOBUF {
            Form::OtlpProtobuf
        } else {
            Form::AsSent
        }
    }
}

fn around(envelope: &[(String, Vec<u8>)], data: &[u8]) -> Result<Vec<u8>, Failure> {
    let headers = envelope.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    cairn_sources::cloudevents::structured(headers, data)
        .map_err(|invalid| Failure::new(ProblemCode::HeaderInvalid, invalid.to_string()))
}

/// The media type of the body, without its parameters.
fn media(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The headers that a source asks for, those that came and are text.
fn wanted(headers: &HeaderMap, names: &[String]) -> Vec<(String, String)> {
    let value = |name: &String| Some((name.clone(), headers.get(name.as_str())?.to_str().ok()?.to_owned()));
    names.iter().filter_map(value).collect()
}

fn source_of(node: &Node, kind: &str, name: String) -> Result<(SharedSource, String), Failure> {
    let sources = &node.config().sources;
    let Some(source) = sources.by_kind(kind) else {
        let known: Vec<_> = sources.iter().map(|source| source.kind()).collect();
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
    // In binary mode the content type is that of the data.
    if mode(headers) == Some(CloudEventsMode::Binary) {
        return Ok(false);
    }
    let media = media(headers);
    match media.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => Ok(true),
        // What command-line tools send unless told otherwise.
        "" | "application/x-www-form-urlencoded" | "application/octet-stream" | "text/plain" => Ok(false),
        otlp::PROTOBUF => Ok(false),
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
