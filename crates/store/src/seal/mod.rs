//! From the WAL to sealed segments: encode, write, read back, sign, let the WAL go.

mod columns;
pub(crate) mod manifest;
pub(crate) mod segment;

use crate::check::LeafCheck;
use crate::commit::record::{Cursor, EventRecord, decode};
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::{Disk, KeyEntry};
use crate::shared::Shared;
use crate::trail::{Place, Trail};
use bytes::Bytes;
use cairn_event::TrailRef;
use cairn_ledger::{Hash, NoTiles};
use jiff::Timestamp;
use manifest::{FORMAT, FileFacts, Manifest, TreeFacts};
use segment::{DiskChunks, Extent, FooterFacts, Row, SegmentFile};
use std::sync::{Arc, Mutex};

/// A sealed segment as the process knows it.
pub(crate) struct SegmentRef {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) file_bytes: u64,
    pub(crate) next_key_number: u64,
    /// Hex SHA-256 of the manifest file.
    pub(crate) manifest_sha256: String,
    /// The footer, read once.
    open: Mutex<Option<Arc<SegmentFile<DiskChunks>>>>,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The trail.
    pub trail: TrailRef,
    /// Index of the first event.
    pub first: u64,
    /// Index of the last event.
    pub last: u64,
    /// Bytes of the Parquet file.
    pub bytes: u64,
}

impl SegmentRef {
    pub(crate) fn of(manifest: &Manifest, manifest_sha256: String) -> SegmentRef {
        SegmentRef {
            first: manifest.first,
            last: manifest.last,
            file_bytes: manifest.file.size,
            next_key_number: manifest.next_key_number,
            manifest_sha256,
            open: Mutex::new(None),
        }
    }

    /// The segment's file, opened once and kept.
    pub(crate) fn file(&self, disk: &dyn Disk, trail: &TrailRef) -> Result<Arc<SegmentFile<DiskChunks>>, StoreError> {
        let mut open = self.open.lock().expect("no holder of the segment panics");
        if let Some(file) = &*open {
            return Ok(file.clone());
        }
        let path = layout::segment(trail, self.first, self.last);
        let file = disk.open(&path).map_err(io_error(format!("open {path}")))?;
        let file = Arc::new(SegmentFile::open(DiskChunks(Arc::from(file)), path.clone(), self.first)?);
        if file.rows() != self.last - self.first + 1 {
            return Err(Corrupt::in_file(path, "the number of rows is not that of the manifest").into());
        }
        *open = Some(file.clone());
        Ok(file)
    }
}

/// Events that are looked at under one lock of their trail: the writer waits for it.
const STEP: usize = 1024;

/// What is to be sealed: the oldest unsealed events, which nobody but the sealer takes away.
struct Span {
    first: u64,
    places: Vec<Place>,
    leaves: Vec<Hash>,
    root_before: Hash,
    root_after: Hash,
    edge: Vec<Hash>,
    level8: Vec<Hash>,
    checkpoint: String,
    previous: String,
    next_key_number: u64,
}

impl Span {
    fn upto(&self) -> u64 {
        self.first + self.places.len() as u64
    }

    fn take(trail: &Trail, events_max: u64) -> Option<Span> {
        let (first, upto) = {
            let mut state = trail.write();
            let count = (state.unsealed.len() as u64).min(events_max);
            let first = state.sealed;
            // A manifest of an earlier try may stand in the folder, so its range is kept.
            if count == 0 {
                return None;
            }
            (first, *state.sealing.get_or_insert(first + count))
        };
        const KEPT: &str = "nodes from the first unsealed event on are kept";
        let mut places = Vec::with_capacity((upto - first) as usize);
        let mut leaves = Vec::with_capacity((upto - first) as usize);
        for from in (first..upto).step_by(STEP) {
            let (state, to) = (trail.read(), upto.min(from + STEP as u64));
            places.extend(state.unsealed.range((from - first) as usize..(to - first) as usize).cloned());
            leaves.extend((from..to).map(|i| state.tree.subtree(i, i + 1, &NoTiles).expect(KEPT)));
        }
        let state = trail.read();
        let root = |size| state.tree.root_at(size, &NoTiles).expect(KEPT);
        let edge = if upto == state.tree.size() {
            state.tree.edge()
        } else {
            state.tree.range(upto, 1, state.tree.size(), &NoTiles).expect(KEPT).left
        };
        Some(Span {
            first,
            places,
            leaves,
            root_before: root(first),
            root_after: root(upto),
            edge,
            level8: state.tree.nodes8(first >> 8..upto >> 8),
            checkpoint: state.checkpoint.as_ref().expect("a trail with events was signed").note.clone(),
            previous: state.segments.last().map_or_else(String::new, |last| last.manifest_sha256.clone()),
            next_key_number: state.segments.last().map_or(0, |last| last.next_key_number),
        })
    }
}

