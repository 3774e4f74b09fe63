//! The credentials a node knows: the payload of the signed file `keys/tokens.json` (`formats/manifest.md`).

use crate::identity::{Principal, PrincipalName, Scopes, Token};
use cairn_event::canonical::{Numbers, canonical};
use cairn_event::json::Object;
use cairn_event::{Digest, Json, TenantName, TrailName, TrailRef};
use jiff::Timestamp;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Most credentials in one table: every request is compared with all of them.
pub const TOKENS_MAX: usize = 4096;

/// One credential, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who it is.
    pub principal: Principal,
    /// SHA-256 of the secret text.
    pub hash: Digest,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All credentials of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenTable {
    entries: Vec<Entry>,
}

/// Why bytes are not a table, or a table can't take a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableInvalid {
    /// Not a table as one is written.
    #[error("token table: {0}")]
    Malformed(String),
    /// A principal of this name is there already, in the same tenant.
    #[error("there is a token named {id} in tenant {tenant} already")]
    Taken {
        /// The name.
        id: PrincipalName,
        /// The tenant.
        tenant: TenantName,
    },
    /// The table is full.
    #[error("there are {TOKENS_MAX} tokens already; no more can be made")]
    Full,
}

impl TokenTable {
    /// Reads the payload of the token file.
    ///
    /// # Errors
    /// [`TableInvalid::Malformed`] on anything that [`TokenTable::to_payload`] would not have written.
    pub fn parse(payload: &[u8]) -> Result<TokenTable, TableInvalid> {
        let malformed = |what: String| TableInvalid::Malformed(what);
        let json = Json::parse(payload).map_err(|error| malformed(error.to_string()))?;
        let tokens = json.get("tokens").and_then(Json::as_array);
        let tokens = tokens.ok_or_else(|| malformed("want an object with the list `tokens`".into()))?;
        let mut table = TokenTable::default();
        for (at, token) in tokens.iter().enumerate() {
            let entry = entry(token).ok_or_else(|| malformed(format!("tokens[{at}] is not a token entry")))?;
            table.add(entry)?;
        }
        // Byte for byte, so that no member is there that would be lost when the table is written again.
        if table.to_payload() != payload {
            return Err(malformed("not in the form in which it is written".into()));
        }
        Ok(table)
    }

    /// The payload of the token file: RFC 8785 JSON.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        let tokens: Vec<Json> = self.entries.iter().map(entry_json).collect();
        let table: Object = [("tokens", Json::Array(tokens))].into_iter().collect();
        canonical(&table.into(), Numbers::Rfc8785).into_bytes()
    }

    /// Adds a credential.
    ///
    /// # Errors
    /// [`TableInvalid::Taken`] if its tenant has one of that name, [`TableInvalid::Full`] at [`TOKENS_MAX`].
    pub fn add(&mut self, entry: Entry) -> Result<(), TableInvalid> {
        if self.entries.len() >= TOKENS_MAX {
            return Err(TableInvalid::Full);
        }
        let principal = &entry.principal;
        let is_same =
            |known: &Entry| known.principal.id == principal.id && known.principal.tenant() == principal.tenant();
        if self.entries.iter().any(is_same) {
            return Err(TableInvalid::Taken { id: principal.id.clone(), tenant: principal.tenant().clone() });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// The principal behind a credential. Every entry is compared, each in constant time, so that how
    /// long it takes says nothing about how near a guess came.
    #[must_use]
    pub fn find(&self, token: &Token) -> Option<&Principal> {
        let hash = token.hash();
        let (mut found, mut at) = (Choice::from(0), 0_u32);
        for (i, entry) in (0..).zip(&self.entries) {
            let is_it = entry.hash.as_bytes().ct_eq(hash.as_bytes());
            at.conditional_assign(&i, is_it);
            found |= is_it;
        }
        let at = usize::try_from(at).expect("a table has at most TOKENS_MAX entries");
        bool::from(found).then(|| &self.entries[at].principal)
    }

    /// The credentials of one tenant, in the order in which they were made.
    pub fn of_tenant(&self, tenant: &TenantName) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.principal.tenant() == tenant)
    }

    /// Number of credentials.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn entry(json: &Json) -> Option<Entry> {
    let text = |name: &str| json.get(name)?.as_str();
    let scopes = json.get("scopes")?.as_array()?.iter().map(Json::as_str).collect::<Option<Vec<_>>>()?;
    let tenant: TenantName = text("tenant")?.parse().ok()?;
    let trail: TrailName = text("trail")?.parse().ok()?;
    Some(Entry {
        principal: Principal {
            id: text("id")?.parse().ok()?,
            trail: TrailRef { tenant, trail },
            scopes: Scopes::from_words(scopes)?,
        },
        hash: text("hash")?.parse().ok()?,
        created_at: text("created_at")?.parse().ok()?,
    })
}

