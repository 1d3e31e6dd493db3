//! Subscriptions: events that a client has registered for, typed, for any number of readers.

mod error;
mod queue;
mod registrations;
mod registry;
mod subscribe;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use virt_transport::EventProcedure;
use virt_xdr::from_slice_lenient;

pub use self::error::SubscriptionError;
pub(crate) use self::queue::{Queue, Taken};
pub(crate) use self::registrations::{Link, Registrations};
pub(crate) use self::registry::Registration;

/// The events `E` of one registration: [`Client::subscribe`](crate::Client::subscribe),
/// [`Session::subscribe`](crate::Session::subscribe).
///
/// All subscriptions of a connection with the same event and filter share one registration with the daemon, which ends with
/// the last of them. Each has a queue of its own, bounded by [`Limits::events`](crate::Limits::events) and
/// [`Limits::event_bytes`](crate::Limits::event_bytes). Beyond that the oldest events are lost, and
/// [`Notice::Lost`] counts them.
///
/// One of a client keeps the connection open. One of a session lasts as long as the session, over its connections.
pub struct Subscription<E> {
    queue: Arc<Queue>,
    event: PhantomData<fn() -> E>,
}

/// An item of a [`Subscription`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice<T> {
    /// An event.
    Event(T),
    /// So many events were lost in this place, because the reader was too slow.
    Lost(u64),
    /// The session has another connection, and all of its events are registered again. Those between were lost: list
    /// again to know the state.
    Resumed,
}

impl<E: EventProcedure> Subscription<E> {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            event: PhantomData,
        }
    }

    /// Waits for the next event or notice.
    ///
    /// Cancel-safe: nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`]. All but [`Decode`](SubscriptionError::Decode) are the end.
    pub async fn recv(&mut self) -> Result<Notice<E::Body>, SubscriptionError> {
        Ok(match self.queue.recv().await? {
            Taken::Event(payload) => Notice::Event(from_slice_lenient(&payload)?),
            Taken::Lost(lost) => Notice::Lost(lost),
            Taken::Resumed => Notice::Resumed,
        })
    }
}

impl<E> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.queue).finish()
    }
}
