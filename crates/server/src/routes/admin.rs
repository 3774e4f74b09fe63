//! Sealing, rebuilding the index, credentials.

use super::body::{read, required};
use super::caller::Caller;
use super::parameters::Parameters;
use super::reads::own_trail;
use super::{blocking, json};
use crate::failure::Failure;
use crate::node::Node;
use crate::read_path;
use crate::tokens::IssueError;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use cairn_access::{Entry, PrincipalName, Scope, Scopes, TableInvalid};
use cairn_api::v1::{
    NewToken, NewTokenRequest, RebuildAnswer, SealAnswer, SealRequest, SealedSegment, TokenList, TokenView,
};
use cairn_event::{Positions, TrailName};

pub(crate) async fn seal(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: SealRequest = read(body).await?.unwrap_or_default();
    let sealed = blocking(&node, move |node, _| {
        let own = read_path::trails(node, &principal);
        let trails = match &request.trail {
            None => own,
            Some(name) => {
                let trail = own_trail(&principal, name)?;
                if !own.contains(&trail) {
                    return Err(Failure::not_found(format!("there is no trail {trail}")));
                }
                vec![trail]
            }
        };
        let mut sealed = Vec::new();
        for trail in trails {
            sealed.extend(node.store().seal(Some(&trail))?);
        }
        Ok(sealed)
    });
    let segment = |sealed: cairn_store::Sealed| SealedSegment {
        trail: sealed.trail.to_string(),
        first: sealed.first,
        last: sealed.last,
        size_bytes: sealed.bytes,
    };
    json(&SealAnswer { sealed: sealed.await?.into_iter().map(segment).collect() })
}

pub(crate) async fn rebuild_index(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
) -> Result<Response, Failure> {
    caller.with(Scope::Admin)?;
    let events = node.reader().trails().iter().map(|trail| node.reader().size(trail)).sum();
    node.follow().rebuild();
    json(&RebuildAnswer { events })
}

pub(crate) async fn tokens(State(node): State<Node>, caller: Caller, _: Parameters) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let tokens = node.tokens().table().of_tenant(principal.tenant()).map(view).collect();
    json(&TokenList { tokens })
}

pub(crate) async fn create_token(
    State(node): State<Node>,
    caller: Caller,
    _: Parameters,
    body: Body,
) -> Result<Response, Failure> {
    let principal = caller.with(Scope::Admin)?;
    let request: NewTokenRequest = required(body, "an object with id and scopes").await?;
    let id: PrincipalName = request
        .id
        .parse()
        .map_err(|_| Failure::parameter("id", "want 1 to 63 of a-z, 0-9 and -, not starting with -"))?;
    let scopes = Scopes::from_words(request.scopes.iter().map(String::as_str))
        .ok_or_else(|| Failure::parameter("scopes", "want one or more of: ingest, read, admin"))?;
    // A credential can only be made for the tenant of the one that makes it.
    let trail = match &request.trail {
        Some(name) => own_trail(&principal, name)?,
        None => principal.trail.clone(),
    };
    let webhook = request.webhook.as_deref().map(|address| webhook_of(&node, address)).transpose()?;
    let issued = blocking(&node, move |node, _| {
        node.tokens().issue(node.engines(), id, trail, scopes, webhook).map_err(|error| match error {
            IssueError::Table(error @ TableInvalid::Taken { .. }) => {
                Failure::parameter("id", error.to_string()).hint("choose another name")
            }
            IssueError::Table(error @ TableInvalid::WebhookTaken { .. }) => {
                Failure::parameter("webhook", error.to_string()).hint("choose another name")
            }
            IssueError::Table(error) => Failure::parameter("id", error.to_string()),
            IssueError::Store(error) => error.into(),
        })
    });
    let (token, entry) = issued.await?;
    tracing::info!(id = %entry.principal.id, trail = %entry.principal.trail, "a credential was made");
    json(&NewToken { token: token.reveal().to_owned(), view: view(&entry) })
}

/// The kind and name of a webhook from `kind/name`.
fn webhook_of(node: &Node, address: &str) -> Result<(String, TrailName), Failure> {
    let wrong = |detail: &str| Failure::parameter("webhook", detail).hint("write it like github/our-org");
    let (kind, name) = address.split_once('/').ok_or_else(|| wrong("want KIND/NAME"))?;
    if node.config().sources.by_kind(kind).is_none() {
        return Err(wrong("there is no source of this kind"));
    }
    let name = name.parse().map_err(|_| wrong("the name of a source is 1 to 63 of a-z, 0-9 and -"))?;
    Ok((kind.to_owned(), name))
}

fn view(entry: &Entry) -> TokenView {
    let principal = &entry.principal;
    TokenView {
        id: principal.id.to_string(),
        tenant: principal.tenant().to_string(),
        trail: principal.trail.trail.to_string(),
        scopes: principal.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        created_at: entry.created_at.to_string(),
        webhook: entry.webhook.as_ref().map(|webhook| format!("{}/{}", webhook.kind, webhook.name)),
    }
}
