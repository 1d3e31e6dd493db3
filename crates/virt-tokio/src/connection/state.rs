//! The state that the task of a connection shares with its handles.
//!
//! Each connection has one, idle ones included, so it is kept small.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, TryAcquireError};

use super::backpressure::StreamBacklog;
use super::endpoint::Endpoint;
use super::mailbox::Mailbox;
use crate::events::EventQueues;
use crate::{BusyError, Closed, Limits};

/// An action that the task runs on the protocol state.
pub(crate) type Command = Box<dyn FnOnce(&mut Endpoint) + Send>;

/// The shared state of a connection.
#[derive(Debug)]
pub(crate) struct State {
    mailbox: Mailbox<Command>,
    pub(crate) streams: Arc<StreamBacklog>,
    pub(crate) events: Arc<EventQueues>,
    closed: OnceLock<Closed>,
    /// Notified at the end of the connection.
    ended: Notify,
    /// The number of PINGs received.
    pings: AtomicU64,
    /// Notified at PINGs and at the end.
    pinged: Notify,
    is_keepalive_started: AtomicBool,
    is_leaving: AtomicBool,
    is_closing: AtomicBool,
}

impl State {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            mailbox: Mailbox::new(limits.commands),
            streams: Arc::new(StreamBacklog::new(limits.stream_bytes, limits.unread_bytes)),
            events: Arc::new(EventQueues::new(limits)),
            closed: OnceLock::new(),
            ended: Notify::new(),
            pings: AtomicU64::new(0),
            pinged: Notify::new(),
            is_keepalive_started: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        }
    }

    /// Has the task run a command, once there is room for it; returns `false` if the task has ended.
    pub(crate) async fn send(&self, command: Command) -> bool {
        let sent = self.mailbox.push(command).await;
        self.wake();
        sent
    }

    /// Has the task run a command, if there is room for it now.
    pub(crate) fn try_send(&self, command: Command) -> Result<(), BusyError> {
        let sent = self.mailbox.try_push(command);
        self.wake();
        sent.map_err(|error| match (error, self.closed.get()) {
            (TryAcquireError::Closed, Some(closed)) => BusyError::Closed(closed.clone()),
            // A mailbox is closed after the reason is set.
            _ => BusyError::Full {
                limit: self.mailbox.limit(),
            },
        })
    }

    /// Takes the next command.
    pub(crate) fn next_command(&self) -> Option<Command> {
        // Most often there is none, and locking takes longer than looking.
        if self.mailbox.is_empty() {
            return None;
        }
        self.mailbox.pop()
    }

    /// Wakes the task.
    pub(crate) fn wake(&self) {
        self.streams.task().wake();
    }

    /// Ends the connection: sets the reason, unless there is one, and releases all that wait for the task.
    pub(crate) fn end(&self, closed: Closed) {
        // The first reason stays.
        let closed = self.closed.get_or_init(|| closed);
        self.ended.notify_waiters();
        self.pinged.notify_waiters();
        self.events.close(closed);
        self.mailbox.close();
    }

    /// Returns the reason of the end, if the connection is closed.
    pub(crate) fn reason(&self) -> Option<Closed> {
        self.closed.get().cloned()
    }

    /// Waits until the connection is closed, and returns the reason.
    pub(crate) async fn closed(&self) -> Closed {
        loop {
            // It is notified by an end from now on.
            let ended = self.ended.notified();
            if let Some(closed) = self.closed.get() {
                return closed.clone();
            }
            ended.await;
        }
    }

    /// Sets the number of PINGs received, and notifies those that wait for one.
    pub(crate) fn set_pings(&self, pings: u64) {
        self.pings.store(pings, Ordering::Release);
        self.pinged.notify_waiters();
    }

    /// Returns the number of PINGs received.
    pub(crate) fn pings(&self) -> u64 {
        self.pings.load(Ordering::Acquire)
    }

    /// Waits until the number of PINGs received is not `seen`, and returns it; `None` if the connection is closed and
    /// it still is.
    pub(crate) async fn pings_after(&self, seen: u64) -> Option<u64> {
        loop {
            let pinged = self.pinged.notified();
            // Read first: PINGs before the end count.
            let closed = self.closed.get().is_some();
            let pings = self.pings();
            if pings != seen {
                return Some(pings);
            }
            if closed {
                return None;
            }
            pinged.await;
        }
    }

    /// Lets the connection send PINGs.
    pub(crate) fn start_keepalive(&self) {
        self.is_keepalive_started.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_keepalive_started(&self) -> bool {
        self.is_keepalive_started.load(Ordering::Relaxed)
    }

    /// Has the task close the connection.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// Notes that this end has said `CONNECT_CLOSE`, so that the peer may close.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CloseReason;

    #[tokio::test]
    async fn the_first_reason_stays_and_is_known_when_a_command_is_dropped() {
        let state = Arc::new(State::new(&Limits::default()));
        let (waiter, result) = tokio::sync::oneshot::channel::<()>();
        assert!(state.send(Box::new(move |_| drop(waiter))).await);
        let reason = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                result.await.unwrap_err();
                state.closed().await.reason()
            }
        });
        tokio::task::yield_now().await;
        state.end(Closed::new(CloseReason::EndOfFile));
        state.end(Closed::new(CloseReason::Client));
        assert_eq!(reason.await.unwrap(), CloseReason::EndOfFile);
        assert_eq!(Arc::strong_count(&state), 1);
    }

    #[tokio::test]
    async fn pings_before_the_end_are_counted() {
        let state = State::new(&Limits::default());
        state.set_pings(3);
        state.end(Closed::new(CloseReason::EndOfFile));
        assert_eq!(state.pings_after(0).await, Some(3));
        assert_eq!(state.pings_after(3).await, None);
    }
}
