//! The store through its public surface, on simulated engines: what it promises its callers.

mod promises;
mod support;
