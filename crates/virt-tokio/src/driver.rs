//! The task that owns a connection: it alone reads, writes and keeps the time.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Duration, Instant, Sleep, sleep_until};
use virt_keepalive::{Tick, Timer};
use virt_transport::{Handle, ProgramId, RegisterError, Transmit, Transport};

use crate::closed::TaskGone;
use crate::peer::Peer;
use crate::pinger::Pinger;
use crate::socket::Socket;
use crate::{CloseReason, Closed, Control, Keepalive, Limits, debug};

/// What a read asks for at least, in bytes: a hundred PINGs, or a reply of ordinary size.
const WINDOW_MIN: usize = 4 * 1024;

/// What a read asks for at most, in bytes, while a large message or many small ones arrive.
const WINDOW_MAX: usize = 256 * 1024;

/// Something that is done in the task, with the transport.
pub(crate) type Command = Box<dyn FnOnce(&mut Endpoint) + Send>;

/// What commands work on.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) transport: Transport,
    pub(crate) pinger: Handle<Pinger>,
    /// The programs of the peer that were called.
    pub(crate) peers: Vec<(ProgramId, Handle<Peer>)>,
    /// Whether this end has said goodbye, so that the peer may close.
    pub(crate) leaving: bool,
    pub(crate) control: Control,
}

/// Data of streams that their readers have not taken yet, over all streams of a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    bytes: AtomicUsize,
    limit: usize,
    drained: Notify,
}

/// What the task shares with its handles; when they are gone, the connection is closed.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) closed: watch::Receiver<Option<Closed>>,
    pub(crate) inbound: Arc<Inbound>,
    pub(crate) control: Control,
    /// How many PINGs the peer has sent.
    pub(crate) pings: watch::Receiver<u64>,
}

struct Driver<S> {
    socket: S,
    endpoint: Endpoint,
    closed: watch::Sender<Option<Closed>>,
    inbound: Arc<Inbound>,
    keepalive: Keepalive,
    /// Off until keepalive was negotiated.
    timer: Timer,
    /// What the next read asks for: `WINDOW_MIN <= window <= WINDOW_MAX`.
    window: usize,
    /// Above so many queued bytes nothing more is read, and no command is taken.
    queue_limit: usize,
}

/// Registers keepalive with the transport, and starts the task of the connection.
pub(crate) fn spawn(
    socket: impl Socket + 'static,
    mut transport: Transport,
    control: Control,
    keepalive: Keepalive,
    limits: &Limits,
) -> Result<Shared, RegisterError> {
    let pinger = Pinger::default();
    let pings = pinger.received();
    let pinger = transport.register(pinger)?;
    let (sender, commands) = mpsc::channel(limits.commands.max(1));
    let (closed, watcher) = watch::channel(None);
    let shared = Shared {
        commands: sender,
        closed: watcher,
        inbound: Arc::new(Inbound {
            bytes: AtomicUsize::new(0),
            limit: limits.stream_bytes,
            drained: Notify::new(),
        }),
        control: control.clone(),
        pings,
    };
    let driver = Driver {
        socket,
        endpoint: Endpoint {
            transport,
            pinger,
            peers: Vec::new(),
            leaving: false,
            control,
        },
        closed,
        inbound: Arc::clone(&shared.inbound),
        keepalive,
        timer: Timer::new(Duration::ZERO, 0, Instant::now().into_std()),
        window: WINDOW_MIN,
        queue_limit: limits.queued_bytes,
    };
    tokio::spawn(driver.run(commands));
    Ok(shared)
}

