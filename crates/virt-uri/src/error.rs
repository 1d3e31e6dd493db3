//! What can be wrong with a URI, and with the environment it meets.

use std::path::PathBuf;

use thiserror::Error;

use crate::{Transport, Uri};

/// Why a text is not a libvirt connection URI.
///
/// Each names the offending part and what is allowed there. The quoted parts are no longer than the
/// text was, which [`Uri::MAX_LENGTH`] bounds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text, or the URI as it prints, is longer than [`Uri::MAX_LENGTH`].
    #[error("URI of {length} bytes is over the limit of {}", Uri::MAX_LENGTH)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },

    /// There is no `:`, hence no driver.
    #[error(
        "{text:?} names no driver: \
         expected driver[+transport]://[user@][host][:port]/[path][?parameters]"
    )]
    NoDriver {
        /// The whole text.
        text: String,
    },

    /// The driver is no RFC 3986 scheme.
    #[error("driver {driver:?} is not a letter followed by letters, digits, '-' or '.'")]
    Driver {
        /// What stands before the `+` or `:`.
        driver: String,
    },

    /// The transport is unknown.
    #[error("transport {transport:?} is not one of unix, tcp, tls, ssh, libssh, libssh2, ext")]
    Transport {
        /// What stands between the first `+` and the `:`.
        transport: String,
    },

    /// The host is neither a name nor an address.
    #[error(
        "host {host:?} is neither a name of letters, digits, '-', '.' and '_' \
         nor an IPv6 address in brackets"
    )]
    Host {
        /// What was found.
        host: String,
    },

    /// The port is empty, no decimal number, or too large.
    #[error("port {port:?} is not a number in 0 ..= 65535")]
    Port {
        /// What stands after the host's `:`.
        port: String,
    },

    /// There is a port but nothing it could be on.
    #[error("port {port} is given without a host")]
    PortWithoutHost {
        /// The port.
        port: u16,
    },

    /// A Unix socket is on this machine, so there can be no host.
    #[error("transport unix takes no host, found {host:?}")]
    UnixWithHost {
        /// The host.
        host: String,
    },

    /// The path is not empty and not absolute.
    #[error("path {path:?} does not start with '/'")]
    RelativePath {
        /// The path, as written.
        path: String,
    },

    /// A character that RFC 3986 has percent-encoded in this part.
    #[error("{part} holds {character:?}, which has to be percent-encoded there")]
    Character {
        /// Which part of the URI.
        part: &'static str,
        /// The first such character.
        character: char,
    },

    /// A percent sign that two hexadecimal digits do not follow.
    #[error("{part} holds {escape:?}, not a percent sign and two hexadecimal digits")]
    Escape {
        /// Which part of the URI.
        part: &'static str,
        /// The percent sign and at most two characters.
        escape: String,
    },

    /// `%00`: nothing in a URI can hold a zero byte.
    #[error("{part} holds %00, a zero byte")]
    Zero {
        /// Which part of the URI.
        part: &'static str,
    },

    /// The percent-encoded bytes are not UTF-8.
    #[error("{part} {text:?} is not UTF-8 once decoded")]
    NotUtf8 {
        /// Which part of the URI.
        part: &'static str,
        /// The part, as written.
        text: String,
    },

    /// The value of `mode` is unknown; libvirt takes lower case only.
    #[error("parameter mode is {mode:?}, not one of auto, legacy, direct")]
    Mode {
        /// The value.
        mode: String,
    },

    /// The value of `proxy` is unknown; libvirt takes lower case only.
    #[error("parameter proxy is {proxy:?}, not one of auto, netcat, native")]
    Proxy {
        /// The value.
        proxy: String,
    },

    /// The value of `no_sanity`, `no_verify` or `no_tty` is not a 32-bit integer.
    #[error("parameter {name} is {value:?}, not an integer (0 is no, any other yes)")]
    Flag {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
    },

    /// The parameter `socket` is there, without a path.
    #[error("parameter socket is empty, not the path of a socket")]
    EmptySocket,
}

/// Why a URI cannot be connected to from this environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A session's socket is in a directory of the user, and the environment names none.
    #[error(
        "no directory for a session's sockets: \
         none of XDG_RUNTIME_DIR, XDG_CACHE_HOME and HOME is set"
    )]
    NoSessionDirectory,

    /// The kernel takes no socket path this long.
    #[error(
        "socket path {path:?} of {length} bytes is over the limit of {}",
        Uri::MAX_SOCKET_PATH
    )]
    SocketTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },

    /// The test driver without a transport runs in this process, where it has one hypervisor only.
    #[error(
        "path {path:?} is not in this process, only test:///default is (test+unix:// asks a daemon)"
    )]
    NotEmbedded {
        /// The path.
        path: String,
    },

    /// Transport ext runs a command, and there is none.
    #[error("transport ext needs the parameter command")]
    NoCommand,

    /// Mode direct picks a local socket, which the ssh transports cannot use.
    #[error("mode direct needs transport unix or the parameter socket, transport is {transport}")]
    DirectMode {
        /// The transport.
        transport: Transport,
    },

    /// The configured default is not a URI.
    #[error("{origin}: {error}")]
    DefaultUri {
        /// Where it came from: `LIBVIRT_DEFAULT_URI`, or `uri_default` of `libvirt.conf`.
        origin: &'static str,
        /// What is wrong with it.
        error: ParseError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small_and_cross_threads() {
        fn crosses_threads<T: Send + Sync + std::error::Error + 'static>() {}
        crosses_threads::<ParseError>();
        crosses_threads::<ResolveError>();
        assert!(size_of::<ParseError>() <= 48);
        assert!(size_of::<ResolveError>() <= 72);
    }
}
