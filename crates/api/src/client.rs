//! A blocking client for every route.
//!
//! It waits and comes again when the server says so (`Retry-After`), within a bound; everything that
//! sends events can be repeated safely, because equal events have equal idempotency keys.

mod http;
mod tail;
mod upload;

use crate::exit::ExitCode;
use crate::problem::Problem;
use crate::v1::{
    EpochList, EpochRequest, EventView, NewToken, NewTokenRequest, ProofView, QuarantineList, Readiness, RebuildAnswer,
    Redaction, RedactionRequest, RetryAnswer, RetryRequest, Reveal, RevealRequest, Scan, SealAnswer, SealRequest,
    SearchPage, SubmitAnswer, Timeline, TokenList, TrailList,
};
use http::{Call, Http};

pub use tail::{Tail, TailRequest};
pub use upload::{Framing, Upload, UploadOptions};

/// A connection to one server with one credential. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: Http,
}

/// How long to keep trying when the server is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Most times one request is sent.
    pub attempts_max: u32,
    /// Longest single wait, whatever the server says, in milliseconds.
    pub wait_ms_max: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts_max: 20, wait_ms_max: 10_000 }
    }
}

/// How the bytes of a body are compressed already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    #[default]
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
}

/// What goes with a body of events.
#[derive(Debug, Clone, Default)]
pub struct Submit {
    /// Kind and name of the source whose own format the body has; `None` is Cairn's own.
    pub source: Option<(String, String)>,
    /// How the body is compressed.
    pub encoding: Encoding,
    /// `Idempotency-Key`: the key of a single event, the prefix of the keys of a batch.
    pub idempotency_key: Option<String>,
    /// Ask for an inclusion proof for every event instead of only for a single one.
    pub proof_each: bool,
    /// The body is one record per line. Then it is a batch however many lines it has, and a refused
    /// event is a result; a body that is a single object is answered with a problem when it is refused.
    pub lines: bool,
}

/// What to search for. Empty members are left to the server.
#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    /// The query, `docs/reference/query.md`.
    pub q: String,
    /// Earliest `time`, as the query language writes times.
    pub from: Option<String>,
    /// Latest `time`.
    pub to: Option<String>,
    /// [`SearchPage::next`] of the page before.
    pub cursor: Option<String>,
    /// Most events in the page.
    pub limit: Option<u32>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Time zone of dates in the query: an offset (`+02:00`) or an IANA name; UTC if absent.
    pub zone: Option<String>,
}

/// Who did what to which resource.
#[derive(Debug, Clone, Default)]
pub struct WhoRequest {
    /// `created`, `deleted`, `changed`, `read`, `granted`, ...
    pub verb: String,
    /// Id, name or `type/id` of the resource.
    pub resource: String,
    /// [`SearchPage::next`] of the page before.
    pub cursor: Option<String>,
    /// Most events in the page.
    pub limit: Option<u32>,
}

/// What the events of a timeline have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineBy {
    /// `request_id`
    Request,
    /// `trace_id`
    Trace,
    /// `session_id`
    Session,
    /// The actor's id, name or address.
    Actor,
    /// The resource's id or name.
    Resource,
}

impl TimelineBy {
    /// Name of the parameter.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            TimelineBy::Request => "request_id",
            TimelineBy::Trace => "trace_id",
            TimelineBy::Session => "session_id",
            TimelineBy::Actor => "actor",
            TimelineBy::Resource => "resource",
        }
    }
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No server answered at this address.
    #[error("no server answers at {url}: {reason}")]
    Unreachable {
        /// The base address.
        url: String,
        /// What the system said.
        reason: String,
    },
    /// The server answered with a problem document.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The server answered with something that is not of this interface.
    #[error("unexpected answer with status {status}: {what}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
    /// The address or the token can't be used in a request.
    #[error("{what}")]
    BadRequest {
        /// What can't be used, and why.
        what: String,
    },
}

impl ClientError {
    /// What a command that ends with this error says to its shell.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            ClientError::Unreachable { .. } => ExitCode::Unreachable,
            ClientError::Problem(problem) => ExitCode::of_status(problem.status),
            ClientError::Unexpected { .. } => ExitCode::Error,
            ClientError::BadRequest { .. } => ExitCode::Usage,
        }
    }

    /// The problem document, if the server sent one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

impl Client {
    /// A client for the server at `base` (`http://127.0.0.1:7420`). Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::BadRequest`] if the address is not `http://` or `https://`, or the token holds
    /// something that can't stand in a header.
    pub fn new(base: &str, token: Option<&str>) -> Result<Client, ClientError> {
        Ok(Client { http: Http::new(base, token)? })
    }

