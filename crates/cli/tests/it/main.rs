//! The real binary, as a person or a script meets it: what it prints, what it answers over HTTP, what it
//! exits with, what it leaves on the disk.

#![allow(clippy::unwrap_used)]

mod corpus;
mod crash;
mod heavy;
mod help;
mod house;
mod ingest;
mod questions;
mod support;
mod verify;
