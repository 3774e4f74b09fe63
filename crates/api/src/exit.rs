//! What a program that worked with Cairn says to its shell.

/// Exit codes of the command line; the numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// All was done.
    Ok = 0,
    /// Something went wrong; the message says what.
    Error = 1,
    /// The command line was not understood.
    Usage = 2,
    /// Nothing was found, and `--fail-empty` was asked for.
    NothingFound = 3,
    /// The credential is missing, unknown, or does not permit this.
    NotPermitted = 4,
    /// Stored bytes are not what was committed to.
    IntegrityFailure = 5,
    /// The answer is right as far as it goes, and says how far that is.
    PartialAnswer = 6,
    /// Somebody has to approve first.
    WaitingForApproval = 7,
    /// No server answered.
    Unreachable = 8,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl ExitCode {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code for a problem document with this HTTP status.
    #[must_use]
    pub const fn of_status(status: u16) -> ExitCode {
        match status {
            401 | 403 => ExitCode::NotPermitted,
            _ => ExitCode::Error,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
