//! What can go wrong, split by whose fault it is: the peer's bytes, a program, or the caller.

use std::error::Error as StdError;
use std::sync::Arc;

use thiserror::Error;
use virt_xdr::{DecodeError, EncodeError, FrameError, MessageType, ProgramId, Serial, Status};

use crate::{RemoteError, StreamId};

/// What was received cannot be gone on from: the connection has to be closed.
///
/// The error sticks: [`Transport::receive`](crate::Transport::receive) returns it from then on. Apart from
/// [`Program`](Self::Program), each variant is something on which a libvirt peer closes, too.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// A frame's length is impossible.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A server sent a message of a program that is not registered.
    #[error("message of {program}, which is not registered")]
    UnknownProgram {
        /// The program of the message.
        program: ProgramId,
    },
    /// A server sent a call, which only a client may.
    #[error("call of procedure {procedure} of {program} from a server, which may not call")]
    UnexpectedCall {
        /// The program that is called.
        program: ProgramId,
        /// The procedure that is called.
        procedure: i32,
    },
    /// A server sent a message of a type that the protocol does not have.
    #[error("message of unknown type {}, must be 0 to 6", message_type.0)]
    UnknownType {
        /// The type.
        message_type: MessageType,
    },
    /// A server sent a reply to a call that was not made, or has been replied to.
    #[error("reply of {program} with serial {}, which no call waits for", serial.0)]
    UnmatchedReply {
        /// The program of the reply.
        program: ProgramId,
        /// The serial of the reply.
        serial: Serial,
    },
    /// A server sent a piece of an open stream with a status that means nothing.
    #[error("piece of a stream of {program} with status {}, must be 0 to 2", status.0)]
    StreamStatus {
        /// The program of the stream.
        program: ProgramId,
        /// The status.
        status: Status,
    },
    /// A message that has descriptors announces too many of them.
    #[error("message with {count} descriptors, over the limit of {limit}")]
    TooManyFds {
        /// The announced count.
        count: u32,
        /// The limit, [`FDS_MAX`](virt_xdr::FDS_MAX).
        limit: usize,
    },
    /// A message that has descriptors ends before it says how many.
    #[error("message with descriptors has {length} bytes of payload, their count takes 4")]
    MissingFdCount {
        /// The length of the payload in bytes.
        length: usize,
    },
    /// A message announces descriptors on a connection that cannot carry any.
    #[error("message with {count} descriptors on a connection that carries none")]
    FdsNotCarried {
        /// The announced count.
        count: u32,
    },
    /// Bytes came where descriptors were due.
    #[error("bytes where {missing} descriptors are due")]
    MissingFds {
        /// How many descriptors are due.
        missing: usize,
    },
    /// A descriptor came where none was due.
    #[error("descriptor where none is due")]
    UnexpectedFd,
    /// A program wants the connection closed.
    #[error("{program}: {error}")]
    Program {
        /// The program.
        program: ProgramId,
        /// What it said.
        error: Arc<dyn StdError + Send + Sync>,
    },
}

/// What a program says of a frame that it cannot take.
///
/// It has no `Display` of its own and is no `std::error::Error`: it is a verdict, made from an error by
/// [`close`](Self::close).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProgramError {
    /// The frame is not expected. It is dropped and counted, the connection goes on.
    Unexpected,
    /// The payload does not decode. The frame is dropped and counted, the connection goes on, as libvirt's
    /// client does with an event that does not decode.
    Payload(DecodeError),
    /// The connection has to be closed, for this reason.
    Close(Arc<dyn StdError + Send + Sync>),
}

impl ProgramError {
    /// The connection has to be closed, for this reason.
    pub fn close(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Close(error.into().into())
    }
}

impl From<DecodeError> for ProgramError {
    fn from(error: DecodeError) -> Self {
        Self::Payload(error)
    }
}

impl From<SendError> for ProgramError {
    fn from(error: SendError) -> Self {
        Self::close(error)
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The peer has refused the call, or failed at it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The reply, or the error in it, does not decode.
    #[error("reply does not decode: {0}")]
    Payload(DecodeError),
    /// The reply has a status that no reply can have.
    #[error("reply with status {}, must be 0 or 1", status.0)]
    Status {
        /// The status.
        status: Status,
    },
    /// The reply names another procedure than the call.
    #[error("reply of procedure {received} to a call of procedure {called}")]
    Procedure {
        /// The procedure that was called.
        called: i32,
        /// The procedure of the reply.
        received: i32,
    },
}

impl From<DecodeError> for ReplyError {
    fn from(error: DecodeError) -> Self {
        Self::Payload(error)
    }
}

/// Something cannot be sent. Nothing of it was queued, and the transport goes on working.
///
/// A call that cannot be answered as wanted is answered with this as an internal error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The payload cannot be encoded, or does not fit a frame.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// There are more descriptors than one message may have.
    #[error("{count} descriptors, over the limit of {limit}")]
    TooManyFds {
        /// How many there are.
        count: usize,
        /// The limit, [`FDS_MAX`](virt_xdr::FDS_MAX).
        limit: usize,
    },
    /// The connection cannot carry descriptors; see [`Transport::with_fds`](crate::Transport::with_fds).
    #[error("{count} descriptors on a connection that carries none")]
    FdsNotCarried {
        /// How many there are.
        count: usize,
    },
    /// The call was received by another program, or on another connection: it is not answered by this.
    #[error("call with serial {} of procedure {procedure} was not received here by {program}", serial.0)]
    ForeignCall {
        /// The program that the call was to be answered by.
        program: ProgramId,
        /// The procedure that was called.
        procedure: i32,
        /// The call's serial.
        serial: Serial,
    },
    /// A hole is longer than the protocol can say.
    #[error("hole of {length} bytes, over the limit of {limit}")]
    HoleTooLong {
        /// The length in bytes.
        length: u64,
        /// The limit in bytes, 2^63 - 1.
        limit: u64,
    },
    /// A server may not call: libvirt's client would close the connection.
    #[error("a server may not call")]
    NotClient,
    /// The stream is not open, or this end has finished it.
    #[error("stream of procedure {} with serial {} is not open for sending", .0.procedure, .0.serial.0)]
    StreamClosed(StreamId),
    /// Only a client finishes a stream of its own accord; a server confirms it.
    #[error(
        "stream of procedure {} with serial {} is not finished by its client, so a server may not finish it",
        .0.procedure, .0.serial.0
    )]
    StreamNotFinished(StreamId),
    /// The stream is open already.
    #[error("stream of procedure {} with serial {} is open already", .0.procedure, .0.serial.0)]
    StreamOpen(StreamId),
}

/// A program cannot be registered: its number is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("program number {:#x} is registered already, as {registered}", registered.number)]
pub struct RegisterError {
    pub(crate) registered: ProgramId,
}

impl RegisterError {
    /// The program that has the number.
    #[must_use]
    pub fn registered(&self) -> ProgramId {
        self.registered
    }
}

/// A handle was used on a transport that has not given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("handle belongs to another transport")]
pub struct HandleError(pub(crate) ());
