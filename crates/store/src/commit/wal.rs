//! WAL files and frames: encoding, and reading a file back with every byte accounted for (`formats/wal.md`).

use super::record::{self, Cursor, EventRecord, Malformed, Prepared};
use crate::error::{Corrupt, StoreError};
use crate::files;
use crate::layout;
use crate::planted::{self, Bug};
use crate::seams::Disk;
use cairn_event::TrailRef;
use cairn_ledger::{Hash, Tag};
use std::ops::Range;

const FILE_MAGIC: &[u8; 12] = b"cairn-wal/1\n";
const FRAME_MAGIC: &[u8; 4] = b"CWF1";
pub(crate) const FILE_HEADER: usize = 12 + 16 + 8 + 32 + 32;
pub(crate) const FRAME_HEADER: usize = 4 + 8 + 32 + 4;
const FRAME_HASH: usize = 32;

static FILE_TAG: Tag = Tag::new("cairn/wal-file/v1");
static FRAME_TAG: Tag = Tag::new("cairn/wal/v1");

const RUN: u8 = 1;
const CHECKPOINT: u8 = 2;

/// The first bytes of a WAL file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) instance: [u8; 16],
    pub(crate) first_seq: u64,
    pub(crate) previous: Hash,
}

impl FileHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FILE_HEADER);
        out.extend(FILE_MAGIC);
        out.extend(self.instance);
        out.extend(self.first_seq.to_be_bytes());
        out.extend(self.previous.as_bytes());
        let hash = FILE_TAG.hash(&[&out]);
        out.extend(hash.as_bytes());
        out
    }

    /// `None` when the bytes are not a whole header that holds.
    fn decode(bytes: &[u8]) -> Option<FileHeader> {
        let header = bytes.get(..FILE_HEADER)?;
        let (body, hash) = header.split_at(FILE_HEADER - 32);
        if !header.starts_with(FILE_MAGIC) || FILE_TAG.hash(&[body]).as_bytes() != hash {
            return None;
        }
        Some(FileHeader {
            instance: body[12..28].try_into().ok()?,
            first_seq: u64::from_be_bytes(body[28..36].try_into().ok()?),
            previous: Hash::from(<[u8; 32]>::try_from(&body[36..68]).ok()?),
        })
    }
}

/// The body of a frame under construction, with the places of its events.
#[derive(Default)]
pub(crate) struct Body {
    bytes: Vec<u8>,
}

impl Body {
    pub(crate) fn checkpoint(&mut self, note: &str) {
        self.record(CHECKPOINT, |out| out.extend(note.as_bytes()));
    }

    /// Appends a run and returns where each event stands in the body.
    pub(crate) fn run(&mut self, trail: &TrailRef, first: u64, events: &[&Prepared]) -> Vec<Range<usize>> {
        let mut places = Vec::with_capacity(events.len());
        self.record(RUN, |out| {
            let name = trail.to_string();
            out.extend(u16::try_from(name.len()).expect("trail names are short").to_be_bytes());
            out.extend(name.as_bytes());
            out.extend(first.to_be_bytes());
            out.extend(u32::try_from(events.len()).expect("a group is limited").to_be_bytes());
            for event in events {
                let start = out.len();
                out.extend(&event.record);
                places.push(start..out.len());
            }
        });
        places
    }

    fn record(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.push(kind);
        let at = self.bytes.len();
        self.bytes.extend([0; 4]);
        write(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - at - 4).expect("a group is limited to far less than 4 GiB");
        self.bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// The whole frame and its hash.
    pub(crate) fn frame(self, seq: u64, previous: &Hash) -> (Vec<u8>, Hash) {
        let mut out = Vec::with_capacity(FRAME_HEADER + self.bytes.len() + FRAME_HASH);
        out.extend(FRAME_MAGIC);
        out.extend(seq.to_be_bytes());
        out.extend(previous.as_bytes());
        out.extend(u32::try_from(self.bytes.len()).expect("a group is limited").to_be_bytes());
        out.extend(&self.bytes);
        let hash = frame_hash(&out);
        out.extend(hash.as_bytes());
        (out, hash)
    }
}

fn frame_hash(bytes: &[u8]) -> Hash {
    let covered = bytes.len() - usize::from(planted::on(Bug::HashMissesLastByte));
    FRAME_TAG.hash(&[&bytes[..covered]])
}

/// A record of a frame's body.
pub(crate) enum Record<'a> {
    Run(RunRecord<'a>),
    Checkpoint(&'a str),
}

/// A run read back: the events and where each stands, as an offset in the body.
pub(crate) struct RunRecord<'a> {
    pub(crate) trail: TrailRef,
    pub(crate) first: u64,
    pub(crate) events: Vec<(Range<usize>, EventRecord<'a>)>,
}

/// Reads the records of a frame's body.
pub(crate) fn records(body: &[u8]) -> Result<Vec<Record<'_>>, Malformed> {
    let mut cursor = Cursor::new(body);
    let mut records = Vec::new();
    while !cursor.is_empty() {
        let kind = cursor.u8("record type")?;
        let length = cursor.u32("record length")? as usize;
        let base = cursor.at();
        let payload = cursor.take(length, "record length")?;
        records.push(match kind {
            RUN => Record::Run(run_record(payload, base)?),
            CHECKPOINT => Record::Checkpoint(std::str::from_utf8(payload).map_err(|_| Malformed("checkpoint record"))?),
            _ => return Err(Malformed("record type")),
        });
    }
    Ok(records)
}

fn run_record(payload: &[u8], base: usize) -> Result<RunRecord<'_>, Malformed> {
    let mut cursor = Cursor::new(payload);
    let length = usize::from(cursor.u16("trail name")?);
    let trail = cursor.text(length, "trail name")?.parse().map_err(|_| Malformed("trail name"))?;
    let first = cursor.u64("first index")?;
    let count = cursor.u32("event count")?;
    let mut events = Vec::new();
    for _ in 0..count {
        let start = base + cursor.at();
        let event = record::decode(&mut cursor)?;
        events.push((start..base + cursor.at(), event));
    }
    if !cursor.is_empty() {
        return Err(Malformed("run end"));
    }
    Ok(RunRecord { trail, first, events })
}

