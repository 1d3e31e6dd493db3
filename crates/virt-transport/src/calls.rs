//! The client's half of a program: calls, and the frames that come back.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use bytes::Bytes;
use thiserror::Error;
use virt_xdr::{Encode, EncodeError, Encoder, Payload, ProgramId, Serial, Status};

use crate::serial_map::{SerialMap, shrink_if_idle};
use crate::{
    Context, ErrorCode, ErrorSource, FD_WEIGHT, Fd, Message, Program, ProgramError, RemoteError,
    Reply, ReplyError, SendError, StreamBody, StreamFrame, StreamId,
};

/// The longest payload, in bytes, that is copied, so that it does not keep alive the large buffer it was read into.
const COPY_MAX: usize = 64 * 1024;

/// The client's half of a program: it makes calls, and pairs each reply with the waiter of its call.
///
/// A waiter is a value of your choice: a channel, an enum, `()`. Register one `Calls` for each program that you call;
/// after each [`Transport::receive`](crate::Transport::receive), [`poll`](Self::poll) until it returns `None`.
///
/// > Input that is not polled is kept, up to the [backlog limit](Self::with_backlog_limit), above which the connection
/// > ends.
///
/// # Examples
///
/// ```
/// use virt_transport::{Calls, Incoming, ProgramId, Role, Transport};
///
/// let mut transport = Transport::new(Role::Client);
/// let remote = transport.register(Calls::new(ProgramId::new(0x2000_8086, 1)))?;
///
/// // CONNECT_GET_HOSTNAME, without arguments.
/// transport.with(&remote, |calls, cx| calls.call(cx, 59, &(), "hostname"))?;
/// let mut request = Vec::new();
/// transport.write_to(&mut request)?;
///
/// // The daemon replies with the string "host".
/// transport.receive(b"\0\0\0\x24\x20\0\x80\x86\0\0\0\x01\0\0\0\x3b\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x04host")?;
/// let Some(Incoming::Reply { waiter, result, .. }) = transport.with(&remote, |calls, _| calls.poll()) else {
///     panic!("a reply was received");
/// };
/// assert_eq!(waiter, "hostname");
/// assert_eq!(virt_xdr::from_slice::<String>(&result?)?, "host");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Calls<W> {
    program: ProgramId,
    /// The waiters of the calls that have no reply yet.
    waiting: SerialMap<W>,
    incoming: VecDeque<Incoming<W>>,
    /// The weight of `incoming` in bytes.
    backlog: usize,
    backlog_limit: usize,
    keep_messages: bool,
}

/// A frame that a client received, kept until it is polled.
#[derive(Debug)]
pub enum Incoming<W> {
    /// The reply to a call.
    Reply {
        /// The waiter of the call.
        waiter: W,
        /// The serial of the call.
        serial: Serial,
        /// The procedure that was called.
        procedure: i32,
        /// The encoded return value, or the error in its place.
        result: Result<Bytes, ReplyError>,
        /// The descriptors that came with the reply.
        fds: Vec<Fd>,
    },
    /// A message with status ok: an event.
    Message {
        /// The procedure of the message.
        procedure: i32,
        /// The encoded body.
        payload: Bytes,
    },
    /// A frame of a stream.
    Stream {
        /// The stream.
        id: StreamId,
        /// The content of the frame.
        item: StreamItem,
    },
}

/// The content of a frame of a stream, as [`StreamBody`], but owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// Data. Empty data means that no more follows: a daemon ends a download so, and waits for the client to finish.
    Data(Bytes),
    /// A run of this many zeros that was not sent.
    Hole(i64),
    /// The peer is done, without an error: a daemon confirms so that the client has finished.
    Finish,
    /// The stream is closed by an error, if the peer gave one.
    Abort(Option<RemoteError>),
}

/// A payload that is encoded already, as arguments of a call or body of a message.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a>(pub &'a [u8]);

/// Input that its owner does not poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{backlog} bytes wait to be polled, over the limit of {limit}")]
struct BacklogError {
    backlog: usize,
    limit: usize,
}

