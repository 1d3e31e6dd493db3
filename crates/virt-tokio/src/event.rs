//! Events: messages that a daemon sends unasked.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};
use virt_transport::{MessageProcedure, ProgramId};
use virt_xdr::{DecodeError, from_slice};

use crate::hub::Hub;

/// A message that the peer has sent.
#[derive(Debug, Clone)]
pub struct Event {
    /// The program of the message.
    pub program: ProgramId,
    /// The procedure of the message.
    pub procedure: i32,
    /// What it carries.
    pub payload: Bytes,
}

/// Why the next event is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The reader was too slow, and the oldest events were dropped for newer ones. The next call returns
    /// the oldest that is left.
    #[error("{missed} events were missed by a slow reader")]
    Missed {
        /// How many events were dropped.
        missed: u64,
    },
    /// The connection is closed, and there are no more events.
    #[error("connection is closed")]
    Closed,
}

/// Receives the events of a connection, from when it was made.
///
/// Every receiver gets every event. A bounded number is kept for those that are slow,
/// [`Limits::events`](crate::Limits::events); beyond it the oldest are dropped, which the receiver is told.
/// They are bounded in number only: one may be as large as [`Limits::frame_bytes`](crate::Limits::frame_bytes).
#[derive(Debug)]
pub struct Events {
    pub(crate) events: broadcast::Receiver<Event>,
    pub(crate) hub: Arc<Hub>,
}

impl Event {
    /// What the event carries, if it is of this procedure.
    ///
    /// # Errors
    ///
    /// It is of this procedure, and the payload does not decode.
    pub fn decode<M: MessageProcedure>(&self) -> Result<Option<M::Body>, DecodeError> {
        if (self.program, self.procedure) == (M::PROGRAM, M::NUMBER) {
            from_slice(&self.payload).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl Events {
    /// Waits for the next event.
    ///
    /// Cancel-safe: no event is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`EventError::Missed`] if events were dropped, [`EventError::Closed`] once the connection is closed and
    /// all that came before was received.
    pub async fn recv(&mut self) -> Result<Event, EventError> {
        tokio::select! {
            biased;
            event = self.events.recv() => event.map_err(|error| match error {
                RecvError::Lagged(missed) => EventError::Missed { missed },
                RecvError::Closed => EventError::Closed,
            }),
            // Handles outlive the connection, and so the queue does.
            _ = self.hub.closed() => {
                self.events.try_recv().map_err(|error| match error {
                    TryRecvError::Lagged(missed) => EventError::Missed { missed },
                    TryRecvError::Empty | TryRecvError::Closed => EventError::Closed,
                })
            }
        }
    }
}
