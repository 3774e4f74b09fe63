//! Recomputes everything from the stored bytes: what `cairn verify` and the scrub do. Reads only, needs no secret but the
//! seeds, and no server.

mod log;
mod trail;

use crate::commit::head::Head;
use crate::commit::recover::{open_note, trail_names};
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::instance::Instance;
use crate::keyfiles::KeyFile;
use crate::layout;
use crate::redact::Redactions;
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::Hash;
use std::collections::BTreeMap;
use std::ops::Range;

/// What to verify. The write-ahead log, the published heads and the manifests are always checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every trail.
    All,
    /// One trail.
    Trail(TrailRef),
    /// The segments that hold some events of one trail.
    Range(TrailRef, Range<u64>),
}

impl Scope {
    fn trail(&self) -> Option<&TrailRef> {
        match self {
            Scope::All => None,
            Scope::Trail(trail) | Scope::Range(trail, _) => Some(trail),
        }
    }

    fn touches(&self, first: u64, last: u64) -> bool {
        match self {
            Scope::Range(_, range) => range.start <= last && first < range.end,
            _ => true,
        }
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events checked so far.
    pub events: u64,
    /// Events to check.
    pub total: u64,
}

/// A place where stored bytes do not hold.
pub type Finding = Corrupt;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Per trail: events, root and number of checkpoints that were recomputed.
    pub trails: Vec<TrailReport>,
    /// Everything that does not hold, in the order it was found. Empty means intact.
    pub findings: Vec<Finding>,
    /// What is worth knowing but no damage, such as the unfinished frame of a crash.
    pub notes: Vec<String>,
    /// Bytes of event texts that were hashed.
    pub event_bytes: u64,
    /// Bytes of files that were read.
    pub file_bytes: u64,
    /// Whether every trail was checked whole.
    pub complete: bool,
}

/// One verified trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailReport {
    /// The trail.
    pub trail: TrailRef,
    /// Events in it.
    pub events: u64,
    /// Root of its tree.
    pub root: Hash,
    /// Segments it stands in.
    pub segments: u64,
    /// Checkpoints, manifests' roots and heads that were recomputed.
    pub checkpoints: u64,
}

/// A root that was issued: a checkpoint, a manifest's or the head's word for a size.
struct Issued {
    size: u64,
    root: Hash,
    file: String,
    offset: u64,
}

struct Verifier<'a> {
    disk: &'a dyn Disk,
    public: [u8; 32],
    instance: Instance,
    scope: Scope,
    report: Report,
    issued: BTreeMap<TrailRef, Vec<Issued>>,
}

/// Verifies a data directory under its public key. Findings are in the report; an error means that it could not be read.
///
/// # Errors
/// [`StoreError::Io`] when a file can't be read.
pub fn verify(
    disk: &dyn Disk,
    public: [u8; 32],
    scope: Scope,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StoreError> {
    let instance = match Instance::read(disk) {
        Ok(Some(instance)) => instance,
        Ok(None) => return Ok(Report::only(Corrupt::in_file(layout::ID, "the file is missing"))),
        Err(StoreError::Corrupt(corrupt)) => return Ok(Report::only(*corrupt)),
        Err(error) => return Err(error),
    };
    let complete = scope == Scope::All;
    let report = Report { complete, ..Report::default() };
    let mut verifier = Verifier { disk, public, instance, scope, report, issued: BTreeMap::new() };
    verifier.run(progress)?;
    Ok(verifier.report)
}

impl Report {
    fn only(finding: Finding) -> Report {
        Report { findings: vec![finding], ..Report::default() }
    }
}

impl Verifier<'_> {
    fn run(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), StoreError> {
        self.plain_files()?;
        let head = match Head::read(self.disk, &self.public) {
            Ok(None) => {
                self.found(Corrupt::in_file(layout::HEAD, "the file is missing"));
                None
            }
            other => self.keep(other)?.flatten(),
        };
        if let Some(head) = &head {
            if head.instance != self.instance.id_text() || head.host != self.instance.host {
                let what = "the file is not the one that the signed wal/HEAD speaks of";
                self.found(Corrupt::in_file(layout::ID, what).at(0));
            }
            for (trail, size, root) in &head.trails {
                self.issued(trail, *size, *root, layout::HEAD, 0);
                if self.disk.open(&layout::checkpoint(trail)).is_err() {
                    self.found(Corrupt::in_file(layout::checkpoint(trail), "the file is missing").of(trail, None));
                }
            }
        }
        let mut log = log::read(self, head.as_ref())?;
        let mut names = trail_names(self.disk)?;
        names.extend(log.trails().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        names.extend(self.issued.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        names.sort();
        for name in names {
            self.published_checkpoint(&name)?;
            let redactions = Redactions::read(self.disk, &self.public, &name);
            self.keep(redactions)?;
            if self.scope.trail().is_none_or(|only| *only == name) {
                let events = log.take(&name);
                trail::check(self, &name, events, progress)?;
            }
        }
        Ok(())
    }

    /// Files whose every byte is fixed.
    fn plain_files(&mut self) -> Result<(), StoreError> {
        match self.disk.open(layout::LOCK) {
            Ok(file) if file.size().map_err(io_error("read the size of LOCK"))? != 0 => {
                self.found(Corrupt::in_file(layout::LOCK, "the file is not empty").at(0));
            }
            Ok(_) => {}
            Err(_) => self.report.notes.push("LOCK is missing; the next start makes it".to_owned()),
        }
        for file in KeyFile::ALL {
            let read = file.read(self.disk, &self.public);
            self.keep(read)?;
        }
        Ok(())
    }

    fn published_checkpoint(&mut self, name: &TrailRef) -> Result<(), StoreError> {
        let path = layout::checkpoint(name);
        let Some(bytes) = files::read_if_any(self.disk, &path)? else { return Ok(()) };
        let opened = std::str::from_utf8(&bytes).map_err(|_| "not a signed note".to_owned());
        match opened.and_then(|note| open_note(&self.instance.host, &self.public, note)) {
            Ok((of, checkpoint)) if of == *name => {
                self.issued(name, checkpoint.size(), *checkpoint.root(), &path, 0);
            }
            Ok((of, _)) => self.found(Corrupt::in_file(path, format!("the checkpoint is one of {of}")).at(0)),
            Err(what) => self.found(Corrupt::in_file(path, what).at(0).of(name, None)),
        }
        Ok(())
    }

    fn issued(&mut self, trail: &TrailRef, size: u64, root: Hash, file: &str, offset: u64) {
        let issued = Issued { size, root, file: file.to_owned(), offset };
        self.issued.entry(trail.clone()).or_default().push(issued);
    }

    fn found(&mut self, finding: Finding) {
        self.report.findings.push(finding);
    }

    /// Turns damage into a finding and lets every other error through.
    fn keep<T>(&mut self, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Corrupt(corrupt)) => {
                self.found(*corrupt);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
