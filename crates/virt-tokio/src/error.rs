//! What can go wrong with a call and with connecting.

use std::io;
use std::time::Duration;

use thiserror::Error;
use virt_transport::{RegisterError, ReplyError, SendError};
use virt_xdr::DecodeError;

use crate::Closed;

/// Why a call has no result.
///
/// The text of an error may be the peer's own: up to 4 MiB of whatever it likes, line ends and control
/// characters included. Escape it before it goes to a terminal.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The peer has refused the call or failed at it, or its reply is not one.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The call could not be sent; nothing of it was.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The program's number belongs to another program of this connection: one that was registered through
    /// [`Client::with_transport`](crate::Client::with_transport), keepalive, or another version.
    #[error(transparent)]
    Taken(#[from] RegisterError),
    /// So much of the call's stream came before its reply that nothing more would have been read:
    /// [`Limits::stream_bytes`](crate::Limits::stream_bytes). The stream is aborted.
    #[error("the limit of {limit} bytes of streams was reached before the reply came")]
    EarlyStream {
        /// The limit in bytes.
        limit: usize,
    },
    /// There was no reply in time. The call may not even have had its turn; if it was sent, the peer may still be
    /// at it, and its reply will be dropped.
    #[error("no reply within {}", Seconds(*after))]
    Timeout {
        /// How long the call has waited.
        after: Duration,
    },
    /// The connection is closed, or was before the reply came.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Why there is no connection.
///
/// What [`CallError`] says of texts holds here, too.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URI is none.
    #[error(transparent)]
    Uri(#[from] virt_uri::ParseError),
    /// The URI does not say where to connect to.
    #[error(transparent)]
    Resolve(#[from] virt_uri::ResolveError),
    /// The URI asks for a transport that is not there yet.
    #[error("cannot connect to {address}: only unix, tcp and test:///default are supported")]
    Unsupported {
        /// Where the URI leads to, its transport included.
        address: String,
    },
    /// Nobody listens there, or it cannot be reached.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// The socket's path, or host and port.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The daemon wants an authentication that cannot be had: SASL is not there yet, and polkit may refuse.
    #[error("daemon wants authentication by {offered}, which cannot be had{}", because(.error.as_ref()))]
    Authentication {
        /// What the daemon offers.
        offered: String,
        /// What it has said when that was tried.
        error: Option<CallError>,
    },
    /// The connection was not open in time.
    #[error("connection to {address} was not open within {}", Seconds(*after))]
    Timeout {
        /// The socket's path, or host and port.
        address: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The daemon has refused a step of opening the connection, or has closed it.
    #[error("cannot open the connection: {step}: {error}")]
    Open {
        /// The procedure that failed.
        step: &'static str,
        /// Why.
        error: CallError,
    },
}

impl From<DecodeError> for CallError {
    fn from(error: DecodeError) -> Self {
        Self::Reply(error.into())
    }
}

fn because(error: Option<&CallError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// A duration in seconds, for people.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}
