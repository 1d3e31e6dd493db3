//! The handle through which a connection is used.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};
use tokio::time::timeout;
use virt_remote::ConnectClose;
use virt_transport::{
    CallProcedure, Context, Fd, Handle, ProgramId, RegisterError, Role, SendError, Serial,
    StreamId, Transport,
};
use virt_xdr::{from_slice, to_vec};

use crate::driver::{self, Endpoint, Shared};
use crate::hub::Hub;
use crate::inbound::{Held, Items};
use crate::peer::{self, Peer, Request};
use crate::socket::{Plain, Socket};
use crate::{CallError, Closed, Events, Keepalive, Options, Pings, Stream};

/// How long [`Client::close`] waits for the daemon's last reply, if no call timeout is shorter.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A live connection to a libvirt daemon.
///
/// It is a handle: cheap to clone, to be used from many tasks at once. One task of its own reads, writes
/// and keeps the time, so that PINGs are answered whatever the users of the handle do. When the last handle
/// and the last [`Stream`] and its senders are dropped, the connection is closed; what they have sent may still go
/// for a second, if the runtime lives on.
///
/// # Calls in flight
///
/// Any number of calls can be made at once. [`Limits::calls`](crate::Limits::calls) of them are in flight,
/// the others wait for their turn in the order in which they came: a daemon reads nothing more from a
/// client that has too many calls in work, not even PINGs. A caller that goes away, or has waited for too
/// long, leaves its call in flight until the reply comes, which is then dropped; no other reply is shifted.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) task: Shared,
    pub(crate) options: Options,
    calls: Arc<Semaphore>,
    pings: Arc<Semaphore>,
    events: peer::Events,
}

