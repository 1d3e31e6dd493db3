//! The URI: parsing, printing, and the name sent to the daemon.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::authority::{
    AFTER_AUTHORITY, may_quote_password, parse_host_and_port, split_optional, user_name,
};
use crate::escape::{Encoded, Keep, decode, starts_with_hex};
use crate::{Parameters, ParseError, UriTransport};

/// A libvirt connection URI.
///
/// The parts are stored decoded. It prints in a canonical form, which parses to an equal `Uri`:
/// the transport in lower case, percent-encoding only if necessary, known parameters first and once
/// each, no default unless it was written.
///
/// A password (`user:password@`) is neither stored nor printed: parsing drops it undecoded, as RFC
/// 3986, section 3.2.1, permits. libvirt takes it for a part of the user's name, which SSH alone
/// uses. For a text that is not parsed yet, see [`redact`](Self::redact).
///
/// # Examples
///
/// ```
/// use virt_uri::{Uri, UriTransport};
///
/// let uri: Uri = "qemu+SSH://root@example.com:2222/system?keyfile=/root/my%20key&x=1".parse()?;
/// assert_eq!(uri.driver(), "qemu");
/// assert_eq!(uri.transport(), UriTransport::Ssh);
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
    /// The transport as written. `None` differs from the default spelt out: see `is_embedded`.
    transport: Option<UriTransport>,
    /// Not empty, without `:`.
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
    /// The maximum length of a URI in bytes, both as given and as printed.
    pub const MAX_LENGTH: usize = 16_384;

    /// Returns the URI that leaves the choice of a driver to the daemon.
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

    /// Returns the driver, such as `qemu`. Its case is preserved; libvirt's drivers are lower case.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Returns the transport. If none is written, it is TLS with a host, else Unix.
    #[must_use]
    pub fn transport(&self) -> UriTransport {
        self.transport.unwrap_or(if self.host.is_some() {
            UriTransport::Tls
        } else {
            UriTransport::Unix
        })
    }

    /// Returns the user, without a password; never empty, and never with a colon.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns the host.
    ///
    /// It is a name of letters, digits, `-`, `.` and `_`, or an IPv6 address. The address has no
    /// brackets and may have a zone (`fe80::1%eth0`).
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Returns the port, if one is written. A 0 counts as not written, as in libvirt.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the path, decoded: empty, or with a leading `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the parameters, decoded.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns the text after the `#`, decoded. It has no meaning, but is part of the name.
    #[must_use]
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    /// Returns the name to send with `CONNECT_OPEN`.
    ///
    /// It is the parameter `name`, if that is given. For the driver `remote` it is empty, which
    /// leaves the choice to the daemon. Otherwise it is the URI without transport, user, host, port
    /// and the parameters that libvirt's client handles.
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

    /// Returns a URI's text with the password replaced by `***`, for messages.
    ///
    /// Works on any text. In one that does not parse, everything before the last `@` may belong to
    /// the password, except the driver and the user.
    ///
    /// # Examples
    ///
    /// ```
    /// use virt_uri::Uri;
    ///
    /// let given = "qemu+tcp://user:secret@host/system";
    /// assert_eq!(Uri::redact(given), "qemu+tcp://user:***@host/system");
    /// assert_eq!(given.parse::<Uri>()?.to_string(), "qemu+tcp://user@host/system");
    /// # Ok::<(), virt_uri::ParseError>(())
    /// ```
    #[must_use]
    pub fn redact(text: &str) -> Cow<'_, str> {
        let is_uri = text.parse::<Self>().is_ok();
        let Some((scheme, rest)) = text.split_once(':') else {
            return text.into();
        };
        let (slashes, rest) = match rest.strip_prefix("//") {
            Some(rest) => ("//", rest),
            None => ("", rest),
        };
        let end = if is_uri {
            rest.find(AFTER_AUTHORITY)
        } else {
            None
        };
        let authority = end.map_or(rest, |end| &rest[..end]);
        let Some((userinfo, _)) = authority.rsplit_once('@') else {
            return text.into();
        };
        let behind = &rest[userinfo.len()..];
        match user_name(userinfo) {
            _ if slashes.is_empty() => format!("{scheme}:***{behind}").into(),
            user if user.len() < userinfo.len() => {
                format!("{scheme}:{slashes}{user}:***{behind}").into()
            }
            _ => text.into(),
        }
    }

    /// Returns whether the daemon is to choose the driver.
    pub(crate) fn is_remote(&self) -> bool {
        self.driver == REMOTE
    }

    /// Returns whether the URI means the test driver in this process, not that of a daemon.
    pub(crate) fn is_embedded(&self) -> bool {
        self.driver == "test" && self.transport.is_none() && self.host.is_none()
    }

    /// Returns whether the URI means the user's own daemon, for users other than root.
    pub(crate) fn is_session(&self) -> bool {
        self.path == "/session" || (self.driver == "test" && self.transport.is_some())
    }
}

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hide = |error: ParseError| {
            if may_quote_password(text) {
                error.without_quote()
            } else {
                error
            }
        };
        Self::parse(text).map_err(hide)
    }
}

impl Uri {
    fn parse(text: &str) -> Result<Self, ParseError> {
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
            (Some(UriTransport::Unix), Some(host), _) => {
                return Err(ParseError::UnixWithHost { host: host.clone() });
            }
            (_, None, Some(port)) => return Err(ParseError::PortWithoutHost { port }),
            _ => {}
        }
        let uri = Self {
            driver: driver.to_owned(),
            transport,
            user: Some(decode("user", user_name(user))?).filter(|user| !user.is_empty()),
            host,
            port,
            path: decode("path", path)?,
            parameters: Parameters::parse(query.unwrap_or_default())?,
            fragment: fragment
                .map(|fragment| decode("fragment", fragment))
                .transpose()?,
        };
        // Printing may encode more than the text did, and the printed form must parse, too.
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
            Some(address) if address.contains(':') => match address.split_once('%') {
                // The form of RFC 6874, where libvirt's own would be read as an escape.
                Some((address, zone)) if starts_with_hex(zone) => {
                    write!(f, "[{address}%25{zone}]")?;
                }
                _ => write!(f, "[{address}]")?,
            },
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

/// The driver that leaves the choice to the daemon.
const REMOTE: &str = "remote";

// The characters that libvirt leaves unencoded, so that a name has the same bytes as its client's.
const IN_USER: Keep = b"!$&'()*+,;=";
const IN_PATH: Keep = b"!$&'()*+,;=@/";
const IN_FRAGMENT: Keep = b"!$&'()*+,;=:@/?";

fn check_length(length: usize) -> Result<(), ParseError> {
    if length > Uri::MAX_LENGTH {
        let limit = Uri::MAX_LENGTH;
        Err(ParseError::TooLong { length, limit })
    } else {
        Ok(())
    }
}

fn parse_scheme(scheme: &str) -> Result<(&str, Option<UriTransport>), ParseError> {
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
