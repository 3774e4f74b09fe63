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
