//! The exit status of the program.

use std::process::ExitCode;

/// The exit status; the highest of several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// PONGs came.
    Alive = 0,
    /// No PONG came, or too few, or the connection was closed.
    Dead = 1,
    /// There was no connection, or another error.
    Failure = 2,
    /// The options are invalid.
    Usage = 3,
    /// The daemon requires an authentication that is not supported or was refused.
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
