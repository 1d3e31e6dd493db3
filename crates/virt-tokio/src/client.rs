//! The handle through which a connection is used.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use virt_remote::ConnectClose;
use virt_transport::{CallProcedure, ProgramId, Role, Transport};

use crate::connection::Connection;
use crate::connection::deadlines::TimeLimits;
use crate::connection::driver::Settings;
use crate::connection::request::{Request, Waiter};
use crate::connection::socket::{ByteStream, Plain, Socket};
use crate::connection::state::State;
#[cfg(unix)]
use crate::connection::unix::UnixSocket;
use crate::options::Preferences;
use crate::{CallError, Closed, Events, KeepAliveMode, Options, Pings};

/// The time for a daemon's reply to the last call of [`Client::close`], if no call timeout is shorter.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A live connection to a libvirt daemon.
///
/// It is a handle, cheap to clone, for use by many tasks at once. A task of its own reads, writes and keeps the time,
/// so PINGs are answered whatever the users of the handle do. The connection is closed when the last handle, [`Stream`](crate::Stream)
/// and stream sender are dropped; output of theirs may still be written for a second, if the runtime lives on.
///
/// # Calls in flight
///
/// Any number of calls can be made at once. [`Limits::calls`](crate::Limits::calls) of them are in flight, and the others
/// wait for their turn in order: a daemon reads nothing more from a client with too many calls in work, not even PINGs.
/// If a caller goes away or its time is over, its call stays in flight until the reply, which is then dropped.
///
/// So a call that hangs, as on a domain whose monitor is stuck, takes one place, and all others go on in the rest. Give calls
/// that may hang a [time limit](Self::with_timeout), and make few of them at once. When all places are taken by calls that
/// hang, a further call fails at its time limit with [`CallError::Busy`], and was not sent. A daemon with a larger
/// `max_client_requests` takes more: set [`Limits::calls`](crate::Limits::calls) to one less.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    /// The time limit of each call through this handle.
    pub(crate) call_timeout: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) preferences: Preferences,
    /// The longest frame in bytes once the connection is open.
    pub(crate) frame_bytes: u32,
    /// The most calls in flight at once. In 32 bits both fit into one word, which all connections pay for.
    pub(crate) calls_max: u32,
    /// A permit for each call that may be in flight.
    pub(crate) calls: Arc<Semaphore>,
    pings: Arc<Semaphore>,
}

impl Client {
    /// Makes a connection over a stream without descriptors, such as a `TcpStream`. Nothing is sent yet.
    ///
    /// This is for a stream of your own; [`open`](Self::open) then does the rest of [`connect`](crate::connect). It starts
    /// a task, so it has to be called within a tokio runtime. Over TLS, a daemon sends one byte of value 1 before the
    /// first frame, once it has accepted the client's certificate: read it before you pass the stream on.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[must_use]
    pub fn over_stream(stream: impl ByteStream, options: Options) -> Self {
        Self::start(Plain(stream), Transport::new(Role::Client), options)
    }

    /// Makes a connection over a Unix socket, which carries descriptors, as [`over_stream`](Self::over_stream) does.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[cfg(unix)]
    #[must_use]
    pub fn over_unix(socket: tokio::net::UnixStream, options: Options) -> Self {
        let transport = Transport::new(Role::Client).with_fds();
        Self::start(UnixSocket::new(socket), transport, options)
    }

    fn start(socket: impl Socket + 'static, transport: Transport, options: Options) -> Self {
        let limits = options.limits.clamped();
        let transport = transport.with_frame_limit(limits.opening_frame_bytes);
        let state = Arc::new(State::new(&limits));
        let settings = Settings {
            keepalive: options.preferences.keepalive,
            queue_limit: limits.queued_bytes,
            frame_limit: limits.frame_bytes,
            times: TimeLimits::default(),
            ticket: None,
        };
        let spawned = Connection::spawn(socket, transport, state, settings);
        let Ok(connection) = spawned else {
            unreachable!("the transport is new, and no program is registered with it");
        };
        Self {
            call_timeout: options.preferences.call_timeout,
            shared: Arc::new(Shared {
                connection,
                preferences: options.preferences,
                frame_bytes: u32::try_from(limits.frame_bytes).unwrap_or(u32::MAX),
                calls: Arc::new(Semaphore::new(limits.calls)),
                calls_max: u32::try_from(limits.calls).unwrap_or(u32::MAX),
                pings: Arc::new(Semaphore::new(limits.pings)),
            }),
        }
    }

