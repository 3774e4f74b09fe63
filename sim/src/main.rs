//! Seeded scenarios over the commit, seal and recovery path with injected faults.
//!
//! `cargo run --release -p cairn-sim -- --seeds 2000` runs seeds 0 to 1999; `--seed 17 --verbose` runs one and says what
//! happens. A failing seed is printed with what broke, and is all that is needed to see it again.

mod model;
mod scenario;

use anyhow::{Context, bail};
use clap::Parser;
use scenario::{Outcome, run};
use std::time::Instant;

/// Runs the store in a simulated machine that crashes and fails, and checks that nothing acknowledged is ever lost.
#[derive(Parser)]
struct Args {
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
    /// Switch a deliberate fault on and succeed only if the scenarios find it (needs the feature `planted`).
    #[arg(long)]
    planted: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(bug) = &args.planted {
        return hunt(bug, args.from..args.from + args.seeds);
    }
    let seeds = args.seed.map_or(args.from..args.from + args.seeds, |seed| seed..seed + 1);
    let started = Instant::now();
    let mut total = Outcome::default();
    for seed in seeds.clone() {
        let outcome = run(seed, args.verbose).with_context(|| format!("seed {seed}"))?;
        // One in fifty again: the same seed must do the same, operation by operation.
        if seed % 50 == 0 {
            let again = run(seed, false).with_context(|| format!("seed {seed}, second run"))?;
            if again.trace != outcome.trace {
                bail!("seed {seed} gave two different runs");
            }
        }
        total.add(&outcome);
    }
    let count = seeds.end - seeds.start;
    println!(
        "{count} seeds in {:.1} s: {} events acknowledged, {} requests failed by faults, {} crashes, {} restarts, {} seals, {} faults fired",
        started.elapsed().as_secs_f64(), total.acknowledged, total.failed, total.crashes, total.restarts, total.seals, total.faults,
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
