//! Concrete disks, clocks, key indexes, search indexes and signers behind the seams.
//!
//! No business rule lives here: what an engine must guarantee stands at the seam it implements.

mod keys;
mod local;
mod open;
pub mod priority;
pub mod sim;
pub mod tantivy;

pub use keys::FjallKeys;
pub use local::{LocalDisk, SystemClock, SystemEntropy};
pub use open::{OpenError, Opened, open};
