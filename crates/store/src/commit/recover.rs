//! From the bytes of a data directory to the state a writer can go on from, or to a precise reason why not.

use super::head::Head;
use super::wal::{self, Record, WalScan};
use super::{Seeds, record::EventRecord};
use crate::check::{LeafCheck, read_cover};
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::redact::Redactions;
use crate::seal::SegmentRef;
use crate::seal::manifest::{Manifest, hashes};
use crate::seams::Disk;
use crate::shared::Shared;
use crate::trail::{Place, SignedCheckpoint, Trail, TrailState, WalFile};
use cairn_event::TrailRef;
use cairn_ledger::{Checkpoint, Hash, KeyNumber, NoTiles, PublicKey, Tree, VerifierKey};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What a start found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Trails with at least one event.
    pub trails: usize,
    /// Events in sealed segments.
    pub sealed: u64,
    /// Events replayed from the WAL.
    pub replayed: u64,
    /// Whole WAL frames read.
    pub frames: u64,
    /// The unfinished frame of a crash that was cut: file, offset, bytes.
    pub torn: Option<(String, u64, u64)>,
    /// Left-overs of a crash that were removed.
    pub removed: Vec<String>,
}

impl std::fmt::Display for Recovered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} trails, {} sealed events, {} replayed from {} frames",
            self.trails, self.sealed, self.replayed, self.frames
        )?;
        if let Some((file, offset, bytes)) = &self.torn {
            write!(f, "; cut {bytes} bytes of an unfinished frame off {file} at byte {offset}")?;
        }
        if !self.removed.is_empty() {
            write!(f, "; removed {} unfinished files", self.removed.len())?;
        }
        Ok(())
    }
}

/// Where the writer goes on.
pub(crate) struct End {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
}

/// Recovers a directory that this process has locked.
// tidy: long, order is the meaning
pub(crate) fn recover(shared: &Arc<Shared>) -> Result<(End, Recovered), StoreError> {
    let disk = shared.disk.as_ref();
    let mut report = Recovered::default();
    durable::create_dirs(disk, layout::WAL).map_err(io_error("create the WAL folder"))?;
    durable::create_dirs(disk, layout::TRAILS).map_err(io_error("create the trails folder"))?;
    settle(disk)?;
    report.removed = remove_unfinished(disk)?;
    let head = Head::read(disk, &shared.signer.public())?;
    let files: Vec<u64> = list(disk, layout::WAL)?.iter().filter_map(|name| layout::wal_seq(name)).collect();
    if head.is_none() && (!files.is_empty() || !list(disk, layout::TRAILS)?.is_empty()) {
        return Err(Corrupt::in_file(layout::HEAD, "the file is missing, but there are events").into());
    }
    if let Some(head) = &head
        && (head.instance != shared.instance.id_text() || head.host != shared.instance.host)
    {
        let what = "the file is not the one that the signed wal/HEAD speaks of";
        return Err(Corrupt::in_file(layout::ID, what).at(0).into());
    }
    for name in trail_names(disk)? {
        let trail = load_trail(shared, &name)?;
        *trail.redactions() = Arc::new(Redactions::read(disk, &shared.signer.public(), &name)?);
        report.sealed += trail.read().sealed;
        shared.insert_trail(trail);
    }
    let mut end = End { seq: 1, hash: Hash::default() };
    for (position, first_seq) in files.iter().enumerate() {
        let scan = wal::scan(disk, *first_seq)?;
        check_link(shared, &scan, (position > 0).then_some(&end))?;
        let newest = position + 1 == files.len();
        if scan.torn() > 0 {
            check_torn(&scan, newest, head.as_ref(), &mut report)?;
        }
        if newest && head.as_ref().is_none_or(|head| !head.closed) {
            settle_end(disk, &scan)?;
        }
        replay(shared, &scan, &mut report)?;
        end = End { seq: scan.next_seq(), hash: scan.last_hash() };
        if let Some(head) = &head {
            check_head_frame(head, &scan)?;
        }
    }
    if let Some(head) = &head {
        check_head(shared, head, &end)?;
        if files.is_empty() {
            end = End { seq: head.seq + 1, hash: head.frame_hash };
        }
    }
    finish(shared)?;
    report.trails = shared.trails().iter().filter(|trail| trail.read().tree.size() > 0).count();
    Ok((end, report))
}

