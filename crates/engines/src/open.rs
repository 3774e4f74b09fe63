//! The embedded set of engines over one data directory.

use crate::keys::FjallKeys;
use crate::local::{LocalDisk, SystemClock, SystemEntropy};
use crate::priority;
use crate::tantivy::TantivyIndex;
use cairn_search::Index;
use cairn_store::seams::Disk;
use cairn_store::{Engines, LogKey, StoreError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Engines of one data directory, ready for a store.
pub struct Opened {
    /// What the store stands on.
    pub engines: Engines,
    /// The search index; empty when it is new, to be followed up from the store.
    pub index: Arc<dyn Index>,
    /// Caches that could not be read and were begun anew, with the reason.
    pub rebuilt: Vec<String>,
}

/// Why a data directory's engines could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be used.
    #[error("{path}: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The directory is in use or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A cache could not be made anew.
    #[error("{what}: {error}")]
    Cache {
        /// Which cache.
        what: &'static str,
        /// Why.
        error: String,
    },
}

/// Opens the local disk, the log key and the caches. A cache that can't be read is deleted and begun anew: everything in it
/// can be rebuilt from the store.
///
/// # Errors
/// [`OpenError::Store`] with [`StoreError::Locked`] when another process has the directory.
pub fn open(root: &Path) -> Result<Opened, OpenError> {
    let folder = |error| OpenError::Folder { path: root.to_owned(), error };
    let disk = Arc::new(LocalDisk::open(root).map_err(folder)?);
    // The caches have locks of their own whose errors say less, so the question is asked first.
    let lock = disk.lock("LOCK").map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Store(StoreError::Locked),
        _ => folder(error),
    })?;
    let entropy = Arc::new(SystemEntropy);
    let signer = Arc::new(LogKey::open(disk.as_ref(), entropy.as_ref())?);
    let mut rebuilt = Vec::new();
    let cache = |what, error: &dyn std::fmt::Display| OpenError::Cache { what, error: error.to_string() };
    let path = root.join("index").join("keys");
    let keys = anew(&path, FjallKeys::open, &mut rebuilt).map_err(|error| cache("the key index", &error))?;
    let path = root.join("index").join("search");
    let index = anew(&path, TantivyIndex::open, &mut rebuilt).map_err(|error| cache("the search index", &error))?;
    drop(lock);
    let (clock, keys) = (Arc::new(SystemClock), Arc::new(keys));
    let engines = Engines { disk, clock, entropy, signer, keys, give_way: priority::sealer };
    Ok(Opened { engines, index: Arc::new(index), rebuilt })
}

/// Opens a cache; if it can't be opened, deletes it and tries once more.
fn anew<T, E: std::fmt::Display>(
    path: &Path,
    open: impl Fn(&Path) -> Result<T, E>,
    rebuilt: &mut Vec<String>,
) -> Result<T, E> {
    if let Some(parent) = path.parent() {
        // The open below says it better if this did not work.
        let _ = fs::create_dir_all(parent);
    }
    match open(path) {
        Ok(cache) => Ok(cache),
        Err(error) => {
            rebuilt.push(format!("{}: {error}", path.display()));
            let _ = fs::remove_dir_all(path);
            open(path)
        }
    }
}
