//! The error of a URI that leads nowhere in its environment.

use std::path::PathBuf;

use thiserror::Error;

use crate::{ParseError, UriTransport};

/// A URI that cannot be connected to from this environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The environment names no directory for the sockets of a session.
    #[error(
        "no directory for a session's sockets: \
         none of XDG_RUNTIME_DIR, XDG_CACHE_HOME and HOME is set"
    )]
    NoSessionDirectory,

    /// The socket's path is longer than
    /// [`Uri::MAX_SOCKET_PATH`](crate::Uri::MAX_SOCKET_PATH), the kernel's limit.
    #[error("socket path {path:?} of {length} bytes is over the limit of {limit}")]
    SocketTooLong {
        /// The path, with the `@` of an abstract name.
        path: PathBuf,
        /// The length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },

    /// The embedded test driver, `test:` without transport and host, has the path `/default` only.
    #[error(
        "path {path:?} is not available in this process, only test:///default is \
         (use test+unix:// to reach a daemon)"
    )]
    NotEmbedded {
        /// The path.
        path: String,
    },

    /// Transport ext runs a command, and the URI gives none.
    #[error("transport ext requires the parameter command")]
    NoCommand,

    /// Mode direct selects a local socket, which the SSH transports cannot use.
    #[error(
        "mode direct requires transport unix or the parameter socket, transport is {transport}"
    )]
    DirectMode {
        /// The transport.
        transport: UriTransport,
    },

    /// The configured default is not a URI.
    #[error("{origin}: {error}")]
    DefaultUri {
        /// The setting: `LIBVIRT_DEFAULT_URI`, or `uri_default` of `libvirt.conf`.
        origin: &'static str,
        /// The error in it.
        error: ParseError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_small_and_crosses_threads() {
        fn crosses_threads<T: Send + Sync + std::error::Error + 'static>() {}
        crosses_threads::<ResolveError>();
        assert!(size_of::<ResolveError>() <= 72);
    }
}