fn list(disk: &dyn Disk, dir: &str) -> Result<Vec<String>, StoreError> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(io_error(format!("list {dir}"))),
    }
}

/// Trails that have a folder, in order. Names that are not trail names are not ours.
pub(crate) fn trail_names(disk: &dyn Disk) -> Result<Vec<TrailRef>, StoreError> {
    let mut names = Vec::new();
    for tenant in list(disk, layout::TRAILS)? {
        let trails = list(disk, &format!("{}/{tenant}", layout::TRAILS))?;
        names.extend(trails.iter().filter_map(|trail| format!("{tenant}/{trail}").parse::<TrailRef>().ok()));
    }
    names.sort();
    Ok(names)
}

/// Index ranges of the manifests in a trail's folder, sorted.
pub(crate) fn manifest_ranges(disk: &dyn Disk, trail: &TrailRef) -> Result<Vec<(u64, u64)>, StoreError> {
    let names = list(disk, &layout::segments_dir(trail))?;
    Ok(names.iter().filter_map(|name| layout::segment_range(name, ".manifest.json")).collect())
}

/// Files that a crash left half made: `.tmp` files, and segments whose manifest was never written.
fn remove_unfinished(disk: &dyn Disk) -> Result<Vec<String>, StoreError> {
    let mut dirs = vec![String::new(), layout::WAL.to_owned(), layout::KEYS.to_owned()];
    let mut unfinished = Vec::new();
    for trail in trail_names(disk)? {
        let sealed = manifest_ranges(disk, &trail)?;
        let segments = layout::segments_dir(&trail);
        let orphans = list(disk, &segments)?
            .into_iter()
            .filter(|name| layout::segment_range(name, ".parquet").is_some_and(|range| !sealed.contains(&range)));
        unfinished.push(orphans.map(|name| format!("{segments}/{name}")).collect::<Vec<_>>());
        dirs.extend([layout::trail_dir(&trail), layout::seeds_dir(&trail), segments]);
    }
    for dir in dirs {
        let names = list(disk, &dir)?.into_iter().filter(|name| name.ends_with(".tmp"));
        let path = |name: String| if dir.is_empty() { name } else { format!("{dir}/{name}") };
        unfinished.push(names.map(path).collect());
    }
    for paths in &unfinished {
        durable::remove(disk, paths).map_err(io_error("remove unfinished files"))?;
    }
    Ok(unfinished.concat())
}

/// The sealed part of a trail, from its manifests.
fn load_trail(shared: &Shared, name: &TrailRef) -> Result<Trail, StoreError> {
    let disk = shared.disk.as_ref();
    let origin = shared.instance.origin(name);
    let mut state = TrailState::empty();
    let (mut level8, mut edge, mut previous, mut last) = (Vec::new(), Vec::new(), String::new(), None);
    for range in manifest_ranges(disk, name)? {
        let (manifest, sha256) = Manifest::read(disk, name, &origin, range, &shared.signer.public())?;
        let path = layout::manifest(name, range.0, range.1);
        let damaged = |what: &str| Corrupt::in_file(&path, what).of(name, Some(range));
        if range.0 != state.sealed {
            let what = format!("the segments are not contiguous: index {} should come next", state.sealed);
            return Err(damaged(&what).into());
        }
        if manifest.previous != previous {
            return Err(damaged("the manifest does not follow the one before it").into());
        }
        level8.extend(hashes(&manifest.tree.level8).ok_or_else(|| damaged("a hash is malformed"))?);
        edge = hashes(&manifest.tree.edge).ok_or_else(|| damaged("a hash is malformed"))?;
        state.sealed = range.1 + 1;
        state.segments.push(Arc::new(SegmentRef::of(&manifest, sha256.clone())));
        previous = sha256;
        last = Some((path.clone(), manifest.tree.root_after.clone()));
        let file = layout::segment(name, range.0, range.1);
        let size = disk.open(&file).and_then(|file| file.size()).map_err(io_error(format!("open {file}")))?;
        if size != manifest.file.size {
            let what = format!("the file has {size} bytes, {} were sealed", manifest.file.size);
            return Err(Corrupt::in_file(file, what).of(name, Some(range)).into());
        }
    }
    if let Some((path, root_after)) = last {
        // The signed root must come out of the signed nodes of all manifests together.
        let damaged = |what: String| Corrupt::in_file(&path, what).of(name, Some((0, state.sealed - 1)));
        state.tree = Tree::from_edge(state.sealed, &edge, &level8).map_err(|error| damaged(error.to_string()))?;
        if state.tree.root().to_base64() != root_after {
            return Err(damaged("the trees in the manifests do not give their root".to_owned()).into());
        }
    }
    catch_up_keys(shared, name, &state)?;
    let next = state.segments.last().map_or(0, |segment| segment.next_key_number);
    Ok(Trail::new(name.clone(), origin, Seeds::new(next), state))
}

