//! From admitted events to durable ones: order, write, sync, answer.

pub(crate) mod head;
mod prepare;
pub(crate) mod record;
pub(crate) mod recover;
mod seeds;
pub(crate) mod sequencer;
pub(crate) mod wal;
pub(crate) mod writer;

pub(crate) use prepare::prepare;
pub(crate) use seeds::Seeds;
