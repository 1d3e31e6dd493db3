//! The URI itself: parsed, printed, and as the daemon is to see it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::escape::{Encoded, Keep, decode};
use crate::{Parameters, ParseError, Transport};

/// A libvirt connection URI.
///
/// Its parts are held decoded. It prints in one canonical form, which parses to an equal `Uri`:
/// transport in lower case, only what needs it percent-encoded, known parameters first and once
/// each, no default that was not written.
///
/// # Examples
///
/// ```
/// use virt_uri::{Transport, Uri};
///
/// let uri: Uri = "qemu+SSH://root@example.com:2222/system?keyfile=/root/my%20key&x=1".parse()?;
/// assert_eq!(uri.driver(), "qemu");
/// assert_eq!(uri.transport(), Transport::Ssh);
/// assert_eq!(uri.user(), Some("root"));
/// assert_eq!(uri.host(), Some("example.com"));
/// assert_eq!(uri.port(), Some(2222));
/// assert_eq!(uri.path(), "/system");
/// assert_eq!(uri.parameters().keyfile.as_deref(), Some("/root/my key"));
/// assert_eq!(uri.name(), "qemu:///system?x=1");
/// assert_eq!(
///     uri.to_string(),
///     "qemu+ssh://root@example.com:2222/system?keyfile=%2Froot%2Fmy%20key&x=1",
/// );
///
/// let error = "qemu+udp://host/system".parse::<Uri>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "transport \"udp\" is not one of unix, tcp, tls, ssh, libssh, libssh2, ext",
/// );
/// # Ok::<(), virt_uri::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    /// A letter, then letters, digits, `-` and `.`: safe as part of a file name.
    driver: String,
    /// As written: its absence means more than the transport it stands for.
    transport: Option<Transport>,
    /// Not empty.
    user: Option<String>,
    /// A name, or an IPv6 address without brackets. Absent if `transport` is unix.
    host: Option<String>,
    /// Not 0. Absent if there is no host.
    port: Option<u16>,
    /// Empty, or starts with `/`.
    path: String,
    parameters: Parameters,
    fragment: Option<String>,
}

impl Uri {
    /// The most bytes a URI may have, both as given and as it prints.
    pub const MAX_LENGTH: usize = 16_384;

    /// A URI that leaves it to a daemon which driver to open.
    pub(crate) fn remote(path: &str) -> Self {
        Self {
            driver: REMOTE.to_owned(),
            transport: None,
            user: None,
            host: None,
            port: None,
            path: path.to_owned(),
            parameters: Parameters::default(),
            fragment: None,
        }
    }

