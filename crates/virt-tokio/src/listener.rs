//! Accepting the clients of a server, within limits.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use virt_transport::{RegisterError, Transport};

use crate::connection::ticket::Ticket;
#[cfg(unix)]
use crate::connection::unix::{UnixSocket, UnixSocketListener};
use crate::{Control, Server, ServerOptions};

/// The delay before the next attempt when this process or the machine has no descriptors left.
const EXHAUSTED_DELAY: Duration = Duration::from_millis(100);

/// Accepts the clients of a server, a limited number at a time.
///
/// Further clients wait in the queue of the socket. While descriptors or memory are exhausted, accepting waits until
/// some are free again.
#[derive(Debug)]
pub struct Listener {
    socket: ListeningSocket,
    connections: Arc<Semaphore>,
    unestablished: Arc<Semaphore>,
}

/// A client that was accepted, and not served yet.
#[derive(Debug)]
#[must_use = "a client that is not served is disconnected"]
pub struct Accepted {
    socket: AcceptedSocket,
    ticket: Ticket,
}

#[derive(Debug)]
enum ListeningSocket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocketListener),
}

#[derive(Debug)]
enum AcceptedSocket {
    Tcp(tokio::net::TcpStream),
    #[cfg(unix)]
    Unix(UnixSocket),
}

impl Listener {
    /// The default limit of connections: libvirtd's `max_clients`.
    pub const CONNECTIONS: usize = 5000;

    /// The default limit of connections that are not established: libvirtd's `max_anonymous_clients`.
    pub const UNESTABLISHED: usize = 20;

    /// Accepts clients on a TCP socket.
    #[must_use]
    pub fn tcp(socket: TcpListener) -> Self {
        Self::new(ListeningSocket::Tcp(socket))
    }

    /// Accepts clients on a Unix socket.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(socket: UnixListener) -> Self {
        Self::new(ListeningSocket::Unix(UnixSocketListener::new(socket)))
    }

    fn new(socket: ListeningSocket) -> Self {
        Self {
            socket,
            connections: Arc::new(Semaphore::new(Self::CONNECTIONS)),
            unestablished: Arc::new(Semaphore::new(Self::UNESTABLISHED)),
        }
    }

    /// Sets the limits: of all connections, and of those among them that have not made a call that needs authentication.
    /// 0 is treated as 1; a large number turns a limit off.
    #[must_use]
    pub fn limits(mut self, connections: usize, unestablished: usize) -> Self {
        let semaphore =
            |limit: usize| Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        self.connections = semaphore(connections);
        self.unestablished = semaphore(unestablished);
        self
    }

    /// Waits for the next client, once the limits allow one more.
    ///
    /// Cancel-safe: if the future is dropped, no client is lost.
    ///
    /// # Errors
    ///
    /// The socket failed for good. A client that has gone again and exhausted resources are no errors.
    pub async fn accept(&self) -> io::Result<Accepted> {
        let ticket = Ticket::acquire(&self.connections, &self.unestablished).await;
        loop {
            match self.socket.accept().await {
                Ok(socket) => return Ok(Accepted { socket, ticket }),
                Err(error) if is_about_the_client(&error) => (),
                Err(error) if is_exhausted(&error) => sleep(EXHAUSTED_DELAY).await,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Accepted {
    /// Serves the client with the programs that `programs` registers: see [`Server::over_stream`].
    ///
    /// # Errors
    ///
    /// Those of [`Server::over_stream`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn serve<R>(
        self,
        options: ServerOptions,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Server, R), RegisterError> {
        let ticket = Some(self.ticket);
        match self.socket {
            AcceptedSocket::Tcp(socket) => Server::accepted_tcp(socket, options, ticket, programs),
            #[cfg(unix)]
            AcceptedSocket::Unix(socket) => {
                Server::accepted_unix(socket, options, ticket, programs)
            }
        }
    }
}

impl ListeningSocket {
    async fn accept(&self) -> io::Result<AcceptedSocket> {
        match self {
            Self::Tcp(socket) => {
                let (socket, _) = socket.accept().await?;
                socket.set_nodelay(true)?;
                Ok(AcceptedSocket::Tcp(socket))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let socket = socket.accept().await?;
                Ok(AcceptedSocket::Unix(socket))
            }
        }
    }
}

/// Returns whether an error concerns one client that has gone again.
fn is_about_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
    )
}

/// Returns whether descriptors or memory are exhausted.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    exhausted
        .into_iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
