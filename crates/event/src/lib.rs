//! What an event is, its limits, its canonical bytes.
