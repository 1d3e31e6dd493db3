//! The queue of one reader of events, bounded, with its gaps in their places.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::Notify;

use super::error::SubscriptionError;

/// A reader of events.
pub(crate) trait Sink {
    fn is_gone(&self) -> bool;
    fn push(&self, payload: &Bytes);
    /// Notes that events before the next one are lost.
    fn lose(&self, count: u64);
}

/// The events that one reader has not taken.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified at an event, at a notice and at the end.
    changed: Notify,
    limit: usize,
    byte_limit: usize,
    /// True if the end of a connection is the end of the queue.
    ends_with_connection: bool,
}

/// An item of the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Event(Bytes),
    Lost(u64),
    Resumed,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The events, each with the gap before it.
    events: VecDeque<(Gap, Bytes)>,
    /// The gap after the last event.
    gap: Gap,
    /// The weight of `events`.
    bytes: usize,
    /// True while the reader must not hear of the last `Resumed`.
    is_held: bool,
    end: Option<SubscriptionError>,
    /// Notified when the reader has gone.
    idle: Option<Arc<Notify>>,
}

/// The events that are missing in a place.
#[derive(Debug, Default)]
struct Gap {
    lost: u64,
    is_resumed: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize, byte_limit: usize, ends_with_connection: bool) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            changed: Notify::new(),
            limit,
            byte_limit,
            ends_with_connection,
        })
    }

    /// Waits for the next item. After the end there are no more.
    pub(crate) async fn recv(&self) -> Result<Taken, SubscriptionError> {
        loop {
            if let Some(taken) = self.lock().take() {
                return taken;
            }
            self.changed.notified().await;
        }
    }

    /// Names the registration to be notified when the reader has gone.
    pub(crate) fn set_idle(&self, idle: Arc<Notify>) {
        self.lock().idle = Some(idle);
    }

    pub(crate) fn ends_with_connection(&self) -> bool {
        self.ends_with_connection
    }

    /// Notes that another connection begins here. The reader does not hear of it before the [`release`](Self::release).
    pub(crate) fn resume(&self) {
        let mut waiting = self.lock();
        waiting.gap.is_resumed = true;
        waiting.is_held = true;
    }

    /// Drops all events.
    pub(crate) fn clear(&self) {
        let mut waiting = self.lock();
        waiting.events.clear();
        waiting.gap = Gap::default();
        waiting.bytes = 0;
    }

    /// Lets the reader hear that the events are registered again.
    pub(crate) fn release(&self) {
        self.lock().is_held = false;
        self.changed.notify_one();
    }

    /// Ends the queue after the events in it. The first reason stays.
    pub(crate) fn end(&self, reason: SubscriptionError) {
        let mut waiting = self.lock();
        waiting.end.get_or_insert(reason);
        waiting.is_held = false;
        drop(waiting);
        self.changed.notify_one();
    }

    fn push(&self, payload: Bytes) {
        let mut waiting = self.lock();
        if waiting.end.is_some() {
            return;
        }
        waiting.bytes += weight(&payload);
        let gap = std::mem::take(&mut waiting.gap);
        waiting.events.push_back((gap, payload));
        while (waiting.events.len() > self.limit || waiting.bytes > self.byte_limit)
            && waiting.events.len() > 1
        {
            waiting.lose_oldest();
        }
        drop(waiting);
        self.changed.notify_one();
    }

    fn lose(&self, count: u64) {
        self.lock().gap.lost += count;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No operation panics between two changes under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let Some(idle) = self.lock().idle.take() {
            idle.notify_one();
        }
    }
}

impl Waiting {
    /// Takes the next item; `None` if there is none yet.
    fn take(&mut self) -> Option<Result<Taken, SubscriptionError>> {
        let gap = self
            .events
            .front_mut()
            .map_or(&mut self.gap, |(gap, _)| gap);
        let lost = std::mem::take(&mut gap.lost);
        if lost > 0 {
            return Some(Ok(Taken::Lost(lost)));
        }
        if gap.is_resumed {
            if self.is_held {
                return None;
            }
            gap.is_resumed = false;
            return Some(Ok(Taken::Resumed));
        }
        match self.events.pop_front() {
            Some((_, payload)) => {
                self.bytes -= weight(&payload);
                Some(Ok(Taken::Event(payload)))
            }
            None => self.end.clone().map(Err),
        }
    }

    /// Drops the oldest event. Its gap becomes part of the next one.
    fn lose_oldest(&mut self) {
        let Some((before, payload)) = self.events.pop_front() else {
            return;
        };
        self.bytes -= weight(&payload);
        let gap = self
            .events
            .front_mut()
            .map_or(&mut self.gap, |(gap, _)| gap);
        gap.lost += before.lost + 1;
        gap.is_resumed |= before.is_resumed;
    }
}

impl Sink for Weak<Queue> {
    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }

    fn push(&self, payload: &Bytes) {
        if let Some(queue) = self.upgrade() {
            queue.push(payload.clone());
        }
    }

    fn lose(&self, count: u64) {
        if let Some(queue) = self.upgrade() {
            queue.lose(count);
        }
    }
}

/// Returns the memory that an event takes, in bytes.
pub(super) fn weight(payload: &Bytes) -> usize {
    size_of::<(Gap, Bytes)>() + payload.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u8) -> Bytes {
        Bytes::from(vec![number; 4])
    }

    #[tokio::test]
    async fn what_is_lost_is_told_in_its_place_and_resumed_is_never_lost() {
        let queue = Queue::new(2, usize::MAX, false);
        queue.push(event(1));
        queue.resume();
        queue.push(event(2));
        assert_eq!(queue.recv().await.unwrap(), Taken::Event(event(1)));
        assert!(queue.lock().take().is_none(), "it is held");
        queue.push(event(3));
        queue.push(event(4));
        queue.release();
        for expected in [
            Taken::Lost(1),
            Taken::Resumed,
            Taken::Event(event(3)),
            Taken::Event(event(4)),
        ] {
            assert_eq!(queue.recv().await.unwrap(), expected);
        }
        queue.resume();
        queue.resume();
        queue.release();
        assert_eq!(queue.recv().await.unwrap(), Taken::Resumed);
        assert!(queue.lock().take().is_none());
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_one_event_is_always_kept() {
        let queue = Queue::new(usize::MAX, 2 * weight(&event(0)), true);
        for number in 1..=5 {
            queue.push(event(number));
        }
        let long = Bytes::from(vec![7; 4096]);
        assert_eq!(queue.recv().await.unwrap(), Taken::Lost(3));
        queue.push(long.clone());
        assert_eq!(queue.recv().await.unwrap(), Taken::Lost(2));
        assert_eq!(queue.recv().await.unwrap(), Taken::Event(long));
        assert_eq!(queue.lock().bytes, 0);
    }
}
