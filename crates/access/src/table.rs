//! The credentials a node knows: the payload of the signed file `keys/tokens.json` (`formats/manifest.md`).

use crate::identity::{Principal, PrincipalName, Scopes, Token};
use crate::webhook::Webhook;
use cairn_event::canonical::{Numbers, canonical};
use cairn_event::json::Object;
use cairn_event::{Digest, Json, TenantName, TrailName, TrailRef};
use jiff::Timestamp;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Most credentials in one table: every request is compared with all of them.
pub const TOKENS_MAX: usize = 4096;

/// One credential, without its secret unless it is one of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who it is.
    pub principal: Principal,
    /// SHA-256 of the secret text.
    pub hash: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// The webhook whose deliveries it proves, if it is made for one.
    pub webhook: Option<Webhook>,
}

impl Entry {
    /// A credential that is shown as a token.
    #[must_use]
    pub fn new(principal: Principal, token: &Token, created_at: Timestamp) -> Entry {
        Entry { principal, hash: token.hash(), created_at, webhook: None }
    }

    /// The same credential for the deliveries of a webhook.
    #[must_use]
    pub fn for_webhook(self, kind: String, name: TrailName, secret: Token) -> Entry {
        Entry { webhook: Some(Webhook { kind, name, secret }), ..self }
    }
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
    /// The webhook has a credential already, in whatever tenant: its address names no tenant.
    #[error("there is a credential for the webhook {kind}/{name} already")]
    WebhookTaken {
        /// The kind of source.
        kind: String,
        /// The name of the source.
        name: TrailName,
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
        if let Some(webhook) = entry.webhook.as_ref().filter(|new| self.webhook(&new.kind, new.name.as_str()).is_some())
        {
            return Err(TableInvalid::WebhookTaken { kind: webhook.kind.clone(), name: webhook.name.clone() });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// The webhook at an address, with the principal that its deliveries come from.
    #[must_use]
    pub fn webhook(&self, kind: &str, name: &str) -> Option<(&Principal, &Webhook)> {
        let all = self.entries.iter().filter_map(|entry| Some((&entry.principal, entry.webhook.as_ref()?)));
        all.into_iter().find(|(_, webhook)| webhook.kind == kind && webhook.name.as_str() == name)
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
    let hash: Digest = text("hash")?.parse().ok()?;
    let webhook = match json.get("webhook") {
        None => None,
        Some(said) => Some(webhook(said).filter(|webhook| webhook.secret.hash() == hash)?),
    };
    Some(Entry {
        principal: Principal {
            id: text("id")?.parse().ok()?,
            trail: TrailRef { tenant, trail },
            scopes: Scopes::from_words(scopes)?,
        },
        hash,
        created_at: text("created_at")?.parse().ok()?,
        webhook,
    })
}

fn webhook(json: &Json) -> Option<Webhook> {
    let text = |name: &str| json.get(name)?.as_str();
    Some(Webhook {
        kind: text("kind")?.to_owned(),
        name: text("name")?.parse().ok()?,
        secret: text("secret")?.parse().ok()?,
    })
}

fn entry_json(entry: &Entry) -> Json {
    let principal = &entry.principal;
    let scopes: Vec<Json> = principal.scopes.iter().map(|scope| scope.as_str().into()).collect();
    let mut members: Object = [
        ("id", Json::from(principal.id.as_str())),
        ("hash", entry.hash.to_string().into()),
        ("tenant", principal.trail.tenant.as_str().into()),
        ("trail", principal.trail.trail.as_str().into()),
        ("scopes", Json::Array(scopes)),
        ("created_at", entry.created_at.to_string().into()),
    ]
    .into_iter()
    .collect();
    if let Some(webhook) = &entry.webhook {
        let parts =
            [("kind", webhook.kind.as_str()), ("name", webhook.name.as_str()), ("secret", webhook.secret.reveal())];
        members.insert("webhook", parts.into_iter().collect::<Object>());
    }
    members.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry_of(id: &str, trail: &str, secret: u8) -> Entry {
        let principal =
            Principal { id: id.parse().expect("a name"), trail: trail.parse().expect("a trail"), scopes: Scopes::ALL };
        Entry::new(principal, &Token::from_secret([secret; 32]), Timestamp::UNIX_EPOCH)
    }

    fn webhook_of(id: &str, trail: &str, secret: u8, name: &str) -> Entry {
        let name = name.parse().expect("a name");
        entry_of(id, trail, secret).for_webhook("github".into(), name, Token::from_secret([secret; 32]))
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
    fn the_address_of_a_webhook_has_one_credential_in_all_tenants() {
        let mut table = table();
        table.add(webhook_of("org", "a/app", 8, "org")).expect("the first");
        let taken = table.add(webhook_of("org", "b/app", 9, "org"));
        assert!(matches!(taken, Err(TableInvalid::WebhookTaken { .. })));
        let found = table.webhook("github", "org").map(|(principal, _)| principal.trail.to_string());
        assert_eq!(found.as_deref(), Some("a/app"));
        assert!(table.webhook("gitlab", "org").is_none() && table.webhook("github", "web").is_none());
        let payload = table.to_payload();
        assert_eq!(TokenTable::parse(&payload), Ok(table));
        // The secret is the one that the hash is of.
        let text = String::from_utf8(payload).expect("JSON").replace(&"08".repeat(32), &"07".repeat(32));
        assert!(TokenTable::parse(text.as_bytes()).is_err());
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
