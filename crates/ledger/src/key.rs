//! Ed25519 (RFC 8032), with the strict verification throughout.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::LedgerError;
use crate::hash::sha256;
use crate::text::to_hex;

/// Something that signs: a key in memory, a key file, an HSM. Called by one thread at a time for a
/// given log. Ed25519 is deterministic, so the same message gives the same signature again.
pub trait Signer {
    /// The Ed25519 signature of the message.
    fn sign(&self, message: &[u8]) -> [u8; 64];

    /// The public key that verifies it.
    fn public(&self) -> [u8; 32];
}

impl Signer for ed25519_dalek::SigningKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        ed25519_dalek::Signer::sign(self, message).to_bytes()
    }

    fn public(&self) -> [u8; 32] {
        self.verifying_key().to_bytes()
    }
}

/// A public key that was checked once: it is the one encoding of a point that is not of small order,
/// so no signature verifies under it for more than one message by chance of its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the 32 bytes of a public key.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if they are not the canonical encoding of a point, or the point is
    /// of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed("Ed25519 public key", reason);
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| malformed("not a point of the curve"))?;
        if key.to_edwards().compress().to_bytes() != *bytes {
            return Err(malformed("not the canonical encoding"));
        }
        if key.is_weak() {
            return Err(malformed("a point of small order"));
        }
        Ok(Self(key))
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Whether the signature is the key's over the message. Refuses, besides what RFC 8032 refuses,
    /// a small-order `R`; the cofactorless equation is used.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// The name of the key in envelopes: the first four bytes of the SHA-256 of the key, in
    /// lower-case hexadecimal.
    #[must_use]
    pub fn short_id(&self) -> String {
        short_id(&self.to_bytes())
    }
}

pub(crate) fn short_id(public: &[u8; 32]) -> String {
    to_hex(&sha256(public).0[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(PublicKey::from_bytes(&identity).is_err());
        assert!(PublicKey::from_bytes(&[0; 32]).is_err(), "order four");
        // y = p + 1 encodes the identity a second time.
        let mut again = [0xff; 32];
        (again[0], again[31]) = (0xee, 0x7f);
        assert!(PublicKey::from_bytes(&again).is_err());
        // y = p + 3 is y = 3 a second time: on the curve, of large order, not canonical.
        let mut three = [0; 32];
        three[0] = 3;
        again[0] = 0xf0;
        assert!(PublicKey::from_bytes(&three).is_ok());
        assert!(PublicKey::from_bytes(&again).is_err());
    }
}
