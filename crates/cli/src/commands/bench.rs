//! `cairn bench`

use clap::Args;

use super::Context;
use crate::failure::{Ended, Failure};

/// Measure.
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct BenchArgs {}

pub(crate) fn run(_args: BenchArgs, _context: &mut Context) -> Ended {
    Err(Failure::error("there is nothing to measure yet"))
}