/// Feeds the key index what it does not cover: it is a cache and may be behind, or gone.
fn catch_up_keys(shared: &Shared, name: &TrailRef, state: &TrailState) -> Result<(), StoreError> {
    let covered = shared.keys.covered(name).map_err(io_error("read the key index"))?;
    if covered > state.sealed {
        let what = format!(
            "covers {covered} events of {name}, but {} are sealed; delete the folder index/ and start again",
            state.sealed
        );
        return Err(Corrupt::in_file("index/keys", what).into());
    }
    for segment in state.segments.iter().filter(|segment| segment.last >= covered) {
        let file = segment.file(shared.disk.as_ref(), name)?;
        let first = covered.max(segment.first);
        let mut keys = Vec::new();
        for row in file.read(first..segment.last + 1)? {
            let (key, fingerprint) =
                cairn_event::idempotency::of_stored(name, &row.texts[0], &row.texts[1]).map_err(|error| {
                    Corrupt::in_file(layout::segment(name, segment.first, segment.last), error.to_string())
                        .of(name, Some((row.index, row.index)))
                })?;
            keys.push((key, crate::seams::KeyEntry { index: row.index, fingerprint }));
        }
        shared.keys.absorb(name, segment.last + 1, &keys).map_err(io_error("add to the key index"))?;
    }
    Ok(())
}

fn check_link(shared: &Shared, scan: &WalScan, before: Option<&End>) -> Result<(), StoreError> {
    let damaged = |what: String| Corrupt::in_file(&scan.path, what).at(0);
    if scan.header.instance != shared.instance.id {
        return Err(damaged("the file belongs to another data directory".to_owned()).into());
    }
    if let Some(end) = before
        && (scan.header.first_seq, scan.header.previous) != (end.seq, end.hash)
    {
        let what = format!("the file does not follow frame {}, the last one of the file before it", end.seq - 1);
        return Err(damaged(what).into());
    }
    Ok(())
}

/// An unfinished frame at the end of the newest file is the end of a crash; anywhere else it is damage.
fn check_torn(scan: &WalScan, newest: bool, head: Option<&Head>, report: &mut Recovered) -> Result<(), StoreError> {
    if !newest || head.is_some_and(|head| head.closed) {
        let what = if newest { "after a clean stop" } else { "with a file behind it" };
        let what =
            format!("the last {} bytes are not a frame, {what}: this is damage, not the end of a crash", scan.torn());
        return Err(Corrupt::in_file(&scan.path, what).at(scan.end).into());
    }
    report.torn = Some((scan.path.clone(), scan.end, scan.torn()));
    Ok(())
}

/// Makes the end of the newest file durable before anything relies on it. The file is cut even where nothing is torn, and its
/// last frame written again: an earlier process may have cut or written it without being able to sync, and then what is
/// read here stands in the page cache alone.
fn settle_end(disk: &dyn Disk, scan: &WalScan) -> Result<(), StoreError> {
    let path = &scan.path;
    let file = disk.open(path).map_err(io_error(format!("open {path}")))?;
    durable::truncate(file.as_ref(), scan.end).map_err(io_error(format!("cut {path}")))?;
    let Some(last) = scan.frames.last() else { return Ok(()) };
    let bytes = &scan.bytes[last.offset as usize..scan.end as usize];
    durable::rewrite(file.as_ref(), bytes, last.offset).map_err(io_error(format!("write {path} again")))
}

