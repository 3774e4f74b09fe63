//! Bodies of requests that are JSON of a few names.

use crate::failure::Failure;
use axum::body::Body;
use bytes::Bytes;
use cairn_api::ProblemCode;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

/// Most bytes of such a body.
const BODY_BYTES_MAX: usize = 16 << 10;

/// Reads a body; none if it is empty.
pub(super) async fn read<T: DeserializeOwned>(body: Body) -> Result<Option<T>, Failure> {
    let bytes: Bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => return Err(Failure::new(ProblemCode::BodyTooLarge, format!("more than {BODY_BYTES_MAX} bytes"))),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Failure::new(ProblemCode::BodyUnreadable, error.to_string()))
}

/// Reads a body that can't be empty; `want` says what it is.
pub(super) async fn required<T: DeserializeOwned>(body: Body, want: &str) -> Result<T, Failure> {
    read(body).await?.ok_or_else(|| Failure::new(ProblemCode::BodyEmpty, format!("want {want}")))
}
