//! `cairn bench ingest|search|verify`: measures this build on this machine, beside something known in the
//! same run, because only ratios survive the next machine.

mod dataset;
mod disk;
mod events;
mod ingest;
mod load;
mod peer;
mod process;
mod random;
mod report;
mod search;
mod target;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Ended;

/// Measures what this machine does with generated events.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// How many events become durable in a second, how soon, and how much room they take
    Ingest(ingest::IngestArgs),
    /// How soon the questions of a person on call are answered
    Search(search::SearchArgs),
    /// How fast stored events are proved again, and how soon a server with many of them is ready
    Verify(verify::VerifyArgs),
}

/// What every bench takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The same seed makes the same events
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Work in this folder; what was loaded to search and to verify stays there for later runs
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

/// Where a bench works.
enum Folder {
    /// Removed at the end.
    Temporary(tempfile::TempDir),
    /// The user's.
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Folder::Temporary(folder) => folder.path(),
            Folder::Kept(folder) => folder,
        }
    }
}

impl Common {
    /// A folder on the disk that the data directory is, or would be, on: a folder for temporary files may
    /// be in memory.
    fn folder(&self, context: &Context) -> std::io::Result<Folder> {
        if let Some(folder) = &self.work {
            std::fs::create_dir_all(folder)?;
            return Ok(Folder::Kept(folder.canonicalize()?));
        }
        let beside = context.config.data().parent().filter(|parent| parent.is_dir()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix("cairn-bench-").tempdir_in(beside.canonicalize()?)?;
        Ok(Folder::Temporary(folder))
    }
}

/// Fewer would be over before anything is steady.
fn at_least_10_000(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= 10_000 => Ok(number),
        Ok(_) => Err("at least 10000".to_owned()),
        Err(_) => Err("a whole number".to_owned()),
    }
}

pub(crate) fn run(args: BenchArgs, context: &mut Context) -> Ended {
    match args.command {
        BenchCommand::Ingest(args) => ingest::run(args, context),
        BenchCommand::Search(args) => search::run(args, context),
        BenchCommand::Verify(args) => verify::run(args, context),
    }
}
