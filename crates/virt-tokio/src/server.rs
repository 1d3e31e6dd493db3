//! The daemon's side of a connection.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use virt_transport::{RegisterError, Role, Transport};

use crate::driver::{self, Shared};
use crate::hub::Hub;
use crate::socket::{Plain, Socket};
use crate::{Closed, Keepalive, Limits};

/// A connection that is served: the handle of the task that does it.
///
/// The programs that answer are registered when it is made; keepalive is registered already. When the
/// handle is dropped, the connection is closed.
///
/// # Examples
///
/// A daemon that serves the mock hypervisor on a socket:
///
/// ```no_run
/// use tokio::net::UnixListener;
/// use virt_remote::{RemoteServer, TestHypervisor};
/// use virt_tokio::{Keepalive, Limits, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = UnixListener::bind("libvirt-sock")?;
/// loop {
///     let (socket, _) = listener.accept().await?;
///     let (server, _) = Server::over_unix(socket, Keepalive::default(), &Limits::default(), |transport, control| {
///         let (start, close) = (control.clone(), control.clone());
///         let remote = RemoteServer::new(TestHypervisor::default())
///             .on_keepalive(move || start.start_keepalive())
///             .on_close(move || close.close());
///         transport.register(remote)
///     })?;
///     tokio::spawn(async move { println!("{}", server.closed().await) });
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    shared: Shared,
}

/// What a program may do to the connection it is served on.
#[derive(Debug, Clone)]
pub struct Control(pub(crate) Arc<Hub>);

impl Server {
    /// Serves a stream that carries no descriptors, such as a `TcpStream`, with what `programs` registers; what
    /// that returns is handed on, such as a [`Handle`](virt_transport::Handle) to send events with.
    ///
    /// PINGs are answered at once; own ones are sent once a program has said
    /// [`start_keepalive`](Control::start_keepalive).
    ///
    /// # Errors
    ///
    /// What `programs` returns, and if it has registered a keepalive program of its own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    pub fn over_stream<S, R>(
        stream: S,
        keepalive: Keepalive,
        limits: &Limits,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::start(
            Plain(stream),
            Transport::new(Role::Server),
            keepalive,
            limits,
            programs,
        )
    }

    /// As [`over_stream`](Self::over_stream), on a Unix socket, which carries descriptors.
    ///
    /// # Errors
    ///
    /// As [`over_stream`](Self::over_stream).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[cfg(unix)]
    pub fn over_unix<R>(
        socket: tokio::net::UnixStream,
        keepalive: Keepalive,
        limits: &Limits,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let transport = Transport::new(Role::Server).with_fds();
        Self::start(socket, transport, keepalive, limits, programs)
    }

    fn start<R>(
        socket: impl Socket + 'static,
        transport: Transport,
        keepalive: Keepalive,
        limits: &Limits,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let limits = limits.held();
        let control = Control::new(&limits);
        let mut transport = transport.with_frame_limit(limits.frame_bytes);
        let registered = programs(&mut transport, &control)?;
        let shared = driver::spawn(socket, transport, control.0, keepalive, &limits)?;
        Ok((Self { shared }, registered))
    }

    /// Runs `action` on the connection's transport: to send an event, for one.
    ///
    /// It runs in the connection's task, which does nothing else meanwhile: it must not block.
    ///
    /// Cancel-safe: if the future is dropped, the action may or may not be run.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub async fn with_transport<R: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Transport) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        self.shared.with_transport(action).await
    }

    /// Waits until the connection is closed, and says why.
    ///
    /// Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.shared.closed().await
    }

    /// Closes the connection; what waits to be written may still go for a second.
    ///
    /// Cancel-safe: if the future is dropped, the connection closes with its handle.
    pub async fn close(&self) -> Closed {
        self.shared.hub.close();
        self.closed().await
    }
}

impl Control {
    fn new(limits: &Limits) -> Self {
        Self(Arc::new(Hub::new(limits)))
    }

    /// Lets the connection send PINGs of its own; to be said once the client has asked for keepalive.
    pub fn start_keepalive(&self) {
        self.0.start_keepalive();
    }

    /// Closes the connection; what waits to be written may still go for a second.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Default for Control {
    /// The control of no connection: it does nothing.
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}
