//! The signed files under `keys/`. What is in them is the business of other crates.

use crate::commit::head::open_envelope;
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_ledger::{Envelope, Signer};

/// A signed file of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// The list of credentials.
    Tokens,
    /// The secrets behind tokens and keyed hashes of protected values.
    Protection,
    /// The fingerprint of the policy that was last in force.
    Policy,
}

impl KeyFile {
    /// All of them.
    pub const ALL: [KeyFile; 3] = [KeyFile::Tokens, KeyFile::Protection, KeyFile::Policy];

    /// Its name in the directory.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            KeyFile::Tokens => layout::TOKENS,
            KeyFile::Protection => layout::PROTECTION,
            KeyFile::Policy => layout::POLICY,
        }
    }

    fn payload_type(self) -> &'static str {
        match self {
            KeyFile::Tokens => "application/vnd.cairn.tokens.v1+json",
            KeyFile::Protection => "application/vnd.cairn.protection.v1+json",
            KeyFile::Policy => "application/vnd.cairn.policy.v1+json",
        }
    }

    /// Its payload; `None` when there is no such file yet.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when this directory's key did not sign it.
    pub fn read(self, disk: &dyn Disk, public: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = files::read_if_any(disk, self.path())? else { return Ok(None) };
        let payload = open_envelope(&bytes, self.payload_type(), public);
        payload.map(Some).map_err(|what| Corrupt::in_file(self.path(), what).at(0).into())
    }

    /// Replaces it, durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn write(self, disk: &dyn Disk, signer: &dyn Signer, payload: Vec<u8>) -> Result<(), StoreError> {
        let envelope = Envelope::sign(self.payload_type(), payload, signer).expect("the type is a plain word");
        durable::put(disk, self.path(), envelope.to_text().as_bytes()).map_err(io_error("write a file of keys"))
    }
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
