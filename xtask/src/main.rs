//! What the project runs on itself: tests, tidy, soak.
fn main() {}
