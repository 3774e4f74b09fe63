//! The append-only Merkle log as arithmetic.
//!
//! Bytes go in, hashes and proofs come out. The crate knows nothing of events, files, clocks or
//! sockets: whoever calls it brings the bytes and keeps what it returns. From the leaf upwards:
//!
//! 1. [`Seed`] and [`Cover`]: the secret salts of one entry, derived from one root per block.
//! 2. [`PartText`] and [`Disclosure`]: an entry as salted commitments, and how to open some of them.
//! 3. [`Tree`]: the RFC 6962 tree over the entries, and every proof that can be asked of it.
//! 4. [`InclusionProof`], [`ConsistencyProof`], [`RangeProof`]: what a stranger checks.
//! 5. [`TileId`]: the same tree as C2SP tlog-tiles.
//! 6. [`Note`], [`Checkpoint`], [`ProofText`], [`Envelope`]: what is signed, and its exact spelling.
//!
//! The formats are described for other implementers in `formats/leaf.md`, `formats/tree.md` and
//! `formats/receipt.md`.

// The rule against unwrap is for code that ships.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod checkpoint;
mod disclosure;
mod dsse;
mod entry;
mod error;
mod hash;
mod key;
mod limits;
mod note;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted {
    /// The size whose right edge makes the root: the true one.
    pub(crate) const fn root_size(size: u64) -> u64 {
        size
    }
}
mod proof;
mod proof_text;
mod seed;
mod slot;
mod text;
mod tile;
mod tree;

pub use checkpoint::Checkpoint;
pub use disclosure::{DisclosedSlot, Disclosure};
pub use dsse::Envelope;
pub use entry::{ENTRY_BYTES, Kind, entry, event_root, parse_entry};
pub use error::{LedgerError, TreeError};
pub use hash::{Hash, Sha256, Tag, empty_root, leaf_hash, node_hash, sha256};
pub use key::{PublicKey, Signer};
pub use limits::*;
pub use note::{Note, NoteSignature, VerifierKey, key_id};
pub use proof::{ConsistencyProof, InclusionProof, RangeProof, verify_consistency, verify_inclusion, verify_range};
pub use proof_text::ProofText;
pub use seed::{BlockRoot, Cover, CoverNode, KeyNumber, Seed, SeedWalk};
pub use slot::{Part, PartText, SlotSpan, SlotValue, commit_part, part_hash, slot_commitment};
pub use tile::{TileId, TileKind, decode_bundle, encode_bundle, full_tiles, partial_width};
pub use tree::{LeafTiles, NoTiles, Tree, mth};
