//! Why there is no connection, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use virt_tokio::ConnectError;

use crate::exit::Exit;
use crate::text;

/// Why a daemon cannot be pinged.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The URI is wrong, or the daemon cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It was reached, and the connection did not open.
    #[error("{address}: {error}")]
    Open {
        /// Where it is.
        address: String,
        /// Why not.
        error: ConnectError,
    },
    /// There is nobody to choose.
    #[error("there is no libvirt socket in {}", directory.display())]
    NoSocket {
        /// Where they would be.
        directory: PathBuf,
    },
    /// It took too long.
    #[error("no answer from {address} within {} s, at step {step}", limit.as_secs_f64())]
    Timeout {
        /// What was tried.
        address: String,
        /// What was waited for.
        step: String,
        /// The limit that was passed.
        limit: Duration,
    },
}

impl Failure {
    /// The status to exit with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Open { error, .. } if error.is_authentication() => Exit::Authentication,
            _ => Exit::Failure,
        }
    }

    /// What to do about it, if that is known.
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoSocket { .. } => Some("start libvirtd, name a URI, or try test:///default"),
            Self::Timeout { .. } => Some("is it stopped? --raw asks the least of it"),
            Self::Connect(ConnectError::Connect { address, error }) => {
                Some(match (error.kind(), address.starts_with("tcp:")) {
                    (io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused, false) => {
                        "start libvirtd, or try test:///default"
                    }
                    (io::ErrorKind::ConnectionRefused, true) => {
                        "does the daemon listen on TCP there?"
                    }
                    (io::ErrorKind::PermissionDenied, _) => {
                        "try -r, or as a user who may (root, group libvirt)"
                    }
                    _ => return None,
                })
            }
            Self::Open { error, .. } if error.is_authentication() => {
                Some("try -r, another user, or --raw, which needs none")
            }
            Self::Open { .. } | Self::Connect(_) => None,
        }
    }
}

/// Prints a failure and what to do about it, in one line.
pub(crate) struct Advised<'a>(pub(crate) &'a Failure);

impl fmt::Display for Advised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::clean(&self.0.to_string()))?;
        self.0
            .advice()
            .map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}
