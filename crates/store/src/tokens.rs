//! `keys/tokens.json`: the signed list of credentials. What is in it is the access crate's business.

use crate::commit::head::open_envelope;
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_ledger::{Envelope, Signer};

const TYPE: &str = "application/vnd.cairn.tokens.v1+json";

/// The payload of the token file; `None` when there is none yet.
///
/// # Errors
/// [`StoreError::Corrupt`] when this directory's key did not sign it.
pub fn read_tokens(disk: &dyn Disk, public: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(bytes) = files::read_if_any(disk, layout::TOKENS)? else { return Ok(None) };
    let payload = open_envelope(&bytes, TYPE, public);
    payload.map(Some).map_err(|what| Corrupt::in_file(layout::TOKENS, what).at(0).into())
}

/// Replaces the token file, durable when this returns.
///
/// # Errors
/// [`StoreError::Io`] when the disk refuses.
pub fn write_tokens(disk: &dyn Disk, signer: &dyn Signer, payload: Vec<u8>) -> Result<(), StoreError> {
    let envelope = Envelope::sign(TYPE, payload, signer).expect("the type is a plain word");
    durable::put(disk, layout::TOKENS, envelope.to_text().as_bytes()).map_err(io_error("write keys/tokens.json"))
}

/// Keeps the secret of the first credential for the owner of the directory (`formats/directory.md`), durable when this
/// returns. To be called before the list that knows the credential is written: a crash in between leaves a secret that
/// opens nothing and is replaced by the next start; the other way round nobody could ever get in.
///
/// # Errors
/// [`StoreError::Io`] when the disk refuses.
pub fn keep_first_token(disk: &dyn Disk, secret: &str) -> Result<(), StoreError> {
    durable::put(disk, layout::FIRST_TOKEN, format!("{secret}\n").as_bytes())
        .map_err(io_error("write keys/admin.token"))
}