    /// Sets how long to keep trying when the server is busy.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Client {
        self.http.retry = retry;
        self
    }

    /// The base address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.http.base
    }

    /// Sends events and returns when they are durable: a single object, an array, NDJSON, or the
    /// native payload of a source.
    ///
    /// # Errors
    /// [`ClientError::Problem`] if nothing of the body was taken, also when it is a single event that
    /// was refused. In a batch, refused events are results and no error.
    pub fn submit(&self, body: &[u8], options: &Submit) -> Result<SubmitAnswer, ClientError> {
        let path = match &options.source {
            None => "/v1/events".to_owned(),
            Some((kind, name)) => format!("/v1/sources/{}/{}", segment(kind), segment(name)),
        };
        let mut call = Call::post(path);
        if options.proof_each {
            call = call.query("proof", "each");
        }
        if let Some(key) = &options.idempotency_key {
            call = call.header("idempotency-key", key);
        }
        call = match options.encoding {
            Encoding::Identity => call,
            Encoding::Gzip => call.header("content-encoding", "gzip"),
            Encoding::Zstd => call.header("content-encoding", "zstd"),
        };
        let content_type = if options.lines { "application/x-ndjson" } else { "application/json" };
        self.http.json(&call.header("content-type", content_type), body)
    }

    /// Starts an upload of any length, sent in batches.
    #[must_use]
    pub fn upload(&self, options: UploadOptions) -> Upload {
        Upload::new(self.clone(), options)
    }

    /// One page of a search.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `query_invalid`, `cursor_invalid`, `parameter_invalid`.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchPage, ClientError> {
        let mut call = Call::get("/v1/search")
            .query("q", &request.q)
            .query_some("from", request.from.as_deref())
            .query_some("to", request.to.as_deref())
            .query_some("zone", request.zone.as_deref());
        if request.oldest_first {
            call = call.query("order", "oldest");
        }
        self.http.json(&call.page(request.cursor.as_deref(), request.limit), &[])
    }

    /// Who did `verb` to `resource`, newest first.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `parameter_invalid` on a verb that is not known.
    pub fn who(&self, request: &WhoRequest) -> Result<SearchPage, ClientError> {
        let call = Call::get("/v1/who").query("verb", &request.verb).query("resource", &request.resource);
        self.http.json(&call.page(request.cursor.as_deref(), request.limit), &[])
    }

    /// Events that belong together, oldest first.
    ///
    /// # Errors
    /// [`ClientError::Problem`] as [`Client::search`].
    pub fn timeline(
        &self,
        by: TimelineBy,
        value: &str,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Timeline, ClientError> {
        let call = Call::get("/v1/timeline").query(by.parameter(), value);
        self.http.json(&call.page(cursor, limit), &[])
    }

    /// The event with this id or at this position (`tenant/trail@index`).
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn event(&self, id_or_position: &str) -> Result<EventView, ClientError> {
        self.http.json(&Call::get(format!("/v1/events/{}", segment(id_or_position))), &[])
    }

    /// The evidence for an event.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn proof(&self, id_or_position: &str) -> Result<ProofView, ClientError> {
        self.http.json(&Call::get(format!("/v1/events/{}/proof", segment(id_or_position))), &[])
    }

    /// The evidence for an event as a C2SP tlog-proof, the disclosure in its `extra` line.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn proof_text(&self, id_or_position: &str) -> Result<String, ClientError> {
        let path = format!("/v1/events/{}/proof", segment(id_or_position));
        self.http.text(&Call::get(path).header("accept", "text/plain"))
    }

    /// The value of `before`, `after` or `raw` of an event, whole: a large one stands in the event by its hash alone.
    /// JSON text for the states, the bytes as they were received for `raw`.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn event_value(&self, id_or_position: &str, member: &str) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/events/{}/values/{}", segment(id_or_position), segment(member));
        self.http.bytes(&Call::get(path), &[])
    }

    /// Events as they arrive, for ever: the iterator connects again when the connection breaks and
    /// goes on behind the last event it gave.
    #[must_use]
    pub fn tail(&self, request: TailRequest) -> Tail {
        Tail::new(self.http.clone(), request)
    }

    /// The trails of the tenant.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`.
    pub fn trails(&self) -> Result<TrailList, ClientError> {
        self.http.json(&Call::get("/v1/trails"), &[])
    }

    /// Seals what is unsealed, of one trail or of all of the tenant, and returns when that is done.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `not_found`.
    pub fn seal(&self, trail: Option<&str>) -> Result<SealAnswer, ClientError> {
        self.post_json("/v1/seal", &SealRequest { trail: trail.map(str::to_owned) })
    }

    /// Throws the search index away and starts to build it again from the stored events.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`.
    pub fn rebuild_index(&self) -> Result<RebuildAnswer, ClientError> {
        self.http.json(&Call::post("/v1/index/rebuild"), &[])
    }

    /// The tenant's credentials, without secrets.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`.
    pub fn tokens(&self) -> Result<TokenList, ClientError> {
        self.http.json(&Call::get("/v1/tokens"), &[])
    }

    /// Creates a credential; the answer is the only time its secret is shown.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `parameter_invalid`.
    pub fn create_token(&self, request: &NewTokenRequest) -> Result<NewToken, ClientError> {
        self.post_json("/v1/tokens", request)
    }

    /// What waits in the quarantine, by source and cause.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`.
    pub fn quarantine(&self) -> Result<QuarantineList, ClientError> {
        self.http.json(&Call::get("/v1/quarantine"), &[])
    }

    /// Maps quarantined records again.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `not_found`.
    pub fn quarantine_retry(&self, request: &RetryRequest) -> Result<RetryAnswer, ClientError> {
        self.post_json("/v1/quarantine/retry", request)
    }

    /// Hides members of a stored event.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `not_found`, `parameter_invalid`.
    pub fn redact(&self, request: &RedactionRequest) -> Result<Redaction, ClientError> {
        self.post_json("/v1/redactions", request)
    }

    /// Looks for values that a rule covers, in the next events of a trail from this index on.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `not_found`.
    pub fn redaction_scan(&self, trail: Option<&str>, from: u64) -> Result<Scan, ClientError> {
        let from = from.to_string();
        self.http.json(&Call::get("/v1/redactions/scan").query_some("trail", trail).query("from", &from), &[])
    }

    /// The value behind a token; who asked, and why, is in the trail before it is given.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `not_found`.
    pub fn reveal(&self, request: &RevealRequest) -> Result<Reveal, ClientError> {
        self.post_json("/v1/redactions/reveal", request)
    }

    /// The epochs of the protection keys that are kept, the present one last.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`.
    pub fn epochs(&self) -> Result<EpochList, ClientError> {
        self.http.json(&Call::get("/v1/redactions/epochs"), &[])
    }

    /// Begins the next epoch, or destroys the key of an old one.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `forbidden`, `parameter_invalid`.
    pub fn change_epochs(&self, request: &EpochRequest) -> Result<EpochList, ClientError> {
        self.post_json("/v1/redactions/epochs", request)
    }

    fn post_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        request: &impl serde::Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(request).expect("plain members of a struct always serialise");
        self.http.json(&Call::post(path).header("content-type", "application/json"), &body)
    }

    /// The newest checkpoint of a trail (`tenant/trail`): a C2SP signed note.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn checkpoint(&self, trail: &str) -> Result<String, ClientError> {
        self.http.text(&Call::get(format!("/t/{trail}/checkpoint")))
    }

    /// A tile of a trail's log by its C2SP path: `tile/0/000`, `tile/entries/x001/234.p/5`.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `not_found`.
    pub fn tile(&self, trail: &str, path: &str) -> Result<Vec<u8>, ClientError> {
        self.http.bytes(&Call::get(format!("/t/{trail}/{path}")), &[])
    }

    /// Whether the server lives.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`].
    pub fn healthz(&self) -> Result<(), ClientError> {
        self.http.text(&Call::get("/healthz")).map(|_| ())
    }

    /// Whether the server can take events, and if not, why: an unready server is an answer, no error.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`].
    pub fn readyz(&self) -> Result<Readiness, ClientError> {
        self.http.readiness()
    }

    /// The metrics in Prometheus' text form.
    ///
    /// # Errors
    /// [`ClientError::Problem`] `unauthenticated`.
    pub fn metrics(&self) -> Result<String, ClientError> {
        self.http.text(&Call::get("/metrics"))
    }
}

/// Escapes a text to stand as one segment of a path (RFC 3986 §2.1).
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_stands_in_one_segment() {
        assert_eq!(segment("default/main@5"), "default%2Fmain%405");
        assert_eq!(segment("ä b"), "%C3%A4%20b");
    }

    #[test]
    fn an_address_without_scheme_is_a_usage_error() {
        let error = Client::new("127.0.0.1:7420", None).err().expect("no scheme");
        assert_eq!(error.exit_code(), ExitCode::Usage);
        let error = Client::new("http://x", Some("a\nb")).err().expect("line feed in a header");
        assert_eq!(error.exit_code(), ExitCode::Usage);
    }

    #[test]
    fn nobody_there_is_exit_code_8() {
        // Bound and dropped: nobody listens there now.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let client = Client::new(&format!("http://{address}"), None).expect("a good address");
        let error = client.healthz().expect_err("nobody listens");
        assert_eq!(error.exit_code(), ExitCode::Unreachable, "{error}");
    }
}