/// Seals the oldest unsealed events of a trail, at most `events_max`. `None` when there are none.
///
/// A crash before the manifest is durable leaves an orphan file that the next start removes; after it, the events stand
/// in both places until the WAL file goes, and recovery skips them in the WAL.
pub(crate) fn seal(shared: &Shared, trail: &Trail, events_max: u64) -> Result<Option<Sealed>, StoreError> {
    let Some(span) = Span::take(trail, events_max) else { return Ok(None) };
    let (first, last) = (span.first, span.upto() - 1);
    let disk = shared.disk.as_ref();
    let path = layout::segment(&trail.name, first, last);
    let facts =
        FooterFacts { origin: &trail.origin, first, last, root_before: span.root_before, root_after: span.root_after };
    let mut keys = Vec::with_capacity(span.places.len());
    let mut next_key_number = span.next_key_number;
    let rows = (first..).zip(span.places.iter().zip(&span.leaves)).map(|(index, (place, leaf))| {
        let bytes = bytes_at(&trail.name, place, index)?;
        let record = record_of(&trail.name, place, index, &bytes)?;
        next_key_number = next_key_number.max(record.key_number + 1);
        keys.push((record.key, KeyEntry { index, fingerprint: record.fingerprint }));
        Ok(Row::new(index, *leaf, record))
    });
    let written = write(disk, trail, &path, &facts, rows).and_then(|(file, extent)| {
        read_back(disk, trail, &path, &file, &span)?;
        Ok((file, extent))
    });
    let (file, extent) = written.map_err(|error| blame(disk, trail, &span, error))?;
    let file_bytes = file.size;
    let manifest = manifest(shared, trail, &span, file, extent, next_key_number);
    let text = manifest.to_file(shared.signer.as_ref());
    let manifest_path = layout::manifest(&trail.name, first, last);
    durable::put(disk, &manifest_path, text.as_bytes()).map_err(io_error(format!("write {manifest_path}")))?;
    let reference = SegmentRef::of(&manifest, cairn_ledger::sha256(text.as_bytes()).to_hex());
    adopt(shared, trail, &span, reference);
    // The memory keeps the keys until the key index has them.
    shared.keys.absorb(&trail.name, last + 1, &keys).map_err(io_error("add to the key index"))?;
    forget_keys(trail, &keys);
    release_wal(shared)?;
    Ok(Some(Sealed { trail: trail.name.clone(), first, last, bytes: file_bytes }))
}

fn manifest(
    shared: &Shared,
    trail: &Trail,
    span: &Span,
    file: FileFacts,
    extent: Extent,
    next_key_number: u64,
) -> Manifest {
    let base64 = |hashes: &[Hash]| hashes.iter().map(Hash::to_base64).collect();
    let time = |nanoseconds: i64| {
        Timestamp::from_nanosecond(nanoseconds.into()).expect("an i64 of nanoseconds is a time").to_string()
    };
    Manifest {
        checkpoint: span.checkpoint.clone(),
        file,
        first: span.first,
        format: FORMAT.to_owned(),
        last: span.upto() - 1,
        next_key_number,
        origin: trail.origin.clone(),
        previous: span.previous.clone(),
        received_max: time(extent.received.1),
        received_min: time(extent.received.0),
        sealed_at: shared.clock.now().to_string(),
        time_max: time(extent.time.1),
        time_min: time(extent.time.0),
        trail: trail.name.to_string(),
        tree: TreeFacts {
            edge: base64(&span.edge),
            level8: base64(&span.level8),
            root_after: span.root_after.to_base64(),
            root_before: span.root_before.to_base64(),
        },
    }
}

/// Writes the segment's file, durable; nothing names it yet.
fn write(
    disk: &dyn Disk,
    trail: &Trail,
    path: &str,
    facts: &FooterFacts<'_>,
    rows: impl Iterator<Item = Result<Row, StoreError>>,
) -> Result<(FileFacts, Extent), StoreError> {
    let (bytes, extent) = segment::write(facts, path, rows)?;
    durable::create_dirs(disk, &layout::segments_dir(&trail.name)).map_err(io_error("create the folder of a trail"))?;
    durable::put(disk, path, &bytes).map_err(io_error(format!("write {path}")))?;
    Ok((FileFacts::of(layout::segment_name(facts.first, facts.last), &bytes), extent))
}

