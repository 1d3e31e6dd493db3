//! The errors of opening a connection.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use virt_transport::ReplyError;
use virt_xdr::EncodeError;

use crate::{AuthListRet, AuthType};

/// A connection cannot be opened.
///
/// The text may hold the daemon's own words, line ends and control characters included: escape it before it
/// goes to a terminal.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The daemon refused a call, or its reply is invalid.
    #[error("{step}: {error}")]
    Call {
        /// The procedure that was called.
        step: &'static str,
        /// The daemon's error, or the fault of its reply.
        error: ReplyError,
    },
    /// The client is not authenticated: the daemon requires a type that is not supported, or refused.
    #[error("{}", Unauthenticated { offered, error })]
    Authentication {
        /// The procedure that was called last; `AUTH_LIST` if no attempt was made.
        step: &'static str,
        /// The types that the daemon accepts.
        offered: AuthListRet,
        /// The reason.
        error: AuthError,
    },
    /// The arguments of a call exceed a limit of the protocol, such as a name of over 4 MiB.
    #[error("{step}: {error}")]
    Encode {
        /// The procedure to be called.
        step: &'static str,
        /// The limit.
        error: EncodeError,
    },
    /// The owner of the machine fed back a result that was not due.
    #[error("{fed} out of order, after {step}")]
    OutOfOrder {
        /// The procedure that is due, or was called last.
        step: &'static str,
        /// The kind of result.
        fed: &'static str,
    },
}

impl OpenError {
    /// The name of the procedure at which opening stopped, such as `CONNECT_OPEN`.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self {
            Self::Call { step, .. }
            | Self::Authentication { step, .. }
            | Self::Encode { step, .. }
            | Self::OutOfOrder { step, .. } => step,
        }
    }
}

/// The reason why a client is not authenticated.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The daemon accepts only types that no [`Authenticator`](crate::Authenticator) serves.
    #[error("not supported")]
    Unsupported,
    /// The daemon does not accept the type that [`OpenOptions::auth`](crate::OpenOptions::auth) requests.
    #[error("the requested {requested} authentication is not offered")]
    NotOffered {
        /// The type that was requested.
        requested: AuthType,
    },
    /// The daemon accepts the type that [`OpenOptions::auth`](crate::OpenOptions::auth) requests, but no
    /// [`Authenticator`](crate::Authenticator) serves it.
    #[error("the requested {requested} authentication is not supported")]
    RequestUnsupported {
        /// The type that was requested.
        requested: AuthType,
    },
    /// The daemon refused, or its reply is invalid.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The daemon replied that it is not complete, where nothing more can be done.
    #[error("incomplete")]
    Incomplete,
    /// A message for the daemon exceeds a limit of the protocol.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The exchange takes too many calls, as with a daemon that never completes it.
    #[error("not complete after {limit} calls")]
    TooManyCalls {
        /// The greatest number of calls.
        limit: usize,
    },
    /// The authenticator's own reason, such as credentials that were declined.
    #[error("{0}")]
    Mechanism(Arc<dyn StdError + Send + Sync>),
}

impl AuthError {
    /// Wraps an authenticator's own reason.
    pub fn mechanism(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Mechanism(error.into().into())
    }
}

/// The text of an authentication that failed, in one sentence with the types that were offered.
struct Unauthenticated<'a> {
    offered: &'a AuthListRet,
    error: &'a AuthError,
}

impl fmt::Display for Unauthenticated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offered, error } = self;
        match error {
            AuthError::Unsupported => {
                write!(
                    f,
                    "daemon requires {offered} authentication, which is not supported"
                )
            }
            AuthError::NotOffered { .. } => write!(f, "{error}; the daemon offers {offered}"),
            AuthError::RequestUnsupported { .. } => write!(f, "{error}"),
            error => write!(f, "daemon requires {offered} authentication: {error}"),
        }
    }
}
