//! The log key of a data directory: `keys/log-1.key` and `keys/log-1.vkey` (`formats/directory.md`).

use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::{Disk, Entropy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_ledger::{PublicKey, Signer, VerifierKey, key_id};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

/// The name that stands in the key files; in checkpoints the key bears the name of the log.
const NAME: &str = "cairn-log";
const ED25519: u8 = 1;

/// An Ed25519 key held in memory. Overwritten when dropped; has no `Debug`.
pub struct LogKey(SigningKey);

impl Signer for LogKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        Signer::sign(&self.0, message)
    }

    fn public(&self) -> [u8; 32] {
        Signer::public(&self.0)
    }
}

impl LogKey {
    /// Reads the key of a directory, or makes one for a directory that has no identity yet.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a key file is damaged, or missing although the directory is in use.
    pub fn open(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<LogKey, StoreError> {
        if let Some(bytes) = files::read_if_any(disk, layout::LOG_KEY)? {
            let bytes = Zeroizing::new(bytes);
            let key = parse(&bytes).ok_or_else(|| Corrupt::in_file(layout::LOG_KEY, "not a signing key").at(0))?;
            if files::read_if_any(disk, layout::LOG_VKEY)?.is_none() {
                write_public(disk, &key)?;
            }
            public_key(disk)?;
            return Ok(key);
        }
        if files::read_if_any(disk, layout::ID)?.is_some() {
            return Err(Corrupt::in_file(layout::LOG_KEY, "the file is missing, but the directory is in use").into());
        }
        let seed = Zeroizing::new(entropy.secret());
        let key = LogKey(SigningKey::from_bytes(&seed));
        durable::create_dirs(disk, layout::KEYS).map_err(io_error("create the keys folder"))?;
        let text = Zeroizing::new(key.text());
        durable::put(disk, layout::LOG_KEY, text.as_bytes()).map_err(io_error("write the log key"))?;
        write_public(disk, &key)?;
        Ok(key)
    }

    fn text(&self) -> String {
        let mut secret = Zeroizing::new(vec![ED25519]);
        secret.extend(self.0.as_bytes());
        let id = u32::from_be_bytes(key_id(NAME, &self.public()));
        format!("PRIVATE+KEY+{NAME}+{id:08x}+{}\n", STANDARD.encode(&*secret))
    }
}

fn write_public(disk: &dyn Disk, key: &LogKey) -> Result<(), StoreError> {
    let public = PublicKey::from_bytes(&key.public()).expect("a key of ours is well formed");
    let text = format!("{}\n", VerifierKey::new(NAME, public).expect("the name is a plain word"));
    durable::put(disk, layout::LOG_VKEY, text.as_bytes()).map_err(io_error("write the public key"))
}

/// The public key of a directory, from the public file, checked against the secret one where that can be read.
///
/// # Errors
/// [`StoreError::Corrupt`] when a file is missing, damaged, or the two do not belong together.
pub fn public_key(disk: &dyn Disk) -> Result<[u8; 32], StoreError> {
    let damaged = |file: &str, what: &str| StoreError::from(Corrupt::in_file(file, what).at(0));
    let bytes =
        files::read_if_any(disk, layout::LOG_VKEY)?.ok_or_else(|| damaged(layout::LOG_VKEY, "the file is missing"))?;
    let line = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
    let key = line.and_then(|line| line.parse::<VerifierKey>().ok()).filter(|key| key.name() == NAME);
    let key = key.ok_or_else(|| damaged(layout::LOG_VKEY, "not the public key of a log"))?;
    let public = key.key().to_bytes();
    if let Ok(Some(secret)) = files::read_if_any(disk, layout::LOG_KEY) {
        let secret = Zeroizing::new(secret);
        let own = parse(&secret).ok_or_else(|| damaged(layout::LOG_KEY, "not a signing key"))?;
        if own.public() != public {
            return Err(damaged(layout::LOG_KEY, "the signing key is not that of the public key beside it"));
        }
    }
    Ok(public)
}

fn parse(bytes: &[u8]) -> Option<LogKey> {
    // The base64 at the end may hold a plus sign itself.
    let encoded = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.splitn(5, '+').nth(4)?;
    let secret = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (kind, seed) = secret.split_first()?;
    let key = LogKey(SigningKey::from_bytes(seed.try_into().ok()?));
    // Byte for byte: name and key id are fixed by the key.
    (*kind == ED25519 && key.text().as_bytes() == bytes).then_some(key)
}