/// Reads the file as the disk has it and recomputes every leaf from it, before anything relies on it. What came damaged
/// out of the WAL is found here too: its leaf is not the one in the tree.
fn read_back(disk: &dyn Disk, trail: &Trail, path: &str, facts: &FileFacts, span: &Span) -> Result<(), StoreError> {
    let bytes = files::read(disk, path)?;
    let range = Some((span.first, span.upto() - 1));
    if let Some((offset, what)) = facts.differs(&bytes) {
        return Err(Corrupt::in_file(path, format!("read back after writing: {what}"))
            .at(offset)
            .of(&trail.name, range)
            .into());
    }
    let segment = SegmentFile::open(Bytes::from(bytes), path.to_owned(), span.first)?;
    let mut check = LeafCheck::new(disk, &trail.name);
    let mut expected = span.leaves.iter();
    segment.each_row(|row, stands| {
        let leaf = check.leaf(row)?;
        if expected.next() != Some(&leaf) || stands != leaf {
            let what = "read back after writing: the event does not give its leaf hash";
            return Err(Corrupt::in_file(path, what).of(&trail.name, Some((row.index, row.index))).into());
        }
        Ok(())
    })?;
    assert!(expected.next().is_none(), "every event that was sealed was read back");
    Ok(())
}

/// Says where the damage is when a segment does not hold: if the log holds, it is in the segment.
fn blame(disk: &dyn Disk, trail: &Trail, span: &Span, error: StoreError) -> StoreError {
    if !matches!(error, StoreError::Corrupt(_)) {
        return error;
    }
    let mut check = LeafCheck::new(disk, &trail.name);
    let mut places = (span.first..).zip(span.places.iter().zip(&span.leaves));
    let damaged =
        places.find_map(|(index, (place, leaf))| read_place(&mut check, &trail.name, place, index, *leaf).err());
    damaged.unwrap_or(error)
}

fn adopt(shared: &Shared, trail: &Trail, span: &Span, reference: SegmentRef) {
    let mut state = trail.write();
    assert_eq!(state.sealed, span.first, "one sealer works on a trail at a time");
    state.segments.push(Arc::new(reference));
    let freed: u64 = state.unsealed.drain(..span.places.len()).map(|place| u64::from(place.length)).sum();
    state.sealed = span.upto();
    state.sealing = None;
    state.unsealed_bytes -= freed;
    state.unsealed_since = (!state.unsealed.is_empty()).then(|| shared.clock.now());
    state.tree.prune(span.upto());
    shared.unsealed_bytes_sub(freed);
}

fn forget_keys(trail: &Trail, keys: &[([u8; 32], KeyEntry)]) {
    for some in keys.chunks(STEP) {
        let mut state = trail.write();
        for (key, entry) in some {
            if state.keys.get(key) == Some(entry) {
                state.keys.remove(key);
            }
        }
    }
}

/// Removes WAL files in which every event is sealed.
pub(crate) fn release_wal(shared: &Shared) -> Result<(), StoreError> {
    let paths: Vec<String> = shared.wal_released().into_iter().map(|file| file.path.clone()).collect();
    durable::remove(shared.disk.as_ref(), &paths).map_err(io_error("remove sealed WAL files"))
}

/// Reads one unsealed event and recomputes its leaf hash.
pub(crate) fn read_place(
    check: &mut LeafCheck<'_>,
    trail: &TrailRef,
    place: &Place,
    index: u64,
    leaf: Hash,
) -> Result<Row, StoreError> {
    let bytes = bytes_at(trail, place, index)?;
    let record = record_of(trail, place, index, &bytes)?;
    if check.leaf(record.view(index))? != leaf {
        return Err(damaged(trail, place, index, "the event does not give its leaf hash").into());
    }
    Ok(Row::new(index, leaf, record))
}

fn bytes_at(trail: &TrailRef, place: &Place, index: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; place.length as usize];
    let read = files::fill(place.file.file.as_ref(), &mut bytes, place.offset);
    match read.map_err(io_error(format!("read {}", place.file.path)))? {
        read if read < bytes.len() => Err(damaged(trail, place, index, "the file ends inside an event").into()),
        _ => Ok(bytes),
    }
}

fn record_of<'b>(trail: &TrailRef, place: &Place, index: u64, bytes: &'b [u8]) -> Result<EventRecord<'b>, StoreError> {
    decode(&mut Cursor::new(bytes))
        .map_err(|_| damaged(trail, place, index, "the event is not as it was written").into())
}

fn damaged(trail: &TrailRef, place: &Place, index: u64, what: &str) -> Corrupt {
    Corrupt::in_file(&place.file.path, what).at(place.offset).of(trail, Some((index, index)))
}
