//! Settings, in two steps: [`typed`] holds what was written and where, [`resolved`] what it means.

pub(crate) mod keys;
pub(crate) mod resolved;
pub(crate) mod typed;

pub(crate) use resolved::Config;
pub(crate) use typed::{Origin, Typed};
