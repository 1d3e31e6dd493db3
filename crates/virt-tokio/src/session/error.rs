//! The reasons why a session has no connection.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::error::Seconds;
use crate::{Closed, ConnectError};

/// The reason why a session has no connection, or has ended.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The connection was closed.
    #[error(transparent)]
    Lost(#[from] Closed),
    /// No connection was opened. If that [is permanent](ConnectError::is_permanent), the session has ended.
    #[error(transparent)]
    Connect(#[from] Arc<ConnectError>),
    /// The connection was opened, but the daemon did not reply to the registrations of events in time.
    #[error("events were not registered within {}", Seconds(*after))]
    Unregistered {
        /// The time limit, [`Options::connect_timeout`](crate::Options::connect_timeout).
        after: Duration,
    },
    /// As many attempts have failed as are allowed.
    #[error("gave up after {attempts} attempts: {last}")]
    GaveUp {
        /// The number of attempts.
        attempts: u32,
        /// The reason of the last one.
        last: Box<SessionError>,
    },
    /// The session was closed by its owner.
    #[error("session closed")]
    Closed,
}

impl SessionError {
    /// Returns whether time does not mend it.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_permanent(),
            Self::GaveUp { .. } | Self::Closed => true,
            Self::Lost(_) | Self::Unregistered { .. } => false,
        }
    }

    /// Returns whether there is no Unix socket, as during a restart.
    pub(super) fn is_missing_socket(&self) -> bool {
        let Self::Connect(error) = self else {
            return false;
        };
        matches!(&**error, ConnectError::Connect { address, error }
            if address.contains("unix:") && error.kind() == std::io::ErrorKind::NotFound)
    }
}
