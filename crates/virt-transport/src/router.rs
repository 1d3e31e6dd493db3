//! The way of a frame to its program: the two tables of the crate's documentation.

use virt_xdr::{Header, MessageType, Payload, ProgramId, Status};

use crate::admission::admit;
use crate::call::Received;
use crate::link::{Counters, Link};
use crate::outbox::Outbox;
use crate::programs::Programs;
use crate::stream::End;
use crate::token::Token;
use crate::{
    Call, CallId, Context, Fd, Message, Program, ProgramError, ReceiveError, RegisterError,
    RemoteError, Reply, ReplyError, Role, StreamBody, StreamFrame, StreamHole, StreamId,
};

/// The programs of a transport, and the link they share.
#[derive(Debug)]
pub(crate) struct Router {
    programs: Programs,
    link: Link,
}

impl Router {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            programs: Programs::default(),
            link: Link::new(role),
        }
    }

    /// Lets descriptors be sent and announced.
    pub(crate) fn carry_fds(&mut self) {
        self.link.carries_fds = true;
    }

    /// Guards all programs until one calls [`Context::set_authenticated`].
    pub(crate) fn require_authentication(&mut self) {
        self.link.authenticated = false;
    }

    pub(crate) fn set_stream_limit(&mut self, limit: usize) {
        self.link.stream_limit = limit;
    }

    /// Chooses serials of calls from `serial` on.
    pub(crate) fn set_next_serial(&mut self, serial: virt_xdr::Serial) {
        self.link.set_next_serial(serial);
    }

    pub(crate) fn register(
        &mut self,
        program: Box<dyn Program>,
    ) -> Result<ProgramId, RegisterError> {
        let guarded = program.requires_authentication();
        let id = self.programs.register(program)?;
        if guarded {
            self.require_authentication();
        }
        Ok(id)
    }

    /// Finds a program, with the context that it sends through.
    pub(crate) fn program(&mut self, id: ProgramId) -> Option<(&mut dyn Program, Context<'_>)> {
        let registered = self.programs.find(id)?;
        let context = Context::new(&mut self.link, id);
        Some((registered.program.as_mut(), context))
    }

    pub(crate) fn role(&self) -> Role {
        self.link.role
    }

    pub(crate) fn token(&self) -> &Token {
        &self.link.token
    }

    pub(crate) fn carries_fds(&self) -> bool {
        self.link.carries_fds
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.link.authenticated
    }

    pub(crate) fn is_established(&self) -> bool {
        self.link.established
    }

    pub(crate) fn calls_in_work(&self) -> usize {
        self.link.calls_in_work
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.link.outbox
    }

    pub(crate) fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.link.outbox
    }

    pub(crate) fn counters(&self) -> Counters {
        self.link.counters()
    }

    pub(crate) fn waiting_calls(&self) -> usize {
        self.link.waiting()
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.link.streams.len()
    }

    /// Counts received bytes.
    pub(crate) fn count_bytes(&mut self, count: usize) {
        self.link.counters.bytes_received += count as u64;
    }

    /// Counts a received descriptor.
    pub(crate) fn count_fd(&mut self) {
        self.link.counters.fds_received += 1;
    }

    /// Counts a received frame.
    #[inline]
    pub(crate) fn count_frame(&mut self) {
        self.link.counters.frames_received += 1;
    }

    /// Returns whether an unannounced descriptor is one that was sent with a refused call.
    pub(crate) fn take_returned_fd(&mut self) -> bool {
        self.link.take_returned_fd()
    }

    /// Returns whether a count of descriptors, and then the descriptors, belong to the frame.
    ///
    /// Each end reads the count only where it can get descriptors: a daemon from every call of that type, whatever
    /// its status; a client from a reply.
    pub(crate) fn announces_fds(&self, header: &Header) -> bool {
        match self.link.role {
            Role::Server => header.message_type == MessageType::CALL_WITH_FDS,
            Role::Client => header.message_type == MessageType::REPLY_WITH_FDS,
        }
    }

    /// Hands a message, which never has descriptors, to its program.
    #[inline]
    pub(crate) fn message(
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
        let Some(registered) = self.programs.find(program) else {
            return match self.link.role {
                Role::Server => self.drop_frame(),
                Role::Client => Err(ReceiveError::UnknownProgram { program }),
            };
        };
        let mut context = Context::new(&mut self.link, program);
        registered
            .program
            .on_message(message, &mut context)
            .or_else(|verdict| judge(verdict, program, &mut self.link))
    }

    /// Hands a frame of any type but message, and its descriptors, to its program.
    pub(crate) fn route(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        match header.message_type {
            MessageType::CALL | MessageType::CALL_WITH_FDS => self.call(header, payload, fds),
            MessageType::REPLY | MessageType::REPLY_WITH_FDS => self.reply(header, payload, fds),
            MessageType::STREAM | MessageType::STREAM_HOLE => self.stream(header, payload),
            message_type => match self.link.role {
                Role::Server => self.drop_frame(),
                Role::Client => Err(ReceiveError::UnknownType { message_type }),
            },
        }
    }

    fn call(
        &mut self,
        header: &Header,
        payload: Payload<'_>,
        fds: Vec<Fd>,
    ) -> Result<(), ReceiveError> {
        let &Header {
            program,
            procedure,
            serial,
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
        self.link.calls_in_work += 1;
        let found = self.programs.find(program);
        let registered = found.filter(|registered| registered.takes_calls);
        let result = match admit(registered, header, &mut self.link) {
            Ok(registered) => {
                let id = CallId {
                    transport: self.link.token.clone(),
                    received,
                };
                let call = Call { id, payload, fds };
                let mut context = Context::new(&mut self.link, program);
                registered.program.on_call(call, &mut context)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            Context::new(&mut self.link, program).refuse(&error);
        }
        Ok(())
    }

    fn reply(
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
            Status::ERROR => Err(match payload.decode_lenient::<RemoteError>() {
                Ok(error) => ReplyError::Remote(error),
                Err(error) => ReplyError::Payload(error),
            }),
            status => Err(ReplyError::Status { status }),
        };
        if status == Status::ERROR && header.message_type == MessageType::REPLY {
            self.link.expect_returned_fds(waiting.fds);
        }
        if result.is_err() {
            // A refused call has no stream, even if its caller has opened one.
            let id = StreamId {
                procedure: called,
                serial,
            };
            self.link.streams.abort(program, id);
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

    fn stream(&mut self, header: &Header, payload: Payload<'_>) -> Result<(), ReceiveError> {
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
            (MessageType::STREAM_HOLE, Status::CONTINUE) => match payload.decode_lenient() {
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
                    // A client that aborts waits for the confirmation, which is of type 3 even if the abort was a hole.
                    self.link.send_empty(&Header {
                        message_type: MessageType::STREAM,
                        status: Status::OK,
                        ..*header
                    });
                }
                self.link.streams.abort(program, id);
                StreamBody::Abort(payload.decode_lenient().ok())
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
            .on_stream(StreamFrame { id, body }, &mut context)
            .or_else(|verdict| judge(verdict, program, &mut self.link))
    }

    fn drop_frame(&mut self) -> Result<(), ReceiveError> {
        self.link.counters.frames_dropped += 1;
        Ok(())
    }
}

/// Aborts a stream whose data is incomplete after a frame that cannot be read.
fn break_stream(link: &mut Link, header: &Header, error: RemoteError) -> StreamBody<'static> {
    let id = StreamId {
        procedure: header.procedure,
        serial: header.serial,
    };
    let mut context = Context::new(link, header.program);
    let reason = Some(&error).filter(|_| context.role() == Role::Server);
    // This fails for a stream that this end has finished, which needs no abort.
    let _ = context.abort_stream(id, reason);
    link.streams.abort(header.program, id);
    StreamBody::Abort(Some(error))
}

/// Decides what becomes of the connection after a program has not taken a frame.
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
