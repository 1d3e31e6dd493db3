//! The candidates of a URI: the places to connect to.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Environment, Mode, ResolveError, Uri, UriTransport};

/// The directory of the system daemons' sockets. Not `/run`, which a machine behind SSH may lack.
const SYSTEM_DIRECTORY: &str = "/var/run/libvirt";

const TCP_PORT: u16 = 16509;
const TLS_PORT: u16 = 16514;

/// A place to connect to.
///
/// Prints as a short text for messages, such as `unix:/var/run/libvirt/libvirt-sock` or
/// `tcp:[::1]:16509`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Candidate {
    /// The mock hypervisor `test:///default`, in this process and without a daemon.
    Embedded,
    /// The path of a Unix socket, at most [`Uri::MAX_SOCKET_PATH`] bytes.
    ///
    /// A leading `@` means nothing here: it is part of a relative path.
    Unix(PathBuf),
    /// The name of a Unix socket in Linux's abstract namespace, from `socket=@name`.
    ///
    /// The name comes without the `@` and has less than [`Uri::MAX_SOCKET_PATH`] bytes. libvirt
    /// always passes the whole address field to the kernel, so zero bytes are part of the name: pad
    /// it to `MAX_SOCKET_PATH` bytes before connecting. Prints as `unix:@name`.
    Abstract(String),
    /// A TCP port.
    Tcp {
        /// A name or an address. An IPv6 address has no brackets and may have a zone
        /// (`fe80::1%eth0`).
        host: String,
        /// The port.
        port: u16,
    },
    /// A TCP port that speaks TLS.
    Tls {
        /// A name or an address, as for TCP. The certificate must be valid for it.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket on another machine, reached by SSH.
    ///
    /// [`Uri::transport`] tells the program to use, [`Uri::parameters`] its options.
    Ssh {
        /// The user to log in as. `None` leaves it to SSH. May start with `-`, so never pass it as
        /// an argument of its own.
        user: Option<String>,
        /// A name or an address, as for TCP. May start with `-`, so pass it after `--`.
        host: String,
        /// The port. `None` leaves it to SSH.
        port: Option<u16>,
        /// The socket on that machine. `None` for a session, which only libvirt's helper on that
        /// machine can find.
        socket: Option<String>,
    },
    /// The command line of a program whose standard input and output are the connection.
    Command(String),
}

/// The access that a connection asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everything the daemon permits.
    #[default]
    ReadWrite,
    /// Read-only: flag 1 of `CONNECT_OPEN`. Among the system's sockets, selects those that end in
    /// `-ro`.
    ReadOnly,
}

impl Uri {
    /// The maximum length of a Unix socket's path, in bytes: that of the kernel's field, without the
    /// zero byte at its end.
    pub const MAX_SOCKET_PATH: usize = 107;

