//! The server over real HTTP on a real data directory: what it takes, what it refuses and how, what it
//! gives back, and what is left after a stop. Each module is one side of that; each test name is a claim.

mod access;
mod arrivals;
mod encodings;
mod idempotency;
mod log;
mod operation;
mod pressure;
mod protection;
mod quarantine;
mod reads;
mod refusals;
mod submit;
mod support;
mod tail;
