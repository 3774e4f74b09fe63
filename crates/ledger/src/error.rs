//! What can go wrong, named for the side at fault.

/// Why bytes, texts or proofs were not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The input does not follow its format. Nothing of it was used.
    #[error("{what}: {reason}")]
    Malformed {
        /// The format or the member of it that was being read.
        what: &'static str,
        /// The rule that was broken.
        reason: &'static str,
    },
    /// A number or a length lies outside what the format or this crate allows.
    #[error("{what} is {got}, at most {limit} is allowed")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The value found.
        got: u64,
        /// The largest value allowed.
        limit: u64,
    },
    /// Well-formed, but the hashes do not lead to the root that was to be proved.
    #[error("{what} does not lead to the given root")]
    Unproven {
        /// The kind of proof.
        what: &'static str,
    },
    /// A signature line of a known key does not verify: the text or the signature was altered.
    #[error("signature of {key} does not verify")]
    BadSignature {
        /// Name or identifier of the key.
        key: String,
    },
    /// No signature by a known key.
    #[error("no signature by a known key")]
    Unsigned,
}

impl LedgerError {
    pub(crate) const fn malformed(what: &'static str, reason: &'static str) -> Self {
        Self::Malformed { what, reason }
    }

    /// Refuses `got` above `limit`.
    pub(crate) const fn check(what: &'static str, got: u64, limit: u64) -> Result<(), Self> {
        if got > limit {
            return Err(Self::Limit { what, got, limit });
        }
        Ok(())
    }
}

/// Why the tree could not answer. `E` is the error of the caller's leaf tiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError<E: std::error::Error + 'static> {
    /// The index, size or range asked for does not lie within the tree.
    #[error("{what} {got} lies outside of {bound}")]
    OutOfRange {
        /// What was asked for.
        what: &'static str,
        /// The value asked for.
        got: u64,
        /// The first value that is too large.
        bound: u64,
    },
    /// A leaf tile does not agree with the tree: too short, too long, or other hashes. What stores
    /// the tiles is damaged, and no proof was made from it.
    #[error("leaf tile {tile} does not agree with the tree")]
    Corrupt {
        /// Number of the tile.
        tile: u64,
    },
    /// The leaf tile could not be read.
    #[error("leaf tile {tile} could not be read")]
    Tiles {
        /// Number of the tile.
        tile: u64,
        /// The caller's own error.
        #[source]
        source: E,
    },
}
