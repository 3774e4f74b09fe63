//! Deliveries that prove who sent them without a token: senders of webhooks can't be given one, but
//! share a secret with whom they send to.

use crate::identity::Token;
use cairn_event::{Digest, TrailName};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// The address and the secret of a webhook: `POST /v1/sources/KIND/NAME`.
#[derive(Clone)]
pub struct Webhook {
    /// The kind of source, `github`.
    pub kind: String,
    /// The name of the source.
    pub name: TrailName,
    /// What sender and receiver share. Its hash is that of the credential.
    pub(crate) secret: Token,
}

/// How a delivery proves that its sender knows the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// `X-Hub-Signature-256: sha256=<hex>`: HMAC-SHA256 of the body with the secret (GitHub, "Validating
    /// webhook deliveries").
    Signature(String),
    /// `X-Gitlab-Token`: the secret itself (GitLab, "Webhooks", secret token).
    Secret(String),
}

impl Proof {
    /// The headers that a proof may stand in, in lower case.
    pub const HEADERS: [&str; 2] = ["x-hub-signature-256", "x-gitlab-token"];

    /// The proof in a header.
    #[must_use]
    pub fn of(header: &str, value: &str) -> Option<Proof> {
        match header {
            "x-hub-signature-256" => Some(Proof::Signature(value.to_owned())),
            "x-gitlab-token" => Some(Proof::Secret(value.to_owned())),
            _ => None,
        }
    }
}

impl Webhook {
    /// Whether the proof shows that the sender of `body`, the bytes as they were sent, knows the secret. Compared in constant time.
    #[must_use]
    pub fn is_proved(&self, proof: &Proof, body: &[u8]) -> bool {
        match proof {
            Proof::Secret(said) => bool::from(said.as_bytes().ct_eq(self.secret.reveal().as_bytes())),
            Proof::Signature(said) => {
                let digits = said.strip_prefix("sha256=").unwrap_or_default();
                let Ok(signature) = digits.to_ascii_lowercase().parse::<Digest>() else { return false };
                let key = self.secret.reveal().as_bytes();
                let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
                mac.chain_update(body).verify_slice(signature.as_bytes()).is_ok()
            }
        }
    }
}

impl PartialEq for Webhook {
    fn eq(&self, other: &Webhook) -> bool {
        (&self.kind, &self.name, self.secret.hash()) == (&other.kind, &other.name, other.secret.hash())
    }
}

impl Eq for Webhook {}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({}/{})", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_can_prove_it() {
        let secret = Token::from_secret([3; 32]);
        let webhook = Webhook { kind: "github".into(), name: "org".parse().expect("a name"), secret };
        let of = |header: &str, value: &str| Proof::of(header, value).expect("a header of proofs");
        // What GitHub would send for this secret and body; computed with Python's hmac.
        let signed = "sha256=f2af2303dae4f72d6cd52e878057f30142321fb6146638cc49e84b619895d7c9";
        assert!(webhook.is_proved(&of("x-hub-signature-256", signed), b"{\"a\":1}"));
        assert!(
            webhook.is_proved(&of("x-hub-signature-256", &signed.to_uppercase().replace("SHA", "sha")), b"{\"a\":1}")
        );
        assert!(!webhook.is_proved(&of("x-hub-signature-256", signed), b"{\"a\":2}"));
        for wrong in ["", "sha256=", "sha256=zz", "sha1=00", &signed[..signed.len() - 2], &signed[7..]] {
            assert!(!webhook.is_proved(&of("x-hub-signature-256", wrong), b"{\"a\":1}"), "{wrong}");
        }
        assert!(webhook.is_proved(&of("x-gitlab-token", &format!("cairn_{}", "03".repeat(32))), b""));
        assert!(!webhook.is_proved(&of("x-gitlab-token", &format!("cairn_{}", "04".repeat(32))), b""));
        assert_eq!(Proof::of("authorization", "x"), None);
        assert_eq!(format!("{webhook:?}"), "Webhook(github/org)");
    }
}
