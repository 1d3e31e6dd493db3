//! Errors of calls and of connecting.

use std::io;
use std::time::Duration;

use thiserror::Error;
use virt_remote::{AuthError, OpenError};
use virt_transport::{RegisterError, RemoteError, ReplyError, SendError};
use virt_xdr::DecodeError;

use crate::Closed;

/// The failure of a call.
///
/// The text of an error may be the peer's own: up to 4 MiB, with line breaks and control characters. Escape it before
/// you print it on a terminal.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The peer refused the call or failed at it, or its reply is invalid.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The call cannot be sent, and nothing of it was.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The program's number belongs to another program of this connection: one that was registered through
    /// [`Client::with_transport`](crate::Client::with_transport), keepalive, or another version.
    #[error(transparent)]
    Taken(#[from] RegisterError),
    /// The unread data of streams reached [`Limits::unread_bytes`](crate::Limits::unread_bytes) before the reply came. The
    /// call was sent; if it opens a stream, that is aborted.
    #[error(
        "no reply before {limit} bytes of unread stream data, which is the limit: read the streams that are open"
    )]
    UnreadStreams {
        /// The limit in bytes.
        limit: usize,
    },
    /// The stream was aborted, with the daemon's reason if it gave one.
    #[error("stream aborted{}", reason(.0.as_ref()))]
    Aborted(Option<RemoteError>),
    /// There was no reply within the call timeout.
    #[error("{} within {}", if *.sent { "sent, but no reply" } else { "not sent" }, Seconds(*after))]
    Timeout {
        /// The time limit.
        after: Duration,
        /// True if the call was sent. If so, the peer may still work on it, and its reply will be dropped; if not, it
        /// never will be.
        sent: bool,
    },
    /// The call was not sent within the call timeout, because too many others waited for their replies.
    #[error("not sent within {}: {limit} earlier calls wait for their replies, which is the limit", Seconds(*after))]
    Busy {
        /// The time limit.
        after: Duration,
        /// The most calls in flight at once, [`Limits::calls`](crate::Limits::calls).
        limit: usize,
    },
    /// The connection was closed before the reply came: see [`is_sent`](Self::is_sent).
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// The reason why [`Server::try_with_transport`](crate::Server::try_with_transport) has not taken an action.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum BusyError {
    /// So many actions wait already, because the client does not read.
    #[error("{limit} actions wait for the connection, which is the limit")]
    Full {
        /// The limit, [`Limits::commands`](crate::Limits::commands).
        limit: usize,
    },
    /// The connection is closed.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// The failure to connect.
///
/// The text may be the peer's own, as in [`CallError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URI is invalid.
    #[error(transparent)]
    Uri(#[from] virt_uri::ParseError),
    /// The URI does not determine an address.
    #[error(transparent)]
    Resolve(#[from] virt_uri::ResolveError),
    /// The URI has a transport that is not supported.
    #[error("cannot connect to {address}: only unix, tcp and test:///default are supported")]
    Unsupported {
        /// The address, transport included.
        address: String,
    },
    /// The address cannot be reached, or no daemon listens there.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// The path of the socket, or host and port.
        address: String,
        /// The error of the last attempt.
        error: io::Error,
    },
    /// The connection was not open within the connect timeout.
    #[error("connection to {address} was not open within {}", Seconds(*after))]
    Timeout {
        /// The path of the socket, or host and port.
        address: String,
        /// The time limit.
        after: Duration,
    },
    /// The daemon refused a step of opening the connection.
    #[error("cannot open the connection: {0}")]
    Open(#[from] OpenError),
    /// The connection failed at a step of opening it, or the daemon did not answer.
    #[error("cannot open the connection: {step}: {error}")]
    Step {
        /// The procedure that was called, such as `AUTH_LIST`.
        step: &'static str,
        /// The failure of the call.
        error: CallError,
    },
}

impl CallError {
    /// Returns whether the call was sent, or may have been. If so, the peer may have done it, and it should not be repeated
    /// blindly; if not, it never will be.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        match self {
            Self::Reply(_) | Self::UnreadStreams { .. } | Self::Aborted(_) => true,
            Self::Send(_) | Self::Taken(_) | Self::Busy { .. } => false,
            Self::Timeout { sent, .. } => *sent,
            Self::Closed(closed) => !closed.is_unsent(),
        }
    }
}

impl ConnectError {
    /// Returns whether the daemon requires an authentication that was refused or is not supported.
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(self, Self::Open(OpenError::Authentication { .. }))
    }

    /// Returns whether another attempt fails for the same reason, unless somebody changes the settings of either end: a
    /// URI that is invalid or not supported, a refused authentication, a driver that the daemon does not have.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Uri(_) | Self::Resolve(_) | Self::Unsupported { .. } => true,
            Self::Open(
                OpenError::Call { error, .. }
                | OpenError::Authentication {
                    error: AuthError::Reply(error),
                    ..
                },
            ) => is_permanent(error),
            Self::Open(_) => true,
            Self::Connect { .. } | Self::Timeout { .. } | Self::Step { .. } => false,
        }
    }
}

impl From<DecodeError> for CallError {
    fn from(error: DecodeError) -> Self {
        Self::Reply(error.into())
    }
}

/// Keeps the error: [`io::Error::downcast`] and [`io::Error::get_ref`] return it.
impl From<CallError> for io::Error {
    fn from(error: CallError) -> Self {
        let kind = match &error {
            CallError::Timeout { .. } | CallError::Busy { .. } => io::ErrorKind::TimedOut,
            CallError::Closed(_) => io::ErrorKind::ConnectionAborted,
            CallError::Send(SendError::StreamClosed(_)) => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The codes of refusals that stay, in libvirt's numbers: not supported, no driver for the name, an invalid argument, an
/// operation that is denied, an authentication that failed or was cancelled, access that is denied.
const PERMANENT: [i32; 7] = [3, 5, 8, 29, 45, 79, 88];

fn is_permanent(error: &ReplyError) -> bool {
    matches!(error, ReplyError::Remote(error) if PERMANENT.contains(&error.payload().code.0))
}

fn reason(error: Option<&RemoteError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// A duration, shown in seconds.
pub(crate) struct Seconds(pub(crate) Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}
