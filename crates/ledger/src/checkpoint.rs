//! C2SP tlog-checkpoint: the head of a log, signed.

use crate::hash::{Hash, empty_root};
use crate::limits::TREE_SIZE_MAX;
use crate::note::{Note, VerifierKey, check_name};
use crate::text::from_decimal;
use crate::{LedgerError, Signer};

const WHAT: &str = "checkpoint";

/// The head of a log: which log, how many leaves, what root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// A head. The origin names the log, and its signing key has the same name.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on an origin that can't name a key, or another root than the empty
    /// one at size zero; [`LedgerError::Limit`] on too large a size.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, LedgerError> {
        check_name(origin)?;
        LedgerError::check("tree size", size, TREE_SIZE_MAX)?;
        if size == 0 && root != empty_root() {
            return Err(LedgerError::malformed(WHAT, "size zero, but not the root of the empty tree"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree at that size.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// The text that is signed: origin, size and root, one line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The signed note, under the origin as the name of the key. Deterministic: the same head and key
    /// give the same bytes.
    #[must_use]
    pub fn sign(&self, signer: &dyn Signer) -> Note {
        Note::sign(self.to_text(), &self.origin, signer).expect("the origin was checked as a key name")
    }

    /// Reads and verifies a signed checkpoint. At least one of the keys must bear the origin as its
    /// name and have signed: the keys that the caller trusts decide which log is spoken of, not the
    /// note.
    ///
    /// # Errors
    /// As [`Note::parse`], [`Note::verify`] and [`Checkpoint::from_text`];
    /// [`LedgerError::Unsigned`] if only keys of other names signed.
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<Self, LedgerError> {
        let note = Note::parse(note)?;
        let signed = note.verify(keys)?;
        let checkpoint = Self::from_text(note.text())?;
        if !signed.iter().any(|key| key.name() == checkpoint.origin) {
            return Err(LedgerError::Unsigned);
        }
        Ok(checkpoint)
    }

    /// Reads the text of a checkpoint; whether to believe it is the caller's to know. Extension lines
    /// are refused: not every kind of signature covers them.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on any other form, and as [`Checkpoint::new`].
    pub fn from_text(text: &str) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed(WHAT, reason);
        let mut lines = text.strip_suffix('\n').ok_or(malformed("does not end with a line feed"))?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(malformed("not three lines"));
        };
        let size = from_decimal(size, TREE_SIZE_MAX).ok_or(malformed("the size is not a plain decimal"))?;
        Self::new(origin, size, Hash::from_base64(root)?)
    }
}

#[cfg(test)]
mod tests;
