//! The log of a trail as C2SP tlog-tiles: what any tool that speaks it can fetch and check.

use super::blocking;
use super::caller::Caller;
use super::parameters::Parameters;
use crate::failure::Failure;
use crate::node::Node;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use cairn_access::Scope;
use cairn_event::TrailRef;
use cairn_ledger::{TileId, TileKind};

/// A tile of a given width never changes. `private`, because it takes a credential to see it.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

fn trail(caller: Caller, tenant: &str, trail: &str) -> Result<TrailRef, Failure> {
    let principal = caller.with(Scope::Read)?;
    let name: Result<TrailRef, _> = format!("{tenant}/{trail}").parse();
    // A name that can't be is a trail that is not there.
    let name = name.ok().filter(|trail| principal.reaches(trail));
    name.ok_or_else(|| Failure::not_found("there is no such trail"))
}

pub(crate) async fn checkpoint(
    State(node): State<Node>,
    caller: Caller,
    Path((tenant, name)): Path<(String, String)>,
    _: Parameters,
) -> Result<Response, Failure> {
    let trail = trail(caller, &tenant, &name)?;
    let checkpoint = node.reader().checkpoint(&trail);
    let checkpoint = checkpoint.ok_or_else(|| Failure::not_found(format!("{trail} has no checkpoint yet")))?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, checkpoint.note.clone()).into_response())
}

pub(crate) async fn tile(
    State(node): State<Node>,
    caller: Caller,
    Path((tenant, name, tile)): Path<(String, String, String)>,
    _: Parameters,
) -> Result<Response, Failure> {
    let trail = trail(caller, &tenant, &name)?;
    let absent = || Failure::not_found("there is no such tile");
    let id: TileId = format!("tile/{tile}").parse().map_err(|_| absent())?;
    // Only what a signed checkpoint covers: a tile beyond it could not be checked.
    let size = node.reader().checkpoint(&trail).map_or(0, |checkpoint| checkpoint.size);
    if !id.is_within(size) {
        return Err(absent());
    }
    let bytes = blocking(&node, move |node, _| {
        let reader = node.reader();
        Ok(match id.kind() {
            TileKind::Hashes { level } => reader.tile(&trail, level, id.index(), id.width())?,
            TileKind::Entries => reader.entries(&trail, id.index(), id.width())?,
        })
    });
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, IMMUTABLE)];
    Ok((headers, bytes.await?).into_response())
}
