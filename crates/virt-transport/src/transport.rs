//! The transport: bytes in, frames to their programs, bytes out.

use std::any::Any;
use std::fmt;
use std::io;
use std::marker::PhantomData;

use virt_xdr::{ProgramId, Serial};

use crate::inbound::{Inbound, Need};
use crate::link::Counters;
use crate::router::Router;
use crate::token::Token;
use crate::{Context, Fd, Program, ReceiveError, RegisterError, Role, Transmit};

/// A registered program, as [`Transport::with`] takes it.
pub struct Handle<P> {
    id: ProgramId,
    /// The transport that it belongs to.
    transport: Token,
    program: PhantomData<fn() -> P>,
}

/// One end of a connection.
///
/// The [crate's documentation](crate) has the calling contract and the behaviour of each role.
#[derive(Debug)]
pub struct Transport {
    inbound: Inbound,
    router: Router,
}

impl Transport {
    /// The default [answer limit](Self::with_answer_limit) in bytes: 256 KiB.
    pub const ANSWER_LIMIT: usize = 256 * 1024;

    /// Makes a transport without programs, for a connection that carries no descriptors, such as TCP.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            inbound: Inbound::new(Self::ANSWER_LIMIT),
            router: Router::new(role),
        }
    }

    /// Lets the connection carry descriptors, as a Unix socket does.
    #[must_use]
    pub fn with_fds(mut self) -> Self {
        self.router.carry_fds();
        self
    }

    /// Sets a lower limit for received frames, in bytes, the length word included. It is clamped to
    /// 28..=33 554 436.
    #[must_use]
    pub fn with_frame_limit(mut self, limit: usize) -> Self {
        self.set_frame_limit(limit);
        self
    }

    /// Changes the limit for received frames, from the next frame on, as
    /// [`with_frame_limit`](Self::with_frame_limit) does.
    pub fn set_frame_limit(&mut self, limit: usize) {
        self.inbound.set_frame_limit(limit);
    }

    /// Sets the number of bytes that the frames of one [`receive`](Self::receive) may queue before those behind them
    /// are held up. The default is [`ANSWER_LIMIT`](Self::ANSWER_LIMIT); `usize::MAX` turns it off.
    ///
    /// One read may hold thousands of small calls with large replies. Once more than `limit` bytes have been queued
    /// since it began, each descriptor counted as [`FD_WEIGHT`](crate::FD_WEIGHT), the frames left wait for
    /// [`resume`](Self::resume). The limit is exceeded by the answer to one frame at most.
    #[must_use]
    pub fn with_answer_limit(mut self, limit: usize) -> Self {
        self.inbound.set_answer_limit(limit);
        self
    }

    /// Sets the number of calls in work at which received frames are held up until one is answered, PINGs included. 0 is
    /// treated as 1; by default there is no limit. A libvirt daemon has 5 for each client.
    #[must_use]
    pub fn with_call_limit(mut self, limit: usize) -> Self {
        self.inbound.set_call_limit(limit);
        self
    }

    /// Sets the number of open streams at which [`Context::open_stream`] fails. By default there is no limit.
    #[must_use]
    pub fn with_stream_limit(mut self, limit: usize) -> Self {
        self.router.set_stream_limit(limit);
        self
    }

    /// Refuses calls that need authentication until a program calls [`Context::set_authenticated`].
    ///
    /// [`Program::requires_authentication`] does the same at registration.
    #[must_use]
    pub fn with_authentication(mut self) -> Self {
        self.router.require_authentication();
        self
    }

    /// Sets the serial of the next call. The default is 1.
    #[must_use]
    pub fn with_next_serial(mut self, serial: Serial) -> Self {
        self.router.set_next_serial(serial);
        self
    }

    /// Registers a program: from now on it gets the frames with its number and version.
    ///
    /// # Errors
    ///
    /// A program with the same number is registered already, in any version.
    pub fn register<P: Program>(&mut self, program: P) -> Result<Handle<P>, RegisterError> {
        let id = self.router.register(Box::new(program))?;
        Ok(Handle {
            id,
            transport: self.router.token().clone(),
            program: PhantomData,
        })
    }

    /// Runs `action` on a registered program and its context, through which it sends.
    ///
    /// This works after a [failure](Self::failure), too, so that programs can hand over their state. Do not write
    /// the output of such an action.
    ///
    /// # Panics
    ///
    /// If the handle belongs to another transport, which is a bug of the caller.
    pub fn with<P: Program, R>(
        &mut self,
        handle: &Handle<P>,
        action: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> R {
        assert!(
            handle.transport == *self.router.token(),
            "the handle of {} belongs to another transport",
            handle.id
        );
        let found = self.router.program(handle.id).and_then(|(program, cx)| {
            let program: &mut dyn Any = program;
            Some((program.downcast_mut::<P>()?, cx))
        });
        let Some((program, mut cx)) = found else {
            unreachable!("a program stays registered, and a handle has its type");
        };
        action(program, &mut cx)
    }

    /// Takes received bytes, and hands each whole frame to its program.
    ///
    /// A frame that lies whole in `bytes` is handled in place; the rest is kept until it is whole. Frames that are
    /// [held up](Self::is_paused) are handled first.
    ///
    /// # Errors
    ///
    /// See [`ReceiveError`]. The frames before the faulty one have been handled; the error sticks.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        self.inbound.receive(bytes, &mut self.router)
    }

    /// Returns `length` bytes of room to read into; [`commit`](Self::commit) takes the number of bytes read.
    ///
    /// The content of the room is unspecified. Use it in place of [`receive`](Self::receive) to save the copy of large
    /// frames, which come in several reads, and of payloads that a program keeps.
    ///
    /// All of the room is allocated at once: ask for the size of one read, some kilobytes, and not for all that
    /// [`need`](Self::need) says, which the peer alone decides.
    pub fn space(&mut self, length: usize) -> &mut [u8] {
        self.inbound.space(length)
    }

    /// Takes the first `count` bytes of the last [`space`](Self::space), as [`receive`](Self::receive) does.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive).
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of the space.
    pub fn commit(&mut self, count: usize) -> Result<(), ReceiveError> {
        self.inbound.commit(count, &mut self.router)
    }

    /// Returns whether whole frames are held up by the [answer limit](Self::with_answer_limit) or the
    /// [call limit](Self::with_call_limit).
    ///
    /// Write, and then [`resume`](Self::resume) once it [would do something](Self::is_resumable). Meanwhile read nothing:
    /// further input waits behind these frames, and a descriptor must be held back until they are handled.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.inbound.is_paused()
    }

    /// Returns whether [`resume`](Self::resume) would handle frames: some are held up, and not by the
    /// [call limit](Self::with_call_limit).
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.inbound.is_resumable(&self.router)
    }

    /// Handles frames that are held up, until the limit is reached again.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive).
    pub fn resume(&mut self) -> Result<(), ReceiveError> {
        self.inbound.resume(&mut self.router)
    }

    /// Takes a received descriptor. Its byte is not given to [`receive`](Self::receive).
    ///
    /// A kernel returns the byte that carries a descriptor as the last of a read, after plain bytes. Give the bytes
    /// before it to `receive` first, and [`resume`](Self::resume) until no frame is held up.
    ///
    /// A libvirt daemon that refuses a call with descriptors may send these back, unannounced, behind the error. They
    /// are closed.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::UnexpectedFd`] if none is due, and those of [`receive`](Self::receive) if it completes a frame.
    pub fn receive_fd(&mut self, fd: Fd) -> Result<(), ReceiveError> {
        self.inbound.receive_fd(fd, &mut self.router)
    }

    /// Returns the input needed next: [`Need::Bytes`] of 0 while frames are [held up](Self::is_paused), and after an
    /// error.
    #[must_use]
    pub fn need(&self) -> Need {
        self.inbound.need()
    }

    /// Returns the error of [`receive`](Self::receive) after which the connection has to be closed, if there was one.
    #[must_use]
    pub fn failure(&self) -> Option<&ReceiveError> {
        self.inbound.failure()
    }

    /// Returns the next output to be written, or `None` if there is none.
    ///
    /// Take off what was written, with [`Buf::advance`](bytes::Buf::advance) or
    /// [`FdSlot::into_fd`](crate::FdSlot::into_fd). Where no descriptors are sent, [`write_to`](Self::write_to) does
    /// it all.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.router.outbox_mut().poll()
    }

    /// Writes all output, and retries when interrupted.
    ///
    /// # Errors
    ///
    /// Those of the writer. Output that was not written stays queued, so a writer that would block can be tried again.
    /// [`ErrorKind::Unsupported`](io::ErrorKind::Unsupported) if a descriptor is next.
    pub fn write_to(&mut self, writer: &mut impl io::Write) -> io::Result<()> {
        self.router.outbox_mut().write_to(writer)
    }

    /// Returns the number of bytes that wait to be written, those that carry descriptors excluded.
    ///
    /// Stop reading while it is above a limit of your own: the output of a peer that sends and does not read would
    /// otherwise grow without bound.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.router.outbox().bytes()
    }

    /// Returns the number of descriptors that wait to be written.
    #[must_use]
    pub fn queued_fds(&self) -> usize {
        self.router.outbox().fds()
    }

    /// Returns the number of received bytes that wait for the rest of their frame. A connection that ends while it
    /// is not 0 was cut off.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.inbound.buffered()
    }

    /// Returns the number of calls that wait for a reply.
    #[must_use]
    pub fn waiting_calls(&self) -> usize {
        self.router.waiting_calls()
    }

    /// Returns the number of received calls that have no answer yet.
    #[must_use]
    pub fn calls_in_work(&self) -> usize {
        self.router.calls_in_work()
    }

    /// Returns whether a call was admitted that needs authentication: the client is past opening.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.router.is_established()
    }

    /// Returns the number of open streams.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.router.open_streams()
    }

    /// Returns the counts of frames, bytes and descriptors so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.router.counters()
    }

    /// Returns the end of the connection that this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.router.role()
    }

    /// Frees memory that is not in use, for a connection that falls idle.
    pub fn shrink_to_fit(&mut self) {
        self.inbound.shrink_to_fit();
        self.router.outbox_mut().shrink_to_fit();
    }
}

impl<P> Clone for Handle<P> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            transport: self.transport.clone(),
            program: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.id).finish()
    }
}
