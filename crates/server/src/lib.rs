//! The thin edge: sockets, routes, roles.
//!
//! ```text
//! listen ─▶ routes ─▶ write_path: intake (limits) ─▶ split ─▶ map ─▶ admit ─▶ store ─▶ answer
//!                 └─▶ read_path:  search, show, proof, tiles, tail ◀── store::Reader, Index ◀── follow
//! ```
//!
//! A [`Node`] is one data directory in service: its store, its search index with the thread that feeds
//! it, its credentials. [`serve`] answers HTTP for it until told to stop. Every request has a bound
//! before its body is read, and every event of a request leaves by exactly one door.

mod config;
mod failure;
mod follow;
mod gate;
mod intake;
mod listen;
mod node;
mod own;
mod proof_paths;
mod protection;
mod quarantine;
mod read_path;
mod routes;
mod scrub;
mod tail;
mod telemetry;
mod tokens;
mod write_path;

pub use config::{HttpConfig, IndexConfig, NodeConfig, ScrubConfig, SyslogConfig};
pub use listen::Sockets;
pub use listen::http::{runtime, serve};
pub use listen::tls::TlsFiles;
pub use node::{Node, NodeError, Started};
