//! A store on a simulated machine.

use cairn_engines::sim::{MemoryKeys, SimClock, SimEntropy, World, event};
use cairn_event::{Event, TrailRef};
use cairn_store::seams::Clock;
use cairn_store::{Engines, LogKey, Prepared, Run, RunReply, Store, StoreConfig, StoreError};
use std::sync::Arc;
use std::sync::mpsc::channel;

/// One machine whose store can be opened again and again.
pub(crate) struct Machine {
    pub(crate) world: World,
    clock: Arc<SimClock>,
    entropy: Arc<SimEntropy>,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let clock = Arc::new(SimClock::at(1_800_000_000));
        Machine { world: World::new(1), clock, entropy: Arc::new(SimEntropy::new(1)) }
    }

    /// Opens with an empty key index, as after the cache was deleted.
    pub(crate) fn open(&self, config: StoreConfig) -> Result<Store, StoreError> {
        let disk = self.world.disk();
        let signer = Arc::new(LogKey::open(&disk, self.entropy.as_ref())?);
        let engines = Engines {
            disk: Arc::new(disk),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            signer,
            keys: Arc::new(MemoryKeys::default()),
            give_way: || (),
        };
        Store::open(engines, config).map(|(store, _)| store)
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(crate) fn event(&self, number: u64) -> Event {
        event(&format!("thing-{number}"), number, self.now())
    }

    /// The events with these numbers, each under the key that its number gives.
    pub(crate) fn prepare(&self, store: &Store, numbers: impl IntoIterator<Item = u64>) -> Vec<Prepared> {
        let one = |number| {
            let event = self.event(number);
            let scope = cairn_event::idempotency::Scope { trail: &main(), principal: "sim", source: ("native", "sim") };
            let identified = &event.admission().identified;
            let key = cairn_event::idempotency::key(&scope, identified, None, &event.fingerprint());
            store.prepare(&main(), &event, key, event.fingerprint()).expect("an event within the limits")
        };
        numbers.into_iter().map(one).collect()
    }

    pub(crate) fn commit(&self, store: &Store, numbers: impl IntoIterator<Item = u64>) -> Result<RunReply, StoreError> {
        commit(store, self.prepare(store, numbers))
    }
}

pub(crate) fn main() -> TrailRef {
    "default/main".parse().expect("a trail name")
}

/// Commits one run and waits for the answer.
pub(crate) fn commit(store: &Store, events: Vec<Prepared>) -> Result<RunReply, StoreError> {
    let (sender, receiver) = channel();
    let reply = Box::new(move |answer| sender.send(answer).expect("the test waits"));
    store.submit(vec![Run { trail: main(), events }], reply);
    let mut answers = receiver.recv().expect("every submission is answered")?;
    Ok(answers.remove(0))
}

/// Settings without a disk reserve and with a fixed host.
pub(crate) fn config() -> StoreConfig {
    StoreConfig { host: Some("test".to_owned()), disk_reserve_bytes: 0, ..StoreConfig::default() }
}
