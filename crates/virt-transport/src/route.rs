//! From a frame to its program: the two tables of the crate's documentation.

use std::fmt;

use bytes::Bytes;
use virt_xdr::{Header, MessageType, Payload, ProgramId, Status};

use crate::link::Link;
use crate::program::Received;
use crate::programs::{Programs, Registered};
use crate::stream::End;
use crate::{
    Call, CallId, Context, Fd, Message, Program, ProgramError, ReceiveError, RemoteError, Reply,
    ReplyError, Role, Stream, StreamBody, StreamHole, StreamId,
};

/// The programs, and the link they share.
pub(crate) struct Router {
    pub(crate) link: Link,
    pub(crate) programs: Programs,
    pub(crate) hold: Hold,
    /// The level of the outbox above which no more frames are handled in this turn.
    pub(crate) mark: u64,
    /// How many descriptors may come back, and how many frames were received when the reply came that they follow.
    returned_fds: (usize, u64),
}

/// What has to come before the next frame is handled.
#[derive(Debug)]
pub(crate) enum Hold {
    Nothing,
    /// The descriptors of a frame, which have not all arrived.
    Fds(Box<Pending>),
    /// Frames before it were answered with too much. It holds until the next turn.
    Answers,
}

/// A frame that waits for its descriptors.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) header: Header,
    pub(crate) payload: Bytes,
    pub(crate) fds: Vec<Fd>,
    /// How many descriptors are still due, at least 1.
    pub(crate) missing: usize,
}

impl Router {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            programs: Programs::default(),
            hold: Hold::Nothing,
            mark: u64::MAX,
            returned_fds: (0, 0),
        }
    }

    pub(crate) fn program(&mut self, id: ProgramId) -> Option<(&mut dyn Program, Context<'_>)> {
        let registered = self.programs.find(id)?;
        let context = Context::new(&mut self.link, id);
        Some((registered.program.as_mut(), context))
    }

    /// Whether a count of descriptors, and then these, belong to the frame.
    ///
    /// Each end reads the count only where it can get descriptors: a daemon from every call of that type,
    /// whatever its status; a client from a reply.
    pub(crate) fn announces_fds(&self, header: &Header) -> bool {
        match self.link.role {
            Role::Server => header.message_type == MessageType::CALL_WITH_FDS,
            Role::Client => header.message_type == MessageType::REPLY_WITH_FDS,
        }
    }

    /// Whether a descriptor that no frame has announced is one that was sent and comes back.
    ///
    /// A libvirt 9.0 daemon that refuses a call with descriptors in its RPC layer (an unknown program or
    /// procedure, a payload that does not decode) sends them back behind an error reply of type 1.
    pub(crate) fn take_returned_fd(&mut self) -> bool {
        let (count, frame) = &mut self.returned_fds;
        let expected = *count > 0 && *frame == self.link.counters.frames_received;
        *count = count.saturating_sub(1);
        expected
    }

    /// Hands a frame of any type but message, and its descriptors, to its program.
    pub(crate) fn route(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        match header.message_type {
            MessageType::CALL | MessageType::CALL_WITH_FDS => self.on_call(header, payload, fds),
            MessageType::REPLY | MessageType::REPLY_WITH_FDS => self.on_reply(header, payload, fds),
            MessageType::STREAM | MessageType::STREAM_HOLE => self.on_stream(header, payload),
            message_type => match self.link.role {
                Role::Server => self.drop_frame(),
                Role::Client => Err(ReceiveError::UnknownType { message_type }),
            },
        }
    }

    fn on_call(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        let &Header {
            program,
            procedure,
            serial,
            status,
            ..
        } = header;
        if self.link.role == Role::Client {
            return Err(ReceiveError::UnexpectedCall { program, procedure });
        }
        let id = StreamId { procedure, serial };
        let received = Received {
            program,
            id,
            shares_stream: self.link.streams.is_open(program, id),
        };
        self.link.unanswered = Some(received);
        let found = self.programs.find(program);
        let Some(registered) = found.filter(|registered| registered.takes_calls) else {
            let context = Context::new(&mut self.link, program);
            context.refuse(&RemoteError::unknown_program(program));
            return Ok(());
        };
        let result = if status == Status::OK {
            let id = CallId {
                transport: self.link.token.clone(),
                received,
            };
            let call = Call { id, payload, fds };
            let mut context = Context::new(&mut self.link, program);
            registered.program.on_call(call, &mut context)
        } else {
            Err(RemoteError::unexpected_status(status))
        };
        if let Err(error) = result {
            Context::new(&mut self.link, program).refuse(&error);
        }
        Ok(())
    }

    fn on_reply(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        let &Header {
            program,
            procedure,
            serial,
            status,
            ..
        } = header;
        if self.link.role == Role::Server {
            return self.drop_frame();
        }
        let unmatched = ReceiveError::UnmatchedReply { program, serial };
        let Some(registered) = self.programs.find(program) else {
            return Err(unmatched);
        };
        let Some(waiting) = self.link.answered(program, serial) else {
            return Err(unmatched);
        };
        let called = waiting.procedure;
        let result = match status {
            _ if procedure != called => Err(ReplyError::Procedure {
                called,
                received: procedure,
            }),
            Status::OK => Ok(payload),
            Status::ERROR => Err(match payload.decode::<RemoteError>() {
                Ok(error) => ReplyError::Remote(error),
                Err(error) => ReplyError::Payload(error),
            }),
            status => Err(ReplyError::Status { status }),
        };
        if status == Status::ERROR && header.message_type == MessageType::REPLY {
            self.returned_fds = (waiting.fds, self.link.counters.frames_received);
        }
        if result.is_err() {
            // A call that is refused has no stream, whatever its caller has prepared for.
            self.link.streams.abort(
                program,
                StreamId {
                    procedure: called,
                    serial,
                },
            );
        }
        let reply = Reply {
            serial,
            procedure: called,
            result,
            fds,
        };
        let mut context = Context::new(&mut self.link, program);
        registered
            .program
            .on_reply(reply, &mut context)
            .or_else(|verdict| judge(verdict, program, &mut self.link))
    }

    /// Hands a message, which never has descriptors, to its program.
    ///
    /// Inlined as its caller is, for the same reason.
    #[inline(always)]
    pub(crate) fn on_message(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
    ) -> Result<(), ReceiveError> {
        let program = header.program;
        let message = Message {
            procedure: header.procedure,
            serial: header.serial,
            status: header.status,
            payload,
        };
        match self.programs.last(program) {
            Some(registered) => registered.on_message(message, &mut self.link),
            None => self.on_other_message(program, message),
        }
    }

    /// Hands a message to a program that is not the one of the last message.
    #[inline]
    fn on_other_message(
        &mut self,
        program: ProgramId,
        message: Message<'_>,
    ) -> Result<(), ReceiveError> {
        match self.programs.find(program) {
            Some(registered) => registered.on_message(message, &mut self.link),
            None if self.link.role == Role::Server => self.drop_frame(),
            None => Err(ReceiveError::UnknownProgram { program }),
        }
    }

    fn on_stream(&mut self, header: &Header, payload: Payload<'_>) -> Result<(), ReceiveError> {
        let &Header {
            program,
            procedure,
            serial,
            status,
            message_type,
        } = header;
        let id = StreamId { procedure, serial };
        let found = self.programs.find(program);
        let Some(registered) = found.filter(|_| self.link.streams.is_readable(program, id)) else {
            return self.drop_frame();
        };
        let body = match (message_type, status) {
            (MessageType::STREAM_HOLE, Status::CONTINUE) => match payload.decode() {
                Ok(StreamHole {
                    length: length @ 0..,
                    flags,
                }) => StreamBody::Hole { length, flags },
                _ => break_stream(&mut self.link, header, RemoteError::undecodable_payload()),
            },
            (_, Status::CONTINUE) => StreamBody::Data(payload),
            (_, Status::OK) => {
                self.link.streams.finish(program, id, End::There);
                StreamBody::Finish
            }
            (_, Status::ERROR) => {
                if self.link.role == Role::Server {
                    // A client that aborts waits until the daemon has said that it knows.
                    let confirmation = Header {
                        status: Status::OK,
                        ..*header
                    };
                    self.link.confirm(&confirmation);
                }
                self.link.streams.abort(program, id);
                StreamBody::Abort(payload.decode().ok())
            }
            (_, status) if self.link.role == Role::Client => {
                return Err(ReceiveError::StreamStatus { program, status });
            }
            (_, status) => {
                let error = RemoteError::unexpected_stream_status(status);
                break_stream(&mut self.link, header, error)
            }
        };
        let mut context = Context::new(&mut self.link, program);
        registered
            .program
            .on_stream(Stream { id, body }, &mut context)
            .or_else(|verdict| judge(verdict, program, &mut self.link))
    }

    fn drop_frame(&mut self) -> Result<(), ReceiveError> {
        self.link.counters.frames_dropped += 1;
        Ok(())
    }
}

