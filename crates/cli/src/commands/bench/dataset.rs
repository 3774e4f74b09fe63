//! A data directory full of generated events, indexed and sealed: what searches and verifications work on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::events::EventFile;
use super::load::{self, Load};
use super::target::Target;
use crate::failure::Failure;
use crate::print::{Printer, times};

/// The largest batch that a request may be, in a round number: loading is not what is measured here.
const BATCH: usize = 2_000;
const CONNECTIONS: usize = 4;

/// The trail that generated events go to.
pub(super) const TRAIL: &str = "default/main";

pub(super) struct Dataset {
    /// The data directory; no server runs on it.
    pub(super) data: PathBuf,
    /// The most memory the server had resident while it was loaded, if it was loaded now.
    pub(super) load_rss_peak_bytes: u64,
}

impl Dataset {
    /// Loads, indexes and seals events through a server of its own, or takes what an earlier run left in the
    /// folder.
    ///
    /// # Errors
    /// What the server or the file system says.
    pub(super) fn sealed(folder: &Path, seed: u64, events: usize, printer: &Printer) -> Result<Dataset, Failure> {
        let folder = folder.join(format!("sealed-{events}-{seed}"));
        let (data, done) = (folder.join("cairn-data"), folder.join("done"));
        if done.exists() {
            printer.hint(&format!("using the events in {}", data.display()));
            return Ok(Dataset { data, load_rss_peak_bytes: 0 });
        }
        if data.exists() {
            let failure = Failure::error(format!("{} was not loaded to its end", data.display()));
            return Err(failure.next("remove the folder, or take another one with --work"));
        }
        std::fs::create_dir_all(&folder)?;
        printer.hint(&format!("loading {} events", times::count(events as u64)));
        let file = Arc::new(EventFile::make(&folder.join("events.ndjson"), seed, events)?);
        let target = Target::start(&data, &[])?;
        let load = Load { events: 0..events, per_request: BATCH, connections: CONNECTIONS, per_second: None };
        load::run(&target, &file, &[load])?;
        printer.hint("waiting for the index");
        target.wait_indexed(events)?;
        target.client().seal(None)?;
        let load_rss_peak_bytes = target.resident_peak_bytes();
        target.stop()?;
        std::fs::write(&done, "")?;
        Ok(Dataset { data, load_rss_peak_bytes })
    }
}
