//! How the bytes travel.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// How the bytes travel to the daemon.
///
/// In a URI it follows the driver after a `+`, in any case. Without one it is [`Tls`](Self::Tls) if
/// there is a host, else [`Unix`](Self::Unix).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A Unix socket of this machine.
    Unix,
    /// TCP, neither encrypted nor authenticated by itself; port 16509.
    Tcp,
    /// TLS over TCP; port 16514.
    Tls,
    /// The `ssh` command, or the one in the parameter `command`.
    Ssh,
    /// SSH by libssh.
    Libssh,
    /// SSH by libssh2.
    Libssh2,
    /// The program in the parameter `command`: its standard input and output are the connection.
    Ext,
}

impl Transport {
    const ALL: [Self; 7] = [
        Self::Unix,
        Self::Tcp,
        Self::Tls,
        Self::Ssh,
        Self::Libssh,
        Self::Libssh2,
        Self::Ext,
    ];

    /// Its name in a URI, in lower case.
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

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
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
