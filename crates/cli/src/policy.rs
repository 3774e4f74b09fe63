//! Reads the policy folder: what users decide, as files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use cairn_event::TrailName;
use cairn_sources::Sources;
use cairn_sources::mapping::Mapping;

use crate::config::Config;
use crate::failure::Failure;

/// Most bytes of one file of a policy.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The built-in kinds of sources, and those of the policy folder.
///
/// # Errors
/// A folder or file that can't be read; a mapping that can't be understood.
pub(crate) fn sources(config: &Config) -> Result<Sources, Failure> {
    let mut sources = Sources::builtin();
    let Some(folder) = config.text("policy") else { return Ok(sources) };
    let unreadable = |error| Failure::usage(format!("the policy folder {folder} can't be read")).why(error);
    let mut kinds = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name() == "sources" {
            let found = fs::read_dir(entry.path()).map_err(unreadable)?;
            let found: Result<Vec<_>, _> = found.map(|kind| kind.map(|kind| kind.path())).collect();
            kinds.extend(found.map_err(unreadable)?.into_iter().filter(|path| path.is_dir()));
        }
    }
    kinds.sort();
    for kind in kinds {
        sources.add(Arc::new(mapping(&kind)?));
    }
    Ok(sources)
}

/// The mapping in a folder; the folder's name is its kind.
///
/// # Errors
/// As [`sources`].
pub(crate) fn mapping(folder: &Path) -> Result<Mapping, Failure> {
    let kind = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if kind.parse::<TrailName>().is_err() {
        return Err(Failure::usage(format!("{} names no kind of source", folder.display()))
            .next("name the folder with 1 to 63 of a-z, 0-9 and -"));
    }
    let text = |name: &str| {
        let path = folder.join(name);
        let size = fs::metadata(&path).map(|file| file.len());
        let text = match size {
            Ok(size) if size > FILE_BYTES_MAX => {
                Err(std::io::Error::other(format!("more than {FILE_BYTES_MAX} bytes")))
            }
            Ok(_) => fs::read_to_string(&path),
            Err(error) => Err(error),
        };
        text.map_err(|error| Failure::usage(format!("{} can't be read", path.display())).why(error))
    };
    Mapping::new(kind, &text("source.toml")?, &text("map.vrl")?)
        .map_err(|error| Failure::usage(format!("{}: {}", folder.join(error.file).display(), error.message)))
}
