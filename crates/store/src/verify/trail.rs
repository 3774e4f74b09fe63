//! One trail: its manifests, its segments, its tree, and every root that was ever issued for it.

use super::log::LogEvent;
use super::{Issued, Progress, TrailReport, Verifier};
use crate::blobs;
use crate::check::{LeafCheck, read_cover};
use crate::commit::recover::{manifest_ranges, open_note};
use crate::error::{Corrupt, StoreError};
use crate::files;
use crate::layout;
use crate::seal::manifest::{Manifest, hashes};
use crate::seal::segment::SegmentFile;
use crate::seams::Disk;
use bytes::Bytes;
use cairn_event::TrailRef;
use cairn_ledger::{Hash, Tree};
use std::collections::BTreeMap;
use std::thread;

/// Segments that are read at once, one thread each.
fn parallel() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(8)
}

pub(super) fn check(
    verifier: &mut Verifier<'_>,
    name: &TrailRef,
    log: BTreeMap<u64, LogEvent>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), StoreError> {
    seeds(verifier, name)?;
    blobs::check_all(verifier.disk, name, |corrupt| verifier.found(corrupt))?;
    let manifests = manifests(verifier, name)?;
    let total = log.keys().next_back().map_or(0, |last| last + 1).max(manifests.last().map_or(0, |last| last.last + 1));
    let mut issued = verifier.issued.remove(name).unwrap_or_default();
    issued.sort_by_key(|issued| issued.size);
    let mut growth = Growth { name, tree: Tree::new(), issued: issued.into_iter().peekable(), checkpoints: 0, log };
    for group in manifests.chunks(parallel()) {
        let (disk, scope) = (verifier.disk, &verifier.scope);
        let results: Vec<_> = thread::scope(|threads| {
            let work: Vec<_> = group
                .iter()
                .map(|manifest| {
                    let whole = scope.touches(manifest.first, manifest.last);
                    whole.then(|| threads.spawn(move || segment(disk, name, manifest)))
                })
                .collect();
            work.into_iter().map(|work| work.map(|work| work.join().expect("a check does not panic"))).collect()
        });
        for (manifest, result) in group.iter().zip(results) {
            match result.map(|result| verifier.keep(result)).transpose()?.flatten() {
                Some(segment) => {
                    verifier.report.event_bytes += segment.event_bytes;
                    verifier.report.file_bytes += manifest.file.size;
                    growth.segment(verifier, manifest, &segment.leaves);
                }
                // Not asked for, or damaged and reported: the signed manifest stands for it.
                None => growth.skip(verifier, manifest, &manifests),
            }
            progress(Progress { events: growth.tree.size(), total });
        }
    }
    growth.unsealed(verifier);
    progress(Progress { events: growth.tree.size(), total });
    let (size, root, checkpoints) = (growth.tree.size(), growth.tree.root(), growth.checkpoints);
    growth.beyond(verifier);
    let segments = manifests.len() as u64;
    verifier.report.trails.push(TrailReport { trail: name.clone(), events: size, root, segments, checkpoints });
    Ok(())
}

fn seeds(verifier: &mut Verifier<'_>, name: &TrailRef) -> Result<(), StoreError> {
    let names = verifier.disk.list(&layout::seeds_dir(name)).unwrap_or_default();
    for block in names.iter().filter_map(|name| name.strip_suffix(".seed")?.parse::<u64>().ok()) {
        let cover = read_cover(verifier.disk, name, block);
        verifier.keep(cover)?;
    }
    Ok(())
}

