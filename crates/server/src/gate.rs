//! How much may be under way at once. Whoever finds no room is told to come again; nobody waits here,
//! so a burst costs answers with 429 and never memory.

use crate::config::HttpConfig;
use cairn_event::limits;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Bytes are counted in units of this size, rounded up.
const UNIT_BYTES: usize = 1024;

/// When to come again after 429, in seconds: the smallest that the header can say.
pub(crate) const COME_AGAIN_S: u64 = 1;

pub(crate) struct Gate {
    ingest: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    tails: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    ingest_max: usize,
    units_max: usize,
}

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    /// What there is too much of.
    pub(crate) what: &'static str,
}

/// Room for one request with events, and for the bytes of its body. Given back when it is dropped.
pub(crate) struct Lease {
    bytes: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    _request: OwnedSemaphorePermit,
}

impl Gate {
    pub(crate) fn new(config: &HttpConfig) -> Gate {
        // The largest body fits when it is alone, else it could never be taken.
        let largest = limits::BATCH_BYTES_MAX + limits::BATCH_EXPANDED_BYTES_MAX;
        let units_max = config.ingest_bytes_max.max(largest).div_ceil(UNIT_BYTES);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.max(1)));
        Gate {
            ingest: semaphore(config.ingest_requests_max),
            bytes: semaphore(units_max),
            reads: semaphore(config.reads_max),
            tails: semaphore(config.tails_max),
            workers: semaphore(cores),
            ingest_max: config.ingest_requests_max.max(1),
            units_max,
        }
    }

    /// Room for a request with a body of `bytes`.
    pub(crate) fn ingest(&self, bytes: usize) -> Result<Lease, Full> {
        let request = take(&self.ingest, 1, "requests with events")?;
        let mut lease = Lease { bytes: self.bytes.clone(), held: None, _request: request };
        lease.grow(bytes)?;
        Ok(lease)
    }

    /// Room for one read.
    pub(crate) fn read(&self) -> Result<OwnedSemaphorePermit, Full> {
        take(&self.reads, 1, "reads")
    }

    /// Room for one stream.
    pub(crate) fn tail(&self) -> Result<OwnedSemaphorePermit, Full> {
        take(&self.tails, 1, "tail streams")
    }

    /// A turn to compute for long: as many at once as there are cores. The wait is bounded by the
    /// number of requests that were let in.
    pub(crate) async fn worker(&self) -> OwnedSemaphorePermit {
        self.workers.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Requests with events that are under way.
    pub(crate) fn ingest_requests(&self) -> usize {
        self.ingest_max - self.ingest.available_permits()
    }

    /// Bytes of bodies in memory.
    pub(crate) fn ingest_bytes(&self) -> usize {
        (self.units_max - self.bytes.available_permits()) * UNIT_BYTES
    }
}

impl Lease {
    /// Makes room for `bytes` more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_err(|_| Full { what: BODIES })?;
        let more = take(&self.bytes, units, BODIES)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

const BODIES: &str = "bytes of bodies";

fn take(semaphore: &Arc<Semaphore>, permits: u32, what: &'static str) -> Result<OwnedSemaphorePermit, Full> {
    semaphore.clone().try_acquire_many_owned(permits).map_err(|error| match error {
        TryAcquireError::NoPermits => Full { what },
        TryAcquireError::Closed => unreachable!("the semaphore is never closed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted_and_given_back() {
        let gate = Gate::new(&HttpConfig { ingest_requests_max: 2, ..HttpConfig::default() });
        let mut first = gate.ingest(1).expect("room");
        first.grow(5000).expect("room");
        assert_eq!((gate.ingest_requests(), gate.ingest_bytes()), (1, 6 * 1024));
        let second = gate.ingest(0).expect("room");
        assert_eq!(gate.ingest(0).err(), Some(Full { what: "requests with events" }));
        assert!(gate.ingest(usize::MAX).is_err());
        drop((first, second));
        assert_eq!((gate.ingest_requests(), gate.ingest_bytes()), (0, 0));
    }

    #[test]
    fn the_largest_body_fits_whatever_the_setting() {
        let gate = Gate::new(&HttpConfig { ingest_bytes_max: 1, ..HttpConfig::default() });
        let mut lease = gate.ingest(limits::BATCH_BYTES_MAX).expect("room");
        lease.grow(limits::BATCH_EXPANDED_BYTES_MAX).expect("room");
        assert!(lease.grow(1).is_err());
    }
}
