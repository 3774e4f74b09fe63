//! The node's credentials: the table in memory, its signed file, and the first one of a new directory.

use crate::node::NodeError;
use cairn_access::{Entry, Principal, PrincipalName, Scopes, TableInvalid, Token, TokenTable};
use cairn_event::{TrailName, TrailRef};
use cairn_store::{Engines, KeyFile, StoreError, keep_first_token};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Name of the principal of the first credential.
const FIRST: &str = "admin";

pub(crate) struct Tokens {
    table: RwLock<Arc<TokenTable>>,
    /// Held while the file is replaced, so that two new credentials don't lose one another.
    writing: Mutex<()>,
}

/// Why a credential was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    #[error("{0}")]
    Table(#[from] TableInvalid),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Tokens {
    /// Reads the table; makes it, with one credential that may do everything, if the directory holds no event.
    pub(crate) fn open(
        engines: &Engines,
        first_trail: &TrailRef,
        is_empty: bool,
    ) -> Result<(Tokens, Option<Token>), NodeError> {
        let payload = KeyFile::Tokens.read(engines.disk.as_ref(), &engines.signer.public())?;
        let (table, token) = match payload {
            Some(payload) => (TokenTable::parse(&payload)?, None),
            None if is_empty => {
                let mut table = TokenTable::default();
                let id = FIRST.parse().expect("a valid name");
                let principal = Principal { id, trail: first_trail.clone(), scopes: Scopes::ALL };
                let (token, _) = add(&mut table, engines, principal, None)?;
                // A crash before the next line leaves a secret that opens nothing; the next start makes another.
                keep_first_token(engines.disk.as_ref(), token.reveal())?;
                KeyFile::Tokens.write(engines.disk.as_ref(), engines.signer.as_ref(), table.to_payload())?;
                (table, Some(token))
            }
            None => return Err(NodeError::TokensMissing),
        };
        let tokens = Tokens { table: RwLock::new(Arc::new(table)), writing: Mutex::new(()) };
        Ok((tokens, token))
    }

    pub(crate) fn table(&self) -> Arc<TokenTable> {
        // The lock only guards the exchange of one pointer, which can't be left half done.
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a credential, durable when this returns. Blocks on the disk.
    pub(crate) fn issue(
        &self,
        engines: &Engines,
        id: PrincipalName,
        trail: TrailRef,
        scopes: Scopes,
        webhook: Option<(String, TrailName)>,
    ) -> Result<(Token, Entry), IssueError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = (*self.table()).clone();
        let issued = add(&mut table, engines, Principal { id, trail, scopes }, webhook)?;
        KeyFile::Tokens.write(engines.disk.as_ref(), engines.signer.as_ref(), table.to_payload())?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        Ok(issued)
    }
}

fn add(
    table: &mut TokenTable,
    engines: &Engines,
    principal: Principal,
    webhook: Option<(String, TrailName)>,
) -> Result<(Token, Entry), TableInvalid> {
    let token = Token::from_secret(engines.entropy.secret());
    let entry = Entry::new(principal, &token, engines.clock.now());
    let entry = match webhook {
        None => entry,
        Some((kind, name)) => entry.for_webhook(kind, name, token.clone()),
    };
    table.add(entry.clone())?;
    Ok((token, entry))
}