/// Names that an earlier process gave, but whose folder it could not sync, become durable before anything relies on them.
fn settle(disk: &dyn Disk) -> Result<(), StoreError> {
    let mut dirs = vec![String::new(), layout::KEYS.to_owned(), layout::WAL.to_owned(), layout::TRAILS.to_owned()];
    for trail in trail_names(disk)? {
        dirs.extend([format!("{}/{}", layout::TRAILS, trail.tenant), layout::trail_dir(&trail)]);
        dirs.extend([layout::seeds_dir(&trail), layout::segments_dir(&trail), layout::blobs_dir(&trail)]);
    }
    for dir in dirs {
        durable::settle(disk, &dir).map_err(io_error(format!("sync the folder {dir}")))?;
    }
    Ok(())
}

fn check_head_frame(head: &Head, scan: &WalScan) -> Result<(), StoreError> {
    if head.seq + 1 == scan.header.first_seq && head.frame_hash != scan.header.previous {
        let what = format!("the file does not follow frame {}, which wal/HEAD names", head.seq);
        return Err(Corrupt::in_file(&scan.path, what).at(36).into());
    }
    let Some(position) = head.seq.checked_sub(scan.header.first_seq) else {
        return Ok(());
    };
    if let Some(frame) = scan.frames.get(position as usize)
        && frame.hash != head.frame_hash
    {
        let what = format!("frame {} is not the one that wal/HEAD names", head.seq);
        return Err(Corrupt::in_file(&scan.path, what).at(frame.offset).into());
    }
    Ok(())
}

/// The WAL must reach at least to where it was published to reach.
fn check_head(shared: &Shared, head: &Head, end: &End) -> Result<(), StoreError> {
    let wal_is_gone = end.seq == 1 && head.seq > 0;
    let released = wal_is_gone && head.trails.iter().all(|(name, size, _)| shared.trail(name).read().sealed >= *size);
    if end.seq <= head.seq && !released {
        let what = format!(
            "the log ends with frame {}, but frame {} was published: acknowledged events are missing",
            end.seq - 1,
            head.seq
        );
        return Err(Corrupt::in_file(layout::WAL, what).into());
    }
    for (name, size, root) in &head.trails {
        check_root(shared, name, *size, *root, layout::HEAD)?;
    }
    Ok(())
}

/// Compares a root that was issued with the tree as it is now.
fn check_root(shared: &Shared, name: &TrailRef, size: u64, root: Hash, file: &str) -> Result<(), StoreError> {
    let trail = shared.trail(name);
    let state = trail.read();
    let now = state.tree.size();
    if size > now {
        let what = format!("a checkpoint of size {size} was issued, but only {now} events are here");
        return Err(Corrupt::in_file(file, what).of(name, Some((now, size - 1))).into());
    }
    // Below the sealed part the signed manifests vouch for the tree; `cairn verify` recomputes that too.
    match state.tree.root_at(size, &NoTiles) {
        Ok(found) if found != root => {
            let what = format!("the tree of size {size} has another root than the checkpoint that was issued");
            Err(Corrupt::in_file(file, what).of(name, Some((0, size.saturating_sub(1)))).into())
        }
        _ => Ok(()),
    }
}

fn replay(shared: &Shared, scan: &WalScan, report: &mut Recovered) -> Result<(), StoreError> {
    let disk = shared.disk.as_ref();
    let file = disk.open(&scan.path).map_err(io_error(format!("open {}", scan.path)))?;
    let file = Arc::new(WalFile { path: scan.path.clone(), first_seq: scan.header.first_seq, file });
    shared.wal_opened(file.clone());
    let mut checks: BTreeMap<TrailRef, LeafCheck<'_>> = BTreeMap::new();
    for frame in &scan.frames {
        report.frames += 1;
        let records =
            wal::records(&scan.bytes[frame.body.clone()]).map_err(|error| error.corrupt(&scan.path, frame.offset))?;
        for record in records {
            match record {
                Record::Checkpoint(note) => check_note(shared, note, &scan.path, frame.offset)?,
                Record::Run(run) => {
                    let check = checks.entry(run.trail.clone()).or_insert_with(|| LeafCheck::new(disk, &run.trail));
                    for (number, (place, event)) in run.events.into_iter().enumerate() {
                        let offset = (frame.body.start + place.start) as u64;
                        let length = (place.end - place.start) as u32;
                        let place = Place { file: file.clone(), offset, length };
                        report.replayed +=
                            replay_event(shared, check, &run.trail, run.first + number as u64, place, event)?;
                    }
                }
            }
        }
    }
    shared.wal_grew(scan.header.first_seq, checks.keys());
    Ok(())
}

