//! The real binary, killed again and again under load, and held to everything that it ever answered.
//!
//! Producers write down what they are about to send, durably, then send it, and enter every answer in
//! the books. The server dies at a moment that a seed chooses: idle, committing, sealing, writing a
//! new log file, stopping, recovering from the last kill. After each restart everything is read back
//! over HTTP and the books must balance: what was acknowledged is there once, in its place, with its
//! leaf hash; what was refused is not; what was not answered is there once or not at all; each
//! producer's events are in order; every checkpoint that was ever seen is one of a prefix of the tree.

mod books;
mod first_start;
mod ingest;
mod load;
mod readback;
mod rng;
mod server;

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use cairn_api::Client;
use cairn_ledger::VerifierKey;

use super::support::run;
use books::{Books, Trail};
use load::{Journal, Producer};
use rng::Rng;
use server::{Folder, Server};

const SEED: u64 = 0x6361_6972_6e31;
/// Kills on one data directory before the next one is begun.
const ROUND_CYCLES: u64 = 36;
/// Cycles when nobody asks for more, as many as fit into the time, and never fewer than the least.
const CYCLES: u64 = 36;
const CYCLES_MIN: u64 = 30;
const TIME: Duration = Duration::from_secs(90);
/// The same with `CAIRN_SOAK=1`.
const SOAK_CYCLES: u64 = 2000;
const SOAK_CYCLES_MIN: u64 = 1000;
const SOAK_TIME: Duration = Duration::from_secs(130 * 60);
/// Cycles between two runs of `cairn verify trail` on the directory as a kill left it.
const VERIFY_EVERY: u64 = 6;

pub(crate) fn is_soak() -> bool {
    std::env::var("CAIRN_SOAK").as_deref() == Ok("1")
}

#[test]
fn killed_at_any_moment_the_server_keeps_what_it_acknowledged_and_nothing_twice() {
    let (cycles, cycles_min, time) = match is_soak() {
        true => (SOAK_CYCLES, SOAK_CYCLES_MIN, SOAK_TIME),
        false => (CYCLES, CYCLES_MIN, TIME),
    };
    let began = Instant::now();
    let mut done = Ends::default();
    let mut seed = SEED;
    while done.cycles < cycles && (began.elapsed() < time || done.cycles < cycles_min) {
        let mut round = Round::new(seed);
        while round.ends.cycles < ROUND_CYCLES && done.cycles + round.ends.cycles < cycles {
            round.cycle();
            if began.elapsed() >= time && done.cycles + round.ends.cycles >= cycles_min {
                break;
            }
        }
        round.close();
        println!("seed {seed:#x}: {:?}\n  {:?}", round.ends, round.books.get_mut().unwrap().tally);
        done.add(&round.ends);
        seed += 1;
    }
    println!("in {:?}: {done:?}", began.elapsed());
    assert!(done.cycles >= cycles_min);
    assert!(done.killed > 0 && done.killed_starting > 0 && done.stopped > 0, "each way to end: {done:?}");
}

/// How the server ended, and how often.
#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    cycles: u64,
    /// SIGKILL under load.
    killed: u64,
    /// SIGKILL on the way from the start to the first answer.
    killed_starting: u64,
    /// SIGKILL while it finished its work after a SIGTERM.
    killed_stopping: u64,
    /// SIGTERM under load.
    stopped: u64,
    /// Of all these, with a seal under way on request.
    sealing: u64,
    /// `cairn verify trail` on what was left.
    verified: u64,
}

impl Ends {
    fn add(&mut self, other: &Ends) {
        self.cycles += other.cycles;
        self.killed += other.killed;
        self.killed_starting += other.killed_starting;
        self.killed_stopping += other.killed_stopping;
        self.stopped += other.stopped;
        self.sealing += other.sealing;
        self.verified += other.verified;
    }
}

/// One data directory and all that happens to it.
struct Round {
    folder: Folder,
    rng: Rng,
    producers: Vec<Producer>,
    books: Mutex<Books>,
    /// Of the two trails.
    keys: Option<[VerifierKey; 2]>,
    /// The last server that was ready finished what it had taken.
    answered_all: bool,
    ends: Ends,
}

