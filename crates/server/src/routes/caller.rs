//! Who a request comes from. Tenant, trail and scopes come from the credential and from nowhere else.

use crate::failure::Failure;
use crate::node::Node;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cairn_access::{Principal, Scope, Token};
use cairn_api::ProblemCode;

/// The principal of a request whose credential is known.
pub(crate) struct Caller(pub(crate) Principal);

impl Caller {
    pub(crate) fn of(headers: &HeaderMap, node: &Node) -> Result<Caller, Failure> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(unauthenticated("the request has no credential"));
        };
        let token = value.to_str().ok().and_then(bearer).and_then(|text| text.parse::<Token>().ok());
        let token = token.ok_or_else(|| unauthenticated("the credential is not a token"))?;
        let principal = node.tokens().table().find(&token).cloned();
        principal.map(Caller).ok_or_else(|| unauthenticated("the token is not known here"))
    }

    /// The principal, if it has the scope.
    pub(crate) fn with(self, scope: Scope) -> Result<Principal, Failure> {
        self.0.require(scope)?;
        Ok(self.0)
    }
}

impl FromRequestParts<Node> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, node: &Node) -> Result<Caller, Failure> {
        Caller::of(&parts.headers, node)
    }
}

/// The scheme is compared without regard to case (RFC 9110 §11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthenticated(detail: &str) -> Failure {
    Failure::new(ProblemCode::Unauthenticated, detail)
        .field("Authorization")
        .hint("send `Authorization: Bearer cairn_...`; `cairn token create` makes one")
}
