//! The task that owns a connection: it alone reads, writes and keeps the time.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::{Duration, Instant, Sleep, sleep_until, timeout};
use virt_keepalive::{Tick, Timer};
use virt_transport::{
    FD_WEIGHT, Fd, Handle, ProgramId, ReceiveError, RegisterError, SendError, Transmit, Transport,
};

use crate::closed::TaskGone;
use crate::hub::Hub;
use crate::peer::Peer;
use crate::pinger::Pinger;
use crate::socket::Socket;
use crate::{CloseReason, Closed, Keepalive, Limits, debug};

/// What a read asks for at least, in bytes: some twenty PINGs, or a reply of ordinary size.
const WINDOW_MIN: usize = 512;

/// What a read asks for at most, in bytes, while a large message or many small ones arrive.
const WINDOW_MAX: usize = 64 * 1024;

/// What an idle connection may go on holding in each direction, in bytes: a PING and a PONG.
const HELD_MAX: usize = 64;

/// How long a peer that takes nothing any more is listened to, and how long one that is closed may take what
/// was sent before.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often the runtime looks at its sockets before a peer that was silent for too long is given up.
///
/// When this process has stood still, it may see that time is over before it sees what has arrived: a signal such
/// as SIGCONT ends its waiting for both, and once more than that it has to be asked.
const LOOKS: u8 = 16;

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

/// What handles have of a connection; when they are gone, it is closed.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
}

struct Driver<S> {
    socket: S,
    endpoint: Endpoint,
    hub: Arc<Hub>,
    keepalive: Keepalive,
    /// Off until keepalive was negotiated.
    timer: Timer,
    /// How often it was looked for bytes since the timer has said that the peer is dead: `looks <= LOOKS`.
    looks: u8,
    /// What the next read asks for: `WINDOW_MIN <= window <= WINDOW_MAX`.
    window: usize,
    /// The mark for what waits to be written.
    queue_limit: usize,
    /// How much of it answers what was received, at most: `owed <= queued()` after each write.
    owed: usize,
    /// Whether what was written has still to be pushed through the socket.
    unflushed: bool,
    /// A descriptor that came behind frames that still wait.
    late: Option<Fd>,
    /// The most bytes that the transport has held in one direction since memory was given back.
    held: usize,
    /// Why nothing can be written any more.
    mute: Option<io::Error>,
}

/// Registers keepalive with the transport, and starts the task of the connection.
pub(crate) fn spawn(
    socket: impl Socket + 'static,
    mut transport: Transport,
    hub: Arc<Hub>,
    keepalive: Keepalive,
    limits: &Limits,
) -> Result<Shared, RegisterError> {
    let pinger = transport.register(Pinger::new(Arc::clone(&hub)))?;
    let mut driver = Driver {
        socket,
        endpoint: Endpoint {
            transport: transport.with_answer_limit(limits.queued_bytes),
            pinger,
            peers: Vec::new(),
        },
        hub: Arc::clone(&hub),
        keepalive,
        timer: Timer::new(Duration::ZERO, 0, Instant::now().into_std()),
        looks: 0,
        window: WINDOW_MIN,
        queue_limit: limits.queued_bytes,
        owed: 0,
        unflushed: false,
        late: None,
        held: 0,
        mute: None,
    };
    // By reference: a future that took it would have room for it twice.
    tokio::spawn(async move { driver.run().await });
    Ok(Shared { hub })
}

impl<S: Socket> Driver<S> {
    /// Runs the connection until it is closed.
    async fn run(&mut self) {
        let mut sleep = pin!(sleep_until(Instant::now()));
        let mut closed = match poll_fn(|cx| self.poll_turns(cx, sleep.as_mut())).await {
            Ok(closed) => closed,
            // It is rare, and so nothing that each connection has room for.
            Err(mute) => Box::pin(self.last_words(mute)).await,
        };
        if self.hub.is_leaving() && closed.is_disconnected() {
            // The peer has closed because it was asked to.
            closed = Closed::new(CloseReason::Client);
        }
        debug!(%closed, counters = ?self.endpoint.transport.counters());
        // Whoever waits for a reply wakes when its program lets go of it, and must find the reason then.
        self.hub.end(closed);
        if self.hub.is_closing() {
            Box::pin(self.linger()).await;
        }
    }