/// A frame that holds, in a file that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct FrameAt {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    /// Offset of the frame in the file.
    pub(crate) offset: u64,
    /// The body's place in the file.
    pub(crate) body: Range<usize>,
}

/// A WAL file read whole.
pub(crate) struct WalScan {
    pub(crate) path: String,
    pub(crate) header: FileHeader,
    pub(crate) bytes: Vec<u8>,
    pub(crate) frames: Vec<FrameAt>,
    /// Where whole frames end; what follows is the unfinished write of a crash.
    pub(crate) end: u64,
}

impl WalScan {
    /// Hash of the last frame, or of the frame before the file.
    pub(crate) fn last_hash(&self) -> Hash {
        self.frames.last().map_or(self.header.previous, |frame| frame.hash)
    }

    /// Sequence number that follows.
    pub(crate) fn next_seq(&self) -> u64 {
        self.header.first_seq + self.frames.len() as u64
    }

    /// Bytes after the last whole frame.
    pub(crate) fn torn(&self) -> u64 {
        self.bytes.len() as u64 - self.end
    }
}

/// Reads and checks one WAL file.
///
/// # Errors
/// [`Corrupt`] when the header does not hold or a frame that does not hold is followed by one that does.
pub(crate) fn scan(disk: &dyn Disk, first_seq: u64) -> Result<WalScan, StoreError> {
    let path = layout::wal_file(first_seq);
    let bytes = files::read(disk, &path)?;
    check(path, first_seq, bytes).map_err(StoreError::from)
}

/// Checks the bytes of a whole file.
fn check(path: String, first_seq: u64, bytes: Vec<u8>) -> Result<WalScan, Corrupt> {
    let Some(header) = FileHeader::decode(&bytes) else {
        return Err(Corrupt::in_file(path, "the file header does not hold").at(0));
    };
    if header.first_seq != first_seq {
        return Err(Corrupt::in_file(path, "the file header names another sequence number than the file").at(28));
    }
    let mut frames: Vec<FrameAt> = Vec::new();
    let (mut at, mut previous) = (FILE_HEADER, header.previous);
    while let Some(frame) = frame_at(&bytes, at) {
        if frame.seq != first_seq + frames.len() as u64 || bytes[at + 12..at + 44] != *previous.as_bytes() {
            return Err(Corrupt::in_file(path, "a frame that holds is out of its place in the chain").at(at as u64));
        }
        at = frame.body.end + FRAME_HASH;
        previous = frame.hash;
        frames.push(frame);
    }
    if let Some(later) = later_frame(&bytes, at) {
        let what = format!(
            "the frame does not hold, but the one at byte {later} does: this is damage, not the end of a crash"
        );
        return Err(Corrupt::in_file(path, what).at(at as u64));
    }
    Ok(WalScan { path, header, end: at as u64, bytes, frames })
}

/// The frame that starts at `at`, if it is whole and its hash holds.
fn frame_at(bytes: &[u8], at: usize) -> Option<FrameAt> {
    let header = bytes.get(at..at + FRAME_HEADER)?;
    if !header.starts_with(FRAME_MAGIC) {
        return None;
    }
    let seq = u64::from_be_bytes(header[4..12].try_into().ok()?);
    let length = u32::from_be_bytes(header[44..48].try_into().ok()?) as usize;
    let body = at + FRAME_HEADER..(at + FRAME_HEADER).checked_add(length)?;
    let stored = bytes.get(body.end..body.end.checked_add(FRAME_HASH)?)?;
    let hash = frame_hash(&bytes[at..body.end]);
    (hash.as_bytes() == stored).then_some(FrameAt { seq, hash, offset: at as u64, body })
}

/// Looks for a whole frame somewhere after `at`. Event texts may contain the magic, but canonical JSON has no byte below
/// 0x20, so the length after such a hit is over 512 MiB and runs past the file before anything is hashed.
fn later_frame(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at + 1..)?;
    let hits = rest.windows(FRAME_MAGIC.len()).enumerate().filter(|(_, window)| window == FRAME_MAGIC);
    hits.map(|(offset, _)| at + 1 + offset).find(|&hit| frame_at(bytes, hit).is_some())
}

#[cfg(test)]
mod tests;
