//! A program of the protocol, and what it is handed.

use std::any::Any;

use virt_xdr::{Payload, ProgramId, Serial, Status};

use crate::link::Token;
use crate::{Context, Fd, ProgramError, RemoteError, ReplyError, Stream, StreamId};

/// A program of the protocol: a number, a version, and what to do with the frames that carry them.
///
/// A handler has its own state and the [`Context`], through which it sends; it never has the
/// [`Transport`](crate::Transport), so it cannot be entered again while it runs.
///
/// Each handler has a default for a program that does not expect such frames.
pub trait Program: Any + Send {
    /// The program's number and version. It is asked for once, at registration.
    fn id(&self) -> ProgramId;

    /// Whether the program takes calls at all; `true` unless said otherwise.
    ///
    /// If not, every call is refused as one of a program that cannot be found, whatever its status: so a
    /// daemon does with calls of keepalive, which has none. It is asked for once, at registration.
    fn takes_calls(&self) -> bool {
        true
    }

    /// Answers a call. It reaches only a server, and only with status ok.
    ///
    /// Answer with [`Context::reply`], now, or keep the [`CallId`] and answer later. libvirt judges a call
    /// in this order, and so should a program: procedure, authentication, payload. A daemon ignores bytes
    /// that follow the arguments; [`Payload::decode`] refuses them, as RFC 4506 would have it.
    ///
    /// The default does not know any procedure.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply: with a [`CallId`] that was kept, the call would be answered twice. If
    /// the call has been answered, the error goes nowhere.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let _ = cx;
        Err(RemoteError::unknown_procedure(call.id.procedure()))
    }

    /// Takes the reply to a call of this program. It reaches only a client.
    ///
    /// A result that does not decode is an answer, too: whoever has called waits for it. With `?` on
    /// [`Payload::decode`] it would be dropped here.
    ///
    /// # Errors
    ///
    /// See [`ProgramError`] for what becomes of the connection.
    fn on_reply(&mut self, reply: Reply<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let _ = (reply, cx);
        Err(ProgramError::Unexpected)
    }

    /// Takes a message, whatever its status.
    ///
    /// # Errors
    ///
    /// See [`ProgramError`] for what becomes of the connection.
    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let _ = (message, cx);
        Err(ProgramError::Unexpected)
    }

    /// Takes a piece of a stream that this program has opened with [`Context::open_stream`].
    ///
    /// # Errors
    ///
    /// See [`ProgramError`] for what becomes of the connection.
    fn on_stream(&mut self, stream: Stream<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let _ = (stream, cx);
        Err(ProgramError::Unexpected)
    }
}

/// A call that was received.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which call it is: what [`Context::reply`] wants to have.
    pub id: CallId,
    /// The arguments.
    pub payload: Payload<'a>,
    /// The descriptors that came with it; those that are left in here are closed.
    pub fds: Vec<Fd>,
}

/// The right to answer one call, once, through the [`Context`] of the program that was called, on the transport
/// that has received it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a call that is not answered leaves its caller waiting"]
pub struct CallId {
    /// Which transport has received it.
    pub(crate) transport: Token,
    pub(crate) received: Received,
}

/// A call that was received, for whoever has no right to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) program: ProgramId,
    /// Its procedure and serial.
    pub(crate) id: StreamId,
    /// Whether a stream with its serial was open before, which is not this call's to close.
    pub(crate) shares_stream: bool,
}

impl CallId {
    /// The procedure that is called.
    #[must_use]
    pub fn procedure(&self) -> i32 {
        self.received.id.procedure
    }

    /// The serial that the caller has chosen.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.received.id.serial
    }
}

/// The reply to a call.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The serial that [`Context::call`] has returned.
    pub serial: Serial,
    /// The procedure that was called.
    pub procedure: i32,
    /// What was returned.
    pub result: Result<Payload<'a>, ReplyError>,
    /// The descriptors that came with it; those that are left in here are closed.
    pub fds: Vec<Fd>,
}

/// A message, which nobody replies to, such as an event or a PING.
#[derive(Debug)]
pub struct Message<'a> {
    /// The procedure of the message.
    pub procedure: i32,
    /// The serial; 0 unless the peer has reasons of its own.
    pub serial: Serial,
    /// The status. libvirt's client ignores an event whose status is not ok, but answers such a PING.
    pub status: Status,
    /// What it carries.
    pub payload: Payload<'a>,
}
