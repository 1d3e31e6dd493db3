//! The task that owns a connection: it alone reads, writes and keeps the time.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, Instant, Sleep, sleep_until, timeout};
use virt_keepalive::{Tick, Timer};
use virt_transport::{Handle, ProgramId, RegisterError, Transmit, Transport};

use crate::closed::TaskGone;
use crate::inbound::Inbound;
use crate::peer::Peer;
use crate::pinger::Pinger;
use crate::socket::Socket;
use crate::{CloseReason, Closed, Control, Keepalive, Limits, debug};

/// What a read asks for at least, in bytes: a hundred PINGs, or a reply of ordinary size.
const WINDOW_MIN: usize = 4 * 1024;

/// What a read asks for at most, in bytes, while a large message or many small ones arrive.
const WINDOW_MAX: usize = 256 * 1024;

/// How long a peer that takes nothing any more is listened to.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How many commands are taken before the socket has its turn.
const COMMANDS: usize = 32;

/// Something that is done in the task, with the transport.
pub(crate) type Command = Box<dyn FnOnce(&mut Endpoint) + Send>;

/// What commands work on.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) transport: Transport,
    pub(crate) pinger: Handle<Pinger>,
    /// The programs of the peer that were called.
    pub(crate) peers: Vec<(ProgramId, Handle<Peer>)>,
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
    control: Control,
    keepalive: Keepalive,
    /// Off until keepalive was negotiated.
    timer: Timer,
    /// What the next read asks for: `WINDOW_MIN <= window <= WINDOW_MAX`.
    window: usize,
    /// The mark for what waits to be written.
    queue_limit: usize,
    /// How much of it answers what was received, at most: `owed <= transport.queued()` after each write.
    owed: usize,
    /// Why nothing can be written any more.
    mute: Option<io::Error>,
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
    let (sender, commands) = mpsc::channel(limits.commands);
    let (closed, watcher) = watch::channel(None);
    let shared = Shared {
        commands: sender,
        closed: watcher,
        inbound: Arc::new(Inbound::new(limits.stream_bytes)),
        control: control.clone(),
        pings,
    };
    let driver = Driver {
        socket,
        endpoint: Endpoint {
            transport,
            pinger,
            peers: Vec::new(),
        },
        closed,
        inbound: Arc::clone(&shared.inbound),
        control,
        keepalive,
        timer: Timer::new(Duration::ZERO, 0, Instant::now().into_std()),
        window: WINDOW_MIN,
        queue_limit: limits.queued_bytes,
        owed: 0,
        mute: None,
    };
    tokio::spawn(driver.run(commands));
    Ok(shared)
}

