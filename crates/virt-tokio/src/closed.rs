//! The end of a connection: its reason, and the error behind it.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;

/// The end of a connection: the reason, in libvirt's four words, and the error behind it.
#[derive(Debug, Clone)]
pub struct Closed {
    reason: CloseReason,
    error: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// True in the error of a call that was not sent.
    is_unsent: bool,
}

/// The reason why a connection was closed: libvirt's four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The socket failed, or the peer broke the protocol.
    Error,
    /// The peer closed the connection.
    EndOfFile,
    /// The peer was silent for `interval * (count + 1)`.
    KeepAlive,
    /// This end closed it.
    Client,
}

impl Closed {
    pub(crate) fn new(reason: CloseReason) -> Self {
        Self {
            reason,
            error: None,
            is_unsent: false,
        }
    }

    pub(crate) fn error(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            reason: CloseReason::Error,
            error: Some(Arc::new(error)),
            is_unsent: false,
        }
    }

    /// Makes the end by the peer, while `buffered` bytes of a frame waited for the rest.
    pub(crate) fn end_of_file(buffered: usize) -> Self {
        let cut = (buffered > 0).then(|| Arc::new(CutOff { buffered }) as _);
        Self {
            reason: CloseReason::EndOfFile,
            error: cut,
            is_unsent: false,
        }
    }

    /// Makes it the end for a call that was not sent.
    pub(crate) fn unsent(self) -> Self {
        Self {
            is_unsent: true,
            ..self
        }
    }

    pub(crate) fn is_unsent(&self) -> bool {
        self.is_unsent
    }

    /// Returns whether the socket ended, rather than this end or the protocol.
    pub(crate) fn is_disconnected(&self) -> bool {
        let failed = self
            .error
            .as_ref()
            .is_some_and(|error| error.is::<io::Error>());
        self.reason == CloseReason::EndOfFile || failed
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> CloseReason {
        self.reason
    }

    /// Returns the error behind the reason: there is one for [`CloseReason::Error`], and if the peer closed the
    /// connection within a frame.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.error.as_deref()
    }
}

/// The connection ended within a frame.
#[derive(Debug, Error)]
#[error("{buffered} bytes into a frame")]
struct CutOff {
    buffered: usize,
}

/// The task of a connection was dropped, as by a shutdown of its runtime.
#[derive(Debug, Error)]
#[error("its task has ended: the runtime was shut down, or an action that it ran has panicked")]
pub(crate) struct TaskGone;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection closed: {}", self.reason)?;
        self.error
            .as_ref()
            .map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::EndOfFile => "end of file",
            Self::KeepAlive => "keepalive",
            Self::Client => "client",
        })
    }
}

impl std::error::Error for Closed {}
