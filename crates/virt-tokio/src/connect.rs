//! From a URI to an open connection.

use std::path::Path;

use tokio::net::TcpStream;
use tokio::time::timeout;
use virt_remote::{
    AuthList, AuthPolkit, AuthType, ConnectOpen, ConnectOpenArgs, ConnectSupportsFeature,
    ConnectSupportsFeatureArgs, Feature, READ_ONLY,
};
use virt_transport::CallProcedure;
use virt_uri::{Access, Candidate, Uri};

use crate::{Client, ConnectError, Keepalive, Options, debug, environment};

/// How long to wait before a Unix socket is tried again whose queue was full.
#[cfg(unix)]
const FULL_QUEUE_DELAY: std::time::Duration = std::time::Duration::from_millis(10);

/// Connects to the daemon that a URI stands for, negotiates keepalive, and opens the connection.
///
/// An empty `uri` stands for the default: `LIBVIRT_DEFAULT_URI`, then `uri_default` of `libvirt.conf`, then
/// the socket that all drivers share. `test:///default` is a daemon within this process, which needs no
/// libvirt.
///
/// If the URI stands for several sockets, they are tried in order. A Unix socket whose queue is full, because
/// its daemon is slow to accept, is waited for, as a client that blocks would.
///
/// Cancel-safe: if the future is dropped, there is no connection.
///
/// # Errors
///
/// See [`ConnectError`]. TLS and SSH are not there yet.
///
/// # Examples
///
/// ```
/// use virt_remote::ConnectGetHostname;
/// use virt_tokio::{Options, connect};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = connect("test:///default", Options::default()).await?;
/// let host = client.call::<ConnectGetHostname>(&()).await?;
/// println!("{} answers within {:?}", host.hostname, client.ping().await?);
/// client.close().await;
/// # Ok(())
/// # }
/// ```
pub async fn connect(uri: &str, options: Options) -> Result<Client, ConnectError> {
    let environment = environment();
    let uri: Uri = if uri.is_empty() {
        environment.default_uri()?
    } else {
        uri.parse()?
    };
    let access = if options.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let candidates = uri.candidates(&environment, access, Path::exists)?;
    let after = options.connect_timeout;
    let addresses = addresses(&candidates);
    let open = async {
        let (client, _) = reach(&candidates, options).await?;
        client.open(&uri.name()).await?;
        Ok(client)
    };
    let late = || ConnectError::Timeout {
        address: addresses,
        after,
    };
    timeout(after, open).await.unwrap_or_else(|_| Err(late()))
}

impl Client {
    /// Authenticates, negotiates keepalive, and opens the hypervisor that `name` stands for, such as
    /// `qemu:///system`; with an empty one the daemon chooses.
    ///
    /// [`connect`] does it already; it is for connections made with [`Client::over_stream`] or
    /// [`Client::over_unix`].
    ///
    /// Not cancel-safe: if the future is dropped, the daemon is left in between.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Authentication`], [`ConnectError::Open`].
    pub async fn open(&self, name: &str) -> Result<(), ConnectError> {
        self.authenticate().await?;
        self.negotiate().await?;
        let flags = if self.shared.options.read_only {
            READ_ONLY
        } else {
            0
        };
        self.step::<ConnectOpen>(&ConnectOpenArgs {
            name: Some(name),
            flags,
        })
        .await
    }

    /// Asks which authentication the daemon wants, and does it: the first step of [`open`](Self::open).
    ///
    /// A daemon may waive authentication, but only for who asks what it wants: so it is always asked.
    ///
    /// Not cancel-safe, as [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`ConnectError::Authentication`], [`ConnectError::Open`].
    pub async fn authenticate(&self) -> Result<(), ConnectError> {
        let list = self.step::<AuthList>(&()).await?;
        if list.types.is_empty() || list.types.contains(&AuthType::NONE) {
            return Ok(());
        }
        let offered = list.to_string();
        if !list.types.contains(&AuthType::POLKIT) {
            return Err(ConnectError::Authentication {
                offered,
                error: None,
            });
        }
        match self.call::<AuthPolkit>(&()).await {
            Ok(ret) if ret.complete != 0 => Ok(()),
            Ok(_) => Err(ConnectError::Authentication {
                offered,
                error: None,
            }),
            Err(error) => Err(ConnectError::Authentication {
                offered,
                error: Some(error),
            }),
        }
    }

