//! The readers of a connection's events, and their queues.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use thiserror::Error;
use tokio::sync::Notify;

use crate::subscription::Registrations;
use crate::{Closed, Event, Limits};

/// The reason why [`Events::recv`] returns no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The reader was too slow, and the oldest events were dropped for newer ones. The next call returns the oldest
    /// that is left.
    #[error("{missed} events were missed by a slow reader")]
    Missed {
        /// The number of dropped events.
        missed: u64,
    },
    /// The connection is closed, and there are no more events.
    #[error("connection is closed")]
    Closed,
}

/// The events of a connection from a point in time on.
///
/// Every `Events` gets every event. It keeps [`Limits::events`] of them for a slow reader, and
/// [`Limits::event_bytes`] in all. Beyond that it drops the oldest, and tells the reader how many.
#[derive(Debug)]
pub struct Events(Arc<Queue>);

/// The queues of all readers of a connection's events.
#[derive(Debug)]
pub(crate) struct EventQueues {
    readers: Mutex<Readers>,
    /// The most events in a queue. Both limits are in 32 bits, because each connection has them.
    limit: u32,
    /// The most bytes in a queue, unless it holds one event alone.
    byte_limit: u32,
}

#[derive(Debug, Default)]
struct Readers {
    queues: Vec<Weak<Queue>>,
    /// The registrations of subscriptions, which get their events alone.
    registrations: Registrations,
    is_closed: bool,
}

/// The events that one reader has not taken.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified at an event and at the end.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    /// The weight of `events`.
    bytes: usize,
    /// The number of events dropped since the reader was told.
    missed: u64,
    is_closed: bool,
}

impl Events {
    /// Waits for the next event.
    ///
    /// Cancel-safe: no event is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`EventError::Missed`] if events were dropped; [`EventError::Closed`] once the connection is closed and all
    /// earlier events were returned.
    pub async fn recv(&mut self) -> Result<Event, EventError> {
        loop {
            if let Some(event) = self.0.take() {
                return event;
            }
            self.0.changed.notified().await;
        }
    }
}

impl EventQueues {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            readers: Mutex::default(),
            limit: u32::try_from(limits.events).unwrap_or(u32::MAX),
            byte_limit: u32::try_from(limits.event_bytes).unwrap_or(u32::MAX),
        }
    }

    /// Returns the most events and bytes in a queue.
    pub(crate) fn limits(&self) -> (usize, usize) {
        (self.limit as usize, self.byte_limit as usize)
    }

    /// Runs an action on the registrations of subscriptions. Events wait meanwhile.
    pub(crate) fn with_registrations<R>(&self, action: impl FnOnce(&mut Registrations) -> R) -> R {
        action(&mut lock(&self.readers).registrations)
    }

    /// Adds a reader of the events from now on.
    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::default());
        let mut readers = lock(&self.readers);
        lock(&queue.waiting).is_closed = readers.is_closed;
        readers.queues.retain(|queue| queue.strong_count() > 0);
        readers.queues.push(Arc::downgrade(&queue));
        Events(queue)
    }

    /// Queues an event for every reader.
    pub(crate) fn push(&self, event: &Event) {
        let (limit, byte_limit) = self.limits();
        let mut readers = lock(&self.readers);
        readers.registrations.route(event);
        readers.queues.retain(|queue| {
            let Some(queue) = queue.upgrade() else {
                return false;
            };
            queue.push(event.clone(), limit, byte_limit);
            true
        });
    }

    /// Ends the events of every reader, present and future.
    pub(crate) fn close(&self, closed: &Closed) {
        let mut readers = lock(&self.readers);
        readers.registrations.close(closed);
        readers.is_closed = true;
        for queue in readers.queues.drain(..).filter_map(|queue| queue.upgrade()) {
            lock(&queue.waiting).is_closed = true;
            queue.changed.notify_one();
        }
    }
}

impl Queue {
    fn push(&self, event: Event, limit: usize, byte_limit: usize) {
        let mut waiting = lock(&self.waiting);
        waiting.bytes += weight(&event);
        waiting.events.push_back(event);
        while (waiting.events.len() > limit || waiting.bytes > byte_limit)
            && waiting.events.len() > 1
            && waiting.pop().is_some()
        {
            waiting.missed += 1;
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Takes the next event or error; `None` if there is none yet.
    fn take(&self) -> Option<Result<Event, EventError>> {
        let mut waiting = lock(&self.waiting);
        match std::mem::take(&mut waiting.missed) {
            0 => match waiting.pop() {
                Some(event) => Some(Ok(event)),
                None if waiting.is_closed => Some(Err(EventError::Closed)),
                None => None,
            },
            missed => Some(Err(EventError::Missed { missed })),
        }
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= weight(&event);
        Some(event)
    }
}

/// Returns the memory that an event takes, in bytes.
fn weight(event: &Event) -> usize {
    size_of::<Event>() + event.payload.len()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No operation panics between two changes under a lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