/// The manifests that hold, checked as a chain.
fn manifests(verifier: &mut Verifier<'_>, name: &TrailRef) -> Result<Vec<Manifest>, StoreError> {
    let origin = verifier.instance.origin(name);
    let (mut manifests, mut previous, mut next) = (Vec::<Manifest>::new(), String::new(), 0);
    for range in manifest_ranges(verifier.disk, name)? {
        let read = Manifest::read(verifier.disk, name, &origin, range, &verifier.public);
        let path = layout::manifest(name, range.0, range.1);
        if range.0 != next {
            let what = format!("the segments are not contiguous: index {next} should come next");
            verifier.found(Corrupt::in_file(&path, what).of(name, Some((next.min(range.0), range.1))));
        }
        next = range.1 + 1;
        let Some((manifest, sha256)) = verifier.keep(read)? else {
            previous.clear();
            continue;
        };
        if manifest.previous != previous && !previous.is_empty() {
            let what = "the manifest does not follow the one before it";
            verifier.found(Corrupt::in_file(&path, what).of(name, Some(range)));
        }
        match open_note(&verifier.instance.host, &verifier.public, &manifest.checkpoint) {
            Ok((of, checkpoint)) if of == *name && checkpoint.size() > manifest.last => {
                verifier.issued(name, checkpoint.size(), *checkpoint.root(), &path, 0);
            }
            Ok(_) => verifier.found(Corrupt::in_file(&path, "its checkpoint does not cover it").of(name, Some(range))),
            Err(what) => verifier.found(Corrupt::in_file(&path, what).of(name, Some(range))),
        }
        previous = sha256;
        manifests.push(manifest);
    }
    Ok(manifests)
}

struct Checked {
    leaves: Vec<Hash>,
    event_bytes: u64,
}

/// One segment file against its manifest, and every event in it against its leaf hash.
fn segment(disk: &dyn Disk, name: &TrailRef, manifest: &Manifest) -> Result<Checked, StoreError> {
    let (first, last) = (manifest.first, manifest.last);
    let path = layout::segment(name, first, last);
    let damaged = |what: String| Corrupt::in_file(&path, what).of(name, Some((first, last)));
    let file = disk.open(&path).map_err(|error| StoreError::from(damaged(format!("can't be opened: {error}"))))?;
    let bytes = files::read_all(file.as_ref(), &path)?;
    if let Some((offset, what)) = manifest.file.differs(&bytes) {
        return Err(damaged(what).at(offset).into());
    }
    let file = SegmentFile::open(Bytes::from(bytes), path.clone(), first)?;
    if file.rows() != last - first + 1 {
        return Err(damaged(format!("the file has {} rows", file.rows())).into());
    }
    let mut check = LeafCheck::new(disk, name);
    let mut checked = Checked { leaves: Vec::with_capacity((last - first + 1) as usize), event_bytes: 0 };
    file.each_row(|row, stands| {
        let index = first + checked.leaves.len() as u64;
        let leaf = check.leaf(row)?;
        if row.index != index || stands != leaf {
            let what = "the event does not give its leaf hash";
            return Err(Corrupt::in_file(&path, what).of(name, Some((index, index))).into());
        }
        blobs::check_named(disk, name, row)?;
        checked.event_bytes += (row.texts[0].len() + row.texts[1].len()) as u64;
        checked.leaves.push(leaf);
        Ok(())
    })?;
    Ok(checked)
}

/// The tree as it grows, compared with every root that was issued on the way.
struct Growth<'a> {
    name: &'a TrailRef,
    tree: Tree,
    issued: std::iter::Peekable<std::vec::IntoIter<Issued>>,
    checkpoints: u64,
    log: BTreeMap<u64, LogEvent>,
}

