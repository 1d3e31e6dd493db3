//! The way out of a program: calls, replies, messages and streams, sent in its own name.

use bytes::Bytes;
use virt_xdr::{Encode, Header, MessageType, ProgramId, Serial, Status};

use crate::call::Received;
use crate::link::{Link, Waiting};
use crate::stream::End;
use crate::{CallId, Fd, RemoteError, Role, SendError, StreamHole, StreamId};

/// The way out of a program: every frame it sends carries its own number and version.
///
/// Frames are queued in the transport's outbox, in order. After an error nothing is queued, neither part of a frame
/// nor a waiting call; but a call whose answer cannot be sent is answered with the error.
#[derive(Debug)]
pub struct Context<'a> {
    link: &'a mut Link,
    program: ProgramId,
}

impl<'a> Context<'a> {
    pub(crate) fn new(link: &'a mut Link, program: ProgramId) -> Self {
        Self { link, program }
    }

    /// Sends the error with which a handler has ended, unless it had answered.
    pub(crate) fn refuse(mut self, error: &RemoteError) {
        if let Some(call) = self.link.unanswered.take() {
            // What cannot be sent is replaced by an error that can: see `answer`.
            let _ = self.answer_with_error(call, error);
        }
    }

    /// Returns the program that this context sends for.
    #[must_use]
    pub fn program(&self) -> ProgramId {
        self.program
    }

