//! `cairn serve`

use cairn_api::ExitCode;
use clap::Args;

use super::Context;
use crate::failure::Ended;
use crate::node::{self, Running};

/// Runs the server until SIGTERM or Ctrl-C; then it finishes what it has accepted.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:7420]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
}

pub(crate) fn run(_args: ServeArgs, context: &mut Context) -> Ended {
    node::start_logging(&context.config, None);
    let (running, started) = Running::listening(&context.config)?;
    tracing::info!(
        data = %context.config.data().display(),
        url = running.url(),
        key = running.key_fingerprint(),
        new = started.is_new,
        "ready"
    );
    for (protocol, address) in &started.sockets {
        tracing::info!(protocol, %address, "listening");
    }
    if let Some(place) = &started.token_file {
        // The one time that somebody has to know of it; the secret itself never goes into a log.
        context.printer.hint(&format!("the first credential is in {}", place.display()));
    }
    running.until_told()?;
    Ok(ExitCode::Ok)
}
