//! What goes over the wire, and a client that speaks it.
//!
//! [`v1`] holds the JSON shapes, [`Problem`] what an error looks like, [`ROUTES`] every route with what
//! it takes and gives, [`Client`] a blocking client for all of them, [`ExitCode`] what a program that
//! used the client says to its shell. The reference for people is `docs/reference/http.md`.

mod client;
mod exit;
mod openapi;
mod problem;
mod routes;
pub mod v1;

pub use client::{
    Client, ClientError, Encoding, Framing, Retry, SearchRequest, Submit, Tail, TailRequest, TimelineBy, Upload,
    UploadOptions, WhoRequest,
};
pub use exit::ExitCode;
pub use openapi::openapi;
pub use problem::{PROBLEM_JSON, Problem, ProblemCode};
pub use routes::{Access, Method, ROUTES, Route};
