//! The transport: bytes in, frames to their programs, bytes out.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem;

use virt_xdr::{
    FDS_MAX, FRAME_MIN, Frame, FrameDecoder, Header, MessageType, Payload, ProgramId,
    split_off_frame,
};

use crate::link::{Counters, Link, Token};
use crate::route::{Hold, Pending, Router};
use crate::{Context, Fd, HandleError, Program, ReceiveError, RegisterError, Transmit};

/// The length of a frame with descriptors without its payload: the least there can be, and their count.
const FD_FRAME_MIN: usize = FRAME_MIN + size_of::<u32>();

/// Which end of a connection a transport is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Role {
    /// The end that calls: it behaves as libvirt's C client does.
    Client,
    /// The end that is called: it behaves as a libvirt daemon does.
    Server,
}

/// What a transport waits for to complete the frame that it has begun to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// So many bytes, as far as can be told; who reads no more never takes a byte of the next frame.
    Bytes(usize),
    /// So many descriptors, each with one byte.
    Fds(usize),
}

/// A registered program, to be reached with [`Transport::with`].
pub struct Handle<P> {
    id: ProgramId,
    /// Which transport it belongs to.
    transport: Token,
    program: PhantomData<fn() -> P>,
}

/// One end of a connection.
///
/// See the [crate's documentation](crate) for the calling contract and what each role does.
#[derive(Debug)]
pub struct Transport {
    decoder: FrameDecoder,
    /// How much the frames of one turn may lead to before the others wait.
    answer_limit: usize,
    router: Router,
    /// Once set, it stays, and nothing is received any more.
    failed: Option<ReceiveError>,
}

