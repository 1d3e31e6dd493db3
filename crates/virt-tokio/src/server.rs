//! The daemon's side of a connection.

use std::sync::Arc;

use virt_transport::{RegisterError, Role, Transport};

use crate::connection::Connection;
use crate::connection::driver::Settings;
use crate::connection::socket::{ByteStream, Plain, Socket};
use crate::connection::state::State;
use crate::connection::ticket::Ticket;
#[cfg(unix)]
use crate::connection::unix::UnixSocket;
use crate::{BusyError, Closed, Limits, ServerOptions};

/// A served connection: the handle of its task.
///
/// The programs that answer are registered when it is made; keepalive is registered already. The connection is closed
/// when the handle is dropped.
///
/// # Examples
///
/// A daemon that serves the mock hypervisor on a socket, with the default limits:
///
/// ```no_run
/// use tokio::net::UnixListener;
/// use virt_remote::{RemoteServer, TestHypervisor};
/// use virt_tokio::{Listener, ServerOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::unix(UnixListener::bind("libvirt-sock")?);
/// loop {
///     let client = listener.accept().await?;
///     let (server, _) = client.serve(ServerOptions::default(), |transport, control| {
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
    connection: Connection,
}

/// The access of a program to the connection it is served on.
#[derive(Debug, Clone)]
pub struct Control(Arc<State>);

impl Server {
    /// Serves a stream without descriptors, such as a `TcpStream`, with the programs that `programs` registers. Returns
    /// the result of `programs`, too, such as a [`Handle`](virt_transport::Handle) to send events with.
    ///
    /// PINGs are answered at once. Own ones are sent once a program calls
    /// [`start_keepalive`](Control::start_keepalive).
    ///
    /// # Errors
    ///
    /// Those of `programs`, and if it has registered a keepalive program of its own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    pub fn over_stream<R>(
        stream: impl ByteStream,
        options: ServerOptions,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let transport = Transport::new(Role::Server);
        Self::start(Plain(stream), transport, options, None, programs)
    }

    /// Serves a Unix socket, which carries descriptors, as [`over_stream`](Self::over_stream) does.
    ///
    /// # Errors
    ///
    /// Those of [`over_stream`](Self::over_stream).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[cfg(unix)]
    pub fn over_unix<R>(
        socket: tokio::net::UnixStream,
        options: ServerOptions,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        Self::accepted_unix(UnixSocket::new(socket), options, None, programs)
    }

    pub(crate) fn accepted_tcp<R>(
        socket: tokio::net::TcpStream,
        options: ServerOptions,
        ticket: Option<Ticket>,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let transport = Transport::new(Role::Server);
        Self::start(Plain(socket), transport, options, ticket, programs)
    }

    #[cfg(unix)]
    pub(crate) fn accepted_unix<R>(
        socket: UnixSocket,
        options: ServerOptions,
        ticket: Option<Ticket>,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let transport = Transport::new(Role::Server).with_fds();
        Self::start(socket, transport, options, ticket, programs)
    }

    fn start<R>(
        socket: impl Socket + 'static,
        transport: Transport,
        options: ServerOptions,
        ticket: Option<Ticket>,
        programs: impl FnOnce(&mut Transport, &Control) -> Result<R, RegisterError>,
    ) -> Result<(Self, R), RegisterError> {
        let limits = options.limits.clamped();
        let control = Control::new(&limits);
        let mut transport = transport
            .with_frame_limit(limits.opening_frame_bytes)
            .with_call_limit(options.calls_in_work)
            .with_stream_limit(options.open_streams);
        let registered = programs(&mut transport, &control)?;
        let settings = Settings {
            keepalive: options.keepalive,
            queue_limit: limits.queued_bytes,
            frame_limit: limits.frame_bytes,
            times: options.times,
            ticket,
        };
        let connection = Connection::spawn(socket, transport, control.0, settings)?;
        Ok((Self { connection }, registered))
    }

    /// Runs `action` on the connection's transport, to send an event, for one, and returns its result.
    ///
    /// It runs in the connection's task, which does nothing else meanwhile: it must not block. A client that leaves
    /// [`Limits::queued_bytes`] of output unread is waited for, until
    /// [`write_timeout`](ServerOptions::write_timeout) closes the connection. To send something to many clients, use
    /// [`try_with_transport`](Self::try_with_transport), which waits for none.
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
        self.connection
            .with_endpoint(|endpoint| action(&mut endpoint.transport))
            .await
    }

    /// Has `action` run on the connection's transport, without waiting for it, nor for a client that does not read.
    ///
    /// [`Limits::commands`] actions wait for such a client, or until the caller lets the tasks of the runtime run; a further
    /// one fails. So a broadcast reaches all others at once:
    ///
    /// ```
    /// use virt_tokio::Server;
    /// use virt_transport::{Handle, Program};
    ///
    /// /// Sends message 2 to all clients, and drops those that are too slow.
    /// fn broadcast<P: Program + 'static>(clients: &mut Vec<(Server, Handle<P>)>, number: u32) {
    ///     clients.retain(|(server, program)| {
    ///         let program = program.clone();
    ///         let sent = server.try_with_transport(move |transport| {
    ///             let sent = transport.with(&program, |_, cx| cx.message(2, &number));
    ///             sent.expect("a number fits in a frame");
    ///         });
    ///         sent.is_ok()
    ///     });
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BusyError::Full`] if too many actions wait; [`BusyError::Closed`]. The action is then not run.
    pub fn try_with_transport(
        &self,
        action: impl FnOnce(&mut Transport) + Send + 'static,
    ) -> Result<(), BusyError> {
        let state = &self.connection.state;
        state.try_send(Box::new(|endpoint| action(&mut endpoint.transport)))
    }

    /// Waits until the connection is closed, and returns the reason.
    ///
    /// Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.connection.state.closed().await
    }

    /// Closes the connection. Queued output may still be written for a second.
    ///
    /// Cancel-safe: if the future is dropped, the connection closes with its handle.
    pub async fn close(&self) -> Closed {
        self.connection.state.close();
        self.closed().await
    }
}

impl Control {
    fn new(limits: &Limits) -> Self {
        Self(Arc::new(State::new(limits)))
    }

    /// Lets the connection send PINGs of its own. Call it once the client has asked for keepalive.
    pub fn start_keepalive(&self) {
        self.0.start_keepalive();
    }

    /// Closes the connection. Queued output may still be written for a second.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Default for Control {
    /// Makes the control of no connection, which does nothing.
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}
