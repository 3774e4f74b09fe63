//! An error as a person meets it: what happened, why, what to do next, and the exit code.

use std::fmt::Display;
use std::io;

use cairn_api::{ClientError, ExitCode};

use crate::print::{Tone, escape, tint};

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the shell gets.
    pub(crate) exit: ExitCode,
    /// What happened, lower case, without a full stop; empty if everything was said already.
    pub(crate) what: String,
    /// What caused it.
    pub(crate) why: Option<String>,
    /// The next thing to type or to change.
    pub(crate) next: Option<String>,
}

/// What a command ends with.
pub(crate) type Ended = Result<ExitCode, Failure>;

impl Failure {
    /// A failure with an exit code of its own.
    pub(crate) fn new(exit: ExitCode, what: impl Into<String>) -> Failure {
        Failure { exit, what: what.into(), why: None, next: None }
    }

    /// An ordinary failure: exit code 1.
    pub(crate) fn error(what: impl Into<String>) -> Failure {
        Failure::new(ExitCode::Error, what)
    }

    /// A command line or setting that can't be used: exit code 2.
    pub(crate) fn usage(what: impl Into<String>) -> Failure {
        Failure::new(ExitCode::Usage, what)
    }

    /// The same with its cause.
    pub(crate) fn why(self, why: impl Display) -> Failure {
        Failure { why: Some(why.to_string()), ..self }
    }

    /// The same with the next step.
    pub(crate) fn next(self, next: impl Into<String>) -> Failure {
        Failure { next: Some(next.into()), ..self }
    }

    /// Writes the failure to stderr.
    pub(crate) fn report(&self, color: bool) {
        if self.what.is_empty() {
            return;
        }
        eprintln!("{} {}", tint(color, Tone::Bad, "error:"), escape::line(&self.what));
        if let Some(why) = &self.why {
            eprintln!("  {} {}", tint(color, Tone::Dim, "why: "), escape::line(why));
        }
        if let Some(next) = &self.next {
            eprintln!("  {} {}", tint(color, Tone::Dim, "next:"), escape::line(next));
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // The reader of our stdout went away (`| head`): it has what it wanted.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::new(ExitCode::Ok, "");
        }
        Failure::error("input or output failed").why(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        crate::connect::explain(error)
    }
}
