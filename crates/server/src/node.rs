//! One data directory in service.

use crate::config::NodeConfig;
use crate::follow::{self, Follow};
use crate::gate::Gate;
use crate::own;
use crate::protection::Keys;
use crate::scrub::{Scrub, Subject};
use crate::telemetry::Telemetry;
use crate::tokens::Tokens;
use cairn_access::Token;
use cairn_event::TrailRef;
use cairn_ledger::{LedgerError, VerifierKey};
use cairn_search::Index;
use cairn_store::{Engines, Reader, Recovered, Store, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// One data directory in service: store, search index, credentials. Cheap to clone.
///
/// It runs until [`Node::close`]; dropping the last clone closes nothing.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    config: NodeConfig,
    engines: Engines,
    store: Store,
    reader: Reader,
    index: Arc<dyn Index>,
    follow: Follow,
    scrub: Scrub,
    tokens: Tokens,
    keys: Arc<Keys>,
    gate: Gate,
    telemetry: Arc<Telemetry>,
    /// Changes whenever events became durable.
    grew: watch::Sender<u64>,
    /// True once the node is to stop.
    stopping: watch::Sender<bool>,
}

/// What a start found and made.
pub struct Started {
    /// What the store found on the disk.
    pub recovered: Recovered,
    /// Whether the data directory was new.
    pub is_new: bool,
    /// The secret of the first credential, if it was made now. It is also in `keys/admin.token`.
    pub admin_token: Option<Token>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The data directory can't be used.
    #[error("{0}")]
    Engines(#[from] cairn_engines::OpenError),
    /// The store refuses the data directory.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The file of credentials holds something else.
    #[error("keys/tokens.json: {0}")]
    Tokens(#[from] cairn_access::TableInvalid),
    /// The file of credentials is missing although there are events: whoever took it away must not get a
    /// new admin token for the old data.
    #[error("keys/tokens.json is missing, but the data directory is not new; put the file back")]
    TokensMissing,
    /// The file of secrets behind tokens and hashes holds something else.
    #[error("keys/protection.json: {0}")]
    Secrets(#[from] cairn_admit::protect::SecretsInvalid),
    /// It is missing although there are events: with other secrets, none of their tokens could be found or read.
    #[error("keys/protection.json is missing, but the data directory is not new; put the file back")]
    SecretsMissing,
    /// What policy is in force could not be recorded, and so nothing is taken under it.
    #[error("the change of policy could not be recorded: {0}")]
    Policy(String),
    /// The operating system gives no thread.
    #[error("start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl Node {
    /// Opens a data directory with the local engines, or makes a new one, and starts what works in the
    /// background.
    ///
    /// # Errors
    /// [`NodeError`]; nothing runs then.
    pub fn open(config: NodeConfig) -> Result<(Node, Started), NodeError> {
        let opened = cairn_engines::open(&config.data_dir)?;
        for cache in &opened.rebuilt {
            tracing::warn!(cache, "a cache could not be read and is built anew");
        }
        Node::start(opened.engines, opened.index, config)
    }

    /// As [`Node::open`], on engines of the caller's choice.
    ///
    /// # Errors
    /// [`NodeError`]; nothing runs then.
    pub fn start(engines: Engines, index: Arc<dyn Index>, config: NodeConfig) -> Result<(Node, Started), NodeError> {
        let (store, recovered) = Store::open(engines.clone(), config.store.clone())?;
        let is_empty = recovered.sealed + recovered.replayed == 0;
        let keys = Keys::open(&engines, is_empty).map(Arc::new);
        let opened = keys.and_then(|keys| Ok((keys, Tokens::open(&engines, &config.first_trail, is_empty)?)));
        let (keys, (tokens, admin_token)) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // The directory must be free for the next try.
                store.close()?;
                return Err(error);
            }
        };
        let reader = store.reader();
        let telemetry = Arc::new(Telemetry::new());
        let (grew, _) = watch::channel(0);
        let follow = follow::start(reader.clone(), index.clone(), &config.index, telemetry.clone());
        let follow = follow.map_err(NodeError::Thread)?;
        let subject = Subject {
            reader: reader.clone(),
            public: engines.signer.public(),
            host: store.instance().host.clone(),
            clock: engines.clock.clone(),
            telemetry: telemetry.clone(),
            rules: config.protection.clone(),
            keys: keys.clone(),
        };
        let scrub = Scrub::start(subject, config.scrub.clone()).map_err(NodeError::Thread)?;
        let (stopping, _) = watch::channel(false);
        let gate = Gate::new(&config.http);
        let inner = Inner {
            config,
            engines,
            store,
            reader,
            index,
            follow,
            scrub,
            tokens,
            keys,
            gate,
            telemetry,
            grew,
            stopping,
        };
        let started = Started { recovered, is_new: admin_token.is_some(), admin_token };
        let node = Node { inner: Arc::new(inner) };
        if let Err(failure) = own::record_policy(&node) {
            node.close()?;
            return Err(NodeError::Policy(failure.problem.to_string()));
        }
        Ok((node, started))
    }

    /// Commits what is queued, publishes the heads and gives the data directory back. Blocks.
    ///
    /// # Errors
    /// [`StoreError::WriterStopped`] if the writer had stopped before; nothing that was acknowledged is
    /// lost then either.
    pub fn close(&self) -> Result<(), StoreError> {
        self.begin_stop();
        self.inner.follow.stop();
        self.inner.scrub.stop();
        self.inner.store.close()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Public half of the signing key: lower-case hexadecimal SHA-256 of its 32 bytes.
    #[must_use]
    pub fn key_fingerprint(&self) -> String {
        cairn_ledger::sha256(&self.public_key()).to_hex()
    }

    /// What checkpoints of a trail are verified with.
    ///
    /// # Errors
    /// As [`VerifierKey::new`], if the host of the data directory can't stand in a key name.
    pub fn verifier_key(&self, trail: &TrailRef) -> Result<VerifierKey, LedgerError> {
        let key = cairn_ledger::PublicKey::from_bytes(&self.public_key())?;
        VerifierKey::new(&self.inner.store.instance().origin(trail), key)
    }

    fn public_key(&self) -> [u8; 32] {
        self.inner.engines.signer.public()
    }

    pub(crate) fn config(&self) -> &NodeConfig {
        &self.inner.config
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    pub(crate) fn index(&self) -> &dyn Index {
        self.inner.index.as_ref()
    }

    pub(crate) fn follow(&self) -> &Follow {
        &self.inner.follow
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn engines(&self) -> &Engines {
        &self.inner.engines
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.inner.gate
    }

    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.inner.telemetry
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.engines.clock.now()
    }

    /// A key that no other request has had.
    pub(crate) fn fresh_key(&self) -> String {
        let secret = self.inner.engines.entropy.secret();
        secret.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells followers that events became durable.
    pub(crate) fn announce_growth(&self) {
        self.inner.grew.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn growth(&self) -> watch::Receiver<u64> {
        self.inner.grew.subscribe()
    }

    /// Ends the streams that would never end by themselves.
    pub(crate) fn begin_stop(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// Completes once the node is to stop.
    pub(crate) async fn stopped(&self) {
        // An error means that the node is gone, which is a stop as well.
        let _ = self.stop_signal().wait_for(|stop| *stop).await;
    }

    pub(crate) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }
}