    /// Does whatever there is to do until the connection is closed, or nothing can be written any more.
    fn poll_turns(
        &mut self,
        cx: &mut Context<'_>,
        mut sleep: Pin<&mut Sleep>,
    ) -> Poll<Result<Closed, io::Error>> {
        self.hub.listen(cx);
        loop {
            if let Err(closed) = ready!(self.poll_turn(cx, sleep.as_mut())) {
                return Poll::Ready(Ok(closed));
            }
            if self.hub.is_closing() {
                // Whatever comes of what is still to be written, it is this end that closes.
                return Poll::Ready(Ok(Closed::new(CloseReason::Client)));
            }
            if let Some(error) = self.mute.take() {
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Does the first thing there is to do.
    fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        sleep: Pin<&mut Sleep>,
    ) -> Poll<Result<(), Closed>> {
        let more = self.run_commands();
        if self.hub.is_closing() {
            return Poll::Ready(Ok(()));
        }
        // However many more commands there are, PINGs are answered between them,
        if let Poll::Ready(result) = self.poll_io(cx) {
            return Poll::Ready(result);
        }
        if self.hub.inbound.take_changed() {
            return Poll::Ready(self.endpoint.sweep());
        }
        // After a long sleep of the machine, what has arrived meanwhile counts first.
        if self.poll_timer(cx, sleep).is_ready() {
            return self.poll_tick(cx);
        }
        if more {
            // and other tasks have their turn.
            return pin!(consume_budget()).poll(cx).map(Ok);
        }
        Poll::Pending
    }

    /// Waits for the deadline of the timer.
    fn poll_timer(&mut self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>) -> Poll<()> {
        let Some(deadline) = self.deadline().map(Instant::from_std) else {
            return Poll::Pending;
        };
        // Each byte received moves the deadline; the timer of the runtime is touched only when it has rung.
        if sleep.is_elapsed() || sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.poll(cx)
    }

    /// The deadline of the timer, which is started once keepalive has been negotiated.
    fn deadline(&mut self) -> Option<std::time::Instant> {
        let deadline = self.timer.deadline();
        if let Keepalive::Send { interval, count } = self.keepalive
            && deadline.is_none()
            && self.hub.keepalive_started()
        {
            self.timer = Timer::new(interval, count, Instant::now().into_std());
            return self.timer.deadline();
        }
        deadline
    }

    /// Runs commands that wait, so that what they send goes out together; returns whether there may be more.
    fn run_commands(&mut self) -> bool {
        for _ in 0..COMMANDS {
            // If too much waits to be written, no more are taken before some of it is.
            if self.is_stuck() {
                return false;
            }
            let Some(command) = self.hub.next_command() else {
                return false;
            };
            command(&mut self.endpoint);
        }
        true
    }

    /// Does what the timer says.
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let now = Instant::now().into_std();
        // If it is us who do not listen, the silence says nothing of the peer.
        let deaf = self.hub.inbound.is_full() && !self.is_stuck();
        Poll::Ready(match self.timer.poll(now) {
            Tick::Wait => Ok(()),
            Tick::Ping | Tick::Dead if deaf => {
                self.heard();
                self.endpoint.with_pinger(Pinger::sign_of_life)
            }
            Tick::Ping => self
                .endpoint
                .with_pinger(|pinger, cx| pinger.ping(None, cx)),
            Tick::Dead if self.looks < LOOKS => {
                self.looks += 1;
                // It wakes this task after the runtime has looked.
                return pin!(yield_now()).poll(cx).map(Ok);
            }
            Tick::Dead => Err(Closed::new(CloseReason::KeepAlive)),
        })
    }

    /// Notes that the peer was heard, or that it is not to blame for silence.
    fn heard(&mut self) {
        self.timer.received(Instant::now().into_std());
        self.looks = 0;
    }

    /// Whether so much waits to be written that no command is taken.
    fn is_stuck(&self) -> bool {
        self.queued() >= self.queue_limit
    }

    /// What waits to be written, descriptors counted as many bytes.
    fn queued(&self) -> usize {
        let transport = &self.endpoint.transport;
        transport.queued() + transport.queued_fds() * FD_WEIGHT
    }

    /// Whether nothing waits to be written.
    fn is_written(&self) -> bool {
        self.queued() == 0 && !self.unflushed
    }

    /// Whether nothing is read: the peer has to read first what it has caused, or a stream's reader has.
    ///
    /// What handles send does not count. Otherwise two ends that send each other much would both wait for the
    /// other to read.
    fn is_paused(&self) -> bool {
        self.owed >= self.queue_limit || self.hub.inbound.is_full()
    }

    /// Writes what it can, reads once, and writes what that has led to.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        // Judged before it is written, which may end it: whoever waits for that has a turn before a read.
        let (stuck, paused) = (self.is_stuck(), self.is_paused());
        let relieved = self.poll_send(cx) > 0 && (stuck || paused);
        if relieved {
            // So much goes out only as the peer reads: it is alive, whatever it says.
            self.heard();
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

    /// Reads once, and hands what has come to its programs; if some of what has come before waits, that alone.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let (before, pings) = (self.queued(), self.hub.pings());
        let read = if self.endpoint.transport.is_paused() {
            Poll::Ready(self.resume().map(|()| None))
        } else {
            self.poll_read(cx).map_ok(Some)
        };
        if read.is_pending() {
            self.rest();
        }
        self.owed += self.queued().saturating_sub(before);
        if self.hub.pings() != pings {
            self.hub.tell();
        }
        let Some(count) = ready!(read)? else {
            return Poll::Ready(Ok(()));
        };
        self.heard();
        self.window = if count == self.window {
            self.window * 4
        } else {
            self.window / 2
        }
        .clamp(WINDOW_MIN, WINDOW_MAX);
        Poll::Ready(Ok(()))
    }

    /// Goes on with what was received before.
    fn resume(&mut self) -> Result<(), Closed> {
        let transport = &mut self.endpoint.transport;
        transport.resume().map_err(Closed::error)?;
        if !transport.is_paused()
            && let Some(fd) = self.late.take()
        {
            transport.receive_fd(fd).map_err(Closed::error)?;
        }
        Ok(())
    }

    /// Reads into the transport, at most what the window says; returns how many bytes.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Closed>> {
        let transport = &mut self.endpoint.transport;
        if self.window > WINDOW_MIN {
            self.held = self.held.max(self.window);
            let space = transport.space(self.window);
            let (count, fd) = ready!(self.socket.poll_receive(cx, space))?;
            return Poll::Ready(received(
                transport,
                count,
                fd,
                &mut self.late,
                Transport::commit,
            ));
        }
        // Few bytes are copied, so that a connection with little to do holds no buffer of this size.
        let mut buffer = [0; WINDOW_MIN];
        let (count, fd) = ready!(self.socket.poll_receive(cx, &mut buffer))?;
        self.held = self.held.max(count);
        let take = |transport: &mut Transport, count| transport.receive(&buffer[..count]);
        Poll::Ready(received(transport, count, fd, &mut self.late, take))
    }

