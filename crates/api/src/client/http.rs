//! One request and its answer: headers, waiting when told to, problem documents.

use super::{ClientError, Retry};
use crate::problem::Problem;
use crate::v1::Readiness;
use serde::de::DeserializeOwned;
use std::thread;
use std::time::Duration;
use ureq::Agent;
use ureq::Body;
use ureq::http::{Response, StatusCode, header};

/// Most bytes of an answer that are read. Larger than any page the server gives.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that a server may work on one request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// The wait before the second try when the server does not say; doubled from try to try.
const FIRST_WAIT_MS: u64 = 100;

/// Times that a request is sent again after its connection broke: a kept connection may have been
/// closed by the other side meanwhile.
const BROKEN_MAX: u32 = 2;

/// What is asked for, apart from the body.
pub(super) struct Call {
    is_post: bool,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Call {
        Call { is_post: false, path: path.into(), query: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn post(path: impl Into<String>) -> Call {
        Call { is_post: true, ..Call::get(path) }
    }

    pub(super) fn query(mut self, name: &'static str, value: &str) -> Call {
        self.query.push((name, value.to_owned()));
        self
    }

    pub(super) fn query_some(self, name: &'static str, value: Option<&str>) -> Call {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(super) fn page(self, cursor: Option<&str>, limit: Option<u32>) -> Call {
        self.query_some("cursor", cursor).query_some("limit", limit.map(|limit| limit.to_string()).as_deref())
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Call {
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Clone)]
pub(super) struct Http {
    agent: Agent,
    pub(super) base: String,
    authorization: Option<String>,
    pub(super) retry: Retry,
}

impl Http {
    pub(super) fn new(base: &str, token: Option<&str>) -> Result<Http, ClientError> {
        let base = base.trim_end_matches('/').to_owned();
        let Some(host) = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://")) else {
            return Err(ClientError::BadRequest { what: format!("{base:?} is not an http:// or https:// address") });
        };
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(ClientError::BadRequest { what: "the token holds white space or control characters".into() });
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("cairn/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment is for the world outside, never for this machine.
        if ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local)) {
            config = config.proxy(None);
        }
        let authorization = token.map(|token| format!("Bearer {token}"));
        Ok(Http { agent: config.build().new_agent(), base, authorization, retry: Retry::default() })
    }

    pub(super) fn json<T: DeserializeOwned>(&self, call: &Call, body: &[u8]) -> Result<T, ClientError> {
        let (status, bytes) = self.read(call, body)?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Unexpected { status, what: error.to_string() })
    }

    pub(super) fn text(&self, call: &Call) -> Result<String, ClientError> {
        let (status, bytes) = self.read(call, &[])?;
        String::from_utf8(bytes).map_err(|error| ClientError::Unexpected { status, what: error.to_string() })
    }

    pub(super) fn bytes(&self, call: &Call, body: &[u8]) -> Result<Vec<u8>, ClientError> {
        self.read(call, body).map(|(_, bytes)| bytes)
    }

    /// `/readyz` says what is wrong with status 503 and the same document.
    pub(super) fn readiness(&self) -> Result<Readiness, ClientError> {
        let call = Call::get("/readyz").header("accept", "application/json");
        let response = self.send_once(&call, &[]).map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let bytes = self.body_of(response)?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Unexpected { status, what: error.to_string() })
    }

    fn read(&self, call: &Call, body: &[u8]) -> Result<(u16, Vec<u8>), ClientError> {
        let response = self.send(call, body)?;
        let status = response.status().as_u16();
        Ok((status, self.body_of(response)?))
    }

    fn body_of(&self, response: Response<Body>) -> Result<Vec<u8>, ClientError> {
        let read = response.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        read.map_err(|error| self.unreachable(&error))
    }

    /// Sends until there is an answer other than "come again". Only good answers come back.
    pub(super) fn send(&self, call: &Call, body: &[u8]) -> Result<Response<Body>, ClientError> {
        let mut wait_ms = FIRST_WAIT_MS;
        let mut broken = 0;
        let mut attempt = 1;
        loop {
            let response = match self.send_once(call, body) {
                Ok(response) => response,
                Err(ureq::Error::Http(error)) => return Err(ClientError::BadRequest { what: error.to_string() }),
                Err(ureq::Error::Io(error)) if is_broken(&error) && broken < BROKEN_MAX => {
                    broken += 1;
                    continue;
                }
                Err(error) => return Err(self.unreachable(&error)),
            };
            if response.status().is_success() {
                return Ok(response);
            }
            match come_again(&response, wait_ms) {
                Some(told_ms) if attempt < self.retry.attempts_max => {
                    thread::sleep(Duration::from_millis(told_ms.min(self.retry.wait_ms_max)));
                    wait_ms = (wait_ms * 2).min(self.retry.wait_ms_max);
                    attempt += 1;
                }
                _ => return Err(self.problem(response)),
            }
        }
    }

    fn send_once(&self, call: &Call, body: &[u8]) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{}", self.base, call.path);
        let pairs = || call.query.iter().map(|(name, value)| (*name, value.as_str()));
        if call.is_post {
            let mut request = self.agent.post(&url).query_pairs(pairs());
            for (name, value) in self.headers(call) {
                request = request.header(name, value);
            }
            request.send(body)
        } else {
            let mut request = self.agent.get(&url).query_pairs(pairs());
            for (name, value) in self.headers(call) {
                request = request.header(name, value);
            }
            request.call()
        }
    }

    fn headers<'a>(&'a self, call: &'a Call) -> impl Iterator<Item = (&'static str, &'a str)> {
        let authorization = self.authorization.as_deref().map(|value| ("authorization", value));
        authorization.into_iter().chain(call.headers.iter().map(|(name, value)| (*name, value.as_str())))
    }

    pub(super) fn unreachable(&self, error: &ureq::Error) -> ClientError {
        ClientError::Unreachable { url: self.base.clone(), reason: error.to_string() }
    }

    fn problem(&self, response: Response<Body>) -> ClientError {
        let status = response.status().as_u16();
        let bytes = match self.body_of(response) {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => ClientError::Unexpected { status, what: "no problem document; is this a Cairn server?".into() },
        }
    }
}

/// How long to wait before the same request may succeed; `None` if waiting does not help. A server
/// that is unavailable for good does not say `Retry-After`.
fn come_again(response: &Response<Body>, wait_ms: u64) -> Option<u64> {
    let said = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Some(said.map_or(wait_ms, |seconds| (seconds * 1000).max(wait_ms))),
        StatusCode::SERVICE_UNAVAILABLE => said.map(|seconds| (seconds * 1000).max(wait_ms)),
        _ => None,
    }
}

fn is_broken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