impl<S: Socket> Driver<S> {
    /// Runs the connection until it is closed.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut closed = self.drive(&mut commands).await;
        if self.endpoint.leaving && closed.reason() == CloseReason::EndOfFile {
            // The peer has closed because it was asked to.
            closed = Closed::new(CloseReason::Client);
        }
        debug!(%closed, counters = ?self.endpoint.transport.counters());
        // Whoever waits for a reply wakes when the transport is dropped, and must find the reason then.
        self.closed.send_replace(Some(closed));
    }

    async fn drive(&mut self, commands: &mut mpsc::Receiver<Command>) -> Closed {
        let mut sleep = pin!(sleep_until(Instant::now()));
        loop {
            self.start_timer();
            let deadline = self.timer.deadline().map(Instant::from_std);
            arm(sleep.as_mut(), deadline);
            let accepts = !self.is_stuck();
            let paused = self.inbound.is_full();
            let inbound = Arc::clone(&self.inbound);
            let control = self.endpoint.control.clone();
            tokio::select! {
                biased;
                () = &mut sleep, if deadline.is_some() => {
                    // After a long sleep of the machine, what has arrived meanwhile counts first.
                    let arrived = poll_fn(|cx| Poll::Ready(self.poll_io(cx))).await;
                    if let Poll::Ready(Err(closed)) = arrived {
                        return closed;
                    }
                    if let Err(closed) = self.tick() {
                        return closed;
                    }
                }
                Some(command) = commands.recv(), if accepts => command(&mut self.endpoint),
                () = control.changed() => (),
                result = poll_fn(|cx| self.poll_io(cx)) => {
                    if let Err(closed) = result {
                        return closed;
                    }
                }
                () = inbound.drained.notified(), if paused => (),
            }
            if self.endpoint.control.is_closing() {
                let last = poll_fn(|cx| Poll::Ready(self.poll_send(cx))).await;
                return last.err().unwrap_or(Closed::new(CloseReason::Client));
            }
        }
    }

    /// Starts the timer once keepalive has been negotiated.
    fn start_timer(&mut self) {
        if let Keepalive::Send { interval, count } = self.keepalive
            && self.timer.deadline().is_none()
            && self.endpoint.control.keepalive_started()
        {
            self.timer = Timer::new(interval, count, Instant::now().into_std());
        }
    }

    /// Does what the timer says.
    fn tick(&mut self) -> Result<(), Closed> {
        let now = Instant::now().into_std();
        // If it is us who do not listen, the silence says nothing of the peer.
        let deaf = self.inbound.is_full() && !self.is_stuck();
        let tick = self.timer.poll(now);
        let Endpoint {
            transport, pinger, ..
        } = &mut self.endpoint;
        let sent = match tick {
            Tick::Wait => return Ok(()),
            Tick::Ping | Tick::Dead if deaf => {
                self.timer.received(now);
                transport.with(pinger, |pinger, cx| pinger.sign_of_life(cx))
            }
            Tick::Ping => transport.with(pinger, |pinger, cx| pinger.ping(None, cx)),
            Tick::Dead => return Err(Closed::new(CloseReason::KeepAlive)),
        };
        sent.map_err(Closed::error)?.map_err(Closed::error)
    }

    /// Whether the peer has to read before anything else is done for it.
    fn is_stuck(&self) -> bool {
        self.endpoint.transport.queued() >= self.queue_limit
    }

    /// Writes what it can, reads once, and writes what that has led to.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        // Judged before it is written: commands wait for the end of this, and have their turn before a read.
        let stuck = self.is_stuck();
        let written = self.poll_send(cx)?;
        if stuck || self.inbound.is_full() {
            if written > 0 {
                // Nothing is read, but the peer reads: it is alive.
                self.timer.received(Instant::now().into_std());
                return Poll::Ready(Ok(()));
            }
            return Poll::Pending;
        }
        let transport = &mut self.endpoint.transport;
        match self.socket.poll_receive(cx, transport, self.window) {
            Poll::Ready(Err(closed)) => Poll::Ready(Err(closed)),
            Poll::Ready(Ok(count)) => {
                self.timer.received(Instant::now().into_std());
                self.window = if count == self.window {
                    count * 2
                } else {
                    self.window / 2
                }
                .clamp(WINDOW_MIN, WINDOW_MAX);
                self.poll_send(cx)?;
                Poll::Ready(Ok(()))
            }
            Poll::Pending => {
                if transport.buffered() == 0 {
                    // An idle connection holds no buffer.
                    transport.shrink_to_fit();
                }
                Poll::Pending
            }
        }
    }

    /// Writes until the outbox is empty or the socket full; returns how many bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<usize, Closed> {
        let mut written = 0;
        while let Some(transmit) = self.endpoint.transport.poll_transmit() {
            let sent = match transmit {
                Transmit::Bytes(chunks) => self.socket.poll_send(cx, chunks),
                Transmit::Fd(slot) => self.socket.poll_send_fd(cx, slot).map_ok(|()| 1),
            };
            match sent {
                Poll::Ready(Ok(0)) => {
                    return Err(Closed::error(io::Error::from(io::ErrorKind::WriteZero)));
                }
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Err(Closed::error(error)),
                Poll::Pending => break,
            }
        }
        Ok(written)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.control.close();
    }
}

impl Shared {
    /// Has the task do something.
    pub(crate) async fn command(
        &self,
        action: impl FnOnce(&mut Endpoint) + Send + 'static,
    ) -> Result<(), Closed> {
        match self.commands.send(Box::new(action)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.closed().await),
        }
    }

    /// Has the task do something, and waits for what comes of it.
    pub(crate) async fn with_endpoint<R: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Endpoint) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (sender, result) = oneshot::channel();
        self.command(move |endpoint| {
            // Whoever has stopped waiting does not want to know.
            let _ = sender.send(action(endpoint));
        })
        .await?;
        self.or_closed(result).await
    }

    /// Has the task do something with the transport, and waits for what comes of it.
    pub(crate) async fn with_transport<R: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Transport) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        self.with_endpoint(|endpoint| action(&mut endpoint.transport))
            .await
    }

    /// Waits for an answer of the task, or for the reason why there is none.
    pub(crate) async fn or_closed<R>(&self, answer: oneshot::Receiver<R>) -> Result<R, Closed> {
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.closed().await),
        }
    }

    /// Waits until the connection is closed, and says why.
    pub(crate) async fn closed(&self) -> Closed {
        let mut closed = self.closed.clone();
        match closed.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(closed)) => closed.clone(),
            _ => Closed::error(TaskGone),
        }
    }
}

impl Inbound {
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before >= self.limit && before - bytes < self.limit {
            self.drained.notify_one();
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.limit
    }
}

/// Sees to it that `sleep` ends no later than the deadline.
///
/// Each byte received moves the deadline; the timer of the runtime is touched only when it has rung.
fn arm(sleep: Pin<&mut Sleep>, deadline: Option<Instant>) {
    if let Some(deadline) = deadline
        && (sleep.is_elapsed() || sleep.deadline() > deadline)
    {
        sleep.reset(deadline);
    }
}
