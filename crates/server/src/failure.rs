//! What goes wrong with a request, as the problem document it is answered with.

use crate::gate::{COME_AGAIN_S, Full};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cairn_access::Denied;
use cairn_admit::Refusal;
use cairn_api::{PROBLEM_JSON, Problem, ProblemCode};
use cairn_store::StoreError;

/// A request that was not done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: Box<Problem>,
    /// When to come again, in seconds, if that may help.
    retry_after_s: Option<u64>,
}

impl Failure {
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Failure {
        Failure { problem: Box::new(Problem::new(code, detail)), retry_after_s: None }
    }

    /// A parameter that can't have its value.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Failure {
        Failure::new(ProblemCode::ParameterInvalid, detail).field(name)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Failure {
        Failure::new(ProblemCode::NotFound, detail)
    }

    /// A fault of ours. What happened goes to the log; the caller learns that it did.
    pub(crate) fn internal(what: &'static str, error: &dyn std::fmt::Display) -> Failure {
        tracing::error!(%error, what, "a request failed");
        Failure::new(ProblemCode::Internal, format!("{what}; the server's log says more"))
    }

    pub(crate) fn stopping() -> Failure {
        let mut failure = Failure::new(ProblemCode::Unavailable, "the server is stopping");
        failure.retry_after_s = Some(COME_AGAIN_S);
        failure
    }

    pub(crate) fn field(mut self, field: impl Into<String>) -> Failure {
        self.problem.field = Some(field.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.problem.hint = Some(hint.into());
        self
    }

    /// A request that held one event, which was refused. The code is that of the refusal.
    pub(crate) fn refused(refusal: &Refusal) -> Failure {
        let problem = Problem {
            kind: format!("urn:cairn:problem:{}", refusal.code.as_str()),
            title: "the event was refused".to_owned(),
            status: 422,
            detail: refusal.to_string(),
            code: refusal.code.as_str().to_owned(),
            field: (!refusal.field.is_empty()).then(|| refusal.field.clone()),
            hint: refusal.hint.clone(),
        };
        Failure { problem: Box::new(problem), retry_after_s: None }
    }
}

/// The code of the problem that a response holds, for the metrics.
#[derive(Clone)]
pub(crate) struct FailedWith(pub(crate) String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).expect("problems have real statuses");
        let body = serde_json::to_vec(&self.problem).expect("a struct of strings always serialises");
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.extensions_mut().insert(FailedWith(self.problem.code));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Full> for Failure {
    fn from(full: Full) -> Failure {
        let mut failure =
            Failure::new(ProblemCode::Busy, format!("too many {} are under way; nothing was taken", full.what));
        failure.retry_after_s = Some(COME_AGAIN_S);
        failure
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Failure {
        Failure::new(ProblemCode::Forbidden, denied.to_string())
            .hint(format!("a credential with the scope {} can do this", denied.scope))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let detail = error.to_string();
        match error {
            StoreError::Busy { retry_after_ms } => {
                let mut failure = Failure::new(ProblemCode::Busy, detail);
                failure.retry_after_s = Some(retry_after_ms.div_ceil(1000).max(COME_AGAIN_S));
                failure
            }
            StoreError::DiskReserve { .. } => Failure::new(ProblemCode::DiskReserve, detail),
            StoreError::WriterStopped { .. } | StoreError::Locked => Failure::new(ProblemCode::Unavailable, detail),
            StoreError::NoSuchIndex { .. } => Failure::not_found(detail),
            StoreError::Corrupt(_) => {
                tracing::error!(%detail, "stored bytes are damaged");
                Failure::new(ProblemCode::Corrupt, detail).hint("`cairn verify trail` finds all such places")
            }
            other => Failure::internal("the store failed", &other),
        }
    }
}

impl From<cairn_event::ReadError> for Failure {
    fn from(error: cairn_event::ReadError) -> Failure {
        use cairn_event::ReadError;
        match &error {
            ReadError::UnknownTrail(trail) => Failure::not_found(format!("there is no trail {trail}")),
            ReadError::Corrupt { .. } => {
                tracing::error!(%error, "stored bytes are damaged");
                Failure::new(ProblemCode::Corrupt, error.to_string()).hint("`cairn verify trail` finds all such places")
            }
            ReadError::Unavailable { .. } => Failure::internal("stored events can't be read", &error),
        }
    }
}
