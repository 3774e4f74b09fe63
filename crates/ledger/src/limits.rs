//! Every bound that this crate puts on what it reads, in one place.

/// Most slots in one part, the core slot included.
pub const SLOTS_MAX: usize = 64;

/// Longest path of a slot, in bytes: its length is hashed as a 16-bit number.
pub const SLOT_PATH_BYTES_MAX: usize = u16::MAX as usize;

/// Largest number of leaves in a tree. Other implementations keep sizes in signed 64-bit numbers.
pub const TREE_SIZE_MAX: u64 = i64::MAX as u64;

/// Leaves, or nodes, in a full tile (C2SP tlog-tiles).
pub const TILE_WIDTH: u64 = 256;

/// Levels of the tree between a tile and the tile above it: 2^8 = [`TILE_WIDTH`].
pub const TILE_HEIGHT: u8 = 8;

/// Highest level number in a tile path (C2SP tlog-tiles).
pub const TILE_LEVEL_MAX: u8 = 63;

/// Longest entry of a bundle, in bytes: its length is written as a 16-bit number.
pub const BUNDLE_ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// Longest signed note read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

/// Most signature lines read in one note.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// Most hashes in an inclusion proof: a tree of [`TREE_SIZE_MAX`] leaves has 63 levels above them.
pub const PATH_HASHES_MAX: usize = 63;

/// Longest tlog-proof text read, in bytes. Its `extra` line holds one disclosed entry in base64.
pub const PROOF_TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Levels of the seed tree of one block.
pub const SEED_DEPTH: u8 = 16;

/// Blocks are numbered with the upper 48 bits of a key number.
pub const BLOCK_MAX: u64 = u64::MAX >> SEED_DEPTH;
