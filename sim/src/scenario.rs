//! One seeded run: requests, seals, clean stops, crashes and failing disk operations in an order that the dice decide.

use crate::model::{Model, Offered};
use anyhow::{Context, bail, ensure};
use cairn_engines::sim::{Dice, Fault, MemoryKeys, SimClock, SimEntropy, World, event, large_event};
use cairn_event::idempotency::{self, Scope as KeyScope, conflict_key};
use cairn_event::{Event, Identified, Index, Position, TrailRef};
use cairn_ledger::Hash;
use cairn_store::seams::Clock;
use cairn_store::steps::Steps;
use cairn_store::{Engines, LogKey, Placed, Run, RunReply, Scope, StoreConfig, StoreError, verify};
use std::sync::Arc;

/// What happened in a run.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) failed: u64,
    pub(crate) crashes: u64,
    pub(crate) restarts: u64,
    pub(crate) seals: u64,
    pub(crate) torn: u64,
    pub(crate) replayed: u64,
    pub(crate) faults: u64,
    pub(crate) trace: Hash,
}

impl Outcome {
    pub(crate) fn counts(&self) -> [(&'static str, u64); 10] {
        [
            ("acknowledged event", self.acknowledged),
            ("duplicate", self.duplicates),
            ("conflict", self.conflicts),
            ("request failed by a fault", self.failed),
            ("crash", self.crashes),
            ("restart", self.restarts),
            ("seal", self.seals),
            ("torn frame", self.torn),
            ("event replayed from the log", self.replayed),
            ("injected fault", self.faults),
        ]
    }

    pub(crate) fn add(&mut self, other: &Outcome) {
        self.acknowledged += other.acknowledged;
        self.duplicates += other.duplicates;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
        self.crashes += other.crashes;
        self.restarts += other.restarts;
        self.seals += other.seals;
        self.torn += other.torn;
        self.replayed += other.replayed;
        self.faults += other.faults;
    }
}

/// An event that can be offered, again and again.
#[derive(Clone)]
struct Thing {
    offered: Offered,
    key: [u8; 32],
    number: u64,
}

/// One event in so many has a value that stands beside it.
const LARGE_EVERY: u64 = 37;

/// The event of a thing as it is offered at a time.
fn event_of(thing: &Thing, now: jiff::Timestamp) -> Event {
    let make = if thing.number % LARGE_EVERY == LARGE_EVERY - 1 { large_event } else { event };
    make(&thing.offered.name, thing.number, now)
}

/// An event whose key stands for other content at this index.
struct Conflicting {
    thing: Thing,
    key: [u8; 32],
    with: u64,
}

struct Scenario {
    world: World,
    dice: Dice,
    clock: Arc<SimClock>,
    entropy: Arc<SimEntropy>,
    config: StoreConfig,
    model: Model,
    things: Vec<Thing>,
    outcome: Outcome,
    verbose: bool,
}

const STEPS: u64 = 40;

/// Runs one seed to its end; an error is a broken promise of the store.
pub(crate) fn run(seed: u64, verbose: bool) -> anyhow::Result<Outcome> {
    let dice = Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let config = StoreConfig {
        host: Some("sim".to_owned()),
        wal_file_bytes: 1000 + dice.below(20_000),
        disk_reserve_bytes: 0,
        ..StoreConfig::default()
    };
    let mut run = Scenario {
        world: World::new(seed),
        dice,
        clock: Arc::new(SimClock::at(1_800_000_000)),
        entropy: Arc::new(SimEntropy::new(seed)),
        config,
        model: Model::default(),
        things: Vec::new(),
        outcome: Outcome::default(),
        verbose,
    };
    let mut store = run.start()?;
    for step in 0..STEPS {
        if run.dice.chance(12) {
            run.plan_fault();
        }
        run.clock.advance_ms(run.dice.below(3000) as i64 - 200);
        store = run.step(store).with_context(|| format!("step {step}"))?;
    }
    // At the end the faults stop and everything must come together.
    run.world.calm();
    let store = run.restart(store, false)?;
    run.model.check(&store.reader()).context("at the end")?;
    drop(store);
    run.outcome.faults = run.world.fired().len() as u64;
    run.outcome.trace = run.world.trace();
    Ok(run.outcome)
}

impl Scenario {
    fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            println!("op {:>5}: {}", self.world.operations(), what());
        }
    }

    fn plan_fault(&mut self) {
        let at = self.world.operations() + self.dice.below(25);
        let fault = [Fault::Io, Fault::Full, Fault::CrashBefore, Fault::CrashAfter][self.dice.below(4) as usize];
        self.say(|| format!("plan {fault:?} at {at}"));
        self.world.plan(at, fault);
    }

    fn step(&mut self, mut store: Steps) -> anyhow::Result<Steps> {
        let is_ok = match self.dice.below(100) {
            0..=64 => self.commit(&mut store)?,
            65..=76 => self.seal(&store)?,
            77..=84 => self.survive(store.publish(false))?,
            85..=92 => {
                self.say(|| "crash".to_owned());
                self.world.crash();
                false
            }
            _ => {
                self.say(|| "clean stop".to_owned());
                self.survive(store.publish(true))?;
                false
            }
        };
        if is_ok && !self.world.is_down() { Ok(store) } else { self.restart(store, true) }
    }

    /// A step may fail when a fault was injected, and then only as a stopped writer or an I/O error.
    fn survive<T>(&mut self, result: Result<T, StoreError>) -> anyhow::Result<bool> {
        match result {
            Ok(_) => Ok(true),
            Err(StoreError::WriterStopped { .. } | StoreError::Io { .. }) if !self.world.fired().is_empty() => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the process, perhaps with the machine, and starts again until it holds; faults may hit the start too.
    fn restart(&mut self, store: Steps, faults: bool) -> anyhow::Result<Steps> {
        if self.world.is_down() {
            self.outcome.crashes += 1;
        }
        drop(store);
        if faults && self.dice.chance(20) {
            self.plan_fault();
        }
        self.start()
    }

    fn start(&mut self) -> anyhow::Result<Steps> {
        for _ in 0..20 {
            self.world.restart();
            self.outcome.restarts += 1;
            let fired = self.world.fired().len();
            match self.open() {
                Ok(store) => {
                    self.model.check(&store.reader()).context("after a start")?;
                    self.verify().context("verify after a start")?;
                    return Ok(store);
                }
                Err(error) if self.world.fired().len() > fired => {
                    self.say(|| format!("start failed by a fault: {error:#}"))
                }
                Err(error) => {
                    for (path, bytes) in self.world.files() {
                        self.say(|| format!("{path}: {} bytes", bytes.len()));
                    }
                    return Err(error.context("the store does not start"));
                }
            }
        }
        bail!("the store did not start in twenty tries")
    }

    fn open(&mut self) -> anyhow::Result<Steps> {
        let disk = self.world.disk();
        let signer = LogKey::open(&disk, self.entropy.as_ref())?;
        let engines = Engines {
            disk: Arc::new(disk),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            signer: Arc::new(signer),
            keys: Arc::new(MemoryKeys::default()),
            give_way: || (),
        };
        let (store, recovered) = Steps::open(engines, self.config.clone())?;
        self.say(|| format!("started: {recovered}"));
        for (path, bytes) in self.world.files().into_iter().filter(|(path, _)| path.starts_with("wal/")) {
            self.say(|| format!("    {path}: {} bytes", bytes.len()));
        }
        self.outcome.torn += u64::from(recovered.torn.is_some());
        self.outcome.replayed += recovered.replayed;
        Ok(store)
    }

    fn verify(&self) -> anyhow::Result<()> {
        let disk = self.world.disk();
        let public = cairn_store::public_key(&disk)?;
        let report = verify(&disk, public, Scope::All, &mut |_| {})?;
        match report.findings.first() {
            None => Ok(()),
            Some(finding) => bail!("{finding}"),
        }
    }

    fn seal(&mut self, store: &Steps) -> anyhow::Result<bool> {
        let trail = self.trail();
        let events_max = 1 + self.dice.below(40);
        let result = store.seal(&trail, events_max);
        self.say(|| format!("seal {trail}: {result:?}"));
        if let Ok(Some(_)) = result {
            self.outcome.seals += 1;
        }
        // A seal that failed leaves the store running.
        let fired = !self.world.fired().is_empty();
        match result {
            Err(StoreError::Io { .. }) if fired => Ok(true),
            other => other.map(|_| true).map_err(Into::into),
        }
    }

    fn trail(&self) -> TrailRef {
        let name = ["default/main", "default/audit", "acme/main"][self.dice.below(3) as usize];
        name.parse().expect("a trail name")
    }

    /// A new event, or one that was offered before, as it was or with other content.
    fn thing(&mut self) -> (Thing, bool) {
        if !self.things.is_empty() && self.dice.chance(25) {
            let thing = self.things[self.dice.below(self.things.len() as u64) as usize].clone();
            return (thing, self.dice.chance(25));
        }
        let number = self.things.len() as u64;
        let trail = self.trail();
        let identified = Identified::Given(format!("key-{number}"));
        let scope = KeyScope { trail: &trail, principal: "sim", source: ("native", "sim") };
        let key = idempotency::key(&scope, &identified, None, &[0; 16]);
        let thing = Thing { offered: Offered { trail: trail.clone(), name: format!("thing-{number}") }, key, number };
        self.things.push(thing.clone());
        (thing, false)
    }

    fn commit(&mut self, store: &mut Steps) -> anyhow::Result<bool> {
        let mut offers: Vec<Vec<Vec<Thing>>> = Vec::new();
        let mut requests = Vec::new();
        for _ in 0..1 + self.dice.below(3) {
            let (mut runs, mut offered_runs): (Vec<Run>, Vec<Vec<Thing>>) = (Vec::new(), Vec::new());
            for _ in 0..1 + self.dice.below(8) {
                let (mut thing, changed) = self.thing();
                if changed {
                    thing.offered.name = format!("{}-changed", thing.offered.name);
                }
                let trail = thing.offered.trail.clone();
                let event = event_of(&thing, self.clock.now());
                let prepared = store.prepare(&trail, &event, thing.key, event.fingerprint())?;
                let run = match runs.iter().position(|run| run.trail == trail) {
                    Some(run) => run,
                    None => {
                        runs.push(Run { trail, events: Vec::new() });
                        offered_runs.push(Vec::new());
                        runs.len() - 1
                    }
                };
                runs[run].events.push(prepared);
                offered_runs[run].push(thing);
            }
            requests.push(runs);
            offers.push(offered_runs);
        }
        let result = store.commit(&requests);
        self.say(|| format!("commit {} requests: {}", requests.len(), if result.is_ok() { "ok" } else { "failed" }));
        match result {
            Ok(replies) => {
                let mut conflicts = Vec::new();
                for ((runs, offered), replies) in requests.iter().zip(&offers).zip(&replies) {
                    for ((run, offered), reply) in runs.iter().zip(offered).zip(replies) {
                        self.take_reply(run, offered, reply, &mut conflicts)?;
                    }
                }
                self.commit_conflicts(store, conflicts)
            }
            Err(error) => {
                self.outcome.failed += 1;
                offers.iter().flatten().flatten().for_each(|thing| self.model.leave_open(&thing.offered));
                self.survive::<()>(Err(error))
            }
        }
    }

    fn take_reply(
        &mut self,
        run: &Run,
        things: &[Thing],
        reply: &RunReply,
        conflicts: &mut Vec<Conflicting>,
    ) -> anyhow::Result<()> {
        ensure!(reply.placed.len() == things.len(), "every event has one fate");
        let mut fresh = Vec::new();
        for ((event, thing), placed) in run.events.iter().zip(things).zip(&reply.placed) {
            let offered = &thing.offered;
            match placed {
                Placed::Stored { index } => {
                    ensure!(!self.model.is_acknowledged(offered), "{} was stored twice", offered.name);
                    self.outcome.acknowledged += 1;
                    fresh.push((*index, event.leaf));
                    self.model.acknowledge(offered, *index, Some(event.leaf))?;
                }
                Placed::Duplicate { index } => {
                    self.outcome.duplicates += 1;
                    self.model.acknowledge(offered, *index, None)?;
                }
                Placed::Conflict { index } => {
                    self.outcome.conflicts += 1;
                    let key = conflict_key(&thing.key, &event.fingerprint);
                    conflicts.push(Conflicting { thing: thing.clone(), key, with: *index });
                }
            }
        }
        ensure!(reply.receipt.is_some() != fresh.is_empty(), "new events have a receipt, and only they");
        let Some(receipt) = &reply.receipt else { return Ok(()) };
        ensure!(
            (receipt.first, receipt.count) == (fresh[0].0, fresh.len() as u64),
            "the receipt covers the new events"
        );
        ensure!(
            fresh.iter().zip(receipt.first..).all(|((index, _), next)| *index == next),
            "new events are contiguous"
        );
        let leaves: Vec<Hash> = fresh.iter().map(|(_, leaf)| *leaf).collect();
        receipt.proof.verify(&leaves, &receipt.checkpoint.root).context("the proof of a receipt")?;
        self.model.checkpoint(&reply.trail, receipt.checkpoint.size, receipt.checkpoint.root)
    }

    /// Stores events whose key was used for other content under their second key, as the server does.
    fn commit_conflicts(&mut self, store: &mut Steps, conflicts: Vec<Conflicting>) -> anyhow::Result<bool> {
        for Conflicting { thing, key, with } in conflicts {
            let trail = thing.offered.trail.clone();
            let earlier = Position { trail: trail.clone(), index: Index(with) };
            let event = event_of(&thing, self.clock.now()).in_conflict_with(earlier)?;
            let prepared = store.prepare(&trail, &event, key, event.fingerprint())?;
            let requests = [vec![Run { trail, events: vec![prepared] }]];
            match store.commit(&requests) {
                Ok(replies) => {
                    let mut again = Vec::new();
                    self.take_reply(&requests[0][0], &[thing], &replies[0][0], &mut again)?;
                    ensure!(again.is_empty(), "a second key is in conflict");
                }
                Err(error) => {
                    self.outcome.failed += 1;
                    self.model.leave_open(&thing.offered);
                    return self.survive::<()>(Err(error));
                }
            }
        }
        Ok(true)
    }
}
