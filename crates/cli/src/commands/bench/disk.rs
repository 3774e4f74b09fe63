//! The disk by itself: how long it takes to make a small append durable, and what stands in folders.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use hdrhistogram::Histogram;

use super::load::{nanos, new_histogram};

/// One page: what a small commit writes.
const APPEND_BYTES: usize = 4096;

/// Times this many appends of 4 KiB, each made durable before the next, in a new file of the folder. In
/// nanoseconds.
///
/// # Errors
/// What the disk says.
pub(super) fn probe(folder: &Path, appends: usize) -> io::Result<Histogram<u64>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let (page, mut times) = ([0x5a; APPEND_BYTES], new_histogram());
    for _ in 0..appends {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.saturating_record(nanos(start.elapsed()));
    }
    Ok(times)
}

/// Bytes of all files below a folder whose path ends so; 0 if there is no such folder.
///
/// # Errors
/// What the file system says.
pub(super) fn bytes_below(folder: &Path, suffix: &str) -> io::Result<u64> {
    let mut sum = 0;
    walk(folder, &mut |path, bytes| {
        if path.to_string_lossy().ends_with(suffix) {
            sum += bytes;
        }
    })?;
    Ok(sum)
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path, u64)) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => walk(&entry.path(), each)?,
            Ok(metadata) => each(&entry.path(), metadata.len()),
            // Gone since it was listed: a running server replaces files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Has the kernel forget what it keeps of the files below a folder, so that the next read comes from the
/// disk. Nobody may have them mapped. Whether that worked.
///
/// # Errors
/// What the file system says.
pub(super) fn forget(folder: &Path) -> io::Result<bool> {
    let mut paths = Vec::new();
    walk(folder, &mut |path, _| paths.push(path.to_owned()))?;
    let mut worked = true;
    for path in paths {
        // What is not written yet can't be forgotten.
        File::open(&path)?.sync_data()?;
        let mut input = std::ffi::OsString::from("if=");
        input.push(&path);
        // dd(1): with a count of 0 this flag drops the whole file from the cache.
        let dd = Command::new("dd")
            .arg(input)
            .args(["iflag=nocache", "count=0", "of=/dev/null"])
            .stderr(Stdio::null())
            .status();
        worked &= dd.is_ok_and(|status| status.success());
    }
    Ok(worked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_by_the_end_of_the_name() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("below")).expect("made");
        std::fs::write(folder.path().join("below/a.parquet"), [0; 10]).expect("written");
        std::fs::write(folder.path().join("b.parquet"), [0; 5]).expect("written");
        std::fs::write(folder.path().join("c.json"), [0; 3]).expect("written");
        let bytes = |suffix| bytes_below(folder.path(), suffix).expect("read");
        assert_eq!((bytes(".parquet"), bytes(".json"), bytes("")), (15, 3, 18));
        assert_eq!(bytes_below(&folder.path().join("none"), "").expect("no folder"), 0);
    }
}
