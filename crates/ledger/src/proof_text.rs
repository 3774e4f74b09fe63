//! C2SP tlog-proof: one entry's inclusion, with the checkpoint, in a text that needs nothing else.

use std::fmt;

use crate::hash::{Hash, leaf_hash};
use crate::limits::{PATH_HASHES_MAX, PROOF_TEXT_BYTES_MAX, TREE_SIZE_MAX};
use crate::note::VerifierKey;
use crate::proof::verify_inclusion;
use crate::text::{from_base64, from_decimal, to_base64};
use crate::{Checkpoint, LedgerError};

const WHAT: &str = "proof text";
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof as text, not yet verified. Prints in the form that is parsed; stored as `.tlog-proof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofText {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: String,
}

impl ProofText {
    /// Joins a path and the signed checkpoint that it leads to. `extra` is not authenticated: it is
    /// meant for what the reader needs to compute the entry, such as a disclosure.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] on too long a path or too large an index, [`LedgerError::Malformed`] if
    /// `extra` is given but empty or the checkpoint is not a signed note.
    pub fn new(extra: Option<Vec<u8>>, index: u64, path: Vec<Hash>, checkpoint: String) -> Result<Self, LedgerError> {
        LedgerError::check("index", index, TREE_SIZE_MAX)?;
        LedgerError::check("number of hashes", path.len() as u64, PATH_HASHES_MAX as u64)?;
        if extra.as_ref().is_some_and(Vec::is_empty) {
            return Err(LedgerError::malformed(WHAT, "empty extra line"));
        }
        crate::Note::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, index, path, checkpoint })
    }

    /// Additional bytes, not authenticated.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Index of the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The siblings of the nodes above the leaf, the leaf's own first.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The signed checkpoint, verbatim.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] above [`PROOF_TEXT_BYTES_MAX`] bytes, [`LedgerError::Malformed`] on
    /// anything that is not in the one form of a proof, and as [`ProofText::new`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed(WHAT, reason);
        LedgerError::check("length of a proof text", bytes.len() as u64, PROOF_TEXT_BYTES_MAX as u64)?;
        let text = str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        // The first empty line: the checkpoint after it has one of its own.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed("no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("does not begin with c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| &line["extra ".len()..]);
        let extra =
            extra.map(|line| from_base64(line).ok_or(malformed("extra is not canonical base64"))).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index
            .and_then(|index| from_decimal(index, TREE_SIZE_MAX))
            .ok_or(malformed("the index is not a plain decimal"))?;
        let path = lines.take(PATH_HASHES_MAX + 1).map(Hash::from_base64).collect::<Result<_, _>>()?;
        Self::new(extra, index, path, checkpoint.to_owned())
    }

    /// Verifies the checkpoint and that `entry` is at the index in its tree.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] and [`verify_inclusion`].
    pub fn verify(&self, entry: &[u8], keys: &[VerifierKey]) -> Result<Checkpoint, LedgerError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), keys)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size(), &self.path, checkpoint.root())?;
        Ok(checkpoint)
    }
}

impl fmt::Display for ProofText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", to_base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