    /// Returns the end of the connection that the transport is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.link.role
    }

    /// Returns the number of bytes that wait to be written, those that carry descriptors excluded.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.link.outbox.bytes()
    }

    /// Lets calls that need authentication be answered from now on: see
    /// [`Program::requires_authentication`](crate::Program::requires_authentication).
    pub fn set_authenticated(&mut self) {
        self.link.authenticated = true;
    }

    /// Returns whether calls that need authentication are answered.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.link.authenticated
    }

    /// Calls a procedure of the peer. The reply comes to [`Program::on_reply`] with the returned serial, which no
    /// other waiting call and no open stream has.
    ///
    /// [`Program::on_reply`]: crate::Program::on_reply
    ///
    /// # Errors
    ///
    /// [`SendError::NotClient`] in a server, [`SendError::Encode`].
    pub fn call(
        &mut self,
        procedure: impl Into<i32>,
        args: &impl Encode,
    ) -> Result<Serial, SendError> {
        self.start_call(procedure.into(), MessageType::CALL, args, Vec::new())
    }

    /// Calls a procedure, with descriptors.
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call), [`SendError::TooManyFds`], [`SendError::FdsNotCarried`]; the descriptors are
    /// then closed.
    pub fn call_with_fds(
        &mut self,
        procedure: impl Into<i32>,
        args: &impl Encode,
        fds: Vec<Fd>,
    ) -> Result<Serial, SendError> {
        self.start_call(procedure.into(), MessageType::CALL_WITH_FDS, args, fds)
    }

    /// Answers a call with its return value.
    ///
    /// # Errors
    ///
    /// - [`SendError::Encode`]: the call is answered with that as an internal error, so that its caller does not
    ///   wait for ever.
    /// - [`SendError::ForeignCall`]: nothing is sent.
    pub fn reply(&mut self, call: CallId, ret: &impl Encode) -> Result<(), SendError> {
        let call = self.own(&call)?;
        let header = self.header(call.id, MessageType::REPLY, Status::OK);
        let result = self.link.send(&header, |out| ret.encode(out));
        self.answer(call, result)
    }

    /// Answers a call with its return value and descriptors.
    ///
    /// # Errors
    ///
    /// Those of [`reply`](Self::reply), [`SendError::TooManyFds`], [`SendError::FdsNotCarried`]; the descriptors
    /// are then closed.
    pub fn reply_with_fds(
        &mut self,
        call: CallId,
        ret: &impl Encode,
        fds: Vec<Fd>,
    ) -> Result<(), SendError> {
        let call = self.own(&call)?;
        let header = self.header(call.id, MessageType::REPLY_WITH_FDS, Status::OK);
        let result = self.link.send_with_fds(&header, |out| ret.encode(out), fds);
        self.answer(call, result)
    }

    /// Answers a call with an error, and closes its stream, if one was opened.
    ///
    /// # Errors
    ///
    /// Those of [`reply`](Self::reply): a text of the error may be over the limit of the protocol.
    pub fn reply_error(&mut self, call: CallId, error: &RemoteError) -> Result<(), SendError> {
        let call = self.own(&call)?;
        self.answer_with_error(call, error)
    }

    /// Sends a message, which is never replied to.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`].
    #[inline]
    pub fn message(
        &mut self,
        procedure: impl Into<i32>,
        body: &impl Encode,
    ) -> Result<(), SendError> {
        let header = self.message_header(procedure.into());
        self.link.send(&header, |out| body.encode(out))
    }

    /// Sends a message without a body, such as a PING, which always fits.
    #[inline]
    pub fn empty_message(&mut self, procedure: impl Into<i32>) {
        let header = self.message_header(procedure.into());
        self.link.send_empty(&header);
    }

    /// Opens the stream of a call: its frames come to [`Program::on_stream`] from now on.
    ///
    /// A client opens it when it calls, a server when it is called. The stream is open until both ends have finished
    /// it or one has aborted it; the stream of a refused call closes with the reply.
    ///
    /// [`Program::on_stream`]: crate::Program::on_stream
    ///
    /// # Errors
    ///
    /// - [`SendError::StreamOpen`]: the stream is open already.
    /// - [`SendError::TooManyStreams`]: see [`Transport::with_stream_limit`](crate::Transport::with_stream_limit).
    pub fn open_stream(&mut self, id: StreamId) -> Result<(), SendError> {
        let (open, limit) = (self.link.streams.len(), self.link.stream_limit);
        if open >= limit && !self.is_stream_open(id) {
            return Err(SendError::TooManyStreams { limit });
        }
        if self.link.streams.open(self.program, id) {
            Ok(())
        } else {
            Err(SendError::StreamOpen(id))
        }
    }

    /// Returns whether a stream of this program is open.
    #[must_use]
    pub fn is_stream_open(&self, id: StreamId) -> bool {
        self.link.streams.is_open(self.program, id)
    }

    /// Sends data on a stream. Empty data means that no more follows.
    ///
    /// Data of more than 4096 bytes is queued without a copy. libvirt sends at most 262 120 bytes at a time
    /// ([`LEGACY_PAYLOAD_MAX`](virt_xdr::LEGACY_PAYLOAD_MAX)), which peers of any age accept.
    ///
    /// # Errors
    ///
    /// [`SendError::StreamClosed`], [`SendError::Encode`] above [`PAYLOAD_MAX`](virt_xdr::PAYLOAD_MAX).
    pub fn stream_data(&mut self, id: StreamId, data: impl Into<Bytes>) -> Result<(), SendError> {
        let header = self.stream_header(id, MessageType::STREAM, Status::CONTINUE)?;
        self.link.send_payload(&header, data.into())
    }

    /// Sends a run of `length` zeros on a stream, without the zeros.
    ///
    /// # Errors
    ///
    /// [`SendError::StreamClosed`], [`SendError::HoleTooLong`].
    pub fn stream_hole(&mut self, id: StreamId, length: u64) -> Result<(), SendError> {
        let header = self.stream_header(id, MessageType::STREAM_HOLE, Status::CONTINUE)?;
        let limit = i64::MAX.cast_unsigned();
        let hole = StreamHole {
            length: i64::try_from(length).map_err(|_| SendError::HoleTooLong { length, limit })?,
            flags: 0,
        };
        self.link.send(&header, |out| hole.encode(out))
    }

    /// Finishes this end of a stream, without an error.
    ///
    /// A client finishes when all of the data is sent or received, and the server confirms it: a server may do this
    /// only after [`StreamBody::Finish`]. A server ends a download with empty data.
    ///
    /// [`StreamBody::Finish`]: crate::StreamBody::Finish
    ///
    /// # Errors
    ///
    /// - [`SendError::StreamClosed`].
    /// - [`SendError::StreamNotFinished`] in a server: libvirt's client closes the connection on an unexpected
    ///   confirmation.
    pub fn finish_stream(&mut self, id: StreamId) -> Result<(), SendError> {
        let header = self.stream_header(id, MessageType::STREAM, Status::OK)?;
        if self.link.role == Role::Server && self.link.streams.is_readable(self.program, id) {
            return Err(SendError::StreamNotFinished(id));
        }
        self.link.send_empty(&header);
        self.link.streams.finish(self.program, id, End::Here);
        Ok(())
    }

    /// Aborts a stream.
    ///
    /// A client gives no reason, as libvirt's does not. A server has to, because libvirt's client closes the
    /// connection if the reason does not decode: `None` becomes "stream had unexpected termination".
    ///
    /// # Errors
    ///
    /// [`SendError::StreamClosed`], [`SendError::Encode`]: a text of the error is over the limit.
    pub fn abort_stream(
        &mut self,
        id: StreamId,
        error: Option<&RemoteError>,
    ) -> Result<(), SendError> {
        let header = self.stream_header(id, MessageType::STREAM, Status::ERROR)?;
        let role = self.link.role;
        self.link.send(&header, |out| match error {
            Some(error) => error.encode(out),
            None if role == Role::Server => RemoteError::unexpected_stream_end().encode(out),
            None => Ok(()),
        })?;
        self.link.streams.abort(self.program, id);
        Ok(())
    }

    fn start_call(
        &mut self,
        procedure: i32,
        message_type: MessageType,
        args: &impl Encode,
        fds: Vec<Fd>,
    ) -> Result<Serial, SendError> {
        if self.link.role != Role::Client {
            return Err(SendError::NotClient);
        }
        let serial = self.link.next_serial();
        let id = StreamId { procedure, serial };
        let header = self.header(id, message_type, Status::OK);
        let waiting = Waiting {
            program: self.program,
            procedure,
            fds: fds.len(),
        };
        if message_type == MessageType::CALL {
            self.link.send(&header, |out| args.encode(out))?;
        } else {
            self.link
                .send_with_fds(&header, |out| args.encode(out), fds)?;
        }
        self.link.wait_for(serial, waiting);
        Ok(serial)
    }

    #[inline]
    fn message_header(&self, procedure: i32) -> Header {
        Header {
            program: self.program,
            procedure,
            message_type: MessageType::MESSAGE,
            serial: Serial(0),
            status: Status::OK,
        }
    }

    fn stream_header(
        &self,
        id: StreamId,
        message_type: MessageType,
        status: Status,
    ) -> Result<Header, SendError> {
        if !self.link.streams.is_writable(self.program, id) {
            return Err(SendError::StreamClosed(id));
        }
        Ok(self.header(id, message_type, status))
    }

    /// Makes the header of a frame that belongs to a call, such as one of its stream.
    fn header(&self, id: StreamId, message_type: MessageType, status: Status) -> Header {
        Header {
            program: self.program,
            procedure: id.procedure,
            message_type,
            serial: id.serial,
            status,
        }
    }

    /// Checks that a call was received here: serials are the same on every connection.
    fn own(&self, call: &CallId) -> Result<Received, SendError> {
        let received = call.received;
        if call.transport == self.link.token && received.program == self.program {
            return Ok(received);
        }
        Err(SendError::ForeignCall {
            program: self.program,
            procedure: received.id.procedure,
            serial: received.id.serial,
        })
    }

    fn answer_with_error(&mut self, call: Received, error: &RemoteError) -> Result<(), SendError> {
        let result = self.refuse_call(call, error);
        self.answer(call, result)
    }

    /// Notes that a call was answered; if its answer could not be sent, sends the reason.
    fn answer(&mut self, call: Received, result: Result<(), SendError>) -> Result<(), SendError> {
        if self.link.unanswered == Some(call) {
            self.link.unanswered = None;
        }
        self.link.calls_in_work = self.link.calls_in_work.saturating_sub(1);
        if let Err(error) = &result {
            self.refuse_call(call, &RemoteError::from(error.clone()))?;
        }
        result
    }

    /// Sends an error as the reply. A refused call has no stream, and the peer expects none.
    fn refuse_call(&mut self, call: Received, error: &RemoteError) -> Result<(), SendError> {
        let header = self.header(call.id, MessageType::REPLY, Status::ERROR);
        self.link.send(&header, |out| error.encode(out))?;
        if !call.shares_stream {
            self.link.streams.abort(self.program, call.id);
        }
        Ok(())
    }
}