    /// Gives back memory when there is nothing to be read.
    fn rest(&mut self) {
        let transport = &mut self.endpoint.transport;
        if self.held > HELD_MAX && transport.buffered() == 0 {
            transport.shrink_to_fit();
            self.held = 0;
        }
    }

    /// Writes until the outbox is empty, the socket full, or it takes nothing any more; returns how many bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> usize {
        self.held = self.held.max(self.endpoint.transport.queued());
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
        self.unflushed |= written > 0;
        let queued = self.queued();
        if self.unflushed && queued == 0 {
            match self.socket.poll_flush(cx) {
                Poll::Pending => (),
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => self.mute = Some(error),
            }
        }
        self.owed = self.owed.min(queued);
        written
    }

    /// Writes what handles have sent before they were dropped; nobody waits for it.
    async fn linger(&mut self) {
        self.endpoint.release();
        let written = poll_fn(|cx| {
            self.poll_send(cx);
            if self.mute.is_some() {
                return Poll::Ready(());
            }
            if self.is_written() {
                // Whoever is closed anyway need not know what became of that.
                return self.socket.poll_shutdown(cx).map(drop);
            }
            Poll::Pending
        });
        let _ = timeout(LAST_WORDS, written).await;
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

    fn with_pinger(
        &mut self,
        send: impl FnOnce(&mut Pinger, &mut virt_transport::Context<'_>) -> Result<(), SendError>,
    ) -> Result<(), Closed> {
        let sent = self.transport.with(&self.pinger, send);
        sent.map_err(Closed::error)?.map_err(Closed::error)
    }

    /// Lets everybody go who waits for something of the peer.
    fn release(&mut self) {
        let Self {
            transport,
            pinger,
            peers,
        } = self;
        let _ = transport.with(pinger, |pinger, _| pinger.release());
        for (_, peer) in peers {
            let _ = transport.with(peer, |peer, _| peer.release());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        // Unless there is a reason already.
        self.hub.end(Closed::error(TaskGone));
    }
}

impl Shared {
    /// Has the task do something.
    pub(crate) async fn command(
        &self,
        action: impl FnOnce(&mut Endpoint) + Send + 'static,
    ) -> Result<(), Closed> {
        if self.hub.send(Box::new(action)).await {
            Ok(())
        } else {
            Err(self.closed().await)
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
        self.hub.closed().await
    }
}

/// Gives the transport what a read has brought.
fn received(
    transport: &mut Transport,
    count: usize,
    fd: Option<Fd>,
    late: &mut Option<Fd>,
    take: impl FnOnce(&mut Transport, usize) -> Result<(), ReceiveError>,
) -> Result<usize, Closed> {
    if count == 0 {
        return Err(Closed::end_of_file(transport.buffered()));
    }
    // The kernel ends a read behind the bytes that were sent with a descriptor: one, if the peer keeps to the
    // protocol. If they are the end of a frame and that one, it cannot be told from two messages.
    let bytes = count - usize::from(fd.is_some());
    if bytes > 0 {
        take(transport, bytes).map_err(Closed::error)?;
    }
    if transport.is_paused() {
        // It belongs behind the frames that wait.
        *late = fd;
    } else if let Some(fd) = fd {
        transport.receive_fd(fd).map_err(Closed::error)?;
    }
    Ok(count)
}
