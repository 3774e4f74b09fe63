//! The crate as its users see it: against other implementations and against published vectors.

#![allow(clippy::unwrap_used)]

mod ed25519_vectors;
mod formats;
mod other_implementations;
