//! The machine itself: a folder of a file system, the system's clock, the system's randomness.

use cairn_store::seams::{Clock, Disk, DiskFile, Entropy};
use jiff::Timestamp;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A data directory in a local file system. Files are readable by their owner alone.
pub struct LocalDisk {
    root: PathBuf,
}

impl LocalDisk {
    /// A disk whose data directory is `root`, made if it is missing.
    ///
    /// # Errors
    /// When the folder can't be made or entered.
    pub fn open(root: &Path) -> io::Result<LocalDisk> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        Ok(LocalDisk { root: root.canonicalize()? })
    }

    /// A disk over a data directory that must exist; nothing is made.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn existing(root: &Path) -> io::Result<LocalDisk> {
        Ok(LocalDisk { root: root.canonicalize()? })
    }

    fn at(&self, path: &str) -> PathBuf {
        debug_assert!(path.split('/').all(|part| part != ".." && part != "."), "paths are made by the store's layout");
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

struct LocalFile(File);

impl DiskFile for LocalFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn pwrite(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }
}

impl Disk for LocalDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(self.at(path))?;
        Ok(Box::new(LocalFile(file)))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.at(path);
        // A verification may run as a user who can only read.
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    || error.kind() == io::ErrorKind::ReadOnlyFilesystem =>
            {
                File::open(&path)?
            }
            other => other?,
        };
        Ok(Box::new(LocalFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(dir))? {
            // A name that is not UTF-8 is not one of ours.
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.at(dir)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.at(dir))?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Send + Sync>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.at(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The system's wall clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The system's random source.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // Without randomness no salt would be secret: nothing may go on.
        getrandom::fill(&mut bytes).expect("the system has a random source");
        bytes
    }
}
