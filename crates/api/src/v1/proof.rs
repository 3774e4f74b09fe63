//! Evidence for one event.

use cairn_ledger::{Checkpoint, Hash, InclusionProof, LedgerError, VerifierKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything needed to check one event against a signed checkpoint, without asking the server again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProofView {
    /// `tenant/trail@index`.
    pub position: String,
    /// Index in the trail.
    pub index: u64,
    /// RFC 6962 leaf hash of the log entry, base64.
    pub leaf_hash: String,
    /// Number of leaves of the tree that the path leads to the root of.
    pub tree_size: u64,
    /// RFC 6962 path from the leaf to the root, base64.
    pub path: Vec<String>,
    /// The signed note of (origin, tree size, root).
    pub checkpoint: String,
    /// The event's slots with their salts (`formats/leaf.md`), base64: from it the leaf hash recomputes.
    pub disclosure: String,
}

impl ProofView {
    /// Checks the path against the checkpoint, and the checkpoint's signature against `key`.
    ///
    /// # Errors
    /// As the ledger says: a malformed member, a signature that does not hold, a path that does not
    /// lead to the root.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, LedgerError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), std::slice::from_ref(key))?;
        let leaf = Hash::from_base64(&self.leaf_hash)?;
        let path = self.path.iter().map(|hash| Hash::from_base64(hash)).collect::<Result<Vec<_>, _>>()?;
        InclusionProof { index: self.index, size: checkpoint.size(), path }.verify(&leaf, checkpoint.root())?;
        Ok(checkpoint)
    }
}
