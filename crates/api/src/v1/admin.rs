//! The node itself: its trails, its readiness, sealing, tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The trails of the credential's tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailList {
    /// By name.
    pub trails: Vec<TrailView>,
}

/// One trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailView {
    /// `tenant/trail`.
    pub trail: String,
    /// Events in it.
    pub size: u64,
    /// Events that the search index has taken in; the others are found by reading them.
    pub indexed: u64,
    /// Root of the tree of the newest checkpoint, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Verifier key of the trail's log (C2SP signed-note), to be pinned by whoever checks proofs.
    pub verifier_key: String,
}

/// Asks for sealing; without a trail, all of the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealRequest {
    /// Name of one trail of the tenant: `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<String>,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealAnswer {
    /// The new segments; empty if there was nothing unsealed.
    pub sealed: Vec<SealedSegment>,
}

/// One new segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealedSegment {
    /// `tenant/trail`.
    pub trail: String,
    /// Index of its first event.
    pub first: u64,
    /// Index of its last event.
    pub last: u64,
    /// Bytes of the Parquet file.
    pub size_bytes: u64,
}

/// Says that the search index is being built anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildAnswer {
    /// Events to be indexed again, over all trails of the node.
    pub events: u64,
}

/// Whether the node can do its work, dependency by dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether events are taken.
    pub ready: bool,
    /// One entry each.
    pub dependencies: Vec<Dependency>,
}

/// The state of one thing that the node stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// `writer`, `disk`, `queue`, `index`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What it is.
    pub detail: String,
}

/// The credentials of the tenant, without their secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// In order of creation.
    pub tokens: Vec<TokenView>,
}

/// A credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// The principal that events sent with it name as their producer.
    pub id: String,
    /// Whose data it reaches.
    pub tenant: String,
    /// The trail that events sent with it go to.
    pub trail: String,
    /// `ingest`, `read`, `admin`.
    pub scopes: Vec<String>,
    /// RFC 3339.
    pub created_at: String,
    /// The webhook whose deliveries it proves, `kind/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

/// Asks for a new credential in the caller's tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenRequest {
    /// The principal's name: 1 to 63 of `a-z`, `0-9`, `-`.
    pub id: String,
    /// The trail its events go to; the caller's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<String>,
    /// `ingest`, `read`, `admin`.
    pub scopes: Vec<String>,
    /// Makes it the secret of the webhook `kind/name`: deliveries to `/v1/sources/kind/name` that prove it need no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

/// A new credential. The only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The secret text, for the header `Authorization: Bearer`.
    pub token: String,
    /// What it is.
    #[serde(flatten)]
    pub view: TokenView,
}
