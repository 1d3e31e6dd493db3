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
    programs: Programs,
    /// How many descriptors may come back with the error reply that was received last.
    returned_fds: usize,
}

#[derive(Default)]
struct Programs {
    list: Vec<Registered>,
    /// Where the program stood that was looked for last. Frames of one program come in runs.
    last: usize,
}

/// A program, and what it has said of itself at registration.
struct Registered {
    id: ProgramId,
    takes_calls: bool,
    program: Box<dyn Program>,
}

impl Router {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            programs: Programs::default(),
            returned_fds: 0,
        }
    }

    pub(crate) fn register(&mut self, program: Box<dyn Program>) -> Result<usize, RegisterError> {
        let id = program.id();
        let programs = &mut self.programs.list;
        if let Some(other) = programs.iter().find(|other| other.id.number == id.number) {
            return Err(RegisterError {
                registered: other.id,
            });
        }
        programs.push(Registered {
            id,
            takes_calls: program.takes_calls(),
            program,
        });
        Ok(programs.len() - 1)
    }

    pub(crate) fn program(&mut self, index: usize) -> Option<(&mut dyn Program, Context<'_>)> {
        let Registered { id, program, .. } = self.programs.list.get_mut(index)?;
        Some((program.as_mut(), Context::new(&mut self.link, *id, index)))
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
        let found = self.programs.find(program);
        let found = found.filter(|(_, registered)| registered.takes_calls);
        // A program that is not registered has no place, and needs none to be refused in its name.
        let index = found.as_ref().map_or(usize::MAX, |&(index, _)| index);
        let mut context = Context::new(&mut self.link, program, index).for_call(procedure, serial);
        let result = match found {
            None => Err(RemoteError::unknown_program(program)),
            Some(_) if status != Status::OK => Err(RemoteError::unexpected_status(status)),
            Some((_, registered)) => {
                let id = CallId { procedure, serial };
                let call = Call { id, payload, fds };
                registered.program.on_call(call, &mut context)
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
        let unmatched = ReceiveError::UnmatchedReply { program, serial };
        let Some((index, registered)) = self.programs.find(program) else {
            return Err(unmatched);
        };
        let Some(waiting) = self.link.answered(index, serial) else {
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
        registered
            .program
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
        let Some((index, registered)) = self.programs.find(program) else {
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
        registered
            .program
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
        let found = self.programs.find(program);
        let Some((index, registered)) =
            found.filter(|&(index, _)| self.link.streams.is_readable(index, id))
        else {
            return self.drop_frame();
        };
        let body = match (message_type, status) {
            (MessageType::STREAM_HOLE, Status::CONTINUE) => match payload.decode() {
                Ok(StreamHole {
                    length: length @ 0..,
                    flags,
                }) => StreamBody::Hole { length, flags },
                _ => break_stream(
                    &mut self.link,
                    index,
                    header,
                    RemoteError::undecodable_payload(),
                ),
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
                break_stream(&mut self.link, index, header, error)
            }
        };
        let mut context = Context::new(&mut self.link, program, index);
        registered
            .program
            .on_stream(Stream { id, body }, &mut context)
            .or_else(|verdict| self.judge(program, verdict))
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

impl Programs {
    /// The place of a program, and the program.
    #[inline]
    fn find(&mut self, id: ProgramId) -> Option<(usize, &mut Registered)> {
        match self.list.get(self.last) {
            Some(last) if last.id == id => Some((self.last, &mut self.list[self.last])),
            _ => self.search(id),
        }
    }

    #[inline(never)]
    fn search(&mut self, id: ProgramId) -> Option<(usize, &mut Registered)> {
        let mut all = self.list.iter_mut().enumerate();
        let found = all.find(|(_, other)| other.id == id)?;
        self.last = found.0;
        Some(found)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.programs.list.iter().map(|other| other.id).collect();
        f.debug_struct("Router")
            .field("programs", &ids)
            .field("link", &self.link)
            .finish()
    }
}

/// Gives up a stream of which a piece was lost: what follows it would not be what was sent.
fn break_stream(
    link: &mut Link,
    index: usize,
    header: &Header,
    error: RemoteError,
) -> StreamBody<'static> {
    let id = StreamId {
        procedure: header.procedure,
        serial: header.serial,
    };
    let mut context = Context::new(link, header.program, index);
    let reason = Some(&error).filter(|_| context.role() == Role::Server);
    // A stream that this end has finished is not told any more.
    let _ = context.abort_stream(id, reason);
    link.streams.abort(index, id);
    StreamBody::Abort(Some(error))
}
