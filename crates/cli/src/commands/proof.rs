//! `cairn proof get ID`

use std::path::PathBuf;

use cairn_api::ExitCode;
use cairn_ledger::ProofText;
use clap::{Args, Subcommand};

use super::{Context, show};
use crate::connect::Session;
use crate::evidence;
use crate::failure::{Ended, Failure};

/// Evidence for one event, to be kept or given to somebody else.
#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    #[command(subcommand)]
    command: ProofCommand,
}

#[derive(Debug, Subcommand)]
enum ProofCommand {
    /// Get the evidence for an event (a C2SP tlog-proof), after checking it
    Get {
        /// The event: its id, its position (tenant/trail@index), or its index in the trail
        event: String,
        /// Write to this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub(crate) fn run(args: ProofArgs, context: &mut Context) -> Ended {
    let ProofCommand::Get { event, output } = args.command;
    let session = Session::open(context)?;
    let found = show::find(&event, &session, context)?;
    let text = session.client.proof_text(&found.position)?;
    let key = evidence::key_of(&session, &found.position)?;
    let broken = |why: String| {
        Failure::new(ExitCode::IntegrityFailure, format!("the evidence for {} does not hold", found.position)).why(why)
    };
    let proof = ProofText::parse(text.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let proved = evidence::check_text(&proof, &key).map_err(broken)?;
    session.close()?;
    match output {
        Some(path) => {
            std::fs::write(&path, &text)
                .map_err(|error| Failure::error(format!("can't write {}", path.display())).why(error))?;
            let shown = path.display().to_string();
            context.printer.hint(&format!("{}; check it with `cairn verify {shown}`", proved.line()));
        }
        None => {
            context.printer.line(text.strip_suffix('\n').unwrap_or(&text))?;
            context.printer.flush()?;
            context.printer.hint(&proved.line());
        }
    }
    Ok(ExitCode::Ok)
}
