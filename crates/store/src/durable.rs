//! The one place that makes bytes durable. Nothing else in the workspace syncs a file or a folder.

use crate::planted::{self, Bug};
use crate::seams::{Disk, DiskFile};
use std::io;

/// Makes a file's bytes durable.
pub(crate) fn sync(file: &dyn DiskFile) -> io::Result<()> {
    file.sync_data()
}

/// Creates a file whose name is durable when this returns; its later bytes need [`sync`].
pub(crate) fn create(disk: &dyn Disk, path: &str) -> io::Result<Box<dyn DiskFile>> {
    let file = disk.create(path)?;
    if !planted::on(Bug::SkipDirSync) {
        disk.sync_dir(parent(path))?;
    }
    Ok(file)
}

/// Replaces or creates a small file: after a crash it holds either the old or the new bytes, whole.
pub(crate) fn put(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let aside = format!("{path}.tmp");
    match disk.remove(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&aside)?;
    file.pwrite(bytes, 0)?;
    // The rename may reach the disk before the bytes do, so the bytes go first.
    file.sync_data()?;
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

/// Removes files of one folder, durable when this returns.
pub(crate) fn remove(disk: &dyn Disk, paths: &[String]) -> io::Result<()> {
    for path in paths {
        disk.remove(path)?;
    }
    if let Some(path) = paths.first() {
        disk.sync_dir(parent(path))?;
    }
    Ok(())
}

/// Cuts a file, durable when this returns.
pub(crate) fn truncate(file: &dyn DiskFile, size: u64) -> io::Result<()> {
    file.truncate(size)?;
    file.sync_data()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}
