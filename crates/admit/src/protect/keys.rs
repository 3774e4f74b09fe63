//! The secrets behind tokens and keyed hashes, and what is made with them.
//!
//! A data directory has one random secret for each *epoch*. From it each tenant has keys of its own: HMAC-SHA256 of
//! purpose and tenant under the secret of the epoch. What was made in an older epoch is found and revealed as long as
//! that epoch's secret is kept; once it is destroyed, hashes of that epoch can't even be guessed at, and its tokens
//! never be read again.

use std::borrow::Cow;
use std::fmt;

use aes_siv::aead::KeyInit;
use aes_siv::siv::Aes128Siv;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cairn_event::TenantName;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac};
use iban::Iban;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// What tokens begin with: `tok_EPOCH_BASE32`.
const TOKEN: &str = "tok";
/// What keyed hashes begin with: `hash_EPOCH_BASE32`. Epoch 0 stands for texts that identify a record.
const HASH: &str = "hash";

/// Most epochs of one data directory: a query for a protected value asks for its form in each.
const EPOCHS_MAX: usize = 64;

/// Bytes of a keyed hash that stand in an event: 128 bits tell all values of a tenant apart.
const HASH_BYTES: usize = 16;

/// Tokens have no associated data.
const NO_HEADERS: [&[u8]; 0] = [];

/// The secret of one epoch.
#[derive(Clone)]
struct Secret([u8; 32]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The secrets of a data directory, by epoch. Has no `Debug`.
#[derive(Clone)]
pub struct Secrets {
    /// The content of events is recognised under this one for ever, so that a retry is one in every epoch.
    identity: Secret,
    /// Rising by number; never empty.
    epochs: Vec<(u32, Secret)>,
}

/// Why the file of secrets can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsInvalid(&'static str);

impl fmt::Display for SecretsInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SecretsInvalid {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    identity: String,
    epochs: Vec<FileEpoch>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEpoch {
    epoch: u32,
    secret: String,
}

impl Drop for File {
    fn drop(&mut self) {
        self.identity.zeroize();
        self.epochs.iter_mut().for_each(|epoch| epoch.secret.zeroize());
    }
}

impl Secrets {
    /// The secrets of a new data directory, from random bytes: it is in epoch 1.
    #[must_use]
    pub fn new(identity: [u8; 32], first: [u8; 32]) -> Secrets {
        Secrets { identity: Secret(identity), epochs: vec![(1, Secret(first))] }
    }

    /// Reads what [`Secrets::to_payload`] wrote.
    ///
    /// # Errors
    /// What is wrong with it; never its content.
    pub fn parse(payload: &[u8]) -> Result<Secrets, SecretsInvalid> {
        let file: File = serde_json::from_slice(payload).map_err(|_| SecretsInvalid("not the JSON of such a file"))?;
        let identity = secret(&file.identity)?;
        let epochs = file.epochs.iter().map(|epoch| Ok((epoch.epoch, secret(&epoch.secret)?)));
        let epochs: Vec<_> = epochs.collect::<Result<_, _>>()?;
        let rises = epochs.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if epochs.is_empty() || epochs.len() > EPOCHS_MAX || !rises {
            return Err(SecretsInvalid("want 1 to 64 epochs with rising numbers"));
        }
        Ok(Secrets { identity, epochs })
    }

    /// The secrets as JSON, to be kept where only the owner of the directory can read.
    #[must_use]
    pub fn to_payload(&self) -> Zeroizing<Vec<u8>> {
        let text = |secret: &Secret| STANDARD.encode(secret.0);
        let epoch = |(epoch, secret): &(u32, Secret)| FileEpoch { epoch: *epoch, secret: text(secret) };
        let file = File { identity: text(&self.identity), epochs: self.epochs.iter().map(epoch).collect() };
        Zeroizing::new(serde_json::to_vec(&file).expect("numbers and texts are JSON"))
    }

    /// The numbers of the epochs whose secrets are kept, the present one last.
    pub fn epochs(&self) -> impl Iterator<Item = u32> + '_ {
        self.epochs.iter().map(|(epoch, _)| *epoch)
    }

    /// Begins the next epoch with a secret from random bytes. False if there are [`EPOCHS_MAX`] of them.
    pub fn begin_epoch(&mut self, random: [u8; 32]) -> bool {
        let (present, _) = self.epochs.last().expect("there is always an epoch");
        if self.epochs.len() == EPOCHS_MAX {
            return false;
        }
        self.epochs.push((present + 1, Secret(random)));
        true
    }

    /// Destroys the secret of an epoch that is over. False if there is none with this number, or it is the present one.
    pub fn forget_epoch(&mut self, number: u32) -> bool {
        let present = self.epochs.last().map(|(epoch, _)| *epoch);
        let before = self.epochs.len();
        self.epochs.retain(|(epoch, _)| *epoch != number || Some(*epoch) == present);
        self.epochs.len() < before
    }

    /// The keys of one tenant.
    #[must_use]
    pub fn of_tenant(&self, tenant: &TenantName) -> TenantKeys {
        let identity = derive(&self.identity, "identity", tenant);
        let epoch = |(number, secret): &(u32, Secret)| EpochKeys {
            number: *number,
            hash: mac(&derive(secret, "hash", tenant)),
            token: derive(secret, "token", tenant),
        };
        TenantKeys { identity: mac(&identity), epochs: self.epochs.iter().map(epoch).collect() }
    }
}

fn secret(text: &str) -> Result<Secret, SecretsInvalid> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| SecretsInvalid("a secret is not base64"))?);
    let bytes = bytes.as_slice().try_into().map_err(|_| SecretsInvalid("a secret has not 32 bytes"))?;
    Ok(Secret(bytes))
}

