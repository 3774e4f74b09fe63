//! The one place that makes bytes durable. Nothing else in the workspace syncs a file or a folder.

use crate::planted::{self, Bug};
use crate::seams::{Disk, DiskFile};
use std::io;

/// Makes a file's bytes durable.
pub(crate) fn sync(file: &dyn DiskFile) -> io::Result<()> {
    file.sync_data()
}

/// Bytes of a file that are synced at once: the log's own syncs wait behind no more than these.
const PIECE_BYTES: usize = 4 << 20;

/// Replaces or creates a file: after a crash it holds either the old or the new bytes, whole.
pub(crate) fn put(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let aside = format!("{path}.tmp");
    match disk.remove(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&aside)?;
    // The rename may reach the disk before the bytes do, so the bytes go first.
    for (piece, offset) in bytes.chunks(PIECE_BYTES).zip((0u64..).step_by(PIECE_BYTES)) {
        file.pwrite(piece, offset)?;
        file.sync_data()?;
    }
    drop(file);
    disk.rename(&aside, path)?;
    if !planted::on(Bug::SkipDirSync) {
        disk.sync_dir(parent(path))?;
    }
    Ok(())
}

/// Creates a folder and those above it, each durable in its parent.
pub(crate) fn create_dirs(disk: &dyn Disk, dir: &str) -> io::Result<()> {
    for (end, _) in dir.match_indices('/').chain([(dir.len(), "")]) {
        let part = &dir[..end];
        disk.create_dir(part)?;
        disk.sync_dir(parent(part))?;
    }
    Ok(())
}

/// Removes files one by one, each durable before the next: a crash leaves the files behind some point of the list.
pub(crate) fn remove(disk: &dyn Disk, paths: &[String]) -> io::Result<()> {
    for path in paths {
        disk.remove(path)?;
        disk.sync_dir(parent(path))?;
    }
    Ok(())
}

/// Writes bytes that are there already once more and makes them durable. A sync that failed before a restart may have left
/// them in the page cache alone, where a later sync would not see that they need writing.
pub(crate) fn rewrite(file: &dyn DiskFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.pwrite(bytes, offset)?;
    file.sync_data()
}

/// Makes the names in a folder durable that an earlier process may have left undurable.
pub(crate) fn settle(disk: &dyn Disk, dir: &str) -> io::Result<()> {
    match disk.sync_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Cuts a file, durable when this returns.
pub(crate) fn truncate(file: &dyn DiskFile, size: u64) -> io::Result<()> {
    file.truncate(size)?;
    file.sync_data()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}