impl Growth<'_> {
    fn segment(&mut self, verifier: &mut Verifier<'_>, manifest: &Manifest, leaves: &[Hash]) {
        let path = layout::manifest(self.name, manifest.first, manifest.last);
        let range = Some((manifest.first, manifest.last));
        let wrong = |what: &str| Corrupt::in_file(&path, what).of(self.name, range);
        if self.tree.size() != manifest.first {
            return;
        }
        if self.tree.root().to_base64() != manifest.tree.root_before {
            verifier.found(wrong("the tree before the segment has another root"));
        }
        for (index, leaf) in (manifest.first..).zip(leaves) {
            if let Some(event) = self.log.remove(&index)
                && event.leaf != *leaf
            {
                let what = "the event in the log is not the one that was sealed";
                let finding = Corrupt::in_file(event.file, what).at(event.offset).of(self.name, Some((index, index)));
                verifier.found(finding);
            }
            self.push(verifier, *leaf);
        }
        let edge: Vec<String> = self.tree.edge().iter().map(Hash::to_base64).collect();
        let level8: Vec<String> =
            self.tree.nodes8(manifest.first >> 8..(manifest.last + 1) >> 8).iter().map(Hash::to_base64).collect();
        let root = self.tree.root().to_base64();
        if (&root, &edge, &level8) != (&manifest.tree.root_after, &manifest.tree.edge, &manifest.tree.level8) {
            let wrong = Corrupt::in_file(&path, "the tree after the segment is not the one in the manifest");
            verifier.found(wrong.of(self.name, range));
        }
        self.checkpoints += 1;
        self.tree.prune(self.tree.size());
    }

    /// Goes on from what the signed manifests say about the tree.
    fn skip(&mut self, verifier: &mut Verifier<'_>, manifest: &Manifest, all: &[Manifest]) {
        let nodes = all.iter().take_while(|one| one.first <= manifest.first).map(|one| hashes(&one.tree.level8));
        let nodes: Option<Vec<Vec<Hash>>> = nodes.collect();
        let edge = hashes(&manifest.tree.edge);
        let tree =
            edge.zip(nodes).and_then(|(edge, nodes)| Tree::from_edge(manifest.last + 1, &edge, &nodes.concat()).ok());
        match tree {
            Some(tree) if tree.root().to_base64() == manifest.tree.root_after => self.tree = tree,
            _ => {
                let path = layout::manifest(self.name, manifest.first, manifest.last);
                let what = "the trees in the manifests do not give their root";
                verifier.found(Corrupt::in_file(path, what).of(self.name, Some((manifest.first, manifest.last))));
            }
        }
        self.log.retain(|index, _| *index > manifest.last);
        while self.issued.next_if(|issued| issued.size < manifest.last + 1).is_some() {}
        self.compare(verifier);
    }

    fn unsealed(&mut self, verifier: &mut Verifier<'_>) {
        for (index, event) in std::mem::take(&mut self.log) {
            let next = self.tree.size();
            if index != next {
                let what = format!("index {next} should come next, but {index} does");
                let range = Some((next.min(index), next.max(index)));
                verifier.found(Corrupt::in_file(&event.file, what).at(event.offset).of(self.name, range));
                return;
            }
            self.push(verifier, event.leaf);
        }
    }

    fn push(&mut self, verifier: &mut Verifier<'_>, leaf: Hash) {
        self.tree.push(leaf);
        self.compare(verifier);
    }

    /// Compares every root that was issued for the present size.
    fn compare(&mut self, verifier: &mut Verifier<'_>) {
        let size = self.tree.size();
        while let Some(issued) = self.issued.next_if(|issued| issued.size <= size) {
            self.checkpoints += 1;
            if issued.size == size && issued.root != self.tree.root() {
                let what = format!("the tree of size {size} has another root than was issued");
                let finding = Corrupt::in_file(issued.file, what).at(issued.offset);
                verifier.found(finding.of(self.name, Some((0, size.saturating_sub(1)))));
            }
        }
    }

    /// Roots that were issued for more events than there are.
    fn beyond(&mut self, verifier: &mut Verifier<'_>) {
        let size = self.tree.size();
        for issued in self.issued.by_ref() {
            let what = format!("a root was issued for {} events, but only {size} are here", issued.size);
            let finding = Corrupt::in_file(issued.file, what).at(issued.offset);
            verifier.found(finding.of(self.name, Some((size, issued.size - 1))));
        }
    }
}
