//! Errors, split by blame: the peer's bytes, a program, or the caller.

use std::error::Error as StdError;
use std::sync::Arc;

use thiserror::Error;
use virt_xdr::{DecodeError, EncodeError, FrameError, MessageType, ProgramId, Serial, Status};

use crate::{ErrorCode, ErrorSource, RemoteError, StreamId};

/// Received bytes after which the connection has to be closed.
///
/// The error sticks: [`Transport::receive`](crate::Transport::receive) returns it from then on. A libvirt peer closes
/// the connection on each of them, too, but for [`Program`](Self::Program).
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// A frame has an impossible length.
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
    /// A server sent a frame of an unknown type.
    #[error("frame of unknown type {}, must be 0 to 6", message_type.0)]
    UnknownType {
        /// The type.
        message_type: MessageType,
    },
    /// A server sent a reply that no call waits for.
    #[error("reply of {program} with serial {}, which no call waits for", serial.0)]
    UnmatchedReply {
        /// The program of the reply.
        program: ProgramId,
        /// The serial of the reply.
        serial: Serial,
    },
    /// A server sent a frame of an open stream with an unknown status.
    #[error("frame of a stream of {program} with status {}, must be 0 to 2", status.0)]
    StreamStatus {
        /// The program of the stream.
        program: ProgramId,
        /// The status.
        status: Status,
    },
    /// A frame announces more descriptors than the protocol allows.
    #[error("frame with {count} descriptors, over the limit of {limit}")]
    TooManyFds {
        /// The announced count.
        count: u32,
        /// The limit, [`FDS_MAX`](virt_xdr::FDS_MAX).
        limit: usize,
    },
    /// A frame with descriptors is too short for their count.
    #[error("frame with descriptors has {length} bytes of payload, the count takes 4")]
    MissingFdCount {
        /// The length of the payload in bytes.
        length: usize,
    },
    /// A frame announces descriptors on a connection that carries none.
    #[error("frame with {count} descriptors on a connection that carries none")]
    FdsNotCarried {
        /// The announced count.
        count: u32,
    },
    /// Bytes came where descriptors were due.
    #[error("bytes where {missing} descriptors are due")]
    MissingFds {
        /// The number of descriptors that are due.
        missing: usize,
    },
    /// A descriptor came where none was due.
    #[error("descriptor where none is due")]
    UnexpectedFd,
    /// A program closes the connection.
    #[error("{program}: {error}")]
    Program {
        /// The program.
        program: ProgramId,
        /// The reason.
        error: Arc<dyn StdError + Send + Sync>,
    },
}

/// The verdict of a program on a frame that it cannot take.
///
/// It is no `std::error::Error`; [`close`](Self::close) makes it from one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProgramError {
    /// The frame is not expected. It is dropped and counted, the connection goes on.
    Unexpected,
    /// The payload does not decode. The frame is dropped and counted, the connection goes on: libvirt's client does
    /// so with an event.
    Payload(DecodeError),
    /// The connection has to be closed, for this reason.
    Close(Arc<dyn StdError + Send + Sync>),
}

impl ProgramError {
    /// Makes the verdict that closes the connection, from its reason.
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

/// The failure of a call, in place of its return value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The peer refused the call, or failed at it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The reply, or the error in it, does not decode.
    #[error("reply does not decode: {0}")]
    Payload(DecodeError),
    /// The reply has an unknown status.
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

/// Becomes an internal error, as the answer to a call whose own answer cannot be sent.
impl From<SendError> for RemoteError {
    fn from(error: SendError) -> Self {
        Self::new(
            ErrorCode::INTERNAL_ERROR,
            ErrorSource::RPC,
            error.to_string(),
        )
    }
}

impl From<DecodeError> for ReplyError {
    fn from(error: DecodeError) -> Self {
        Self::Payload(error)
    }
}

/// A frame that cannot be sent. Nothing of it was queued, and the transport goes on working.
///
/// If the frame was a reply, its caller gets this as an internal error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The payload cannot be encoded, or does not fit a frame.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// There are more descriptors than one message may have.
    #[error("{count} descriptors, over the limit of {limit}")]
    TooManyFds {
        /// The number of descriptors.
        count: usize,
        /// The limit, [`FDS_MAX`](virt_xdr::FDS_MAX).
        limit: usize,
    },
    /// The connection cannot carry descriptors; see [`Transport::with_fds`](crate::Transport::with_fds).
    #[error("{count} descriptors on a connection that carries none")]
    FdsNotCarried {
        /// The number of descriptors.
        count: usize,
    },
    /// The call was received by another program, or on another connection, and stays unanswered.
    #[error("call with serial {} of procedure {procedure} was not received here by {program}", serial.0)]
    ForeignCall {
        /// The program that tried to answer.
        program: ProgramId,
        /// The procedure that was called.
        procedure: i32,
        /// The call's serial.
        serial: Serial,
    },
    /// A hole is longer than the protocol allows.
    #[error("hole of {length} bytes, over the limit of {limit}")]
    HoleTooLong {
        /// The length in bytes.
        length: u64,
        /// The limit in bytes, 2^63 - 1.
        limit: u64,
    },
    /// A server called. libvirt's client would close the connection.
    #[error("a server may not call")]
    NotClient,
    /// The stream is closed, or this end has finished it.
    #[error("stream of procedure {} with serial {} is not open for sending", .0.procedure, .0.serial.0)]
    StreamClosed(StreamId),
    /// A server finished a stream before its client.
    #[error(
        "stream of procedure {} with serial {} is not finished by its client: a server only confirms",
        .0.procedure, .0.serial.0
    )]
    StreamNotFinished(StreamId),
    /// The connection has as many open streams as it may have.
    #[error("no further stream can be opened: {limit} are open, which is the limit")]
    TooManyStreams {
        /// The limit.
        limit: usize,
    },
    /// The stream is open already.
    #[error("stream of procedure {} with serial {} is open already", .0.procedure, .0.serial.0)]
    StreamOpen(StreamId),
}

/// A program cannot be registered, because its number is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("program number {:#x} is registered already, as {registered}", registered.number)]
pub struct RegisterError {
    pub(crate) registered: ProgramId,
}

impl RegisterError {
    /// Returns the program that has the number.
    #[must_use]
    pub fn registered(&self) -> ProgramId {
        self.registered
    }
}
