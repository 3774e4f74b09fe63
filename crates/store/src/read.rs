//! Reads events, tiles and proofs by position, from segments and the WAL alike.

use crate::blobs;
use crate::check::{LeafCheck, ledger_spans};
use crate::commit::record::Span;
use crate::error::{Corrupt, StoreError};
use crate::layout;
use crate::seal::segment::{DiskChunks, Row, SegmentFile};
use crate::seal::{SegmentRef, read_place};
use crate::shared::Shared;
use crate::trail::{Place, SignedCheckpoint, Trail};
use cairn_event::{HiddenSlot, Index, Position, Positions, ReadError, Stored, TrailRef};
use cairn_ledger::{
    ConsistencyProof, Disclosure, Hash, InclusionProof, LeafTiles, NoTiles, Part, PartText, TreeError, encode_bundle,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Reads a store while it is written. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// Events that one call reads at most.
const EVENTS_MAX: u64 = 4096;
/// Unsealed events that are looked up under one lock of their trail: the writer waits for it. A whole tile fits.
const UNSEALED_MAX: u64 = 256;

enum Piece {
    Segment(Arc<SegmentRef>, Range<u64>),
    Wal(u64, Vec<(Place, Hash)>),
}

impl Reader {
    /// The newest checkpoint, if the trail has events.
    pub fn checkpoint(&self, trail: &TrailRef) -> Option<Arc<SignedCheckpoint>> {
        self.shared.known(trail)?.read().checkpoint.clone()
    }

    /// Events of the trail that stand in sealed segments: those below this index.
    pub fn sealed(&self, trail: &TrailRef) -> u64 {
        self.shared.known(trail).map_or(0, |trail| trail.read().sealed)
    }

    /// Events of the range, each checked against its leaf hash: at most 4,096, and of those not sealed yet at most 256.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes do not hold; [`StoreError::Io`] when they can't be read.
    pub fn stored(&self, trail: &TrailRef, range: Range<u64>) -> Result<Vec<Stored>, StoreError> {
        let rows = self.rows(trail, range)?;
        Ok(rows.into_iter().map(|row| stored(trail, row)).collect())
    }

    /// The events at these indexes, which rise, each checked against its leaf hash. Those behind the end are left out.
    ///
    /// # Errors
    /// As [`Reader::stored`].
    pub fn stored_each(&self, name: &TrailRef, indexes: &[u64]) -> Result<Vec<Stored>, StoreError> {
        assert!(indexes.is_sorted_by(|a, b| a < b), "the indexes rise");
        let Some(trail) = self.shared.known(name) else { return Ok(Vec::new()) };
        let mut check = LeafCheck::new(self.shared.disk.as_ref(), name);
        let (mut rows, mut rest) = (Vec::with_capacity(indexes.len()), indexes);
        while let Some(&first) = rest.first() {
            match pieces(&trail, first..first + 1).pop() {
                None => break,
                Some(Piece::Segment(segment, _)) => {
                    let (here, behind) = rest.split_at(rest.partition_point(|index| *index <= segment.last));
                    rest = behind;
                    self.read_segment(&mut check, name, &segment, |file| file.read_each(here), &mut rows)?;
                }
                Some(Piece::Wal(_, places)) => {
                    rest = &rest[1..];
                    for (place, leaf) in places {
                        rows.push(read_place(&mut check, name, &place, first, leaf)?);
                    }
                }
            }
        }
        hide(&trail, &mut check, &mut rows)?;
        Ok(rows.into_iter().map(|row| stored(name, row)).collect())
    }

    fn rows(&self, name: &TrailRef, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        let Some(trail) = self.shared.known(name) else { return Ok(Vec::new()) };
        let mut check = LeafCheck::new(self.shared.disk.as_ref(), name);
        let mut rows = Vec::new();
        for piece in pieces(&trail, range) {
            match piece {
                Piece::Segment(segment, range) => {
                    self.read_segment(&mut check, name, &segment, |file| file.read(range), &mut rows)?;
                }
                Piece::Wal(first, places) => {
                    for (index, (place, leaf)) in (first..).zip(places) {
                        rows.push(read_place(&mut check, name, &place, index, leaf)?);
                    }
                }
            }
        }
        hide(&trail, &mut check, &mut rows)?;
        Ok(rows)
    }

    /// Appends rows of a segment, each checked against its leaf hash.
    fn read_segment(
        &self,
        check: &mut LeafCheck<'_>,
        name: &TrailRef,
        segment: &SegmentRef,
        read: impl FnOnce(&SegmentFile<DiskChunks>) -> Result<Vec<Row>, StoreError>,
        rows: &mut Vec<Row>,
    ) -> Result<(), StoreError> {
        let file = segment.file(self.shared.disk.as_ref(), name)?;
        for row in read(&file)? {
            if check.leaf(row.view())? != row.leaf {
                let path = layout::segment(name, segment.first, segment.last);
                let what = "the event does not give its leaf hash";
                return Err(Corrupt::in_file(path, what).of(name, Some((row.index, row.index))).into());
            }
            rows.push(row);
        }
        Ok(())
    }

    /// Leaf hashes of a range, which must lie in the trail.
    fn leaves(&self, trail: &Trail, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut leaves = Vec::with_capacity((range.end - range.start) as usize);
        for piece in pieces(trail, range) {
            match piece {
                Piece::Segment(segment, range) => {
                    leaves.extend(segment.file(self.shared.disk.as_ref(), &trail.name)?.leaves(range)?);
                }
                Piece::Wal(_, places) => leaves.extend(places.into_iter().map(|(_, leaf)| leaf)),
            }
        }
        Ok(leaves)
    }

    /// The RFC 6962 inclusion proof of an event in the newest checkpoint.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`]; [`StoreError::Corrupt`] when sealed leaf hashes are not those of the tree.
    pub fn inclusion(
        &self,
        name: &TrailRef,
        index: u64,
    ) -> Result<(InclusionProof, Arc<SignedCheckpoint>), StoreError> {
        let trail = self.trail(name, index)?;
        let checkpoint = trail.read().checkpoint.clone().ok_or_else(|| no_such(name, index, 0))?;
        if index >= checkpoint.size {
            return Err(no_such(name, index, checkpoint.size));
        }
        let proof = self.with_tiles(&trail, |tiles| trail.read().tree.inclusion(index, checkpoint.size, tiles))?;
        Ok((proof, checkpoint))
    }

    /// The RFC 6962 consistency proof between two sizes of a trail.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`] when a size is larger than the trail or `from` is larger than `to`.
    pub fn consistency(&self, name: &TrailRef, from: u64, to: u64) -> Result<ConsistencyProof, StoreError> {
        let trail = self.trail(name, to.saturating_sub(1))?;
        if from > to {
            return Err(no_such(name, from, to));
        }
        self.with_tiles(&trail, |tiles| trail.read().tree.consistency(from, to, tiles))
    }

    /// The bytes of a C2SP hash tile.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`] when the tree has no such tile.
    pub fn tile(&self, name: &TrailRef, level: u8, n: u64, width: u16) -> Result<Vec<u8>, StoreError> {
        let trail = self.trail(name, 0)?;
        let hashes = self.with_tiles(&trail, |tiles| trail.read().tree.hash_tile(level, n, width, tiles))?;
        Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }

    /// The bytes of a C2SP entry bundle.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`] when the trail has no such entries.
    pub fn entries(&self, name: &TrailRef, n: u64, width: u16) -> Result<Vec<u8>, StoreError> {
        let first = n.saturating_mul(256);
        let upto = first.saturating_add(u64::from(width));
        self.trail(name, upto.saturating_sub(1))?;
        let mut check = LeafCheck::new(self.shared.disk.as_ref(), name);
        let mut entries = Vec::with_capacity(usize::from(width));
        for row in self.rows(name, first..upto)? {
            entries.push(check.entry(row.view())?);
        }
        Ok(encode_bundle(entries.iter().map(<[u8; 34]>::as_slice)).expect("entries of 34 bytes fit a bundle"))
    }

    /// Everything that opens the commitments of an event (`formats/leaf.md`): what a proof carries in `extra`.
    ///
    /// # Errors
    /// As [`Reader::stored`].
    pub fn disclosure(&self, name: &TrailRef, index: u64) -> Result<Vec<u8>, StoreError> {
        self.trail(name, index)?;
        let rows = self.rows(name, index..index + 1)?;
        let row = rows.first().ok_or_else(|| no_such(name, index, 0))?;
        let seed = LeafCheck::new(self.shared.disk.as_ref(), name).seed(row.key_number, index)?;
        let part = |number: usize, part: Part| {
            let slots = ledger_spans(&row.slots[number]);
            PartText { text: row.texts[number].as_bytes(), slots: &slots }.disclose(part, &seed)
        };
        let disclosure = part(0, Part::Producer).and_then(|producer| {
            let server = part(1, Part::Server)?;
            Disclosure::new(producer, server)
        });
        let disclosure = disclosure.map_err(|error| {
            let file = layout::trail_dir(name);
            Corrupt::in_file(file, format!("slots: {error}")).of(name, Some((index, index)))
        })?;
        Ok(disclosure.encode())
    }

    /// The bytes of a member (`before`, `after`, `raw`) that is kept beside its event; `None` when none is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`]; [`StoreError::Corrupt`] when the bytes are missing or not those that the event names.
    pub fn blob(&self, name: &TrailRef, index: u64, member: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.trail(name, index)?;
        let rows = self.rows(name, index..index + 1)?;
        let row = rows.first().ok_or_else(|| no_such(name, index, 0))?;
        let reference = blobs::named(row.view(), name, member)?;
        reference.map(|of| blobs::get(self.shared.disk.as_ref(), name, index, &of)).transpose()
    }

    fn trail(&self, name: &TrailRef, index: u64) -> Result<Arc<Trail>, StoreError> {
        let trail = self.shared.known(name).ok_or_else(|| no_such(name, index, 0))?;
        let size = trail.read().tree.size();
        if index < size { Ok(trail) } else { Err(no_such(name, index, size)) }
    }

    /// Runs a question about the tree, fetching the leaf tiles it turns out to need with no lock held.
    fn with_tiles<T>(
        &self,
        trail: &Trail,
        ask: impl Fn(&LoadedTiles) -> Result<T, TreeError<MissingTile>>,
    ) -> Result<T, StoreError> {
        let mut tiles = LoadedTiles::default();
        loop {
            match ask(&tiles) {
                Ok(answer) => return Ok(answer),
                Err(TreeError::Tiles { tile: n, .. }) if !tiles.0.contains_key(&n) => {
                    let size = trail.read().tree.size();
                    let range = n * 256..size.min((n + 1) * 256);
                    tiles.0.insert(n, self.leaves(trail, range)?);
                }
                Err(TreeError::OutOfRange { got, bound, .. }) => return Err(no_such(&trail.name, got, bound)),
                Err(error) => {
                    let dir = layout::segments_dir(&trail.name);
                    return Err(Corrupt::in_file(dir, error.to_string()).of(&trail.name, None).into());
                }
            }
        }
    }
}

#[derive(Default)]
struct LoadedTiles(BTreeMap<u64, Vec<Hash>>);

/// A leaf tile that has to be read before the question can be answered.
#[derive(Debug, thiserror::Error)]
#[error("leaf tile {0} is not loaded")]
struct MissingTile(u64);

impl LeafTiles for LoadedTiles {
    type Error = MissingTile;

    fn tile(&self, n: u64) -> Result<Vec<Hash>, MissingTile> {
        self.0.get(&n).cloned().ok_or(MissingTile(n))
    }
}

/// Hides what was redacted, once the events were checked against their leaf hashes.
fn hide(trail: &Trail, check: &mut LeafCheck<'_>, rows: &mut [Row]) -> Result<(), StoreError> {
    let redactions = trail.redactions().clone();
    rows.iter_mut().try_for_each(|row| redactions.hide(check, row))
}

fn no_such(trail: &TrailRef, index: u64, size: u64) -> StoreError {
    StoreError::NoSuchIndex { trail: trail.clone(), index, size }
}

/// Where the events of a range stand, cut to what exists, to [`EVENTS_MAX`] and to [`UNSEALED_MAX`].
fn pieces(trail: &Trail, range: Range<u64>) -> Vec<Piece> {
    let state = trail.read();
    let end = range.end.min(state.tree.size()).min(range.start.saturating_add(EVENTS_MAX));
    let mut at = range.start;
    let mut pieces = Vec::new();
    let from = state.segments.partition_point(|segment| segment.last < at);
    for segment in &state.segments[from..] {
        if at >= end || at >= state.sealed {
            break;
        }
        let upto = end.min(segment.last + 1);
        pieces.push(Piece::Segment(segment.clone(), at..upto));
        at = upto;
    }
    if at < end {
        let end = end.min(at + UNSEALED_MAX);
        let first = (at - state.sealed) as usize;
        let places = state.unsealed.iter().skip(first).take((end - at) as usize);
        let leaf = |index| state.tree.subtree(index, index + 1, &NoTiles).expect("unsealed leaves are not pruned");
        pieces.push(Piece::Wal(at, (at..).zip(places).map(|(index, place)| (place.clone(), leaf(index))).collect()));
    }
    pieces
}

fn stored(trail: &TrailRef, row: Row) -> Stored {
    let Row { index, texts: [producer_text, server_text], slots, leaf, .. } = row;
    let hidden = |part: u8, spans: &[Span]| -> Vec<HiddenSlot> {
        let slot = |span: &Span| {
            let commitment = *span.hidden?.as_bytes();
            Some(HiddenSlot { part, path: span.path.clone(), commitment })
        };
        spans.iter().filter_map(slot).collect()
    };
    let hidden = [hidden(0, &slots[0]), hidden(1, &slots[1])].concat();
    let position = Position { trail: trail.clone(), index: Index(index) };
    Stored { position, leaf_hash: leaf.0, producer_text, server_text, hidden }
}

impl Positions for Reader {
    fn trails(&self) -> Vec<TrailRef> {
        self.shared.trails().iter().map(|trail| trail.name.clone()).collect()
    }

    fn size(&self, trail: &TrailRef) -> u64 {
        self.shared.known(trail).map_or(0, |trail| trail.read().tree.size())
    }

    fn read(&self, trail: &TrailRef, range: Range<u64>) -> Result<Vec<Stored>, ReadError> {
        let index = range.start;
        self.stored(trail, range).map_err(|error| read_error(trail, index, error))
    }

    fn read_each(&self, trail: &TrailRef, indexes: &[u64]) -> Result<Vec<Stored>, ReadError> {
        let index = indexes.first().copied().unwrap_or(0);
        self.stored_each(trail, indexes).map_err(|error| read_error(trail, index, error))
    }
}

fn read_error(trail: &TrailRef, index: u64, error: StoreError) -> ReadError {
    match error {
        StoreError::Corrupt(corrupt) => ReadError::Corrupt {
            trail: trail.clone(),
            index: corrupt.range.map_or(index, |(first, _)| first),
            place: corrupt.offset.map_or_else(|| corrupt.file.clone(), |at| format!("{} at byte {at}", corrupt.file)),
            reason: corrupt.what,
        },
        error => ReadError::Unavailable { trail: trail.clone(), reason: error.to_string() },
    }
}
