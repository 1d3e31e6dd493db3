//! A call on its way from a handle to the task of the connection, and its outcome on the way back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use virt_transport::{Fd, ProgramId, Serial};

use super::backpressure::ItemSender;
use crate::CallError;

/// A call to be made.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) program: ProgramId,
    pub(crate) procedure: i32,
    /// The encoded arguments.
    pub(crate) args: Vec<u8>,
    pub(crate) fds: Vec<Fd>,
    /// The queue for the frames of the call's stream, if it has one.
    pub(crate) stream: Option<ItemSender>,
}

/// The waiter of a call.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) outcome: oneshot::Sender<Outcome>,
    /// The right to be in flight, released with the reply, even if the caller has gone. The last call of a connection
    /// needs none.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// Set once the call is queued for writing, for a caller that wants to know.
    pub(crate) sent: Option<Arc<AtomicBool>>,
}

/// The outcome of a call.
pub(crate) type Outcome = Result<Returned, CallError>;

/// The reply to a call that succeeded.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) serial: Serial,
    /// The encoded return value.
    pub(crate) payload: Bytes,
    pub(crate) fds: Vec<Fd>,
}
