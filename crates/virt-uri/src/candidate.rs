//! From a URI to what can be connected to.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Environment, Mode, ResolveError, Transport, Uri};

/// Where the system's daemons have their sockets. Not `/run`: over SSH, the far machine may have
/// none.
const SYSTEM_DIRECTORY: &str = "/var/run/libvirt";

const TCP_PORT: u16 = 16509;
const TLS_PORT: u16 = 16514;

/// Something to connect to.
///
/// Prints as a short text for messages, such as `unix:/var/run/libvirt/libvirt-sock` or
/// `tcp:[::1]:16509`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Candidate {
    /// No daemon at all: the mock hypervisor `test:///default` in this process.
    Embedded,
    /// A Unix socket, at most [`Uri::MAX_SOCKET_PATH`] bytes of path.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// A name or an address; an IPv6 one without brackets, perhaps with a zone
        /// (`fe80::1%eth0`).
        host: String,
        /// The port.
        port: u16,
    },
    /// A TCP port that speaks TLS.
    Tls {
        /// A name or an address, as for TCP; the name the certificate has to carry.
        host: String,
        /// The port.
        port: u16,
    },
    /// Another machine's socket, by SSH. [`Uri::transport`] and [`Uri::parameters`] say by which
    /// program and how.
    Ssh {
        /// Whom to log in as; none leaves it to SSH. May start with `-`: never the first of a
        /// program's arguments.
        user: Option<String>,
        /// A name or an address, as for TCP. May start with `-`: place it after `--`.
        host: String,
        /// The port; none leaves it to SSH.
        port: Option<u16>,
        /// The socket over there; none for a session, whose place only a helper over there can
        /// know.
        socket: Option<String>,
    },
    /// A program whose standard input and output are the connection.
    Command(String),
}

/// What the connection is to be allowed to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everything the daemon permits.
    #[default]
    ReadWrite,
    /// Look only: flag 1 of `CONNECT_OPEN`, and of the system's sockets those that end in `-ro`.
    ReadOnly,
}

impl Uri {
    /// The longest path of a Unix socket, in bytes; the kernel's field is one larger and ends with
    /// a zero.
    pub const MAX_SOCKET_PATH: usize = 107;

    /// What to connect to, in the order to try; never empty.
    ///
    /// `exists` tells whether a socket is there (pass [`Path::exists`]). Only mode auto asks: it
    /// gives those of the driver's socket and the common one that exist, and both where neither
    /// does, since a daemon may be about to start. libvirt's own client tries the first alone. A
    /// driver `remote` has the common one only.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the environment lacks what a session needs, a socket's path is too long,
    /// the test driver is to run in this process with a path that is not `/default`, or the URI
    /// asks for what its transport cannot do.
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
            Transport::Unix if self.is_embedded() => match self.path() {
                "/default" => Candidate::Embedded,
                path => {
                    return Err(ResolveError::NotEmbedded {
                        path: path.to_owned(),
                    });
                }
            },
            Transport::Unix => {
                let paths = match &parameters.socket {
                    Some(socket) => vec![PathBuf::from(socket)],
                    None if session => {
                        self.sockets(&environment.session_directory()?, suffix, exists)
                    }
                    None => self.sockets(Path::new(SYSTEM_DIRECTORY), suffix, exists),
                };
                return paths.into_iter().map(unix).collect();
            }
            Transport::Tcp => Candidate::Tcp {
                host,
                port: self.port().unwrap_or(TCP_PORT),
            },
            Transport::Tls => Candidate::Tls {
                host,
                port: self.port().unwrap_or(TLS_PORT),
            },
            transport @ (Transport::Ssh | Transport::Libssh | Transport::Libssh2) => {
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
            Transport::Ext => match &parameters.command {
                Some(command) if !command.is_empty() => Candidate::Command(command.clone()),
                _ => return Err(ResolveError::NoCommand),
            },
        };
        Ok(vec![candidate])
    }

    /// The sockets of this driver in the directory, as the mode has them.
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

/// A host with the brackets that an IPv6 address needs before a port.
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
            Err(ResolveError::SocketTooLong { path, length })
        }
        _ => Ok(Candidate::Unix(path)),
    }
}