impl Round {
    fn new(seed: u64) -> Round {
        let folder = Folder::new();
        let mut rng = Rng::new(seed);
        let producers = (0..3).map(|number| Producer {
            number,
            rng: Rng::new(rng.next()),
            journal: Journal::open(folder.path(), number),
        });
        let producers = producers.collect();
        Round {
            folder,
            rng,
            producers,
            books: Mutex::default(),
            keys: None,
            answered_all: false,
            ends: Ends::default(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// One life of the server, from a start to an end that it does not expect.
    fn cycle(&mut self) {
        self.ends.cycles += 1;
        let settings = settings(&mut self.rng);
        let server = Server::spawn(self.folder.path(), &settings);
        // Not the first one: `first_start` is about that.
        if self.keys.is_some() && self.rng.chance(20) {
            wait(self.rng.between(0, 120));
            server.kill();
            self.ends.killed_starting += 1;
        } else {
            let (server, client) = self.settled(server);
            self.load(server, &client);
        }
        if self.ends.cycles.is_multiple_of(VERIFY_EVERY) {
            self.verify();
        }
    }

    /// Waits until the server is ready, and balances the books.
    fn settled(&mut self, mut server: Server) -> (Server, Client) {
        let client = server::client(self.path(), &server.ready());
        let readiness = client.readyz().expect("it answers");
        assert!(readiness.ready, "{readiness:?}");
        let keys = Trail::ALL.map(|trail| server::verifier_key(self.path(), trail.name()));
        let known = self.keys.get_or_insert_with(|| keys.clone());
        assert_eq!(known.each_ref().map(ToString::to_string), keys.each_ref().map(ToString::to_string));
        readback::settle(&client, &keys, self.books.get_mut().unwrap(), self.answered_all);
        (server, client)
    }

    fn load(&mut self, server: Server, client: &Client) {
        let end = self.rng.between(0, 9);
        let moment_ms = self.rng.between(20, 600);
        let grace_ms = self.rng.between(0, 20);
        let is_sealing = self.rng.chance(40);
        let Round { producers, books, keys, .. } = self;
        let (books, keys) = (&*books, keys.as_ref().expect("it was ready"));
        std::thread::scope(|scope| {
            let (sender, ended_early) = channel::<()>();
            for producer in producers {
                let (client, sender) = (client.clone(), sender.clone());
                scope.spawn(move || {
                    load::produce(producer, &client, keys, books);
                    drop(sender);
                });
            }
            if is_sealing {
                scope.spawn(|| seal(client, keys, books, sender));
            } else {
                drop(sender);
            }
            let waited = ended_early.recv_timeout(Duration::from_millis(moment_ms));
            assert_eq!(waited, Err(RecvTimeoutError::Timeout), "everybody gave up before the kill");
            self.ends.sealing += u64::from(is_sealing);
            self.answered_all = false;
            match end {
                0..=6 => {
                    server.kill();
                    self.ends.killed += 1;
                }
                7 => {
                    server.terminate();
                    wait(grace_ms);
                    server.kill();
                    self.ends.killed_stopping += 1;
                }
                _ => {
                    server.terminate();
                    server.ended();
                    self.ends.stopped += 1;
                    self.answered_all = true;
                }
            }
        });
    }

    /// The files alone, as the last end left them, hold everything that they must.
    fn verify(&mut self) {
        run(self.path(), &["verify", "trail", "--data", "cairn-data"]).expect(0);
        self.ends.verified += 1;
    }

    /// Sends what is still missing, and compares everything once more.
    fn close(&mut self) {
        let settings = settings(&mut self.rng);
        let server = Server::spawn(self.path(), &settings);
        let (server, client) = self.settled(server);
        let keys = self.keys.as_ref().expect("it is ready");
        let books = self.books.get_mut().unwrap();
        let mut missing: Vec<usize> = (0..books.requests.len()).collect();
        missing.retain(|request| books.requests[*request].facts.iter().any(|fact| books.is_missing(*fact)));
        for request in missing {
            let is_there = load::send(&mut self.producers[0], request, &client, keys, &self.books);
            assert!(is_there);
        }
        let books = self.books.get_mut().unwrap();
        readback::settle(&client, keys, books, true);
        assert!((0..books.facts.len()).all(|fact| !books.is_missing(fact)), "all that was ever sent is there");
        readback::compare_all(&client, books);
        server.terminate();
        server.ended();
        for producer in &self.producers {
            producer.journal.check();
        }
        let verified = run(self.path(), &["verify", "trail", "--data", "cairn-data", "--json"]).expect(0);
        for trail in verified.json_lines() {
            let which = Trail::ALL.into_iter().find(|which| trail["trail"] == which.name()).expect("one of ours");
            assert_eq!(trail["events"], self.books.get_mut().unwrap().size(which));
        }
        self.ends.verified += 1;
    }
}

/// Small limits, so that everything that happens now and then happens all the time.
fn settings(rng: &mut Rng) -> [(&'static str, u64); 7] {
    [
        ("CAIRN_STORE_SEAL_EVENTS", rng.pick(&[60, 400, 2500])),
        ("CAIRN_STORE_SEAL_AGE_MS", rng.pick(&[100, 1000, 60_000])),
        ("CAIRN_STORE_WAL_FILE_BYTES", rng.pick(&[16, 64, 1024]) << 10),
        ("CAIRN_STORE_PUBLISH_INTERVAL_MS", rng.pick(&[10, 100, 1000])),
        ("CAIRN_STORE_GROUP_WAIT_MS_MAX", rng.pick(&[0, 0, 5])),
        ("CAIRN_INDEX_COMMIT_INTERVAL_MS", rng.pick(&[50, 300])),
        ("CAIRN_INDEX_STEP_EVENTS", rng.pick(&[50, 2000])),
    ]
}

/// Seals and looks at checkpoints until the server is gone.
fn seal(client: &Client, keys: &[VerifierKey; 2], books: &Mutex<Books>, _running: Sender<()>) {
    loop {
        for trail in Trail::ALL {
            if let Ok(note) = client.checkpoint(trail.name()) {
                let checkpoint = readback::open(&note, &keys[trail as usize]);
                books.lock().unwrap().saw(trail, checkpoint);
            }
        }
        if client.seal(None).is_err() {
            return;
        }
    }
}

/// Lets time pass: a kill comes at a moment, not at a signal.
fn wait(ms: u64) {
    let (_sender, nothing) = channel::<()>();
    assert_eq!(nothing.recv_timeout(Duration::from_millis(ms)), Err(RecvTimeoutError::Timeout));
}
