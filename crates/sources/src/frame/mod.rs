//! Cuts a body into records, by the way in which its format puts them one behind the other.

pub(crate) mod json;
pub(crate) mod lines;
mod stream;

use std::borrow::Cow;
use std::ops::Range;

pub use stream::SyslogFrames;

/// One record of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record as it stands in the body, without what separates it from the next one. A record
    /// whose parts stand apart in the body is put together here.
    pub bytes: Cow<'a, [u8]>,
    /// Where it stands in the body; of a record that was put together, its first part.
    pub range: Range<usize>,
}

/// The records of a body, in order, made one at a time.
pub type Records<'a> = Box<dyn Iterator<Item = Record<'a>> + 'a>;

/// Records that are looked at together where a format spreads one over several: so many that pieces of
/// one are among them, so few that a large body does not fill the memory.
const WINDOW_RECORDS: usize = 20_000;

/// The records that `group` makes of each window of others.
pub(crate) fn grouped<'b, G>(
    mut records: impl Iterator<Item = Record<'b>>,
    group: impl Fn(Vec<Record<'b>>) -> G,
) -> impl Iterator<Item = Record<'b>>
where
    G: IntoIterator<Item = Record<'b>>,
{
    std::iter::from_fn(move || {
        let window: Vec<Record<'b>> = records.by_ref().take(WINDOW_RECORDS).collect();
        (!window.is_empty()).then(|| group(window))
    })
    .flatten()
}

/// How the records of a format stand in a body: what a reader must know who has only a piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// JSON values: each may stand in an array, or on a line of its own.
    Json,
    /// Every line is a record.
    Lines,
    /// Only the source knows where a record begins and ends, and which pieces belong together.
    Blocks,
}

/// Why a body has no records that could be read one by one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The body has no byte that is not white space.
    #[error("the body is empty, want at least one record")]
    Empty,
    /// The body begins with the signature of something that is not text in UTF-8.
    #[error("the body looks like {looks_like}, want text in UTF-8")]
    NotText {
        /// What the first bytes are the signature of.
        looks_like: &'static str,
    },
    /// The member that should hold the records holds something else.
    #[error("{member}: want an array of records")]
    Envelope {
        /// The name of that member: `Records`, `items`.
        member: String,
    },
}

/// First bytes by which files that are not text are recognised, so that the answer can say what they
/// are instead of refusing each "line" of them.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "Parquet"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Where the text of a body begins: behind its byte order mark.
fn text_start(body: &[u8]) -> Result<usize, SplitError> {
    for (signature, looks_like) in SIGNATURES {
        if body.starts_with(signature) {
            return Err(SplitError::NotText { looks_like });
        }
    }
    Ok(if body.starts_with(UTF8_BOM) { UTF8_BOM.len() } else { 0 })
}