    /// Returns the places to connect to, in the order to try; never empty.
    ///
    /// `exists` returns whether a socket exists: pass [`Path::exists`]. Only mode auto calls it, for
    /// the driver's own socket and the common one. The result is those that exist, or both if
    /// neither does, since a daemon may be about to start. libvirt's own client tries the first
    /// only. The driver `remote` has the common socket only.
    ///
    /// A parameter `socket` with a leading `@` names a socket of Linux's abstract namespace, as in
    /// libvirt; over SSH it is passed on unchanged.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the environment names no directory for a session, a socket's path is too
    /// long, the embedded test driver has a path other than `/default`, or the parameters do not fit
    /// the transport.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use virt_uri::{Access, Candidate, Environment, Uri};
    ///
    /// let uri: Uri = "qemu:///session".parse()?;
    /// let runtime_dir = Some("/run/user/1000".into());
    /// let user = Environment { runtime_dir, ..Environment::default() };
    /// let there = |path: &Path| path.ends_with("virtqemud-sock");
    /// assert_eq!(
    ///     uri.candidates(&user, Access::ReadWrite, there)?,
    ///     [Candidate::Unix("/run/user/1000/libvirt/virtqemud-sock".into())],
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn candidates(
        &self,
        environment: &Environment,
        access: Access,
        exists: impl Fn(&Path) -> bool,
    ) -> Result<Vec<Candidate>, ResolveError> {
        let session = self.is_session() && !environment.root;
        let suffix = if access == Access::ReadOnly && !session {
            "sock-ro"
        } else {
            "sock"
        };
        let parameters = self.parameters();
        let host = self.host().unwrap_or("localhost").to_owned();
        let candidate = match self.transport() {
            UriTransport::Unix if self.is_embedded() => match self.path() {
                "/default" => Candidate::Embedded,
                path => {
                    return Err(ResolveError::NotEmbedded {
                        path: path.to_owned(),
                    });
                }
            },
            UriTransport::Unix => {
                let paths = match &parameters.socket {
                    Some(socket) => return Ok(vec![given(socket)?]),
                    None if session => {
                        self.sockets(&environment.session_directory()?, suffix, exists)
                    }
                    None => self.sockets(Path::new(SYSTEM_DIRECTORY), suffix, exists),
                };
                return paths.into_iter().map(unix).collect();
            }
            UriTransport::Tcp => Candidate::Tcp {
                host,
                port: self.port().unwrap_or(TCP_PORT),
            },
            UriTransport::Tls => Candidate::Tls {
                host,
                port: self.port().unwrap_or(TLS_PORT),
            },
            transport @ (UriTransport::Ssh | UriTransport::Libssh | UriTransport::Libssh2) => {
                let socket = match &parameters.socket {
                    Some(socket) => Some(socket.clone()),
                    None if parameters.mode == Some(Mode::Direct) => {
                        return Err(ResolveError::DirectMode { transport });
                    }
                    None if session => None,
                    None => Some(format!("{SYSTEM_DIRECTORY}/libvirt-{suffix}")),
                };
                Candidate::Ssh {
                    user: self.user().map(str::to_owned),
                    host,
                    port: self.port(),
                    socket,
                }
            }
            UriTransport::Ext => match &parameters.command {
                Some(command) if !command.is_empty() => Candidate::Command(command.clone()),
                _ => return Err(ResolveError::NoCommand),
            },
        };
        Ok(vec![candidate])
    }

    /// Returns the driver's sockets in a directory, selected by the parameter `mode`.
    fn sockets(
        &self,
        directory: &Path,
        suffix: &str,
        exists: impl Fn(&Path) -> bool,
    ) -> Vec<PathBuf> {
        let legacy = directory.join(format!("libvirt-{suffix}"));
        if self.is_remote() {
            return vec![legacy];
        }
        let direct = directory.join(format!("virt{}d-{suffix}", self.driver()));
        match self.parameters().mode.unwrap_or_default() {
            Mode::Legacy => vec![legacy],
            Mode::Direct => vec![direct],
            Mode::Auto => match (exists(&direct), exists(&legacy)) {
                (true, false) => vec![direct],
                (false, true) => vec![legacy],
                _ => vec![direct, legacy],
            },
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Tcp { host, port } => write!(f, "tcp:{}:{port}", Bracketed(host)),
            Self::Tls { host, port } => write!(f, "tls:{}:{port}", Bracketed(host)),
            Self::Ssh {
                user,
                host,
                port,
                socket,
            } => {
                f.write_str("ssh:")?;
                user.iter().try_for_each(|user| write!(f, "{user}@"))?;
                write!(f, "{}", Bracketed(host))?;
                port.iter().try_for_each(|port| write!(f, ":{port}"))?;
                socket.iter().try_for_each(|socket| write!(f, " {socket}"))
            }
            Self::Command(command) => write!(f, "ext:{command}"),
        }
    }
}

/// A host, printed with the brackets that an IPv6 address needs before a port.
struct Bracketed<'a>(&'a str);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

fn unix(path: PathBuf) -> Result<Candidate, ResolveError> {
    match path.as_os_str().len() {
        length if length > Uri::MAX_SOCKET_PATH => {
            let limit = Uri::MAX_SOCKET_PATH;
            Err(ResolveError::SocketTooLong {
                path,
                length,
                limit,
            })
        }
        _ => Ok(Candidate::Unix(path)),
    }
}

/// Returns the candidate for a parameter `socket`.
fn given(socket: &str) -> Result<Candidate, ResolveError> {
    let file = unix(PathBuf::from(socket))?;
    let name = socket.strip_prefix('@');
    Ok(name.map_or(file, |name| Candidate::Abstract(name.to_owned())))
}