/// Takes one event of the WAL into the state unless it is sealed already; 1 if it was taken.
fn replay_event(
    shared: &Shared,
    check: &mut LeafCheck<'_>,
    name: &TrailRef,
    index: u64,
    place: Place,
    event: EventRecord<'_>,
) -> Result<u64, StoreError> {
    let trail = shared.trail(name);
    let mut state = trail.write();
    if index < state.sealed {
        return Ok(0);
    }
    let size = state.tree.size();
    if index != size {
        let what = format!("index {size} should come next, but {index} does");
        let (first, last) = (index.min(size), index.max(size));
        return Err(Corrupt::in_file(&place.file.path, what).at(place.offset).of(name, Some((first, last))).into());
    }
    let leaf = check.leaf(event.view(index))?;
    shared.unsealed_bytes_add(u64::from(place.length));
    state.advance(leaf, event.key, event.fingerprint, place, shared.clock.now());
    drop(state);
    trail.seeds().used(event.key_number);
    Ok(1)
}

fn check_note(shared: &Shared, note: &str, path: &str, offset: u64) -> Result<(), StoreError> {
    let damaged = |what: String| Corrupt::in_file(path, what).at(offset);
    let (name, checkpoint) =
        open_note(shared.instance.host.as_str(), &shared.signer.public(), note).map_err(damaged)?;
    check_root(shared, &name, checkpoint.size(), *checkpoint.root(), path)
}

/// Opens a checkpoint that one of our trails issued; the error says what does not hold.
pub(crate) fn open_note(host: &str, public: &[u8; 32], note: &str) -> Result<(TrailRef, Checkpoint), String> {
    let origin = note.lines().next().unwrap_or_default();
    let name = origin.strip_prefix(host).and_then(|rest| rest.strip_prefix("/t/"));
    let name: TrailRef = name.and_then(|name| name.parse().ok()).ok_or("a checkpoint of a log that is not ours")?;
    let public = PublicKey::from_bytes(public).map_err(|error| error.to_string())?;
    let key = VerifierKey::new(origin, public).map_err(|error| error.to_string())?;
    let checkpoint = Checkpoint::open(note.as_bytes(), &[key]).map_err(|error| error.to_string())?;
    Ok((name, checkpoint))
}

/// Compares the published checkpoints, signs the present heads and makes the trails ready to grow.
fn finish(shared: &Shared) -> Result<(), StoreError> {
    let disk = shared.disk.as_ref();
    for trail in shared.trails() {
        let path = layout::checkpoint(&trail.name);
        if let Some(bytes) = files::read_if_any(disk, &path)? {
            let damaged = |what: String| Corrupt::in_file(&path, what).at(0).of(&trail.name, None);
            let note = std::str::from_utf8(&bytes).map_err(|_| damaged("not a signed note".to_owned()))?;
            let (name, checkpoint) =
                open_note(&shared.instance.host, &shared.signer.public(), note).map_err(damaged)?;
            if name != trail.name {
                return Err(damaged(format!("the checkpoint is one of {name}")).into());
            }
            check_root(shared, &name, checkpoint.size(), *checkpoint.root(), &path)?;
        }
        let mut state = trail.write();
        if state.tree.size() > 0 {
            let (size, root) = (state.tree.size(), state.tree.root());
            state.checkpoint = Some(Arc::new(SignedCheckpoint::sign(shared, &trail.origin, size, root)));
        }
        drop(state);
        let block = KeyNumber(trail.seeds().next()).block();
        match disk.open(&layout::seed_file(&trail.name, block)) {
            Ok(_) => trail.seeds().adopt(read_cover(disk, &trail.name, block)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("open a seed file")(error)),
        }
    }
    Ok(())
}