impl Client {
    /// A connection over a stream that carries no descriptors, such as a `TcpStream`; nothing is sent yet.
    ///
    /// For a daemon that is reached in a way of your own; [`open`](Self::open) then does what
    /// [`connect`](crate::connect) does. It starts a task, so it has to be called within a tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[must_use]
    pub fn over_stream<S>(stream: S, options: Options) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::start(Plain(stream), Transport::new(Role::Client), options)
    }

    /// As [`over_stream`](Self::over_stream), over a Unix socket, which carries descriptors.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime. In one without timers the connection ends at once.
    #[cfg(unix)]
    #[must_use]
    pub fn over_unix(socket: tokio::net::UnixStream, options: Options) -> Self {
        Self::start(socket, Transport::new(Role::Client).with_fds(), options)
    }

    fn start(socket: impl Socket + 'static, transport: Transport, options: Options) -> Self {
        let limits = options.limits.held();
        let transport = transport.with_frame_limit(limits.frame_bytes);
        let hub = Arc::new(Hub::new(&limits));
        let Ok(task) = driver::spawn(socket, transport, hub, options.keepalive, &limits) else {
            unreachable!("the transport is new, and no program is registered with it");
        };
        Self {
            shared: Arc::new(Inner {
                task,
                options,
                calls: Arc::new(Semaphore::new(limits.calls)),
                pings: Arc::new(Semaphore::new(limits.pings)),
                events: peer::Events::default(),
            }),
        }
    }

    /// Calls a procedure and waits for what it returns.
    ///
    /// Cancel-safe: if the future is dropped, the call may or may not be made, and its reply is dropped.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call<P: CallProcedure>(&self, args: &P::Args<'_>) -> Result<P::Ret, CallError> {
        let (_, payload, _) = self.request::<P>(args, Vec::new(), None).await?;
        Ok(from_slice(&payload)?)
    }

    /// Calls a procedure with descriptors, and returns those that come back, too.
    ///
    /// Cancel-safe, as [`call`](Self::call); the descriptors are closed in any case.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. Descriptors go over Unix sockets only, 32 of them with a call.
    pub async fn call_with_fds<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
        fds: Vec<Fd>,
    ) -> Result<(P::Ret, Vec<Fd>), CallError> {
        let (_, payload, fds) = self.request::<P>(args, fds, None).await?;
        Ok((from_slice(&payload)?, fds))
    }

    /// Calls a procedure that opens a stream.
    ///
    /// Cancel-safe, as [`call`](Self::call); the stream is then aborted.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call_with_stream<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
    ) -> Result<(P::Ret, Stream), CallError> {
        let (sender, items) = Items::new(&self.shared.task.hub);
        let (serial, payload, _) = self.request::<P>(args, Vec::new(), Some(sender)).await?;
        let id = StreamId {
            procedure: P::NUMBER,
            serial,
        };
        let stream = Stream::new(self.clone(), P::PROGRAM, id, items);
        Ok((from_slice(&payload)?, stream))
    }

    /// Sends a PING, and returns the time until its PONG.
    ///
    /// A PONG does not say which PING it answers; they are matched in order, and those of PINGs that nobody
    /// waits for any more are accounted for. There is no time limit: keepalive or the caller has it.
    ///
    /// A daemon answers PINGs in its I/O loop: it says that the link and the loop are up, not that calls
    /// are served.
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
        let (waiter, pong) = oneshot::channel();
        let ping = self.shared.task.command(move |endpoint| {
            let Endpoint {
                transport, pinger, ..
            } = endpoint;
            // A PING always fits, and one that is not sent drops its waiter.
            let _ = transport.with(pinger, |pinger, cx| pinger.ping(Some((waiter, permit)), cx));
        });
        ping.await?;
        self.shared.task.or_closed(pong).await
    }

    /// The PINGs that the peer sends from now on. They are answered in any case.
    ///
    /// A libvirt daemon sends PINGs to a client that has asked for keepalive, when it was silent for a while.
    #[must_use]
    pub fn pings(&self) -> Pings {
        let hub = Arc::clone(&self.shared.task.hub);
        let seen = hub.pings();
        Pings { hub, seen }
    }

    /// The events that come from now on, of all programs that have been called or [listened
    /// for](Self::listen).
    #[must_use]
    pub fn events(&self) -> Events {
        let limit = self.shared.options.limits.held().events;
        let events = self
            .shared
            .events
            .get_or_init(|| broadcast::channel(limit).0);
        Events {
            events: events.subscribe(),
            hub: Arc::clone(&self.shared.task.hub),
        }
    }

    /// Expects events of a program before it has been called.
    ///
    /// libvirt's client closes the connection on a message of a program that it does not know, and so does
    /// this one; a program is known from its first call on.
    ///
    /// Cancel-safe: if the future is dropped, the program may or may not be known.
    ///
    /// # Errors
    ///
    /// [`CallError::Taken`], [`CallError::Closed`].
    pub async fn listen(&self, program: ProgramId) -> Result<(), CallError> {
        self.with_peer(program, |_, _| Ok(())).await
    }

    /// Runs `action` on the connection's transport: to register programs of your own, and to reach them.
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
        self.shared.task.with_transport(action).await
    }

    /// Waits until the connection is closed, and says why.
    ///
    /// Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.shared.task.closed().await
    }

    /// Says goodbye to the daemon and closes the connection; calls that wait end with
    /// [`CloseReason::Client`](crate::CloseReason::Client).
    ///
    /// The goodbye does not wait for a turn among the calls. The daemon has 5 seconds to reply to it, or as long
    /// as a call has if that is less.
    ///
    /// Cancel-safe: if the future is dropped, the connection closes with its last handle, or when the daemon
    /// has heard the goodbye.
    pub async fn close(&self) -> Closed {
        let limit = self
            .shared
            .options
            .call_timeout
            .map_or(CLOSE_TIMEOUT, |limit| limit.min(CLOSE_TIMEOUT));
        // Whether the daemon answers, has gone, or takes too long: the connection is closed.
        let _ = timeout(limit, self.say_goodbye()).await;
        self.shared.task.hub.close();
        self.closed().await
    }

    async fn say_goodbye(&self) -> Result<(), CallError> {
        let (waiter, reply) = oneshot::channel();
        let request = Request {
            procedure: ConnectClose::NUMBER,
            args: Vec::new(),
            fds: Vec::new(),
            waiter,
            permit: None,
            stream: None,
        };
        let hub = Arc::clone(&self.shared.task.hub);
        self.with_peer(ConnectClose::PROGRAM, move |peer, cx| {
            if !request.waiter.is_closed() {
                hub.leave();
            }
            peer.call(request, cx)
        })
        .await?;
        self.shared.task.or_closed(reply).await??;
        Ok(())
    }

    /// Starts to send the PINGs of [`Keepalive::Send`], as [`negotiate`](Self::negotiate) does once the daemon
    /// has said that it has keepalive.
    ///
    /// For a peer that is known to answer PINGs without having been asked, as libvirt's daemons do.
    pub fn start_keepalive(&self) {
        self.shared.task.hub.start_keepalive();
    }

    /// How the connection watches over itself.
    #[must_use]
    pub fn keepalive(&self) -> Keepalive {
        self.shared.options.keepalive
    }

    /// Runs `action` on the program as this end sees it.
    pub(crate) async fn with_peer<R: Send + 'static>(
        &self,
        program: ProgramId,
        action: impl FnOnce(&mut Peer, &mut Context<'_>) -> Result<R, SendError> + Send + 'static,
    ) -> Result<R, CallError> {
        let events = Arc::clone(&self.shared.events);
        let hub = Arc::clone(&self.shared.task.hub);
        let done = self.shared.task.with_endpoint(move |endpoint| {
            let peer = endpoint.peer(program, || Peer::new(program, events, hub));
            peer.map(|peer| endpoint.transport.with(&peer, action))
        });
        match done.await? {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(_)) => unreachable!("the handle was given by this transport"),
            Err(taken) => Err(taken.into()),
        }
    }

    async fn request<P: CallProcedure>(
        &self,
        args: &P::Args<'_>,
        fds: Vec<Fd>,
        stream: Option<mpsc::UnboundedSender<Held>>,
    ) -> Result<(Serial, Bytes, Vec<Fd>), CallError> {
        let args = to_vec(args).map_err(SendError::from)?;
        let exchange = self.exchange(P::PROGRAM, P::NUMBER, args, fds, stream);
        match self.shared.options.call_timeout {
            None => exchange.await,
            Some(after) => timeout(after, exchange)
                .await
                .unwrap_or(Err(CallError::Timeout { after })),
        }
    }

    async fn exchange(
        &self,
        program: ProgramId,
        procedure: i32,
        args: Vec<u8>,
        fds: Vec<Fd>,
        stream: Option<mpsc::UnboundedSender<Held>>,
    ) -> Result<(Serial, Bytes, Vec<Fd>), CallError> {
        let Ok(permit) = Arc::clone(&self.shared.calls).acquire_owned().await else {
            unreachable!("the semaphore is never closed");
        };
        let (waiter, outcome) = oneshot::channel();
        let request = Request {
            procedure,
            args,
            fds,
            waiter,
            permit: Some(permit),
            stream,
        };
        let serial = self
            .with_peer(program, |peer, cx| peer.call(request, cx))
            .await?;
        let (payload, fds) = self.shared.task.or_closed(outcome).await??;
        Ok((serial, payload, fds))
    }
}

impl Endpoint {
    /// The program as this end sees it, registered at its first use.
    fn peer(
        &mut self,
        program: ProgramId,
        make: impl FnOnce() -> Peer,
    ) -> Result<Handle<Peer>, RegisterError> {
        if let Some((_, peer)) = self.peers.iter().find(|(id, _)| *id == program) {
            return Ok(peer.clone());
        }
        let peer = self.transport.register(make())?;
        self.peers.push((program, peer.clone()));
        Ok(peer)
    }
}