fn entry_json(entry: &Entry) -> Json {
    let principal = &entry.principal;
    let scopes: Vec<Json> = principal.scopes.iter().map(|scope| scope.as_str().into()).collect();
    let members: Object = [
        ("id", Json::from(principal.id.as_str())),
        ("hash", entry.hash.to_string().into()),
        ("tenant", principal.trail.tenant.as_str().into()),
        ("trail", principal.trail.trail.as_str().into()),
        ("scopes", Json::Array(scopes)),
        ("created_at", entry.created_at.to_string().into()),
    ]
    .into_iter()
    .collect();
    members.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry_of(id: &str, trail: &str, secret: u8) -> Entry {
        Entry {
            principal: Principal {
                id: id.parse().expect("a name"),
                trail: trail.parse().expect("a trail"),
                scopes: Scopes::ALL,
            },
            hash: Token::from_secret([secret; 32]).hash(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn table() -> TokenTable {
        let mut table = TokenTable::default();
        for (at, (id, trail)) in (1..).zip([("admin", "a/main"), ("web", "a/app"), ("admin", "b/main")]) {
            table.add(entry_of(id, trail, at)).expect("no two alike");
        }
        table
    }

    #[test]
    fn a_token_gives_its_own_principal_and_a_strange_one_none() {
        let table = table();
        for (at, entry) in (1..).zip(&table.entries) {
            assert_eq!(table.find(&Token::from_secret([at; 32])), Some(&entry.principal));
        }
        assert_eq!(table.find(&Token::from_secret([9; 32])), None);
        assert_eq!(TokenTable::default().find(&Token::from_secret([1; 32])), None);
        let names: Vec<_> =
            table.of_tenant(&"a".parse().expect("a name")).map(|entry| entry.principal.id.as_str()).collect();
        assert_eq!(names, ["admin", "web"]);
    }

    #[test]
    fn a_name_is_taken_once_per_tenant() {
        let taken = table().add(entry_of("web", "a/other", 8));
        assert!(matches!(taken, Err(TableInvalid::Taken { .. })));
        assert_eq!(table().add(entry_of("web", "b/other", 8)), Ok(()));
    }

    #[test]
    fn a_table_reads_back_as_written_and_any_other_spelling_is_refused() {
        let payload = table().to_payload();
        assert_eq!(TokenTable::parse(&payload), Ok(table()));
        let text = String::from_utf8(payload).expect("JSON");
        for other in [
            text.replacen("\"tokens\":", "\"tokens\": ", 1),
            text.replacen("\"id\":\"admin\"", "\"id\":\"admin\",\"x\":1", 1),
            text.replacen("\"admin\"", "\"Admin\"", 1),
            text.replacen("[\"ingest\",\"read\",\"admin\"]", "[\"admin\",\"read\",\"ingest\"]", 1),
            text.replacen("[\"ingest\",\"read\",\"admin\"]", "[]", 1),
            "{}".to_owned(),
        ] {
            assert_ne!(other, text);
            assert!(TokenTable::parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = TokenTable::parse(&bytes);
        }

        #[test]
        fn a_table_with_one_byte_changed_is_never_the_same_table(at in 0_usize..600, to: u8) {
            let mut payload = table().to_payload();
            let at = at % payload.len();
            let changed = std::mem::replace(&mut payload[at], to) != to;
            if changed {
                prop_assert_ne!(TokenTable::parse(&payload).ok(), Some(table()));
            }
        }
    }
}
