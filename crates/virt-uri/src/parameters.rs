//! The query of a URI.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;
use crate::escape::decode;

/// The parameters of a URI.
///
/// Each has a field if libvirt's client handles it; all others are in `other`. Names are recognised
/// in any case. If a parameter is repeated, the last value counts, but `other` keeps all. `None`
/// means not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Parameters {
    /// The name to send with `CONNECT_OPEN`, instead of the URI's own: see
    /// [`Uri::name`](crate::Uri::name).
    pub name: Option<String>,
    /// The program to run, for the transports ssh and ext.
    pub command: Option<String>,
    /// The path of the socket, instead of libvirt's own; never empty. A leading `@` means the
    /// abstract namespace. For the SSH transports, the path is on the remote machine.
    pub socket: Option<String>,
    /// The authentication to use, among those that the daemon offers.
    pub auth: Option<String>,
    /// The methods of login for libssh and libssh2, preferred first, separated by commas.
    pub sshauth: Option<String>,
    /// The netcat program on the remote machine, for the SSH transports.
    pub netcat: Option<String>,
    /// The file of the private key, for the SSH transports.
    pub keyfile: Option<String>,
    /// The directory of the certificates, for TLS.
    pub pkipath: Option<String>,
    /// The file of known hosts, for libssh and libssh2.
    pub known_hosts: Option<String>,
    /// The strictness of the host key check, for libssh and libssh2.
    pub known_hosts_verify: Option<String>,
    /// The priority string, for TLS.
    pub tls_priority: Option<String>,
    /// The file with credentials.
    pub authfile: Option<String>,
    /// The choice between the driver's own daemon and the common one.
    pub mode: Option<Mode>,
    /// The program to run on the remote machine, for the SSH transports.
    pub proxy: Option<Proxy>,
    /// True to skip the sanity check of the client's own certificates.
    pub no_sanity: Option<bool>,
    /// True to accept any certificate or host key of the server.
    pub no_verify: Option<bool>,
    /// True to never prompt for a password.
    pub no_tty: Option<bool>,
    /// All other parameters, name and value, in the order given. They are part of the name sent
    /// with `CONNECT_OPEN`. No name is empty.
    pub other: Vec<(String, String)>,
}

impl Parameters {
    /// Parses a query. `&` and `;` both separate; a parameter without a name is skipped, as in libvirt.
    pub(crate) fn parse(query: &str) -> Result<Self, ParseError> {
        let mut parameters = Self::default();
        for parameter in query.split(['&', ';']) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (
                decode("parameter name", name)?,
                decode("parameter value", value)?,
            );
            if !name.is_empty() {
                parameters.set(name, value)?;
            }
        }
        Ok(parameters)
    }

    /// Returns name and value of each parameter given, those with a field first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = [
            ("name", self.name.as_deref()),
            ("command", self.command.as_deref()),
            ("socket", self.socket.as_deref()),
            ("auth", self.auth.as_deref()),
            ("sshauth", self.sshauth.as_deref()),
            ("netcat", self.netcat.as_deref()),
            ("keyfile", self.keyfile.as_deref()),
            ("pkipath", self.pkipath.as_deref()),
            ("known_hosts", self.known_hosts.as_deref()),
            ("known_hosts_verify", self.known_hosts_verify.as_deref()),
            ("tls_priority", self.tls_priority.as_deref()),
            ("authfile", self.authfile.as_deref()),
            ("mode", self.mode.map(Mode::as_str)),
            ("proxy", self.proxy.map(Proxy::as_str)),
            ("no_sanity", self.no_sanity.map(digit)),
            ("no_verify", self.no_verify.map(digit)),
            ("no_tty", self.no_tty.map(digit)),
        ];
        let other = self
            .other
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(other)
    }

    fn set(&mut self, name: String, value: String) -> Result<(), ParseError> {
        match name.to_ascii_lowercase().as_str() {
            "name" => self.name = Some(value),
            "command" => self.command = Some(value),
            "socket" if value.is_empty() => return Err(ParseError::EmptySocket),
            "socket" => self.socket = Some(value),
            "auth" => self.auth = Some(value),
            "sshauth" => self.sshauth = Some(value),
            "netcat" => self.netcat = Some(value),
            "keyfile" => self.keyfile = Some(value),
            "pkipath" => self.pkipath = Some(value),
            "known_hosts" => self.known_hosts = Some(value),
            "known_hosts_verify" => self.known_hosts_verify = Some(value),
            "tls_priority" => self.tls_priority = Some(value),
            "authfile" => self.authfile = Some(value),
            "mode" => self.mode = Some(value.parse()?),
            "proxy" => self.proxy = Some(value.parse()?),
            "no_sanity" => self.no_sanity = Some(flag("no_sanity", value)?),
            "no_verify" => self.no_verify = Some(flag("no_verify", value)?),
            "no_tty" => self.no_tty = Some(flag("no_tty", value)?),
            _ => self.other.push((name, value)),
        }
        Ok(())
    }
}

/// The choice between the driver's own daemon and the common one: the parameter `mode`.
///
/// Values are in lower case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The driver's own daemon if its socket exists, else the common one.
    #[default]
    Auto,
    /// The common daemon, `libvirtd` or `virtproxyd`, at `libvirt-sock`.
    Legacy,
    /// The driver's own daemon, such as `virtqemud`.
    Direct,
}

impl Mode {
    /// Returns the name in a URI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Legacy => "legacy",
            Self::Direct => "direct",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Auto, Self::Legacy, Self::Direct]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| ParseError::Mode {
                mode: text.to_owned(),
            })
    }
}

/// The program to run on the remote machine, for the SSH transports: the parameter `proxy`.
///
/// Values are in lower case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// libvirt's helper if it is installed, else netcat.
    #[default]
    Auto,
    /// Netcat, which is given the path of the socket.
    Netcat,
    /// libvirt's helper, which finds the socket itself.
    Native,
}

impl Proxy {
    /// Returns the name in a URI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Netcat => "netcat",
            Self::Native => "native",
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Proxy {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Auto, Self::Netcat, Self::Native]
            .into_iter()
            .find(|proxy| proxy.as_str() == text)
            .ok_or_else(|| ParseError::Proxy {
                proxy: text.to_owned(),
            })
    }
}

fn digit(flag: bool) -> &'static str {
    if flag { "1" } else { "0" }
}

fn flag(name: &'static str, value: String) -> Result<bool, ParseError> {
    match value.parse::<i32>() {
        Ok(number) => Ok(number != 0),
        Err(_) => Err(ParseError::Flag { name, value }),
    }
}