    /// Returns a handle of the same connection with another time limit for each call, in place of
    /// [`Options::call_timeout`](crate::Options::call_timeout). `None` is no limit.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use virt_tokio::protocol::remote::{Domain, Remote};
    /// # async fn example(client: virt_tokio::Client, domain: Domain) -> Result<(), virt_tokio::CallError> {
    /// let patient = client.with_timeout(Duration::from_secs(5));
    /// let state = patient.domain_get_state(&domain).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, limit: impl Into<Option<Duration>>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            call_timeout: limit.into(),
        }
    }

    /// Returns the reason of the end, if the connection is closed.
    pub(crate) fn closed_reason(&self) -> Option<Closed> {
        self.shared.connection.state.reason()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed_reason().is_some()
    }

    /// Sends a PING, and returns the time until its PONG.
    ///
    /// A PONG does not say which PING it answers, so they are paired in order, abandoned PINGs included. There is no
    /// time limit: keepalive or the caller has it. Behind more than [`Limits::unread_bytes`](crate::Limits::unread_bytes)
    /// of unread stream data the PONG waits until some is read.
    ///
    /// A daemon answers PINGs in its I/O loop: a PONG proves the link and the loop, not that calls are served.
    ///
    /// Cancel-safe: if the future is dropped, the PING may or may not be sent.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub async fn ping(&self) -> Result<Duration, Closed> {
        let Ok(permit) = Arc::clone(&self.shared.pings).acquire_owned().await else {
            unreachable!("the semaphore is never closed");
        };
        let connection = &self.shared.connection;
        let (sender, pong) = oneshot::channel();
        connection
            .command(move |endpoint| endpoint.ping(sender, permit))
            .await?;
        connection.or_closed(pong).await
    }

    /// Counts the PINGs that the peer sends from now on. They are answered in any case.
    ///
    /// A libvirt daemon sends PINGs to a silent client that has asked for keepalive.
    #[must_use]
    pub fn pings(&self) -> Pings {
        Pings::new(&self.shared.connection.state)
    }

    /// Receives the events from now on, of all programs that have been called or [listened to](Self::listen).
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.connection.state.events.subscribe()
    }

    /// Expects events of a program before it has been called.
    ///
    /// libvirt's client closes the connection on a message of an unknown program, and so does this one. A program is
    /// known from its first call on.
    ///
    /// Cancel-safe: if the future is dropped, the program may or may not be known.
    ///
    /// # Errors
    ///
    /// [`CallError::Taken`], [`CallError::Closed`].
    pub async fn listen(&self, program: ProgramId) -> Result<(), CallError> {
        let connection = &self.shared.connection;
        let known = connection.with_endpoint(move |endpoint| endpoint.register(program).map(drop));
        Ok(known.await??)
    }

    /// Runs `action` on the connection's transport, to register programs of your own, and to reach them.
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
        let connection = &self.shared.connection;
        connection
            .with_endpoint(|endpoint| action(&mut endpoint.transport))
            .await
    }

    /// Replaces the stream of the connection by one that wraps it, such as a security layer.
    ///
    /// This happens between two frames: once all output is written, and before anything more is read. No call may be in
    /// flight. A Unix socket carries no descriptors any more.
    ///
    /// Not cancel-safe: if the future is dropped, the stream may or may not be replaced.
    ///
    /// # Errors
    ///
    /// The connection is closed, or the peer has already sent part of a further frame: the connection is then closed,
    /// too, because bytes from before and after the replacement are indistinguishable.
    pub async fn wrap_stream(
        &self,
        wrap: impl FnOnce(Box<dyn ByteStream>) -> Box<dyn ByteStream> + Send + 'static,
    ) -> Result<(), Closed> {
        let connection = &self.shared.connection;
        let (done, wrapped) = oneshot::channel();
        connection
            .command(move |endpoint| endpoint.wrap_stream(Box::new(wrap), done))
            .await?;
        connection.or_closed(wrapped).await
    }

    /// Waits until the connection is closed, and returns the reason.
    ///
    /// Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.shared.connection.state.closed().await
    }

    /// Calls `CONNECT_CLOSE` and closes the connection. Calls that wait end with
    /// [`CloseReason::Client`](crate::CloseReason::Client).
    ///
    /// `CONNECT_CLOSE` does not wait for a turn among the calls. The daemon has 5 seconds to reply, or the call timeout if
    /// that is less.
    ///
    /// Cancel-safe: if the future is dropped, the connection closes with its last handle, or when the daemon has taken
    /// the call.
    pub async fn close(&self) -> Closed {
        let limit = self
            .call_timeout
            .map_or(CLOSE_TIMEOUT, |limit| limit.min(CLOSE_TIMEOUT));
        // The connection is closed whether the daemon replies, has gone, or takes too long.
        let _ = timeout(limit, self.say_goodbye()).await;
        self.shared.connection.state.close();
        self.closed().await
    }

    async fn say_goodbye(&self) -> Result<(), CallError> {
        let (outcome, reply) = oneshot::channel();
        let request = Request {
            program: ConnectClose::PROGRAM,
            procedure: ConnectClose::NUMBER,
            args: Vec::new(),
            fds: Vec::new(),
            stream: None,
        };
        let waiter = Waiter {
            outcome,
            permit: None,
            sent: None,
        };
        let connection = &self.shared.connection;
        let state = Arc::clone(&connection.state);
        connection
            .command(move |endpoint| {
                if !waiter.outcome.is_closed() {
                    state.leave();
                }
                endpoint.call(request, waiter);
            })
            .await?;
        connection.or_closed(reply).await??;
        Ok(())
    }

    /// Starts the PINGs of [`KeepAliveMode::Send`], as [`open`](Self::open) does once the daemon has agreed to
    /// keepalive.
    ///
    /// This is for a peer that is known to answer PINGs without being asked for keepalive, as libvirt's daemons do.
    pub fn start_keepalive(&self) {
        self.shared.connection.state.start_keepalive();
    }

    /// Returns the keepalive setting of the connection.
    #[must_use]
    pub fn keepalive(&self) -> KeepAliveMode {
        self.shared.preferences.keepalive
    }
}
