//! The reasons why a daemon cannot be pinged.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use virt_tokio::ConnectError;

use crate::exit::Exit;

/// The reason why there is no connection.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The URI is invalid, or its address cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The address was reached, and the connection did not open.
    #[error("{address}: {error}")]
    Open {
        /// The address, transport included.
        address: String,
        /// The error.
        error: ConnectError,
    },
    /// No URI is given or configured, and no socket exists.
    #[error("there is no libvirt socket in {}", directory.display())]
    NoSocket {
        /// The directory where sockets are looked for.
        directory: PathBuf,
    },
    /// Connecting took too long.
    #[error("no answer from {address} within {} s, at step {step}", limit.as_secs_f64())]
    Timeout {
        /// The addresses that were tried, transport included.
        address: String,
        /// The phase or call that did not end.
        step: String,
        /// The time limit.
        limit: Duration,
    },
}

impl Failure {
    /// Returns whether another attempt would fail for the same reason.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Connect(error) | Self::Open { error, .. } => error.is_permanent(),
            Self::NoSocket { .. } | Self::Timeout { .. } => false,
        }
    }

    /// Returns the status to exit with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Open { error, .. } if error.is_authentication() => Exit::Authentication,
            _ => Exit::Failure,
        }
    }
}
