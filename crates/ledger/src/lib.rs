//! The append-only Merkle log as arithmetic.
