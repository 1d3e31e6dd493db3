//! The task of a connection: it takes commands, reads, writes and keeps the time, one turn after another.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::{Duration, Instant, Sleep, sleep_until, timeout};
use virt_transport::{RegisterError, Transport};

use super::backpressure::ReplyBacklog;
use super::deadlines::{Deadlines, TimeLimits};
use super::endpoint::Endpoint;
use super::io::{Io, queued};
use super::socket::Socket;
use super::state::State;
use super::ticket::Ticket;
use super::watchdog::{Decision, Watchdog};
use crate::closed::TaskGone;
use crate::{CloseReason, Closed, KeepAliveMode, debug};

/// The time for the last input of a peer that reads no more, and for the last output to a peer that is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The most commands taken before the socket has its turn.
const COMMANDS: usize = 32;

/// The peer sent part of a frame before the stream was wrapped.
#[derive(Debug, Error)]
#[error("{buffered} bytes of a further frame were received before the stream was replaced")]
struct BytesBeforeWrap {
    buffered: usize,
}

/// The settings of a connection's task.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) keepalive: KeepAliveMode,
    /// The output in bytes above which no command is taken.
    pub(crate) queue_limit: usize,
    /// The longest received frame in bytes once the connection of a server is established.
    pub(crate) frame_limit: usize,
    pub(crate) times: TimeLimits,
    /// The permits that the connection holds of its server's limits.
    pub(crate) ticket: Option<Ticket>,
}

struct Driver {
    io: Io,
    endpoint: Endpoint,
    state: Arc<State>,
    watchdog: Watchdog,
    replies: ReplyBacklog,
    /// `None` without a time limit.
    deadlines: Option<Box<Deadlines>>,
    /// The output in bytes above which no command is taken.
    queue_limit: usize,
    frame_limit: usize,
    is_established: bool,
    ticket: Option<Box<Ticket>>,
}

/// Starts the task of a connection.
pub(crate) fn spawn(
    socket: Box<dyn Socket>,
    transport: Transport,
    state: Arc<State>,
    settings: Settings,
) -> Result<(), RegisterError> {
    let transport = transport.with_answer_limit(settings.queue_limit);
    let endpoint = Endpoint::new(
        transport,
        Arc::clone(&state.streams),
        Arc::clone(&state.events),
    )?;
    let mut driver = Driver {
        io: Io::new(socket),
        endpoint,
        state,
        watchdog: Watchdog::new(settings.keepalive),
        replies: ReplyBacklog::new(settings.queue_limit),
        deadlines: Deadlines::new(settings.times).map(Box::new),
        queue_limit: settings.queue_limit,
        frame_limit: settings.frame_limit,
        is_established: false,
        ticket: settings.ticket.map(Box::new),
    };
    // By reference: a future that took the driver would have room for it twice.
    tokio::spawn(async move { driver.run().await });
    Ok(())
}

impl Driver {
    /// Runs the connection until it is closed.
    async fn run(&mut self) {
        let mut sleep = pin!(sleep_until(Instant::now()));
        let mut closed = match poll_fn(|cx| self.poll_turns(cx, sleep.as_mut())).await {
            Ok(closed) => closed,
            // Boxed, because it is rare and the future of each connection would have room for it.
            Err(write_error) => Box::pin(self.last_input(write_error)).await,
        };
        if self.state.is_leaving() && closed.is_disconnected() {
            // The peer closed because it was asked to.
            closed = Closed::new(CloseReason::Client);
        }
        debug!(closed = %virt_uri::Printable(&closed), counters = ?self.endpoint.transport.counters());
        // Callers wake when their waiters are dropped, and must find the reason then.
        self.state.end(closed);
        if self.state.is_closing() {
            Box::pin(self.last_output()).await;
        }
    }