impl<S: Socket> Driver<S> {
    /// Runs the connection until it is closed.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut sleep = pin!(sleep_until(Instant::now()));
        let mut closed = loop {
            if let Err(closed) = self.turn(&mut commands, sleep.as_mut()).await {
                break closed;
            }
        };
        if self.control.is_leaving() && closed.is_disconnected() {
            // The peer has closed because it was asked to.
            closed = Closed::new(CloseReason::Client);
        }
        debug!(%closed, counters = ?self.endpoint.transport.counters());
        // Whoever waits for a reply wakes when the transport is dropped, and must find the reason then.
        self.closed.send_replace(Some(closed));
    }

    /// Waits until there is something to do, and does it.
    async fn turn(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        mut sleep: Pin<&mut Sleep>,
    ) -> Result<(), Closed> {
        self.start_timer();
        let deadline = self.timer.deadline().map(Instant::from_std);
        arm(sleep.as_mut(), deadline);
        let accepts = !self.is_stuck();
        let inbound = Arc::clone(&self.inbound);
        let control = self.control.clone();
        tokio::select! {
            biased;
            () = sleep, if deadline.is_some() => {
                // After a long sleep of the machine, what has arrived meanwhile counts first.
                self.io().await?;
                self.tick()?;
            }
            Some(command) = commands.recv(), if accepts => {
                command(&mut self.endpoint);
                self.take(commands);
                // However many more there are, PINGs are answered between them.
                self.io().await?;
            }
            () = control.changed() => (),
            result = poll_fn(|cx| self.poll_io(cx)) => result?,
            () = inbound.changed() => self.endpoint.sweep()?,
        }
        if self.control.is_closing() {
            // Whatever comes of what is still to be written, it is this end that closes.
            poll_fn(|cx| Poll::Ready(self.poll_send(cx))).await;
            return Err(Closed::new(CloseReason::Client));
        }
        match self.mute.take() {
            None => Ok(()),
            Some(error) => Err(self.last_words(error).await),
        }
    }

    /// Starts the timer once keepalive has been negotiated.
    fn start_timer(&mut self) {
        if let Keepalive::Send { interval, count } = self.keepalive
            && self.timer.deadline().is_none()
            && self.control.keepalive_started()
        {
            self.timer = Timer::new(interval, count, Instant::now().into_std());
        }
    }

    /// Runs commands that wait already, so that what they send goes out together.
    fn take(&mut self, commands: &mut mpsc::Receiver<Command>) {
        for _ in 1..COMMANDS {
            if self.is_stuck() {
                return;
            }
            let Ok(command) = commands.try_recv() else {
                return;
            };
            command(&mut self.endpoint);
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

    /// Whether so much waits to be written that no command is taken.
    fn is_stuck(&self) -> bool {
        self.endpoint.transport.queued() >= self.queue_limit
    }

    /// Whether nothing is read: the peer has to read first what it has caused, or a stream's reader has.
    ///
    /// What handles send does not count. Otherwise two ends that send each other much would both wait for the
    /// other to read.
    fn is_paused(&self) -> bool {
        self.owed >= self.queue_limit || self.inbound.is_full()
    }

    /// Writes and reads once, without waiting.
    async fn io(&mut self) -> Result<(), Closed> {
        match poll_fn(|cx| Poll::Ready(self.poll_io(cx))).await {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }

    /// Writes what it can, reads once, and writes what that has led to.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        // Judged before it is written, which may end it: whoever waits for that has a turn before a read.
        let (stuck, paused) = (self.is_stuck(), self.is_paused());
        let relieved = self.poll_send(cx) > 0 && (stuck || paused);
        if relieved {
            // So much goes out only as the peer reads: it is alive, whatever it says.
            self.timer.received(Instant::now().into_std());
        }
        if !paused && self.mute.is_none() && self.poll_receive(cx)?.is_ready() {
            self.poll_send(cx);
            return Poll::Ready(Ok(()));
        }
        if relieved || self.mute.is_some() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Reads once, and hands what has come to its programs.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let transport = &mut self.endpoint.transport;
        let before = transport.queued();
        let read = self.socket.poll_receive(cx, transport, self.window);
        self.owed += transport.queued().saturating_sub(before);
        match read {
            Poll::Ready(Ok(count)) => {
                self.timer.received(Instant::now().into_std());
                self.window = if count == self.window {
                    count * 2
                } else {
                    self.window / 2
                }
                .clamp(WINDOW_MIN, WINDOW_MAX);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(closed)) => Poll::Ready(Err(closed)),
            Poll::Pending => {
                if transport.buffered() == 0 {
                    // An idle connection holds no buffer.
                    transport.shrink_to_fit();
                }
                Poll::Pending
            }
        }
    }

    /// Writes until the outbox is empty, the socket full, or it takes nothing any more; returns how many bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> usize {
        let mut written = 0;
        while let Some(transmit) = self.endpoint.transport.poll_transmit() {
            let sent = match transmit {
                Transmit::Bytes(chunks) => self.socket.poll_send(cx, chunks),
                Transmit::Fd(slot) => self.socket.poll_send_fd(cx, slot).map_ok(|()| 1),
            };
            match sent {
                Poll::Pending => break,
                Poll::Ready(Ok(count)) if count > 0 => written += count,
                Poll::Ready(result) => {
                    self.mute = Some(result.err().unwrap_or(io::ErrorKind::WriteZero.into()));
                    break;
                }
            }
        }
        self.owed = self.owed.min(self.endpoint.transport.queued());
        written
    }

    /// Takes in what a peer has said before it stopped to listen: replies, and in the end that it has gone.
    async fn last_words(&mut self, error: io::Error) -> Closed {
        let last = poll_fn(|cx| {
            while !self.is_paused() {
                if let Err(closed) = ready!(self.poll_receive(cx)) {
                    return Poll::Ready(Some(closed));
                }
            }
            Poll::Ready(None)
        });
        // It comes at once, unless the peer has closed one direction alone.
        let last = timeout(LAST_WORDS, last).await;
        last.ok().flatten().unwrap_or(Closed::error(error))
    }
}

impl Endpoint {
    /// Aborts the streams whose handle has gone.
    fn sweep(&mut self) -> Result<(), Closed> {
        for (_, peer) in &self.peers {
            let swept = self.transport.with(peer, Peer::sweep);
            swept.map_err(Closed::error)?.map_err(Closed::error)?;
        }
        Ok(())
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