impl Transport {
    /// A transport without programs, for a connection that carries no descriptors, such as TCP.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            decoder: FrameDecoder::new(),
            answer_limit: usize::MAX,
            router: Router::new(Link::new(role)),
            failed: None,
        }
    }

    /// The same for a connection that carries descriptors: a Unix socket.
    #[must_use]
    pub fn with_fds(mut self) -> Self {
        self.router.link.carries_fds = true;
        self
    }

    /// The same with a lower limit for received frames, in bytes, the length word included; it is held
    /// between 28 and 33 554 436.
    ///
    /// To be said before anything is received: what was received before is forgotten.
    #[must_use]
    pub fn with_frame_limit(mut self, limit: usize) -> Self {
        self.decoder = FrameDecoder::with_limit(limit);
        self
    }

    /// The same with a limit for what the frames of one [`receive`](Self::receive) may lead to, in bytes.
    ///
    /// Small calls can have large replies, and many of them come in one read. Once more than `limit` bytes have
    /// been queued since it began, each descriptor counted as [`FD_WEIGHT`](crate::FD_WEIGHT), the frames that are left wait for
    /// [`resume`](Self::resume): one frame more may go over it by what it is answered with. Messages are not held up;
    /// a program that answers one with much sees [`Context::queued`]. There is no limit unless it is set.
    #[must_use]
    pub fn with_answer_limit(mut self, limit: usize) -> Self {
        self.answer_limit = limit;
        self
    }

    /// Registers a program: from now on it gets the frames that carry its number and version.
    ///
    /// # Errors
    ///
    /// A program with the same number is registered already, in whatever version.
    pub fn register<P: Program>(&mut self, program: P) -> Result<Handle<P>, RegisterError> {
        let id = self.router.programs.register(Box::new(program))?;
        Ok(Handle {
            id,
            transport: self.router.link.token.clone(),
            program: PhantomData,
        })
    }

    /// Runs `action` on a registered program and with what it needs to send.
    ///
    /// It works after an error of [`receive`](Self::receive), too, so that programs can be asked for what
    /// they hold; what they send then is not to be written.
    ///
    /// # Errors
    ///
    /// The handle belongs to another transport.
    pub fn with<P: Program, R>(
        &mut self,
        handle: &Handle<P>,
        action: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Result<R, HandleError> {
        if handle.transport != self.router.link.token {
            return Err(HandleError(()));
        }
        let (program, mut context) = self.router.program(handle.id).ok_or(HandleError(()))?;
        let program: &mut dyn Any = program;
        let program = program.downcast_mut().ok_or(HandleError(()))?;
        Ok(action(program, &mut context))
    }

    /// Takes bytes that were received, and hands each frame that is whole to its program.
    ///
    /// A frame that lies whole in `bytes` is handled where it lies; the rest is kept until it is whole. Frames
    /// that [wait](Self::is_paused) are handled first.
    ///
    /// # Errors
    ///
    /// See [`ReceiveError`]. The frames before the one that is wrong have been handled; the error sticks.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        self.check()?;
        self.router.link.counters.bytes_received += bytes.len() as u64;
        self.take(bytes).map_err(|error| self.fail(error))
    }

    /// `length` bytes of room, to read into; [`commit`](Self::commit) says how many were.
    ///
    /// What the room holds is not said. Use it in place of [`receive`](Self::receive) so that large frames, which
    /// come in several reads, and payloads that a program keeps are not copied.
    ///
    /// All of the room is allocated at once: ask for what one read may bring, some kilobytes, and not for
    /// all that [`need`](Self::need) says, which the peer alone decides.
    pub fn space(&mut self, length: usize) -> &mut [u8] {
        self.decoder.space(length)
    }

    /// As [`receive`](Self::receive), for the first `count` bytes of the last [`space`](Self::space).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of the space.
    pub fn commit(&mut self, count: usize) -> Result<(), ReceiveError> {
        self.check()?;
        self.decoder.commit(count);
        self.router.link.counters.bytes_received += count as u64;
        self.begin();
        self.dispatch().map_err(|error| self.fail(error))
    }

    /// Whether frames that are whole wait, because those before them were answered with more than the
    /// [limit](Self::with_answer_limit).
    ///
    /// Write, and then [`resume`](Self::resume). Meanwhile read nothing: whatever is received waits behind them,
    /// and a descriptor has to be held back until they are through.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        matches!(self.router.hold, Hold::Answers)
            && self.failed.is_none()
            && self.decoder.need() == 0
    }

    /// Handles frames that wait, up to the limit anew.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn resume(&mut self) -> Result<(), ReceiveError> {
        self.check()?;
        self.begin();
        self.dispatch().map_err(|error| self.fail(error))
    }

    /// Takes a descriptor that was received, whose byte is not given to [`receive`](Self::receive).
    ///
    /// A kernel hands out the byte that carries a descriptor as the last of a read, after plain bytes. Give
    /// the bytes before it to `receive` first, and [`resume`](Self::resume) until no frame waits.
    ///
    /// A libvirt daemon that refuses a call with descriptors may send these back behind the error, which
    /// nothing announces; they are closed.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::UnexpectedFd`] if none is due, and as [`receive`](Self::receive) if it completes a
    /// frame.
    pub fn receive_fd(&mut self, fd: Fd) -> Result<(), ReceiveError> {
        self.check()?;
        self.router.link.counters.fds_received += 1;
        let Hold::Fds(pending) = &mut self.router.hold else {
            return if self.decoder.buffered() == 0 && self.router.take_returned_fd() {
                Ok(())
            } else {
                Err(self.fail(ReceiveError::UnexpectedFd))
            };
        };
        pending.fds.push(fd);
        pending.missing -= 1;
        if pending.missing > 0 {
            return Ok(());
        }
        if let Hold::Fds(mut pending) = mem::replace(&mut self.router.hold, Hold::Nothing) {
            let payload = (&mut pending.payload).into();
            let result = self.router.route(&pending.header, payload, pending.fds);
            result.map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    /// What is needed next. It is [`Need::Bytes`] of 0 while frames [wait](Self::is_paused), and after an error.
    #[must_use]
    pub fn need(&self) -> Need {
        match &self.router.hold {
            _ if self.failed.is_some() => Need::Bytes(0),
            Hold::Fds(pending) => Need::Fds(pending.missing),
            _ => Need::Bytes(self.decoder.need()),
        }
    }

    /// What is to be written next, or `None` if nothing is.
    ///
    /// What was written has to be taken off: with [`Buf::advance`](bytes::Buf::advance), or
    /// [`FdSlot::into_fd`](crate::FdSlot::into_fd).
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.router.link.outbox.poll()
    }

    /// How many bytes wait to be written, those that carry descriptors not counted.
    ///
    /// An owner that reads on while its peer does not is how memory runs out: stop reading above a mark, and set
    /// [`with_answer_limit`](Self::with_answer_limit).
    #[must_use]
    pub fn queued(&self) -> usize {
        self.router.link.outbox.bytes()
    }

    /// How many descriptors wait to be written.
    #[must_use]
    pub fn queued_fds(&self) -> usize {
        self.router.link.outbox.fds()
    }

    /// How many received bytes wait for the rest of their frame. A connection that ends while it is not 0
    /// was cut off.
    #[must_use]
    pub fn buffered(&self) -> usize {
        let pending = match &self.router.hold {
            Hold::Fds(pending) => FD_FRAME_MIN + pending.payload.len(),
            _ => 0,
        };
        self.decoder.buffered() + pending
    }

    /// How many calls wait for a reply.
    #[must_use]
    pub fn waiting_calls(&self) -> usize {
        self.router.link.waiting()
    }

    /// How many streams are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.router.link.streams.len()
    }

    /// What has been received, sent and dropped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.router.link.counters()
    }

    /// Which end of the connection this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.router.link.role
    }

    /// Gives back memory that is not in use, for a connection that falls idle.
    pub fn shrink_to_fit(&mut self) {
        self.decoder.shrink_to_fit();
        self.router.link.outbox.shrink_to_fit();
    }

    fn check(&self) -> Result<(), ReceiveError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: ReceiveError) -> ReceiveError {
        self.failed = Some(error.clone());
        self.router.hold = Hold::Nothing;
        self.decoder = FrameDecoder::new();
        error
    }

    /// Handles the frames that lie whole in `bytes` where they lie, once one that was cut is put together.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), ReceiveError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.begin();
        let bypassed = self.decoder.buffered() == 0;
        while self.decoder.buffered() > 0 && !bytes.is_empty() && !self.router.hold.is_answers() {
            let (front, rest) = bytes.split_at(self.decoder.need().min(bytes.len()));
            bytes = rest;
            self.decoder.push(front);
            self.dispatch()?;
        }
        let limit = self.decoder.limit();
        while self.router.hold.is_nothing()
            && let Some((header, payload)) = split_off_frame(&mut bytes, limit)?
        {
            handle(&mut self.router, header, payload)?;
        }
        if bytes.is_empty() {
            if bypassed {
                // The decoder has not seen these frames, and may have grown for one that was large and cut.
                self.decoder.shrink_if_idle();
            }
            return Ok(());
        }
        self.decoder.push(bytes);
        self.check_pending()
    }

    /// Handles the frames that the decoder has whole.
    fn dispatch(&mut self) -> Result<(), ReceiveError> {
        while self.router.hold.is_nothing()
            && let Some(Frame { header, payload }) = self.decoder.next_frame()?
        {
            handle(&mut self.router, header, payload)?;
        }
        self.check_pending()
    }

    /// Begins a turn: answers are counted anew.
    fn begin(&mut self) {
        if self.router.hold.is_answers() {
            self.router.hold = Hold::Nothing;
        }
        let level = self.router.link.outbox.level();
        self.router.mark = level.saturating_add(self.answer_limit as u64);
    }

    /// Nothing may come before the descriptors that are due.
    fn check_pending(&self) -> Result<(), ReceiveError> {
        match &self.router.hold {
            Hold::Fds(pending) if self.decoder.buffered() > 0 => Err(ReceiveError::MissingFds {
                missing: pending.missing,
            }),
            _ => Ok(()),
        }
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

/// Hands a frame to its program, unless descriptors belong to it that are still due.
///
/// Inlined into both loops, because a header that is passed on through memory costs more than a PONG. What a message was
/// answered with is not looked at: that alone would bring it over its limit in `docs/performance.md`.
#[inline(always)]
fn handle<'a>(
    router: &mut Router,
    header: Header,
    payload: impl Into<Payload<'a>>,
) -> Result<(), ReceiveError> {
    router.link.counters.frames_received += 1;
    if header.message_type == MessageType::MESSAGE {
        router.on_message(&header, payload.into())?;
    } else {
        route(router, header, payload.into())?;
    }
    Ok(())
}

