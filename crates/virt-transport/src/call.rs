//! The calls, replies and messages that a program is handed.

use virt_xdr::{Payload, ProgramId, Serial, Status};

use crate::token::Token;
use crate::{Fd, ReplyError, StreamId};

/// A received call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The right to answer the call, which [`Context::reply`](crate::Context::reply) takes.
    pub id: CallId,
    /// The encoded arguments.
    pub payload: Payload<'a>,
    /// The descriptors that came with the call. Those left in here are closed.
    pub fds: Vec<Fd>,
}

/// The right to answer one call, once, through the [`Context`](crate::Context) of the program that was called, on
/// the transport that received it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a call that is not answered leaves its caller waiting"]
pub struct CallId {
    /// The transport that received the call.
    pub(crate) transport: Token,
    pub(crate) received: Received,
}

/// A received call, without the right to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) program: ProgramId,
    /// The procedure and serial of the call.
    pub(crate) id: StreamId,
    /// Set if a stream with this serial was open before: it is not this call's to close.
    pub(crate) shares_stream: bool,
}

/// The reply to a call.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The serial that [`Context::call`](crate::Context::call) returned.
    pub serial: Serial,
    /// The procedure that was called.
    pub procedure: i32,
    /// The encoded return value, or the error in its place.
    pub result: Result<Payload<'a>, ReplyError>,
    /// The descriptors that came with the reply. Those left in here are closed.
    pub fds: Vec<Fd>,
}

/// A message, which is never replied to: an event or a PING.
#[derive(Debug)]
pub struct Message<'a> {
    /// The procedure of the message.
    pub procedure: i32,
    /// The serial: 0 from this crate, 1 in an event of libvirtd.
    pub serial: Serial,
    /// The status. libvirt's client ignores an event whose status is not ok, but answers such a PING.
    pub status: Status,
    /// The encoded body.
    pub payload: Payload<'a>,
}

impl CallId {
    /// Returns the procedure that is called.
    #[must_use]
    pub fn procedure(&self) -> i32 {
        self.received.id.procedure
    }

    /// Returns the serial that the caller chose.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.received.id.serial
    }
}

impl From<&CallId> for StreamId {
    fn from(call: &CallId) -> Self {
        call.received.id
    }
}
