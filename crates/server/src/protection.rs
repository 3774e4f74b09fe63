//! The node's protection of values: the rules of its policy, and the secrets of its data directory.

use crate::node::NodeError;
use cairn_admit::protect::{Secrets, TenantKeys};
use cairn_event::TenantName;
use cairn_event::filter::Query;
use cairn_store::{Engines, KeyFile, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The secrets of a data directory, and the keys of its tenants.
pub(crate) struct Keys {
    secrets: Mutex<Secrets>,
    /// Keys of tenants that were asked for, made once each.
    tenants: RwLock<HashMap<TenantName, Arc<TenantKeys>>>,
}

/// Why the epochs were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EpochError {
    #[error("there are as many epochs as can be kept")]
    TooMany,
    #[error("there is no such epoch, or it is the present one")]
    NotOver,
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Keys {
    /// Reads the secrets; makes them if the directory holds no event.
    pub(crate) fn open(engines: &Engines, is_empty: bool) -> Result<Keys, NodeError> {
        let payload = KeyFile::Protection.read(engines.disk.as_ref(), &engines.signer.public())?;
        let secrets = match payload {
            Some(payload) => Secrets::parse(&payload)?,
            None if is_empty => {
                let secrets = Secrets::new(engines.entropy.secret(), engines.entropy.secret());
                write(engines, &secrets)?;
                secrets
            }
            None => return Err(NodeError::SecretsMissing),
        };
        Ok(Keys { secrets: Mutex::new(secrets), tenants: RwLock::default() })
    }

    /// The keys of a tenant.
    pub(crate) fn of(&self, tenant: &TenantName) -> Arc<TenantKeys> {
        let known = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        known.unwrap_or_else(|| {
            let keys = Arc::new(self.secrets().of_tenant(tenant));
            self.tenants.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), keys.clone());
            keys
        })
    }

    /// The query, asking for each value also in the forms in which protection may have stored it.
    pub(crate) fn widened(&self, tenant: &TenantName, query: &Query) -> Query {
        let keys = self.of(tenant);
        query.with_forms(&|value| keys.forms(value))
    }

    /// The numbers of the epochs that are kept, the present one last.
    pub(crate) fn epochs(&self) -> Vec<u32> {
        self.secrets().epochs().collect()
    }

    /// Begins an epoch; durable when this returns. Blocks on the disk.
    pub(crate) fn begin_epoch(&self, engines: &Engines) -> Result<(), EpochError> {
        self.change(engines, |secrets| {
            secrets.begin_epoch(engines.entropy.secret()).then_some(()).ok_or(EpochError::TooMany)
        })
    }

    /// Destroys the secret of an epoch; durable when this returns. Blocks on the disk.
    pub(crate) fn forget_epoch(&self, engines: &Engines, epoch: u32) -> Result<(), EpochError> {
        self.change(engines, |secrets| secrets.forget_epoch(epoch).then_some(()).ok_or(EpochError::NotOver))
    }

    fn change(
        &self,
        engines: &Engines,
        change: impl FnOnce(&mut Secrets) -> Result<(), EpochError>,
    ) -> Result<(), EpochError> {
        let mut held = self.secrets();
        let mut secrets = held.clone();
        change(&mut secrets)?;
        write(engines, &secrets)?;
        *held = secrets;
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn secrets(&self) -> std::sync::MutexGuard<'_, Secrets> {
        // A change is made to a copy, so that a panic leaves what was in force.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(engines: &Engines, secrets: &Secrets) -> Result<(), StoreError> {
    let payload = secrets.to_payload().to_vec();
    KeyFile::Protection.write(engines.disk.as_ref(), engines.signer.as_ref(), payload)
}
