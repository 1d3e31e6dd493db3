//! The daemon's side of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use virt_transport::{RegisterError, Role, Transport};

use crate::driver::{self, Shared};
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
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    keepalive: AtomicBool,
    leaving: AtomicBool,
    close: AtomicBool,
    changed: Notify,
}

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
    /// Outside of a tokio runtime.
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
    /// Outside of a tokio runtime.
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
        let control = Control::default();
        let mut transport = transport.with_frame_limit(limits.frame_bytes);
        let registered = programs(&mut transport, &control)?;
        let shared = driver::spawn(socket, transport, control, keepalive, &limits)?;
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

    /// Closes the connection; what the socket does not take at once is lost.
    ///
    /// Cancel-safe: if the future is dropped, the connection closes with its handle.
    pub async fn close(&self) -> Closed {
        self.shared.control.close();
        self.closed().await
    }
}

impl Control {
    /// Lets the connection send PINGs of its own; to be said once the client has asked for keepalive.
    pub fn start_keepalive(&self) {
        self.0.keepalive.store(true, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    /// Closes the connection; what the socket does not take at once is lost.
    pub fn close(&self) {
        self.0.close.store(true, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    pub(crate) fn keepalive_started(&self) -> bool {
        self.0.keepalive.load(Ordering::Relaxed)
    }

    /// Waits until something was said that was not yet acted upon.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Notes that this end has said goodbye, so that the peer may close.
    pub(crate) fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.0.close.load(Ordering::Relaxed)
    }
}