impl<W: Send + 'static> Calls<W> {
    /// The default backlog limit in bytes: two frames of the greatest length.
    pub const BACKLOG_LIMIT: usize = 2 * virt_xdr::FRAME_MAX;

    /// Makes the client's half of a program.
    #[must_use]
    pub fn new(program: ProgramId) -> Self {
        Self {
            program,
            waiting: SerialMap::default(),
            incoming: VecDeque::new(),
            backlog: 0,
            backlog_limit: Self::BACKLOG_LIMIT,
            keep_messages: true,
        }
    }

    /// Sets the number of bytes of input that are kept for [`poll`](Self::poll). Above the limit, the connection ends
    /// with an error. The default is [`BACKLOG_LIMIT`](Self::BACKLOG_LIMIT).
    ///
    /// Each frame counts with the memory of its [`Incoming`], its payload or the texts of its error, and
    /// [`FD_WEIGHT`] for each descriptor.
    #[must_use]
    pub fn with_backlog_limit(mut self, bytes: usize) -> Self {
        self.backlog_limit = bytes;
        self
    }

    /// Keeps messages for [`poll`](Self::poll), the default, or drops them.
    pub fn keep_messages(&mut self, keep: bool) {
        self.keep_messages = keep;
    }

    /// Calls a procedure. [`poll`](Self::poll) returns the waiter with the reply.
    ///
    /// To open the stream of the call, use [`Context::open_stream`] with the returned serial.
    ///
    /// # Errors
    ///
    /// Those of [`Context::call`]; the waiter is then dropped.
    pub fn call(
        &mut self,
        cx: &mut Context<'_>,
        procedure: impl Into<i32>,
        args: &impl Encode,
        waiter: W,
    ) -> Result<Serial, SendError> {
        let serial = cx.call(procedure, args)?;
        self.wait(serial, waiter);
        Ok(serial)
    }

    /// Has a waiter wait for the reply to a call that was made by [`Context::call`] or [`Context::call_with_fds`].
    pub fn wait(&mut self, serial: Serial, waiter: W) {
        self.waiting.insert(serial, waiter);
    }

    /// Returns the next input, in the order received.
    pub fn poll(&mut self) -> Option<Incoming<W>> {
        let incoming = self.incoming.pop_front()?;
        self.backlog -= incoming.weight();
        Some(incoming)
    }

    /// Returns the number of inputs that wait for [`poll`](Self::poll).
    #[must_use]
    pub fn queued(&self) -> usize {
        self.incoming.len()
    }

    /// Returns the waiter of a call that has no reply yet.
    pub fn waiter_mut(&mut self, serial: Serial) -> Option<&mut W> {
        self.waiting.get_mut(&serial)
    }

    /// Returns the waiters of all calls without a reply, in no particular order.
    pub fn waiters_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.waiting.values_mut()
    }

    /// Returns the waiters of all calls without a reply, in order of their serials, and forgets them: the connection is gone.
    pub fn drain(&mut self) -> impl Iterator<Item = W> + use<W> {
        let mut waiting: Vec<_> = mem::take(&mut self.waiting).into_iter().collect();
        waiting.sort_unstable_by_key(|(serial, _)| *serial);
        waiting.into_iter().map(|(_, waiter)| waiter)
    }

    fn push(&mut self, incoming: Incoming<W>) -> Result<(), ProgramError> {
        self.backlog += incoming.weight();
        self.incoming.push_back(incoming);
        if self.backlog > self.backlog_limit {
            return Err(ProgramError::close(BacklogError {
                backlog: self.backlog,
                limit: self.backlog_limit,
            }));
        }
        Ok(())
    }
}

impl<W: Send + 'static> Program for Calls<W> {
    fn id(&self) -> ProgramId {
        self.program
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let Reply {
            serial,
            procedure,
            result,
            fds,
        } = reply;
        let Some(waiter) = self.waiting.remove(&serial) else {
            return Err(ProgramError::Unexpected);
        };
        shrink_if_idle(&mut self.waiting);
        self.push(Incoming::Reply {
            waiter,
            serial,
            procedure,
            result: result.map(keep),
            fds,
        })
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        if message.status != Status::OK {
            return Err(ProgramError::Unexpected);
        }
        if !self.keep_messages {
            return Ok(());
        }
        self.push(Incoming::Message {
            procedure: message.procedure,
            payload: keep(message.payload),
        })
    }

    fn on_stream(
        &mut self,
        frame: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let StreamFrame { id, body } = frame;
        let item = match body {
            StreamBody::Data(payload) => StreamItem::Data(keep(payload)),
            StreamBody::Hole { length, flags: 0 } => StreamItem::Hole(length),
            StreamBody::Hole { flags, .. } => {
                // libvirt's client does the same, because it does not know the meaning of the hole.
                let message = format!("hole with unknown flags {flags:#x}");
                let error = RemoteError::new(ErrorCode::RPC, ErrorSource::STREAMS, message);
                // This fails for a stream that this end has finished, which needs no abort.
                let _ = cx.abort_stream(id, None);
                StreamItem::Abort(Some(error))
            }
            StreamBody::Finish => StreamItem::Finish,
            StreamBody::Abort(error) => StreamItem::Abort(error),
        };
        self.push(Incoming::Stream { id, item })
    }
}

impl<W> Incoming<W> {
    /// Returns the memory that the input takes, in bytes.
    fn weight(&self) -> usize {
        let content = match self {
            Self::Reply { result, fds, .. } => {
                fds.len() * FD_WEIGHT
                    + match result {
                        Ok(payload) => payload.len(),
                        Err(ReplyError::Remote(error)) => error.size(),
                        Err(_) => 0,
                    }
            }
            Self::Message { payload, .. } => payload.len(),
            Self::Stream { item, .. } => match item {
                StreamItem::Data(data) => data.len(),
                StreamItem::Abort(Some(error)) => error.size(),
                StreamItem::Hole(_) | StreamItem::Finish | StreamItem::Abort(None) => 0,
            },
        };
        size_of::<Self>() + content
    }
}

impl Encode for Raw<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.raw(self.0);
        Ok(())
    }
}

/// Shows counts alone: a waiter need not be `Debug`, and payloads may be large.
impl<W> fmt::Debug for Calls<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("program", &self.program)
            .field("waiting", &self.waiting.len())
            .field("incoming", &self.incoming.len())
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

/// Takes a payload to be kept: a small one with a copy, so that it takes only its own memory.
fn keep(payload: Payload<'_>) -> Bytes {
    if payload.as_slice().len() <= COPY_MAX {
        Bytes::copy_from_slice(payload.as_slice())
    } else {
        payload.into_bytes()
    }
}
