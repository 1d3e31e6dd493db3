//! The error of a text that is not a URI.

use thiserror::Error;

/// A text that is not a libvirt connection URI.
///
/// Each variant names the offending part and the rule it breaks. Quoted parts are no longer than
/// the text, which [`Uri::MAX_LENGTH`](crate::Uri::MAX_LENGTH) bounds.
///
/// A password is never quoted. If an `@` stands behind the user, anything before it may belong to a
/// password that should have been percent-encoded: `***` then replaces the quoted part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text is longer than [`Uri::MAX_LENGTH`](crate::Uri::MAX_LENGTH), as given or as printed.
    #[error("URI of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// The length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },

    /// The text contains no `:`, hence no driver.
    #[error(
        "{text:?} names no driver: \
         expected driver[+transport]://[user@][host][:port]/[path][?parameters]"
    )]
    NoDriver {
        /// The whole text.
        text: String,
    },

    /// The driver is not a scheme of RFC 3986.
    #[error("driver {driver:?} is not a letter followed by letters, digits, '-' or '.'")]
    Driver {
        /// The text before the `+` or `:`.
        driver: String,
    },

    /// The transport is unknown.
    #[error("transport {transport:?} is not one of unix, tcp, tls, ssh, libssh, libssh2, ext")]
    Transport {
        /// The text between the first `+` and the `:`.
        transport: String,
    },

    /// The host is neither a name nor an address.
    #[error(
        "host {host:?} is neither a name of letters, digits, '-', '.' and '_' \
         nor an IPv6 address in brackets"
    )]
    Host {
        /// The host, or `***`.
        host: String,
    },

    /// The port is empty, not a decimal number, or too large.
    #[error("port {port:?} is not a number in 0 ..= 65535")]
    Port {
        /// The text after the host's `:`, or `***`.
        port: String,
    },

    /// A port is given, but no host.
    #[error("port {port} is given without a host")]
    PortWithoutHost {
        /// The port.
        port: u16,
    },

    /// A host is given for a Unix socket, which is always local.
    #[error("transport unix takes no host, found {host:?}")]
    UnixWithHost {
        /// The host.
        host: String,
    },

    /// The path is neither empty nor absolute.
    #[error("path {path:?} does not start with '/'")]
    RelativePath {
        /// The path, as written, or `***`.
        path: String,
    },

    /// A character that RFC 3986 does not allow unencoded in this part.
    #[error("{part} contains {character:?}, which must be percent-encoded there")]
    Character {
        /// The part of the URI.
        part: &'static str,
        /// The first such character.
        character: char,
    },

    /// A percent sign without two hexadecimal digits after it.
    #[error("{part} contains {escape:?}, not a percent sign and two hexadecimal digits")]
    Escape {
        /// The part of the URI.
        part: &'static str,
        /// The percent sign and at most two characters.
        escape: String,
    },

    /// An encoded zero byte, `%00`, which no part can contain.
    #[error("{part} contains %00, a zero byte")]
    Zero {
        /// The part of the URI.
        part: &'static str,
    },

    /// The percent-encoded bytes are not UTF-8.
    #[error("{part} {text:?} is not UTF-8 once decoded")]
    NotUtf8 {
        /// The part of the URI.
        part: &'static str,
        /// The part, as written.
        text: String,
    },

    /// The value of `mode` is unknown. It is case-sensitive, as in libvirt.
    #[error("parameter mode is {mode:?}, not one of auto, legacy, direct")]
    Mode {
        /// The value.
        mode: String,
    },

    /// The value of `proxy` is unknown. It is case-sensitive, as in libvirt.
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
        /// The value.
        value: String,
    },

    /// The parameter `socket` is empty.
    #[error("parameter socket is empty, expected the path of a socket")]
    EmptySocket,
}

impl ParseError {
    /// Replaces a quoted part that may belong to a password. Parameters, which come behind the last
    /// `@` of a user, are left alone.
    pub(crate) fn without_quote(mut self) -> Self {
        match &mut self {
            Self::Host { host: quote }
            | Self::Port { port: quote }
            | Self::RelativePath { path: quote }
            | Self::Escape {
                part: "host" | "path",
                escape: quote,
            }
            | Self::NotUtf8 {
                part: "host" | "path",
                text: quote,
            } => "***".clone_into(quote),
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_small_and_crosses_threads() {
        fn crosses_threads<T: Send + Sync + std::error::Error + 'static>() {}
        crosses_threads::<ParseError>();
        assert!(size_of::<ParseError>() <= 48);
    }
}
