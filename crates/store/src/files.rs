//! Reads of whole files and whole ranges.

use crate::error::{StoreError, io_error};
use crate::seams::{Disk, DiskFile};
use std::io;

/// Reads until the buffer is full or the file ends; gives the number of bytes read.
pub(crate) fn fill(file: &dyn DiskFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match file.pread(&mut buf[filled..], offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// All bytes of an open file.
pub(crate) fn read_all(file: &dyn DiskFile, path: &str) -> Result<Vec<u8>, StoreError> {
    let size = file.size().map_err(io_error(format!("read the size of {path}")))?;
    let mut bytes = vec![0; usize::try_from(size).expect("a file of the store fits in memory")];
    let filled = fill(file, &mut bytes, 0).map_err(io_error(format!("read {path}")))?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// All bytes of a file that must be there.
pub(crate) fn read(disk: &dyn Disk, path: &str) -> Result<Vec<u8>, StoreError> {
    let file = disk.open(path).map_err(io_error(format!("open {path}")))?;
    read_all(file.as_ref(), path)
}

/// All bytes of a file; `None` when there is none.
pub(crate) fn read_if_any(disk: &dyn Disk, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
    open_if_any(disk, path)?.map(|file| read_all(file.as_ref(), path)).transpose()
}

/// Opens a file; `None` when there is none.
pub(crate) fn open_if_any(disk: &dyn Disk, path: &str) -> Result<Option<Box<dyn DiskFile>>, StoreError> {
    match disk.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(format!("open {path}"))(error)),
    }
}
