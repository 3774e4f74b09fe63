//! Reads the policy folder: what users decide, as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cairn_admit::protect::Rules;
use cairn_event::{Digest, TrailName};
use cairn_sources::Sources;
use cairn_sources::mapping::Mapping;

use crate::config::Config;
use crate::failure::Failure;

/// Most bytes of one file of a policy.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What users decide, read as a whole: one file that can't be understood, and nothing takes effect.
pub(crate) struct Policy {
    /// The built-in kinds of sources, and those of the folder `sources/`.
    pub(crate) sources: Sources,
    /// What must not be in a trail: the files of the folder `protection/` in the order of their names, and the defaults.
    pub(crate) protection: Arc<Rules>,
    /// SHA-256 over the files that were read: `name NUL length NUL content`, by name. None without a folder.
    pub(crate) fingerprint: Option<Digest>,
}

/// Reads the policy folder, if there is one.
///
/// # Errors
/// A folder or file that can't be read or understood; something in the folder that no policy has.
pub(crate) fn read(config: &Config) -> Result<Policy, Failure> {
    let mut sources = Sources::builtin();
    let mut protection = Vec::new();
    let mut files = Files::default();
    let folder = config.text("policy").map(Path::new);
    for path in folder.map(entries).transpose()?.unwrap_or_default() {
        match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
            "sources" => {
                for kind in entries(&path)?.iter().filter(|kind| kind.is_dir()) {
                    sources.add(Arc::new(mapping(kind, &mut files)?));
                }
            }
            "protection" => {
                for file in entries(&path)?.iter().filter(|file| file.extension().is_some_and(|of| of == "toml")) {
                    protection.push((file.display().to_string(), files.text(file)?.to_owned()));
                }
            }
            _ => {}
        }
    }
    let protection = Rules::parse(&protection).map_err(|error| Failure::usage(error.to_string()))?;
    let fingerprint = folder.map(|folder| files.fingerprint(folder));
    Ok(Policy { sources, protection: Arc::new(protection), fingerprint })
}

/// The files that were read, each once: what is in force is what has the fingerprint.
#[derive(Default)]
pub(crate) struct Files(BTreeMap<PathBuf, String>);

impl Files {
    fn text(&mut self, path: &Path) -> Result<&str, Failure> {
        let read = match fs::metadata(path).map(|file| file.len()) {
            Ok(size) if size > FILE_BYTES_MAX => {
                Err(std::io::Error::other(format!("more than {FILE_BYTES_MAX} bytes")))
            }
            Ok(_) => fs::read_to_string(path),
            Err(error) => Err(error),
        };
        let text = read.map_err(|error| Failure::usage(format!("{} can't be read", path.display())).why(error))?;
        Ok(self.0.entry(path.to_owned()).insert_entry(text).into_mut())
    }

    fn fingerprint(&self, folder: &Path) -> Digest {
        let mut all = Vec::new();
        for (file, content) in &self.0 {
            let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
            all.extend(format!("{name}\0{}\0{content}", content.len()).into_bytes());
        }
        Digest::of(&all)
    }
}

/// What lies in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::usage(format!("the policy folder {} can't be read", folder.display())).why(error);
    let found = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = found.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    Ok(paths)
}

/// The mapping in a folder; the folder's name is its kind.
///
/// # Errors
/// As [`read`].
pub(crate) fn mapping(folder: &Path, files: &mut Files) -> Result<Mapping, Failure> {
    let kind = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if kind.parse::<TrailName>().is_err() {
        return Err(Failure::usage(format!("{} names no kind of source", folder.display()))
            .next("name the folder with 1 to 63 of a-z, 0-9 and -"));
    }
    let spec = files.text(&folder.join("source.toml"))?.to_owned();
    Mapping::new(kind, &spec, files.text(&folder.join("map.vrl"))?)
        .map_err(|error| Failure::usage(format!("{}: {}", folder.join(error.file).display(), error.message)))
}
