//! The queue of commands from the handles of a connection to its task, and the task's waker.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

/// A bounded queue of commands.
pub(crate) struct Mailbox<C> {
    commands: Mutex<VecDeque<C>>,
    /// A permit for each command that fits into the queue. It is closed with the mailbox.
    room: Semaphore,
    /// The most commands in the queue.
    limit: usize,
}

/// The waker of a task, which any number of threads may use.
#[derive(Debug, Default)]
pub(crate) struct TaskWaker(Mutex<Option<Waker>>);

impl<C> Mailbox<C> {
    /// Makes a mailbox for at most `limit` commands.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            commands: Mutex::new(VecDeque::new()),
            room: Semaphore::new(limit),
            limit,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Queues a command once there is room; returns `false` if the mailbox is closed.
    ///
    /// Cancel-safe: if the future is dropped, the command is not queued.
    pub(crate) async fn push(&self, command: C) -> bool {
        // Most often there is room, and waiting takes longer than looking.
        let room = match self.room.try_acquire() {
            Ok(room) => room,
            Err(TryAcquireError::Closed) => return false,
            Err(TryAcquireError::NoPermits) => match self.room.acquire().await {
                Ok(room) => room,
                Err(_) => return false,
            },
        };
        self.push_into(room, command)
    }

    /// Queues a command if there is room now.
    pub(crate) fn try_push(&self, command: C) -> Result<(), TryAcquireError> {
        let room = self.room.try_acquire()?;
        if self.push_into(room, command) {
            Ok(())
        } else {
            Err(TryAcquireError::Closed)
        }
    }

    /// Returns whether there is no command. One that is being pushed may be counted already.
    pub(crate) fn is_empty(&self) -> bool {
        self.room.available_permits() == self.limit
    }

    /// Takes the next command.
    pub(crate) fn pop(&self) -> Option<C> {
        let command = self.lock().pop_front()?;
        self.room.add_permits(1);
        Some(command)
    }

    /// Refuses further commands, and drops those that wait, outside of the lock.
    pub(crate) fn close(&self) {
        self.room.close();
        let commands = std::mem::take(&mut *self.lock());
        drop(commands);
    }

    /// Queues a command; returns `false` if the mailbox is closed.
    fn push_into(&self, room: SemaphorePermit<'_>, command: C) -> bool {
        let mut commands = self.lock();
        // A mailbox that is closed after this is emptied after this.
        if self.room.is_closed() {
            return false;
        }
        // `pop` gives it back.
        room.forget();
        commands.push_back(command);
        true
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<C>> {
        // No operation panics between two changes under the lock.
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskWaker {
    /// Keeps the waker of the task that polls; changes before this are seen by that poll.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.lock();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Wakes the task, unless it was woken since it registered.
    pub(crate) fn wake(&self) {
        let waker = self.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("commands", &self.lock().len())
            .field("is_closed", &self.room.is_closed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn commands_wait_for_room_and_are_refused_after_the_end() {
        let mailbox = Arc::new(Mailbox::new(1));
        assert!(mailbox.push(1).await);
        let second = tokio::spawn({
            let mailbox = Arc::clone(&mailbox);
            async move { mailbox.push(2).await }
        });
        yield_now().await;
        assert_eq!(mailbox.pop(), Some(1));
        assert_eq!(mailbox.pop(), None);
        yield_now().await;
        assert!(second.await.unwrap());
        let third = tokio::spawn({
            let mailbox = Arc::clone(&mailbox);
            async move { mailbox.push(3).await }
        });
        yield_now().await;
        mailbox.close();
        assert!(!third.await.unwrap());
        assert!(!mailbox.push(4).await);
        assert_eq!(mailbox.pop(), None);
    }

    #[test]
    fn without_waiting_a_command_is_taken_or_refused() {
        let mailbox = Mailbox::new(1);
        assert_eq!(mailbox.try_push(1), Ok(()));
        assert_eq!(mailbox.try_push(2), Err(TryAcquireError::NoPermits));
        assert_eq!(mailbox.pop(), Some(1));
        assert_eq!(mailbox.try_push(3), Ok(()));
        mailbox.close();
        assert_eq!(mailbox.try_push(4), Err(TryAcquireError::Closed));
    }

    #[tokio::test]
    async fn a_command_that_is_never_taken_is_dropped_at_the_end() {
        let mailbox = Mailbox::new(1);
        let (waiter, result) = tokio::sync::oneshot::channel::<()>();
        assert!(mailbox.push(waiter).await);
        mailbox.close();
        result.await.unwrap_err();
    }
}