impl Hold {
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    pub(crate) fn is_answers(&self) -> bool {
        matches!(self, Self::Answers)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("programs", &self.programs)
            .field("link", &self.link)
            .finish()
    }
}

impl Registered {
    #[inline]
    fn on_message(&mut self, message: Message<'_>, link: &mut Link) -> Result<(), ReceiveError> {
        let mut context = Context::new(link, self.id);
        let result = self.program.on_message(message, &mut context);
        result.or_else(|verdict| judge(verdict, self.id, link))
    }
}

/// Gives up a stream of which a piece was lost: what follows it would not be what was sent.
fn break_stream(link: &mut Link, header: &Header, error: RemoteError) -> StreamBody<'static> {
    let id = StreamId {
        procedure: header.procedure,
        serial: header.serial,
    };
    let mut context = Context::new(link, header.program);
    let reason = Some(&error).filter(|_| context.role() == Role::Server);
    // A stream that this end has finished is not told any more.
    let _ = context.abort_stream(id, reason);
    link.streams.abort(header.program, id);
    StreamBody::Abort(Some(error))
}

/// What becomes of the connection after a program has not taken a frame.
#[cold]
fn judge(verdict: ProgramError, program: ProgramId, link: &mut Link) -> Result<(), ReceiveError> {
    match verdict {
        ProgramError::Unexpected | ProgramError::Payload(_) => {
            link.counters.frames_dropped += 1;
            Ok(())
        }
        ProgramError::Close(error) => Err(ReceiveError::Program { program, error }),
    }
}
