//! From a frame to its program: the two tables of the crate's documentation.

use std::fmt;

use virt_xdr::{Header, MessageType, Payload, ProgramId, Status};

use crate::link::Link;
use crate::stream::End;
use crate::{
    Call, CallId, Context, Fd, Message, Program, ProgramError, ReceiveError, RegisterError,
    RemoteError, Reply, ReplyError, Role, Stream, StreamBody, StreamHole, StreamId,
};

/// The programs, and the link they share.
pub(crate) struct Router {
    pub(crate) link: Link,
    programs: Vec<Box<dyn Program>>,
    /// The id of each program: `ids.len() == programs.len()`.
    ids: Vec<ProgramId>,
    /// Whether each program takes calls: `takes_calls.len() == programs.len()`.
    takes_calls: Vec<bool>,
    /// Where the last frame's program stood. Frames of one program come in runs.
    last: usize,
    /// How many descriptors may come back with the error reply that was received last.
    returned_fds: usize,
}

impl Router {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            programs: Vec::new(),
            ids: Vec::new(),
            takes_calls: Vec::new(),
            last: 0,
            returned_fds: 0,
        }
    }

    pub(crate) fn register(&mut self, program: Box<dyn Program>) -> Result<usize, RegisterError> {
        let id = program.id();
        if let Some(&registered) = self.ids.iter().find(|other| other.number == id.number) {
            return Err(RegisterError { registered });
        }
        self.ids.push(id);
        self.takes_calls.push(program.takes_calls());
        self.programs.push(program);
        Ok(self.ids.len() - 1)
    }

    pub(crate) fn program(&mut self, index: usize) -> Option<(&mut dyn Program, Context<'_>)> {
        let id = *self.ids.get(index)?;
        let program = self.programs.get_mut(index)?;
        Some((program.as_mut(), Context::new(&mut self.link, id, index)))
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
        let expected = self.returned_fds > 0;
        self.returned_fds = self.returned_fds.saturating_sub(1);
        expected
    }

    /// Hands a frame of any type but message, and its descriptors, to its program.
    pub(crate) fn route(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        self.returned_fds = 0;
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
        let found = self.find(program).filter(|&index| self.takes_calls[index]);
        // A program that is not registered has no place, and needs none to be refused in its name.
        let index = found.unwrap_or(usize::MAX);
        let mut context = Context::new(&mut self.link, program, index).for_call(procedure, serial);
        let result = match found {
            None => Err(RemoteError::unknown_program(program)),
            Some(_) if status != Status::OK => Err(RemoteError::unexpected_status(status)),
            Some(index) => {
                let id = CallId { procedure, serial };
                self.programs[index].on_call(Call { id, payload, fds }, &mut context)
            }
        };
        if let Err(error) = result {
            context.refuse(&error);
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
        let found = self.find(program);
        let waiting = found.and_then(|index| self.link.answered(index, serial));
        let (Some(index), Some(waiting)) = (found, waiting) else {
            return Err(ReceiveError::UnmatchedReply { program, serial });
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
            self.returned_fds = waiting.fds;
        }
        if result.is_err() {
            // A call that is refused has no stream, whatever its caller has prepared for.
            self.link.streams.abort(
                index,
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
        let mut context = Context::new(&mut self.link, program, index);
        self.programs[index]
            .on_reply(reply, &mut context)
            .or_else(|verdict| self.judge(program, verdict))
    }

    /// Hands a message, which never has descriptors, to its program.
    #[inline]
    pub(crate) fn on_message(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
    ) -> Result<(), ReceiveError> {
        self.returned_fds = 0;
        let &Header {
            program,
            procedure,
            serial,
            status,
            ..
        } = header;
        let Some(index) = self.find(program) else {
            return match self.link.role {
                Role::Server => self.drop_frame(),
                Role::Client => Err(ReceiveError::UnknownProgram { program }),
            };
        };
        let message = Message {
            procedure,
            serial,
            status,
            payload,
        };
        let mut context = Context::new(&mut self.link, program, index);
        self.programs[index]
            .on_message(message, &mut context)
            .or_else(|verdict| self.judge(program, verdict))
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
        let open = self
            .find(program)
            .filter(|&index| self.link.streams.is_readable(index, id));
        let Some(index) = open else {
            return self.drop_frame();
        };
        let body = match (message_type, status) {
            (MessageType::STREAM_HOLE, Status::CONTINUE) => match payload.decode() {
                Ok(StreamHole {
                    length: length @ 0..,
                    flags,
                }) => StreamBody::Hole { length, flags },
                _ => self.break_stream(index, header, RemoteError::undecodable_payload()),
            },
            (_, Status::CONTINUE) => StreamBody::Data(payload),
            (_, Status::OK) => {
                self.link.streams.finish(index, id, End::There);
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
                self.link.streams.abort(index, id);
                StreamBody::Abort(payload.decode().ok())
            }
            (_, status) if self.link.role == Role::Client => {
                return Err(ReceiveError::StreamStatus { program, status });
            }
            (_, status) => {
                let error = RemoteError::unexpected_stream_status(status);
                self.break_stream(index, header, error)
            }
        };
        let mut context = Context::new(&mut self.link, program, index);
        self.programs[index]
            .on_stream(Stream { id, body }, &mut context)
            .or_else(|verdict| self.judge(program, verdict))
    }

    /// Gives up a stream of which a piece was lost: what follows it would not be what was sent.
    fn break_stream(
        &mut self,
        index: usize,
        header: &Header,
        error: RemoteError,
    ) -> StreamBody<'static> {
        let id = StreamId {
            procedure: header.procedure,
            serial: header.serial,
        };
        let mut context = Context::new(&mut self.link, header.program, index);
        let reason = Some(&error).filter(|_| context.role() == Role::Server);
        // A stream that this end has finished is not told any more.
        let _ = context.abort_stream(id, reason);
        self.link.streams.abort(index, id);
        StreamBody::Abort(Some(error))
    }

    #[inline]
    fn find(&mut self, program: ProgramId) -> Option<usize> {
        if self.ids.get(self.last) == Some(&program) {
            Some(self.last)
        } else {
            self.search(program)
        }
    }

    fn search(&mut self, program: ProgramId) -> Option<usize> {
        let found = self.ids.iter().position(|&id| id == program)?;
        self.last = found;
        Some(found)
    }

    /// What becomes of the connection after a program has not taken a frame.
    #[cold]
    fn judge(&mut self, program: ProgramId, verdict: ProgramError) -> Result<(), ReceiveError> {
        match verdict {
            ProgramError::Unexpected | ProgramError::Payload(_) => self.drop_frame(),
            ProgramError::Close(error) => Err(ReceiveError::Program { program, error }),
        }
    }

    fn drop_frame(&mut self) -> Result<(), ReceiveError> {
        self.link.counters.frames_dropped += 1;
        Ok(())
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("programs", &self.ids)
            .field("link", &self.link)
            .finish()
    }
}
