//! DSSE v1 envelopes for signed JSON files: a payload, its type, one Ed25519 signature.

use crate::text::{from_base64, from_base64_exact, to_base64};
use crate::{LedgerError, PublicKey, Signer, key::short_id};

const WHAT: &str = "signed envelope";

// The file is the RFC 8785 text of the envelope. Its members hold base64, hexadecimal and a type
// without characters to escape, so this template is the whole of it.
const PAYLOAD: &str = r#"{"payload":""#;
const TYPE: &str = r#"","payloadType":""#;
const KEY_ID: &str = r#"","signatures":[{"keyid":""#;
const SIGNATURE: &str = r#"","sig":""#;
const END: &str = r#""}]}"#;

/// A payload with its signature, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    key_id: String,
    signature: [u8; 64],
}

impl Envelope {
    /// Signs a payload.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if the type is not printable ASCII without quotes and backslashes.
    pub fn sign(payload_type: &str, payload: Vec<u8>, signer: &dyn Signer) -> Result<Self, LedgerError> {
        check_type(payload_type)?;
        let signature = signer.sign(&encoding_to_sign(payload_type, &payload));
        let key_id = short_id(&signer.public());
        Ok(Self { payload_type: payload_type.to_owned(), payload, key_id, signature })
    }

    /// What the payload is said to be.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The identifier of the key that is said to have signed; see [`PublicKey::short_id`].
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The file: RFC 8785 text without a final line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let payload = to_base64(&self.payload);
        let signature = to_base64(&self.signature);
        [PAYLOAD, &payload, TYPE, &self.payload_type, KEY_ID, &self.key_id, SIGNATURE, &signature, END].concat()
    }

    /// Reads exactly what [`Envelope::to_text`] writes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on any other spelling, even of the same JSON value.
    pub fn parse(file: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed(WHAT, reason);
        let fields = str::from_utf8(file).ok().and_then(|text| {
            let (payload, rest) = text.strip_prefix(PAYLOAD)?.split_once(TYPE)?;
            let (payload_type, rest) = rest.split_once(KEY_ID)?;
            let (key_id, rest) = rest.split_once(SIGNATURE)?;
            Some((payload, payload_type, key_id, rest.strip_suffix(END)?))
        });
        let (payload, payload_type, key_id, signature) = fields.ok_or(malformed("not in the form of an envelope"))?;
        check_type(payload_type)?;
        if crate::text::from_hex::<4>(key_id).is_none() {
            return Err(malformed("the key identifier is not 8 lower-case hexadecimal digits"));
        }
        let envelope = Self {
            payload_type: payload_type.to_owned(),
            payload: from_base64(payload).ok_or(malformed("the payload is not canonical base64"))?,
            key_id: key_id.to_owned(),
            signature: from_base64_exact(signature).ok_or(malformed("the signature is not 64 bytes of base64"))?,
        };
        if envelope.to_text().as_bytes() != file {
            return Err(malformed("not the one spelling of this envelope"));
        }
        Ok(envelope)
    }

    /// Verifies the signature by one of the keys and that the payload is of the type wanted, and only
    /// then gives the payload.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on another type, [`LedgerError::Unsigned`] if no key has the
    /// identifier, [`LedgerError::BadSignature`] if those that have do not verify.
    pub fn open(&self, payload_type: &str, keys: &[PublicKey]) -> Result<&[u8], LedgerError> {
        if self.payload_type != payload_type {
            return Err(LedgerError::malformed(WHAT, "the payload is of another type"));
        }
        let message = encoding_to_sign(&self.payload_type, &self.payload);
        // Four bytes can be made to collide, so every key of that identifier is tried.
        let mut known = keys.iter().filter(|key| key.short_id() == self.key_id).peekable();
        if known.peek().is_none() {
            return Err(LedgerError::Unsigned);
        }
        if !known.any(|key| key.verifies(&message, &self.signature)) {
            return Err(LedgerError::BadSignature { key: self.key_id.clone() });
        }
        Ok(&self.payload)
    }
}

/// The pre-authentication encoding of DSSE v1: lengths keep type and payload apart.
fn encoding_to_sign(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn check_type(payload_type: &str) -> Result<(), LedgerError> {
    let plain = |c: u8| c.is_ascii_graphic() && c != b'"' && c != b'\\';
    if payload_type.is_empty() || !payload_type.bytes().all(plain) {
        return Err(LedgerError::malformed("payload type", "not printable ASCII without quotes and backslashes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
