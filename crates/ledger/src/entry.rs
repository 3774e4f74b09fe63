//! The entry: the 34 bytes that the log keeps for ever.

use crate::hash::{Hash, Tag};
use crate::{LedgerError, text::Reader};

/// Length of an entry, in bytes.
pub const ENTRY_BYTES: usize = 34;

/// First byte of every entry of this version of the format.
const ENTRY_VERSION: u8 = 1;

static EVENT: Tag = Tag::new("cairn/event/v1");

/// What an entry records. Public, so that a stranger can list every erasure or key change of a log
/// without any secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An audit event.
    Event = 0,
    /// A statement about signing keys.
    KeyStatement = 1,
    /// An erasure: which slots of which entries can no longer be opened.
    Erasure = 2,
    /// A legal hold, set or released.
    LegalHold = 3,
    /// A change of policy, schema or retention.
    PolicyChange = 4,
    /// The manifest of a sealed segment.
    SegmentManifest = 5,
    /// Nothing happened until now.
    Heartbeat = 6,
    /// The signing key was lost and replaced without its consent.
    EpochBreak = 7,
    /// Somebody read, exported or proved something.
    Access = 8,
}

impl Kind {
    /// Every kind, in the order of its code.
    pub const ALL: [Self; 9] = [
        Self::Event,
        Self::KeyStatement,
        Self::Erasure,
        Self::LegalHold,
        Self::PolicyChange,
        Self::SegmentManifest,
        Self::Heartbeat,
        Self::EpochBreak,
        Self::Access,
    ];

    /// The byte that stands for the kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a byte.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] if this version of the format does not know it.
    pub fn from_code(code: u8) -> Result<Self, LedgerError> {
        Self::ALL.get(usize::from(code)).copied().ok_or(LedgerError::Limit {
            what: "kind of entry",
            got: code.into(),
            limit: Self::Access.code().into(),
        })
    }
}

/// The root of an event: the hash over the two parts, producer first.
#[must_use]
pub fn event_root(producer: &Hash, server: &Hash) -> Hash {
    EVENT.hash(&[&producer.0, &server.0])
}

/// The entry: version, kind, root.
#[must_use]
pub fn entry(kind: Kind, root: &Hash) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[0] = ENTRY_VERSION;
    bytes[1] = kind.code();
    bytes[2..].copy_from_slice(&root.0);
    bytes
}

/// Reads an entry.
///
/// # Errors
/// [`LedgerError::Malformed`] on another length or version, [`LedgerError::Limit`] on an unknown
/// kind.
pub fn parse_entry(bytes: &[u8]) -> Result<(Kind, Hash), LedgerError> {
    let malformed = LedgerError::malformed("entry", "not 34 bytes of version 1");
    let mut reader = Reader::new(bytes);
    let head = (reader.u8(), reader.u8(), reader.array());
    match head {
        (Some(ENTRY_VERSION), Some(kind), Some(root)) if reader.is_at_end() => Ok((Kind::from_code(kind)?, Hash(root))),
        _ => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_and_nothing_else_is() {
        for kind in Kind::ALL {
            let bytes = entry(kind, &Hash([9; 32]));
            assert_eq!(parse_entry(&bytes), Ok((kind, Hash([9; 32]))));
            assert!(parse_entry(&bytes[..33]).is_err());
            assert!(parse_entry(&[&bytes[..], &[0]].concat()).is_err());
            assert!(parse_entry(&[&[2], &bytes[1..]].concat()).is_err());
        }
        let mut unknown = entry(Kind::Access, &Hash([9; 32]));
        unknown[1] = 9;
        assert!(parse_entry(&unknown).is_err());
    }

    #[test]
    fn the_order_of_the_parts_matters() {
        let (a, b) = (Hash([1; 32]), Hash([2; 32]));
        assert_ne!(event_root(&a, &b), event_root(&b, &a));
    }
}