    /// The driver, such as `qemu`, in the case it was written in: libvirt's drivers are all lower
    /// case.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The transport; where none is written, TLS if there is a host, else Unix.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport.unwrap_or(if self.host.is_some() {
            Transport::Tls
        } else {
            Transport::Unix
        })
    }

    /// All that stands before the `@`, a password with its colon included; never empty.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host: a name of letters, digits, `-`, `.` and `_`, or an IPv6 address without brackets,
    /// perhaps with a zone (`fe80::1%eth0`).
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port, if one is written; a 0 counts as not written, as in libvirt.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path, decoded: empty, or with a `/` first.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters, decoded.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What stands after the `#`, decoded. It means nothing here, and travels inside the name.
    #[must_use]
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    /// The name to send with `CONNECT_OPEN`.
    ///
    /// It is the parameter `name` if that is given; empty for a driver `remote`, which leaves the
    /// choice to the daemon; else the URI without transport, user, host, port and the parameters
    /// that libvirt's client takes out.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.parameters.name {
            return name.clone();
        }
        if self.is_remote() {
            return String::new();
        }
        let mut parameters = Parameters::default();
        parameters.other.clone_from(&self.parameters.other);
        let fragment = self.fragment.clone();
        Self {
            driver: self.driver.clone(),
            parameters,
            fragment,
            ..Self::remote(&self.path)
        }
        .to_string()
    }

    /// Returns whether the daemon is to choose the driver.
    pub(crate) fn is_remote(&self) -> bool {
        self.driver == REMOTE
    }

    /// Returns whether it is the test driver of this process, and no daemon's.
    pub(crate) fn is_embedded(&self) -> bool {
        self.driver == "test" && self.transport.is_none() && self.host.is_none()
    }

    /// Returns whether a user other than root means a daemon of their own.
    pub(crate) fn is_session(&self) -> bool {
        self.path == "/session" || (self.driver == "test" && self.transport.is_some())
    }
}

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        check_length(text.len())?;
        let (scheme, rest) = text.split_once(':').ok_or_else(|| ParseError::NoDriver {
            text: text.to_owned(),
        })?;
        let (driver, transport) = parse_scheme(scheme)?;
        let (rest, fragment) = split_optional(rest, '#');
        let (rest, query) = split_optional(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (user, host_and_port) = authority.split_once('@').unwrap_or(("", authority));
        let (host, port) = parse_host_and_port(host_and_port)?;
        if !path.is_empty() && !path.starts_with('/') {
            return Err(ParseError::RelativePath {
                path: path.to_owned(),
            });
        }
        match (transport, &host, port) {
            (Some(Transport::Unix), Some(host), _) => {
                return Err(ParseError::UnixWithHost { host: host.clone() });
            }
            (_, None, Some(port)) => return Err(ParseError::PortWithoutHost { port }),
            _ => {}
        }
        let uri = Self {
            driver: driver.to_owned(),
            transport,
            user: Some(decode("user", user)?).filter(|user| !user.is_empty()),
            host,
            port,
            path: decode("path", path)?,
            parameters: Parameters::parse(query.unwrap_or_default())?,
            fragment: fragment
                .map(|fragment| decode("fragment", fragment))
                .transpose()?,
        };
        // Printing may encode more than the text did: without this, what prints might not parse.
        check_length(uri.to_string().len())?;
        Ok(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.driver)?;
        self.transport
            .iter()
            .try_for_each(|transport| write!(f, "+{transport}"))?;
        f.write_str("://")?;
        self.user
            .iter()
            .try_for_each(|user| write!(f, "{}@", Encoded(user, IN_USER)))?;
        match &self.host {
            Some(address) if address.contains(':') => write!(f, "[{}]", Encoded(address, b":"))?,
            Some(name) => f.write_str(name)?,
            None => {}
        }
        self.port.iter().try_for_each(|port| write!(f, ":{port}"))?;
        write!(f, "{}", Encoded(&self.path, IN_PATH))?;
        let mut separator = '?';
        for (name, value) in self.parameters.iter() {
            write!(
                f,
                "{separator}{}={}",
                Encoded(name, b""),
                Encoded(value, b"")
            )?;
            separator = '&';
        }
        self.fragment
            .iter()
            .try_for_each(|fragment| write!(f, "#{}", Encoded(fragment, IN_FRAGMENT)))
    }
}

/// The driver that stands for whatever the daemon chooses.
const REMOTE: &str = "remote";

// What libvirt leaves unencoded, so that a name has the bytes its client would send.
const IN_USER: Keep = b"!$&'()*+,;=:";
const IN_PATH: Keep = b"!$&'()*+,;=@/";
const IN_FRAGMENT: Keep = b"!$&'()*+,;=:@/?";

fn check_length(length: usize) -> Result<(), ParseError> {
    if length > Uri::MAX_LENGTH {
        Err(ParseError::TooLong { length })
    } else {
        Ok(())
    }
}

fn split_optional(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

fn parse_scheme(scheme: &str) -> Result<(&str, Option<Transport>), ParseError> {
    let (driver, transport) = split_optional(scheme, '+');
    let is_driver = driver.starts_with(|first: char| first.is_ascii_alphabetic())
        && driver
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if !is_driver {
        return Err(ParseError::Driver {
            driver: driver.to_owned(),
        });
    }
    Ok((driver, transport.map(str::parse).transpose()?))
}

fn parse_host_and_port(text: &str) -> Result<(Option<String>, Option<u16>), ParseError> {
    let bad_host = |host: &str| ParseError::Host {
        host: host.to_owned(),
    };
    // What no host may hold cannot be percent-encoded there either.
    let decode = |host: &str| match decode("host", host) {
        Err(ParseError::Character { .. }) => Err(bad_host(host)),
        result => result,
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| bad_host(text))?;
        let address = decode(address)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if rest.is_empty() => None,
            None => return Err(bad_host(text)),
        };
        return if is_ipv6(&address) {
            Ok((Some(address), port))
        } else {
            Err(bad_host(text))
        };
    }
    // From the right, so that an IPv6 address without its brackets is a bad host and not a bad
    // port.
    let (host, port) = text
        .rsplit_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let host = decode(host)?;
    if !host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    {
        return Err(bad_host(&host));
    }
    let port = port.map(parse_port).transpose()?.flatten();
    Ok((Some(host).filter(|host| !host.is_empty()), port))
}

fn parse_port(text: &str) -> Result<Option<u16>, ParseError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if is_number => Ok(Some(port).filter(|port| *port != 0)),
        _ => Err(ParseError::Port {
            port: text.to_owned(),
        }),
    }
}

/// Returns whether it is an IPv6 address, perhaps with a zone (RFC 6874, decoded).
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = split_optional(text, '%');
    let is_zone = |zone: &str| {
        !zone.is_empty()
            && zone
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}
