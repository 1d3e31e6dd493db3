//! What the program ends with.

use std::process::ExitCode;

/// The exit status; of several, the highest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// PONGs came.
    Alive = 0,
    /// None came, or too few, or the link died.
    Dead = 1,
    /// There was no connection, or anything else went wrong.
    Failure = 2,
    /// The options are wrong.
    Usage = 3,
    /// The daemon requires an authentication that fails or is not supported.
    Authentication = 4,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
