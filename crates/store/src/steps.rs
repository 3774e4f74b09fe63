//! The store without threads: one call at a time, for a simulator that decides what happens next.

use crate::commit::record::Prepared;
use crate::commit::recover::Recovered;
use crate::commit::sequencer::Run;
use crate::commit::writer::{CommitError, RunReply, Writer};
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::read::Reader;
use crate::seal::{self, Sealed};
use crate::shared::{Engines, Shared};
use crate::store;
use cairn_event::{Event, TrailRef};
use std::sync::Arc;

/// A store whose every step is a call.
pub struct Steps {
    shared: Arc<Shared>,
    writer: Writer,
    _lock: Box<dyn Send + Sync>,
}

impl Steps {
    /// Opens and recovers, as [`crate::Store::open`] does.
    ///
    /// # Errors
    /// As [`crate::Store::open`].
    pub fn open(engines: Engines, config: StoreConfig) -> Result<(Steps, Recovered), StoreError> {
        let (shared, writer, lock, recovered) = store::open(engines, config)?;
        Ok((Steps { shared, writer, _lock: lock }, recovered))
    }

    /// Prepares one event, as [`crate::Store::prepare`] does.
    ///
    /// # Errors
    /// As [`crate::Store::prepare`].
    pub fn prepare(
        &self,
        trail: &TrailRef,
        event: &Event,
        key: [u8; 32],
        fingerprint: [u8; 16],
    ) -> Result<Prepared, StoreError> {
        crate::commit::prepare(&self.shared, trail, event, key, fingerprint)
            .map_err(|error| StoreError::Io { what: "commit to an event".to_owned(), error: error.to_string() })
    }

    /// Commits one group. After an error that stopped the writer every later call gives it again.
    ///
    /// # Errors
    /// [`StoreError::WriterStopped`] when the disk failed; any other error refused this group alone.
    pub fn commit(&mut self, requests: &[Vec<Run>]) -> Result<Vec<Vec<RunReply>>, StoreError> {
        self.running()?;
        self.writer.commit(requests).map_err(|error| match error {
            CommitError::Refused(error) => error,
            CommitError::Fatal(error) => self.stop(&error),
        })
    }

    /// Publishes checkpoint files and the WAL head.
    ///
    /// # Errors
    /// As [`Steps::commit`].
    pub fn publish(&mut self, closed: bool) -> Result<(), StoreError> {
        self.running()?;
        self.writer.publish(closed).map_err(|error| self.stop(&error))
    }

    /// Seals the oldest events of a trail.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk failed; the events stay in the WAL and the writer goes on.
    pub fn seal(&self, trail: &TrailRef, events_max: u64) -> Result<Option<Sealed>, StoreError> {
        seal::seal(&self.shared, &self.shared.trail(trail), events_max)
    }

    /// Reads events and proofs.
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone() }
    }

    fn running(&self) -> Result<(), StoreError> {
        match self.shared.stopped.get() {
            Some(reason) => Err(StoreError::WriterStopped { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn stop(&self, error: &StoreError) -> StoreError {
        let reason = error.to_string();
        self.shared.stop(reason.clone());
        StoreError::WriterStopped { reason }
    }
}
