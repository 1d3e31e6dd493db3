//! The transport of a URI.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// The channel between the client and the daemon, as a URI names it.
///
/// In a URI it follows the driver after a `+`, in any case. The default is [`Tls`](Self::Tls) if
/// the URI has a host, else [`Unix`](Self::Unix).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UriTransport {
    /// A local Unix socket.
    Unix,
    /// TCP, unencrypted and unauthenticated by itself. The default port is 16509.
    Tcp,
    /// TLS over TCP. The default port is 16514.
    Tls,
    /// The `ssh` command, or the one in the parameter `command`.
    Ssh,
    /// SSH through libssh.
    Libssh,
    /// SSH through libssh2.
    Libssh2,
    /// The standard input and output of the program in the parameter `command`.
    Ext,
}

impl UriTransport {
    const ALL: [Self; 7] = [
        Self::Unix,
        Self::Tcp,
        Self::Tls,
        Self::Ssh,
        Self::Libssh,
        Self::Libssh2,
        Self::Ext,
    ];

    /// Returns the name in a URI, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Libssh => "libssh",
            Self::Libssh2 => "libssh2",
            Self::Ext => "ext",
        }
    }
}

impl fmt::Display for UriTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for UriTransport {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|transport| text.eq_ignore_ascii_case(transport.as_str()))
            .ok_or_else(|| ParseError::Transport {
                transport: text.to_owned(),
            })
    }
}