    /// Asks for keepalive unless it is [`Keepalive::Off`], and starts it if the daemon has it, which is what
    /// it returns: the second step of [`open`](Self::open).
    ///
    /// Not cancel-safe, as [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`ConnectError::Open`].
    pub async fn negotiate(&self) -> Result<bool, ConnectError> {
        if self.keepalive() == Keepalive::Off {
            return Ok(false);
        }
        let feature = ConnectSupportsFeatureArgs {
            feature: Feature::KEEPALIVE,
        };
        let ret = self.step::<ConnectSupportsFeature>(&feature).await?;
        let supported = ret.supported != 0;
        if supported {
            self.start_keepalive();
        }
        Ok(supported)
    }

    async fn step<P: CallProcedure>(&self, args: &P::Args<'_>) -> Result<P::Ret, ConnectError> {
        debug!(step = P::NAME);
        self.call::<P>(args)
            .await
            .map_err(|error| ConnectError::Open {
                step: P::NAME,
                error,
            })
    }
}

/// Connects to the first candidate that can be reached, and says which it was; nothing is sent yet.
///
/// It is the part of [`connect`] before [`Client::open`], for those who want to do, or to time, each step by
/// itself.
///
/// `connect_timeout` does not apply to it. A Unix socket with a full queue is waited for, however long that
/// takes: bound it with [`tokio::time::timeout`].
///
/// Cancel-safe: if the future is dropped, there is no connection.
///
/// # Errors
///
/// [`ConnectError::Connect`] with what the last candidate has failed of, [`ConnectError::Unsupported`].
pub async fn reach(
    candidates: &[Candidate],
    options: Options,
) -> Result<(Client, Candidate), ConnectError> {
    let mut last = None;
    for candidate in candidates {
        let reached = match candidate {
            Candidate::Embedded => crate::embedded::start(&options),
            #[cfg(unix)]
            Candidate::Unix(path) => {
                let socket = unix(path).await;
                socket.map(|socket| Client::over_unix(socket, options.clone()))
            }
            Candidate::Tcp { host, port } => tcp(host, *port)
                .await
                .map(|socket| Client::over_stream(socket, options.clone())),
            other => {
                return Err(ConnectError::Unsupported {
                    address: address(other),
                });
            }
        };
        match reached {
            Ok(client) => {
                debug!(%candidate, "connected");
                return Ok((client, candidate.clone()));
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
    Err(ConnectError::Connect {
        address: addresses(candidates),
        error,
    })
}

#[cfg(unix)]
async fn unix(path: &Path) -> std::io::Result<tokio::net::UnixStream> {
    loop {
        match tokio::net::UnixStream::connect(path).await {
            // Linux has whoever blocks wait for room in the queue, and tells nobody else of it.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                tokio::time::sleep(FULL_QUEUE_DELAY).await;
            }
            result => return result,
        }
    }
}

async fn tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let socket = TcpStream::connect((host, port)).await?;
    // A PING that waits to be joined by more measures nothing.
    socket.set_nodelay(true)?;
    Ok(socket)
}

fn addresses(candidates: &[Candidate]) -> String {
    let addresses = candidates.iter().map(address);
    addresses.collect::<Vec<_>>().join(" or ")
}

/// Where a candidate is, on one line whatever its path is made of.
fn address(candidate: &Candidate) -> String {
    let mut address = String::new();
    for character in candidate.to_string().chars() {
        if character.is_control() {
            address.extend(character.escape_debug());
        } else {
            address.push(character);
        }
    }
    address
}
