//! Seeded scenarios over the commit, seal and recovery path with injected faults.
//!
//! `cargo run --release -p cairn-sim -- run --seeds 2000` runs seeds 0 to 1999; `run --seed 17 --verbose` runs one and says
//! what happens. A failing seed is printed with what broke, and is all that is needed to see it again. `tamper` changes every
//! byte of a small data directory; `hunt` proves that planted faults are found.

mod model;
mod scenario;
mod tamper;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use scenario::{Outcome, run};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Runs the store in a simulated machine that crashes, fails and is tampered with.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Crashes and failing disks: nothing acknowledged is ever lost.
    Run(Seeds),
    /// Changes every byte, cuts at every length, removes, doubles and swaps: all of it is found and located.
    Tamper,
    /// Switches a deliberate fault on and succeeds only if the seeds find it (needs the feature `planted`).
    Hunt {
        /// ack-before-sync, skip-dir-sync, hash-misses-last-byte, retry-takes-new-index or right-edge.
        bug: String,
        #[command(flatten)]
        seeds: Seeds,
    },
}

#[derive(Args)]
struct Seeds {
    /// Run this one seed.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Number of seeds to run.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Say what happens in each step.
    #[arg(long)]
    verbose: bool,
}

impl Seeds {
    fn range(&self) -> Range<u64> {
        self.seed.map_or(self.from..self.from + self.seeds, |seed| seed..seed + 1)
    }
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(seeds) => campaign(seeds.range(), seeds.verbose),
        Command::Tamper => tamper::sweep(),
        Command::Hunt { bug, seeds } => hunt(&bug, seeds.range()),
    }
}

fn campaign(seeds: Range<u64>, verbose: bool) -> anyhow::Result<()> {
    let (count, started) = (seeds.end - seeds.start, Instant::now());
    let next = AtomicU64::new(seeds.start);
    let work = || -> anyhow::Result<Outcome> {
        let mut total = Outcome::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(total);
            }
            let outcome = run(seed, verbose).with_context(|| format!("seed {seed}"))?;
            // One in fifty again: the same seed must do the same, operation by operation.
            if seed.is_multiple_of(50) {
                let again = run(seed, false).with_context(|| format!("seed {seed}, second run"))?;
                if again.trace != outcome.trace {
                    bail!("seed {seed} gave two different runs");
                }
            }
            total.add(&outcome);
        }
    };
    let mut total = Outcome::default();
    thread::scope(|threads| {
        let workers: Vec<_> = (0..2).map(|_| threads.spawn(work)).collect();
        for worker in workers {
            total.add(&worker.join().expect("a worker does not panic")?);
        }
        anyhow::Ok(())
    })?;
    println!(
        "{count} seeds in {:.1} s: {} events acknowledged, {} requests failed by faults, {} crashes, {} restarts, {} seals, {} faults fired",
        started.elapsed().as_secs_f64(),
        total.acknowledged,
        total.failed,
        total.crashes,
        total.restarts,
        total.seals,
        total.faults,
    );
    // A campaign in which something never happened has not tested it.
    if count >= 500 {
        for (what, number) in total.counts() {
            if number == 0 {
                bail!("in {count} seeds there was not one case of: {what}");
            }
        }
    }
    Ok(())
}

#[cfg(feature = "planted")]
fn hunt(bug: &str, seeds: std::ops::Range<u64>) -> anyhow::Result<()> {
    use cairn_store::planted::{Bug, set};
    match bug {
        "ack-before-sync" => set(Some(Bug::AckBeforeSync)),
        "skip-dir-sync" => set(Some(Bug::SkipDirSync)),
        "hash-misses-last-byte" => set(Some(Bug::HashMissesLastByte)),
        "retry-takes-new-index" => set(Some(Bug::RetryTakesNewIndex)),
        "right-edge" => cairn_ledger::planted::set(cairn_ledger::planted::Bug::RightEdge),
        other => bail!("no planted fault is called {other}"),
    }
    // What crashes can't show, tampering does: no torn write is torn in just that byte.
    if bug == "hash-misses-last-byte" {
        return match tamper::sweep() {
            Err(error) => {
                println!("{bug}: found by the tamper sweep: {error:#}");
                Ok(())
            }
            Ok(()) => bail!("{bug}: not found"),
        };
    }
    let first = seeds.start;
    for seed in seeds {
        if let Err(error) = run(seed, false) {
            println!("{bug}: found by seed {seed} after {} seeds: {error:#}", seed - first + 1);
            return Ok(());
        }
    }
    bail!("{bug}: not found")
}

#[cfg(not(feature = "planted"))]
fn hunt(_: &str, _: std::ops::Range<u64>) -> anyhow::Result<()> {
    bail!("build with --features planted to hunt deliberate faults")
}