fn derive(secret: &Secret, purpose: &str, tenant: &TenantName) -> Secret {
    let mut mac = mac(secret);
    mac.update(b"cairn/protect/v1\0");
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(tenant.as_str().as_bytes());
    Secret(mac.finalize().into_bytes().into())
}

fn mac(secret: &Secret) -> Hmac<Sha256> {
    Hmac::new_from_slice(&secret.0).expect("HMAC takes keys of any length")
}

/// The keys of one tenant. Has no `Debug`.
pub struct TenantKeys {
    identity: Hmac<Sha256>,
    epochs: Vec<EpochKeys>,
}

struct EpochKeys {
    number: u32,
    hash: Hmac<Sha256>,
    /// Two keys of AES-128, as RFC 5297 section 2.2 joins them.
    token: Secret,
}

impl TenantKeys {
    /// What content is recognised by, so that nobody without the key can test guesses of it.
    #[must_use]
    pub fn fingerprint(&self, content: [u8; 16]) -> [u8; 16] {
        self.identify(&content)[..16].try_into().expect("a MAC has 32 bytes")
    }

    /// What stands for a text that identifies a record and holds a protected value.
    #[must_use]
    pub fn identifier(&self, text: &str) -> String {
        let bytes = self.identify(text.as_bytes());
        format!("{HASH}_0_{}", base32(&bytes[..HASH_BYTES]))
    }

    fn identify(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.identity.clone();
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// The token of a value in the present epoch: the same for the same value, and readable with the key alone.
    #[must_use]
    pub fn token(&self, value: &str) -> String {
        self.present().token(&plain(value))
    }

    /// The keyed hash of a value in the present epoch.
    #[must_use]
    pub fn hash(&self, value: &str) -> String {
        self.present().hash(&plain(value))
    }

    /// Everything that may stand in an event for this value, in any epoch that is kept.
    #[must_use]
    pub fn forms(&self, value: &str) -> Vec<String> {
        let value = plain(value);
        self.epochs.iter().rev().flat_map(|epoch| [epoch.hash(&value), epoch.token(&value)]).collect()
    }

    /// The value behind a token, in its [`plain`] spelling; none if it is no token of this tenant, or its epoch is forgotten.
    #[must_use]
    pub fn reveal(&self, token: &str) -> Option<String> {
        let (number, sealed) = token.strip_prefix(TOKEN)?.strip_prefix('_')?.split_once('_')?;
        let epoch = self.epochs.iter().find(|epoch| epoch.number.to_string() == number)?;
        let sealed = BASE32_NOPAD.decode(sealed.to_ascii_uppercase().as_bytes()).ok()?;
        let value = epoch.cipher().decrypt(NO_HEADERS, &sealed).ok()?;
        String::from_utf8(value).ok()
    }

    fn present(&self) -> &EpochKeys {
        self.epochs.last().expect("there is always an epoch")
    }
}

impl EpochKeys {
    /// Deterministic authenticated encryption: AES-SIV (RFC 5297) without associated data.
    fn token(&self, value: &str) -> String {
        let sealed = self.cipher().encrypt(NO_HEADERS, value.as_bytes());
        let sealed = sealed.expect("a value is far shorter than AES-SIV allows");
        format!("{TOKEN}_{}_{}", self.number, base32(&sealed))
    }

    fn cipher(&self) -> Aes128Siv {
        Aes128Siv::new(&self.token.0.into())
    }

    fn hash(&self, value: &str) -> String {
        let mut mac = self.hash.clone();
        mac.update(value.as_bytes());
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        format!("{HASH}_{}_{}", self.number, base32(&bytes[..HASH_BYTES]))
    }
}

/// The spelling of a value that all its spellings have in common, so that each of them finds it: mail addresses in lower
/// case, long numbers and account numbers without what groups their digits.
fn plain(value: &str) -> Cow<'_, str> {
    const DIGITS_MIN: usize = 9;
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_grouped = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '+');
    if digits >= DIGITS_MIN && value.chars().all(is_grouped) {
        return value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>().into();
    }
    let compact = || value.chars().filter(|c| *c != ' ').flat_map(char::to_uppercase).collect::<String>();
    if digits >= DIGITS_MIN && value.len() <= 48 && compact().parse::<Iban>().is_ok() {
        return compact().into();
    }
    match value.contains('@') && !value.contains(char::is_whitespace) {
        true => value.to_lowercase().replace("%40", "@").into(),
        false => value.into(),
    }
}

/// Whether a text is what protection puts in the place of a value.
pub(super) fn is_form(text: &str) -> bool {
    let is_base32 = |text: &str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    let mut parts = text.splitn(3, '_');
    let is_kind = parts.next().is_some_and(|kind| kind == TOKEN || kind == HASH);
    let is_epoch = parts.next().is_some_and(|epoch| epoch.parse::<u32>().is_ok());
    is_kind && is_epoch && parts.next().is_some_and(is_base32)
}

/// Lower case, so that it is one word wherever text is folded.
fn base32(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(bytes);
    text.make_ascii_lowercase();
    text
}
