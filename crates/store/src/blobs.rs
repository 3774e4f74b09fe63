//! Values kept beside their events: `trails/<tenant>/<trail>/blobs/<sha256>` (`formats/directory.md`).

use crate::commit::record::RowView;
use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::Disk;
use cairn_event::{BLOBS, Blob, BlobRef, Digest, TrailRef};

/// Makes a blob durable. What stands under its name already is written again: it may never have become durable.
pub(crate) fn put(disk: &dyn Disk, trail: &TrailRef, blob: &Blob) -> Result<(), StoreError> {
    let path = layout::blob(trail, &blob.reference.sha256);
    durable::create_dirs(disk, &layout::blobs_dir(trail)).map_err(io_error("create the folder of a trail"))?;
    durable::put(disk, &path, &blob.bytes).map_err(io_error(format!("write {path}")))
}

/// The bytes of a blob, compared with its hash.
pub(crate) fn get(disk: &dyn Disk, trail: &TrailRef, index: u64, of: &BlobRef) -> Result<Vec<u8>, StoreError> {
    let path = layout::blob(trail, &of.sha256);
    let damaged = |what: &str| Corrupt::in_file(&path, what).of(trail, Some((index, index)));
    let bytes = files::read_if_any(disk, &path)?.ok_or_else(|| damaged(MISSING))?;
    if Digest::of(&bytes) != of.sha256 {
        return Err(damaged("the bytes do not give the hash that the event holds").at(0).into());
    }
    Ok(bytes)
}

const MISSING: &str = "the file is missing, but an event names it";

/// The blob that stands for a member (`before`, `after`, `raw`) of an event, if one does.
pub(crate) fn named(row: RowView<'_>, trail: &TrailRef, member: &str) -> Result<Option<BlobRef>, StoreError> {
    let Some((_, instead)) = BLOBS.iter().find(|(name, _)| *name == member) else { return Ok(None) };
    for (text, spans) in row.texts.into_iter().zip(row.slots) {
        let is_it = |path: &str| path.strip_prefix('/') == Some(instead);
        let Some(span) = spans.iter().find(|span| is_it(&span.path) && span.hidden.is_none()) else { continue };
        let value = text.get(span.start as usize..(span.start + span.length) as usize);
        return match value.and_then(BlobRef::from_text) {
            Some(reference) => Ok(Some(reference)),
            None => {
                let what = format!("{instead} does not name a blob");
                Err(Corrupt::in_file(layout::trail_dir(trail), what).of(trail, Some((row.index, row.index))).into())
            }
        };
    }
    Ok(None)
}

/// Checks that every blob an event names is there, in the size that it names.
pub(crate) fn check_named(disk: &dyn Disk, trail: &TrailRef, row: RowView<'_>) -> Result<(), StoreError> {
    for (member, _) in BLOBS {
        let Some(reference) = named(row, trail, member)? else { continue };
        let path = layout::blob(trail, &reference.sha256);
        let damaged = |what: String| Corrupt::in_file(&path, what).of(trail, Some((row.index, row.index)));
        let file = files::open_if_any(disk, &path)?.ok_or_else(|| damaged(MISSING.to_owned()))?;
        let size = file.size().map_err(io_error(format!("read the size of {path}")))?;
        if size != reference.size_bytes {
            let what = format!("the file has {size} bytes, the event says {}", reference.size_bytes);
            return Err(damaged(what).at(size.min(reference.size_bytes)).into());
        }
    }
    Ok(())
}

/// Compares every blob of a trail with its name.
pub(crate) fn check_all(disk: &dyn Disk, trail: &TrailRef, mut found: impl FnMut(Corrupt)) -> Result<(), StoreError> {
    let names = disk.list(&layout::blobs_dir(trail)).unwrap_or_default();
    for sha256 in names.iter().filter_map(|name| name.parse::<Digest>().ok()) {
        let path = layout::blob(trail, &sha256);
        if Digest::of(&files::read(disk, &path)?) != sha256 {
            found(
                Corrupt::in_file(path, "the bytes do not give the hash that is the file's name").at(0).of(trail, None),
            );
        }
    }
    Ok(())
}