    /// Takes turns until the connection is closed, or nothing can be written any more.
    fn poll_turns(
        &mut self,
        cx: &mut Context<'_>,
        mut sleep: Pin<&mut Sleep>,
    ) -> Poll<Result<Closed, io::Error>> {
        self.state.streams.task().register(cx);
        loop {
            if let Err(closed) = ready!(self.poll_turn(cx, sleep.as_mut())) {
                return Poll::Ready(Ok(closed));
            }
            if self.state.is_closing() {
                // This end closes, whatever becomes of the output.
                return Poll::Ready(Ok(Closed::new(CloseReason::Client)));
            }
            if let Some(error) = self.io.take_write_error() {
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
        if self.state.is_closing() {
            return Poll::Ready(Ok(()));
        }
        // However many commands wait, PINGs are answered between them,
        if let Poll::Ready(result) = self.poll_io(cx) {
            return Poll::Ready(result);
        }
        if self.endpoint.is_wrapping() {
            // Nothing is read before the stream is wrapped, which the output left has to precede.
            return self.poll_wrap();
        }
        if self.state.streams.take_changed() {
            self.endpoint.sweep();
            return Poll::Ready(Ok(()));
        }
        if self.state.is_keepalive_started() {
            self.watchdog.start();
        }
        // After a suspend of the machine, bytes that have arrived count first.
        if self.poll_deadline(cx, sleep).is_ready() {
            let is_read_blocked = self.is_read_blocked();
            if let Some(deadlines) = &mut self.deadlines {
                deadlines.check(&self.endpoint.transport, is_read_blocked)?;
            }
            return self.poll_tick(cx);
        }
        if more {
            // and other tasks have their turn.
            return pin!(consume_budget()).poll(cx).map(Ok);
        }
        Poll::Pending
    }

    /// Runs commands that wait, so that their output is written together; returns whether there may be more.
    fn run_commands(&mut self) -> bool {
        for _ in 0..COMMANDS {
            // Above the limit, and before the stream is wrapped, output has to be written first.
            if self.is_stuck() || self.endpoint.is_wrapping() {
                return false;
            }
            let Some(command) = self.state.next_command() else {
                return false;
            };
            command(&mut self.endpoint);
        }
        true
    }

    /// Waits for the next deadline.
    fn poll_deadline(&self, cx: &mut Context<'_>, mut sleep: Pin<&mut Sleep>) -> Poll<()> {
        let limit = self
            .deadlines
            .as_ref()
            .and_then(|deadlines| deadlines.next());
        let deadlines = [self.watchdog.deadline(), limit];
        let Some(deadline) = deadlines.into_iter().flatten().min() else {
            return Poll::Pending;
        };
        // Each byte received moves the deadline; the timer of the runtime is reset only once it has elapsed.
        if sleep.is_elapsed() || sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.poll(cx)
    }

    /// Does what is due at the deadline.
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let reads_blocked = self.are_streams_blocked() && !self.is_stuck();
        match self.watchdog.tick(reads_blocked) {
            Decision::Nothing => (),
            Decision::SendPing => {
                self.endpoint.send_ping();
            }
            Decision::SendPong => self.endpoint.send_pong(),
            // This wakes the task after the runtime has polled its sockets.
            Decision::PollAgain => return pin!(yield_now()).poll(cx).map(Ok),
            Decision::Dead => return Poll::Ready(Err(Closed::new(CloseReason::KeepAlive))),
        }
        Poll::Ready(Ok(()))
    }

    /// Returns whether so much output waits that no command is taken.
    fn is_stuck(&self) -> bool {
        queued(&self.endpoint.transport) >= self.queue_limit
    }

    /// Returns whether nothing is read: the peer has to read the replies it caused, a reader its stream, or the stream of the
    /// connection is to be wrapped.
    fn is_read_blocked(&mut self) -> bool {
        self.replies.is_full() || self.are_streams_blocked() || self.endpoint.is_wrapping()
    }

    /// Returns whether nothing is read because of unread streams. An answer that is waited for may be behind their data, so it is
    /// read on for that, up to a second limit, at which the waiting fails.
    fn are_streams_blocked(&mut self) -> bool {
        let streams = &self.state.streams;
        if !streams.is_full() || !self.endpoint.awaits_answer() {
            return streams.is_full();
        }
        let is_overfull = streams.is_overfull();
        if is_overfull {
            self.endpoint.fail_waiting(streams.unread_limit());
        }
        is_overfull
    }

    /// Wraps the stream of the connection once all output is written.
    fn poll_wrap(&mut self) -> Poll<Result<(), Closed>> {
        let transport = &self.endpoint.transport;
        if !self.io.is_flushed(transport) {
            return Poll::Pending;
        }
        let buffered = transport.buffered();
        if buffered > 0 {
            return Poll::Ready(Err(Closed::error(BytesBeforeWrap { buffered })));
        }
        if let Some(wrapping) = self.endpoint.take_wrapping() {
            self.io.wrap(wrapping.wrap);
            // The handle may have stopped waiting.
            let _ = wrapping.done.send(());
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what it can, reads once, and writes the output of that.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        // Judged before writing, which may end it: waiting commands have a turn before the next read.
        let (stuck, blocked) = (self.is_stuck(), self.is_read_blocked());
        let relieved = self.poll_send(cx) > 0 && (stuck || blocked);
        if relieved {
            // So much is written only as the peer reads: it is alive, even if it sends nothing.
            self.watchdog.heard();
        }
        if !blocked && !self.io.is_write_failed() && self.poll_receive(cx)?.is_ready() {
            self.poll_send(cx);
            return Poll::Ready(Ok(()));
        }
        if relieved || self.io.is_write_failed() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Handles input once, and hands it to its readers.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let before = queued(&self.endpoint.transport);
        let received = ready!(self.io.poll_receive(cx, &mut self.endpoint.transport));
        // Frames before one that breaks the protocol count.
        let pings = self.endpoint.deliver();
        if pings != self.state.pings() {
            self.state.set_pings(pings);
        }
        let transport = &self.endpoint.transport;
        self.replies.grow(before, queued(transport));
        if let Some(deadlines) = &mut self.deadlines {
            deadlines.observe(transport);
        }
        if transport.is_established() && !self.is_established {
            self.establish();
        }
        if received? {
            self.watchdog.heard();
        }
        Poll::Ready(Ok(()))
    }

    /// Lifts the limits of a client that has not opened its connection.
    fn establish(&mut self) {
        self.is_established = true;
        self.endpoint.transport.set_frame_limit(self.frame_limit);
        if let Some(ticket) = &mut self.ticket {
            ticket.establish();
        }
    }

    /// Writes what it can; returns the number of bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> usize {
        if self.io.is_flushed(&self.endpoint.transport) {
            // Most often there is nothing.
            return 0;
        }
        let written = self.io.poll_send(cx, &mut self.endpoint.transport);
        let transport = &self.endpoint.transport;
        self.replies.clamp(queued(transport));
        if let Some(deadlines) = &mut self.deadlines {
            deadlines.observe(transport);
        }
        written
    }

    /// Writes the output of handles that were dropped. Nobody waits for it.
    async fn last_output(&mut self) {
        self.endpoint.release();
        let written = poll_fn(|cx| {
            self.poll_send(cx);
            if self.io.is_write_failed() {
                return Poll::Ready(());
            }
            if self.io.is_flushed(&self.endpoint.transport) {
                // The connection is closed in any case.
                return self.io.poll_shutdown(cx).map(drop);
            }
            Poll::Pending
        });
        let _ = timeout(LAST_WORDS, written).await;
    }

    /// Reads the last input of a peer that reads no more: replies, and in the end its own end.
    async fn last_input(&mut self, write_error: io::Error) -> Closed {
        let last = poll_fn(|cx| {
            while !self.is_read_blocked() {
                if let Err(closed) = ready!(self.poll_receive(cx)) {
                    return Poll::Ready(Some(closed));
                }
            }
            Poll::Ready(None)
        });
        // The end comes at once, unless the peer has closed one direction alone.
        let last = timeout(LAST_WORDS, last).await;
        last.ok()
            .flatten()
            .unwrap_or_else(|| Closed::error(write_error))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A no-op if there is a reason already.
        self.state.end(Closed::error(TaskGone));
        self.endpoint.release();
    }
}
