//! What the task of a connection shares with its handles: what they ask of it, and what it tells them.
//!
//! There is one of it for each connection, idle ones included: it is kept small.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::{Notify, Semaphore};

use crate::driver::Command;
use crate::inbound::Inbound;
use crate::{Closed, Limits};

/// The shared part of a connection.
#[derive(Debug)]
pub(crate) struct Hub {
    mail: Mutex<Mail>,
    /// How many commands may still come.
    room: Semaphore,
    closed: OnceLock<Closed>,
    /// Wakes those who wait for the end.
    ended: Notify,
    /// How many PINGs the peer has sent.
    pings: AtomicU64,
    /// Wakes those who wait for a PING, or the end.
    pinged: Notify,
    pub(crate) inbound: Inbound,
    keepalive: AtomicBool,
    leaving: AtomicBool,
    close: AtomicBool,
}

/// What goes to the task.
#[derive(Default)]
struct Mail {
    commands: VecDeque<Command>,
    /// Wakes the task, once.
    task: Option<Waker>,
    /// Whether no more commands are taken.
    shut: bool,
}

impl Hub {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            mail: Mutex::default(),
            room: Semaphore::new(limits.commands),
            closed: OnceLock::new(),
            ended: Notify::new(),
            pings: AtomicU64::new(0),
            pinged: Notify::new(),
            inbound: Inbound::new(limits.stream_bytes),
            keepalive: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            close: AtomicBool::new(false),
        }
    }

    /// Has the task do something, once there is room for it; `false` if the task has ended.
    pub(crate) async fn send(&self, command: Command) -> bool {
        let Ok(room) = self.room.acquire().await else {
            return false;
        };
        let mut mail = self.mail();
        if mail.shut {
            return false;
        }
        // It is given back when the command is taken.
        room.forget();
        mail.commands.push_back(command);
        wake(mail);
        true
    }

    /// The next thing to do.
    pub(crate) fn next_command(&self) -> Option<Command> {
        let command = self.mail().commands.pop_front()?;
        self.room.add_permits(1);
        Some(command)
    }

    /// Has the task woken at the next change, and whatever has changed before be seen after this.
    pub(crate) fn listen(&self, cx: &Context<'_>) {
        let mut mail = self.mail();
        match &mut mail.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Wakes the task.
    pub(crate) fn wake(&self) {
        wake(self.mail());
    }

    /// Says why the connection is closed, unless that is known, and lets everybody go who waits for the task.
    pub(crate) fn end(&self, closed: Closed) {
        // The first reason stays.
        let _ = self.closed.set(closed);
        self.ended.notify_waiters();
        self.pinged.notify_waiters();
        self.room.close();
        let mut mail = self.mail();
        mail.shut = true;
        let commands = std::mem::take(&mut mail.commands);
        drop(mail);
        // Whoever waits for one of them wakes now.
        drop(commands);
    }

    /// Waits until the connection is closed, and says why.
    pub(crate) async fn closed(&self) -> Closed {
        loop {
            // It is woken by whatever comes from now on.
            let ended = self.ended.notified();
            if let Some(closed) = self.closed.get() {
                return closed.clone();
            }
            ended.await;
        }
    }

    /// Says how many PINGs the peer has sent; those who wait for one are woken by [`tell`](Self::tell).
    pub(crate) fn set_pings(&self, pings: u64) {
        self.pings.store(pings, Ordering::Release);
    }

    /// How many PINGs the peer has sent.
    pub(crate) fn pings(&self) -> u64 {
        self.pings.load(Ordering::Acquire)
    }

    /// Wakes those who wait for PINGs.
    pub(crate) fn tell(&self) {
        self.pinged.notify_waiters();
    }

    /// Waits until the peer has sent another number of PINGs than `seen`, and returns it; `None` if the
    /// connection is closed and there are no others.
    pub(crate) async fn pings_after(&self, seen: u64) -> Option<u64> {
        loop {
            let pinged = self.pinged.notified();
            // Looked at first: what has come before counts.
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
        self.keepalive.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn keepalive_started(&self) -> bool {
        self.keepalive.load(Ordering::Relaxed)
    }

    /// Has the task close the connection.
    pub(crate) fn close(&self) {
        self.close.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.close.load(Ordering::Relaxed)
    }

    /// Notes that this end has said goodbye, so that the peer may close.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        // Nothing that runs under the lock leaves it half done.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the task, if it has not been woken yet, outside of the lock.
fn wake(mut mail: MutexGuard<'_, Mail>) {
    let task = mail.task.take();
    drop(mail);
    if let Some(task) = task {
        task.wake();
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("commands", &self.commands.len())
            .field("shut", &self.shut)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::yield_now;

    use super::*;
    use crate::CloseReason;

    fn hub(commands: usize) -> Arc<Hub> {
        Arc::new(Hub::new(&Limits {
            commands,
            ..Limits::default()
        }))
    }

    fn nothing() -> Command {
        Box::new(|_| ())
    }

    #[tokio::test]
    async fn commands_wait_for_room_and_go_when_the_task_ends() {
        let hub = hub(1);
        assert!(hub.send(nothing()).await);
        let second = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.send(nothing()).await }
        });
        yield_now().await;
        assert!(hub.next_command().is_some());
        assert!(hub.next_command().is_none());
        yield_now().await;
        assert!(second.await.unwrap());
        let third = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.send(nothing()).await }
        });
        yield_now().await;
        hub.end(Closed::new(CloseReason::EndOfFile));
        assert!(!third.await.unwrap());
        assert!(!hub.send(nothing()).await);
        assert!(hub.next_command().is_none());
    }

    #[tokio::test]
    async fn a_command_that_is_never_run_is_dropped_at_the_end_and_the_reason_known_by_then() {
        let hub = hub(1);
        let (waiter, result) = tokio::sync::oneshot::channel::<()>();
        let held = Arc::clone(&hub);
        let command = move |_: &mut _| drop((waiter, held));
        assert!(hub.send(Box::new(command)).await);
        let reason = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move {
                result.await.unwrap_err();
                hub.closed().await.reason()
            }
        });
        yield_now().await;
        hub.end(Closed::new(CloseReason::EndOfFile));
        hub.end(Closed::new(CloseReason::Client));
        assert_eq!(reason.await.unwrap(), CloseReason::EndOfFile);
        // Nothing holds the hub but this test.
        assert_eq!(Arc::strong_count(&hub), 1);
    }

    #[tokio::test]
    async fn pings_before_the_end_are_told() {
        let hub = hub(1);
        hub.set_pings(3);
        hub.end(Closed::new(CloseReason::EndOfFile));
        assert_eq!(hub.pings_after(0).await, Some(3));
        assert_eq!(hub.pings_after(3).await, None);
    }
}