/// The same for a frame of any type but message.
///
/// It is no rarity; but what it takes is not to be kept in registers that a loop over messages can use.
#[cold]
fn route(
    router: &mut Router,
    header: Header,
    mut payload: Payload<'_>,
) -> Result<(), ReceiveError> {
    let fds = Vec::new();
    if router.announces_fds(&header) {
        let missing = fd_count(&mut payload, router.link.carries_fds)?;
        if missing > 0 {
            router.hold = Hold::Fds(Box::new(Pending {
                header,
                payload: payload.into_bytes(),
                fds,
                missing,
            }));
            return Ok(());
        }
    }
    router.route(&header, payload, fds)?;
    if router.link.outbox.level() > router.mark {
        router.hold = Hold::Answers;
    }
    Ok(())
}

/// Takes the count of descriptors off a payload.
fn fd_count(payload: &mut Payload<'_>, carried: bool) -> Result<usize, ReceiveError> {
    let bytes = payload.as_slice();
    let Some(&count) = bytes.first_chunk() else {
        return Err(ReceiveError::MissingFdCount {
            length: bytes.len(),
        });
    };
    payload.advance(size_of::<u32>());
    match u32::from_be_bytes(count) {
        count if count as usize > FDS_MAX => Err(ReceiveError::TooManyFds {
            count,
            limit: FDS_MAX,
        }),
        count if count > 0 && !carried => Err(ReceiveError::FdsNotCarried { count }),
        count => Ok(count as usize),
    }
}
