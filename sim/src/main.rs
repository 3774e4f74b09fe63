//! Seeded scenarios over the commit, seal and recovery path with injected faults.
fn main() {}
