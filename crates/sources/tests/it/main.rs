//! Sources seen from outside: goldens written here, and real records of others.

mod corpus;
mod golden;
mod hostile;
mod mutated;
mod others;
