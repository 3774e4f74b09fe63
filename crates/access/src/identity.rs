//! A credential's secret, the principal behind it, and what that may do.

use cairn_event::{Digest, TenantName, TrailRef};
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "cairn_";
const SECRET_BYTES: usize = 32;

/// The secret text of a credential: `cairn_` and 64 lower-case hexadecimal digits, 32 random bytes.
///
/// It has no `Debug` and no `Display`: a secret that can't be printed by accident is not logged.
#[derive(Clone)]
pub struct Token {
    text: String,
}

/// A text is not a token. It is not repeated here, since it may be one with a slip in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token: want cairn_ and 64 lower-case hexadecimal digits")]
pub struct TokenInvalid;

impl Token {
    /// A token from 32 random bytes that nobody can guess.
    #[must_use]
    pub fn from_secret(secret: [u8; SECRET_BYTES]) -> Token {
        let digits = secret.iter().map(|byte| format!("{byte:02x}"));
        Token { text: PREFIX.chars().map(String::from).chain(digits).collect() }
    }

    /// The secret text, to be shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What the table keeps of it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl FromStr for Token {
    type Err = TokenInvalid;

    fn from_str(text: &str) -> Result<Token, TokenInvalid> {
        let digits = text.strip_prefix(PREFIX).ok_or(TokenInvalid)?;
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != 2 * SECRET_BYTES || !is_hex {
            return Err(TokenInvalid);
        }
        Ok(Token { text: text.to_owned() })
    }
}

/// One thing that a credential may be allowed to do, in its own tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Send events. They go to the credential's own trail, and what can't be mapped to `quarantine`.
    Ingest,
    /// Read every trail of the tenant: search, show, tail, proofs, tiles.
    Read,
    /// Seal, rebuild the index, make credentials.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 3] = [Scope::Ingest, Scope::Read, Scope::Admin];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes, at least one. No scope includes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope: what the first credential of a data directory has.
    pub const ALL: Scopes = Scopes(0b111);

    /// A set from its words; `None` if there are none, one is unknown, or one comes twice.
    #[must_use]
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Scopes> {
        let mut bits = 0;
        for word in words {
            let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == word)?;
            if bits & bit(scope) != 0 {
                return None;
            }
            bits |= bit(scope);
        }
        (bits != 0).then_some(Scopes(bits))
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// The scopes in the set, in fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

const fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

/// The name of a principal: `[a-z0-9][a-z0-9-]{0,62}`, as names of tenants and trails are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrincipalName(TenantName);

impl PrincipalName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for PrincipalName {
    type Err = cairn_event::Invalid;

    fn from_str(text: &str) -> Result<PrincipalName, cairn_event::Invalid> {
        // One rule for all names; only the word in front of the message would be another.
        text.parse().map(PrincipalName)
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who a request comes from, by its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its name: what events sent with the credential say about their producer.
    pub id: PrincipalName,
    /// Where its events go. The tenant is also all that it can read.
    pub trail: TrailRef,
    /// What it may do.
    pub scopes: Scopes,
}

/// A principal lacks a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{principal} has not the scope {scope}")]
pub struct Denied {
    /// Who asked.
    pub principal: PrincipalName,
    /// What it would have needed.
    pub scope: Scope,
}

impl Principal {
    /// Whose data it reaches.
    #[must_use]
    pub fn tenant(&self) -> &TenantName {
        &self.trail.tenant
    }

    /// Lets the principal on only if it has the scope.
    ///
    /// # Errors
    /// [`Denied`] if it has not.
    pub fn require(&self, scope: Scope) -> Result<(), Denied> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Err(Denied { principal: self.id.clone(), scope })
    }

    /// Whether a trail is one that it can read at all: a trail of its own tenant.
    #[must_use]
    pub fn reaches(&self, trail: &TrailRef) -> bool {
        trail.tenant == self.trail.tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let token = Token::from_secret([0xa7; 32]);
        let text = token.reveal().to_owned();
        assert_eq!(text, format!("cairn_{}", "a7".repeat(32)));
        assert_eq!(text.parse::<Token>().map(|token| token.hash()).ok(), Some(token.hash()));
        for other in [text.to_uppercase(), text[..text.len() - 1].to_owned(), text.clone() + "0", format!(" {text}")] {
            assert!(other.parse::<Token>().is_err());
        }
    }

    #[test]
    fn scopes_are_a_set_without_order_and_without_strangers() {
        let scopes = Scopes::from_words(["read", "ingest"]).expect("known words");
        assert_eq!(scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), ["ingest", "read"]);
        assert!(!scopes.contains(Scope::Admin));
        for words in [vec![], vec!["root"], vec!["read", "read"]] {
            assert_eq!(Scopes::from_words(words), None);
        }
    }

    #[test]
    fn no_scope_includes_another() {
        let principal = |word| Principal {
            id: "p".parse().expect("a name"),
            trail: "a/main".parse().expect("a trail"),
            scopes: Scopes::from_words([word]).expect("a scope"),
        };
        for has in Scope::ALL {
            for needs in Scope::ALL {
                assert_eq!(principal(has.as_str()).require(needs).is_ok(), has == needs);
            }
        }
        assert!(principal("read").reaches(&"a/quarantine".parse().expect("a trail")));
        assert!(!principal("read").reaches(&"b/main".parse().expect("a trail")));
    }
}
