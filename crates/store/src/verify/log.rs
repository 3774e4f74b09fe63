//! The write-ahead log, read whole: chain, frames, issued checkpoints, and the leaf of every event in it.

use super::Verifier;
use crate::blobs;
use crate::check::LeafCheck;
use crate::commit::head::Head;
use crate::commit::recover::open_note;
use crate::commit::wal::{self, Record, RunRecord, WalScan};
use crate::error::{Corrupt, StoreError};
use crate::layout;
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::Hash;
use std::collections::BTreeMap;
use std::io;

/// An event of the log: its leaf hash and where it stands.
pub(super) struct LogEvent {
    pub(super) leaf: Hash,
    pub(super) file: String,
    pub(super) offset: u64,
}

/// Events of the log by trail and index.
#[derive(Default)]
pub(super) struct Log(BTreeMap<TrailRef, BTreeMap<u64, LogEvent>>);

impl Log {
    pub(super) fn trails(&self) -> impl Iterator<Item = &TrailRef> {
        self.0.keys()
    }

    pub(super) fn take(&mut self, trail: &TrailRef) -> BTreeMap<u64, LogEvent> {
        self.0.remove(trail).unwrap_or_default()
    }
}

/// Where the file before ended.
struct End {
    next: u64,
    hash: Hash,
    file: String,
    at: u64,
}

/// Reads every WAL file; what does not hold becomes a finding.
pub(super) fn read(verifier: &mut Verifier<'_>, head: Option<&Head>) -> Result<Log, StoreError> {
    let disk = verifier.disk;
    let names = match disk.list(layout::WAL) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(crate::error::io_error("list the WAL folder"))?,
    };
    let files: Vec<u64> = names.iter().filter_map(|name| layout::wal_seq(name)).collect();
    let mut log = Log::default();
    let mut end: Option<End> = None;
    for (position, first_seq) in files.iter().enumerate() {
        let scan = wal::scan(disk, *first_seq);
        let Some(scan) = verifier.keep(scan)? else {
            // What stands in a file that does not hold is unknown; the next file can't be linked to it.
            end = None;
            continue;
        };
        verifier.report.file_bytes += scan.bytes.len() as u64;
        check_chain(verifier, &scan, end.as_ref(), head, position + 1 == files.len());
        events(verifier, &scan, &mut log)?;
        end = Some(End { next: scan.next_seq(), hash: scan.last_hash(), file: scan.path, at: scan.end });
    }
    if let Some(head) = head
        && end.as_ref().is_none_or(|end| end.next <= head.seq)
        && head.seq > 0
    {
        let what = format!("the log does not reach frame {}, which was published", head.seq);
        verifier.found(match end {
            Some(end) => Corrupt::in_file(end.file, what).at(end.at),
            None => Corrupt::in_file(layout::WAL, what),
        });
    }
    Ok(log)
}

fn check_chain(verifier: &mut Verifier<'_>, scan: &WalScan, before: Option<&End>, head: Option<&Head>, newest: bool) {
    let at_start = |what: &str| Corrupt::in_file(&scan.path, what).at(0);
    if scan.header.instance != verifier.instance.id {
        verifier.found(at_start("the file belongs to another data directory"));
    }
    if let Some(before) = before {
        let first = scan.header.first_seq;
        if before.next < first {
            let what =
                format!("frames {} to {} are missing: the next file begins with frame {first}", before.next, first - 1);
            verifier.found(Corrupt::in_file(&before.file, what).at(before.at));
        } else if (before.next, before.hash) != (first, scan.header.previous) {
            verifier.found(at_start("the file does not follow the last frame of the file before it"));
        }
    }
    if let Some(head) = head {
        if head.seq + 1 == scan.header.first_seq && head.frame_hash != scan.header.previous {
            verifier.found(at_start("the file does not follow the frame that wal/HEAD names"));
        }
        let named = head.seq.checked_sub(scan.header.first_seq).and_then(|at| scan.frames.get(at as usize));
        if let Some(frame) = named.filter(|frame| frame.hash != head.frame_hash) {
            let what = format!("frame {} is not the one that wal/HEAD names", head.seq);
            verifier.found(Corrupt::in_file(&scan.path, what).at(frame.offset));
        }
        if head.closed && newest && scan.next_seq() != head.seq + 1 {
            let what = format!("the log was closed with frame {}, but frame {} follows", head.seq, head.seq + 1);
            verifier.found(Corrupt::in_file(&scan.path, what).at(scan.end));
        }
    }
    if scan.torn() > 0 {
        let what = format!("the last {} bytes are not a whole frame", scan.torn());
        if newest && head.is_some_and(|head| !head.closed) {
            let note = format!("{} at byte {}: {what}: the end of a crash, cut at the next start", scan.path, scan.end);
            verifier.report.notes.push(note);
        } else {
            verifier.found(Corrupt::in_file(&scan.path, what).at(scan.end));
        }
    }
}

fn events(verifier: &mut Verifier<'_>, scan: &WalScan, log: &mut Log) -> Result<(), StoreError> {
    let disk = verifier.disk;
    for frame in &scan.frames {
        let records = wal::records(&scan.bytes[frame.body.clone()]);
        let records = records.map_err(|error| StoreError::from(error.corrupt(&scan.path, frame.offset)));
        let Some(records) = verifier.keep(records)? else { continue };
        for record in records {
            match record {
                Record::Checkpoint(note) => match open_note(&verifier.instance.host, &verifier.public, note) {
                    Ok((trail, checkpoint)) => {
                        verifier.issued(&trail, checkpoint.size(), *checkpoint.root(), &scan.path, frame.offset);
                    }
                    Err(what) => verifier.found(Corrupt::in_file(&scan.path, what).at(frame.offset)),
                },
                Record::Run(run) => {
                    let events = log.0.entry(run.trail.clone()).or_default();
                    let checked = run_leaves(disk, &run, scan, frame.body.start, events);
                    verifier.keep(checked)?;
                }
            }
        }
    }
    Ok(())
}

fn run_leaves(
    disk: &dyn Disk,
    run: &RunRecord<'_>,
    scan: &WalScan,
    body: usize,
    events: &mut BTreeMap<u64, LogEvent>,
) -> Result<(), StoreError> {
    let mut check = LeafCheck::new(disk, &run.trail);
    for (index, (place, event)) in (run.first..).zip(&run.events) {
        let offset = (body + place.start) as u64;
        let leaf = check.leaf(event.view(index))?;
        blobs::check_named(disk, &run.trail, event.view(index))?;
        if events.insert(index, LogEvent { leaf, file: scan.path.clone(), offset }).is_some() {
            let what = "the index stands twice in the log";
            return Err(Corrupt::in_file(&scan.path, what).at(offset).of(&run.trail, Some((index, index))).into());
        }
    }
    Ok(())
}
