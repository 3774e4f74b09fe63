//! Searches against trails and an index in memory.

mod follow;
mod pages;
mod partial;
