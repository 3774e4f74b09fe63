//! What others wrote to test JSON, canonical JSON and text handling, and real audit records.

mod corpus;
mod hostile;
mod jcs;
mod records;
