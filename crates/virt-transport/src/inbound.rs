//! Received bytes on their way to whole frames: the frame that is incomplete, and the frames that have to wait.

use std::mem;

use bytes::Bytes;
use virt_xdr::{
    FDS_MAX, FRAME_MIN, Frame, FrameDecoder, Header, MessageType, Payload, split_off_frame,
};

use crate::router::Router;
use crate::{Fd, ReceiveError};

/// The length of a frame with descriptors and an empty payload: the shortest frame, and the count of descriptors.
const FD_FRAME_MIN: usize = FRAME_MIN + size_of::<u32>();

/// The input that completes an incomplete frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// Bytes still needed, as far as known. Reading no more than that never consumes part of the next frame.
    Bytes(usize),
    /// Descriptors still needed, each with one byte.
    Fds(usize),
}

/// The receiving half of a transport.
#[derive(Debug)]
pub(crate) struct Inbound {
    decoder: FrameDecoder,
    hold: Hold,
    /// The weight that the outbox may gain in one turn before frames are held up.
    answer_limit: usize,
    /// The calls in work at which frames are held up.
    call_limit: usize,
    /// The weight of the outbox above which frames are held up in this turn.
    mark: usize,
    /// The first error. Once set, it stays, and nothing is received any more.
    failure: Option<ReceiveError>,
}

/// The reason why the next frame is not handled.
#[derive(Debug)]
enum Hold {
    Nothing,
    /// A frame before it has not all of its descriptors.
    Fds(Box<Pending>),
    /// Frames before it were answered with too much. It holds until the next turn.
    Answers,
    /// Too many calls are in work. It holds until one is answered.
    Calls,
}

/// A frame that waits for its descriptors.
#[derive(Debug)]
struct Pending {
    header: Header,
    payload: Bytes,
    fds: Vec<Fd>,
    /// The number of descriptors still due, at least 1.
    missing: usize,
}

impl Inbound {
    pub(crate) fn new(answer_limit: usize) -> Self {
        Self {
            decoder: FrameDecoder::new(),
            hold: Hold::Nothing,
            answer_limit,
            call_limit: usize::MAX,
            mark: usize::MAX,
            failure: None,
        }
    }

    pub(crate) fn set_frame_limit(&mut self, limit: usize) {
        self.decoder.set_limit(limit);
    }

    pub(crate) fn set_answer_limit(&mut self, limit: usize) {
        self.answer_limit = limit;
    }

    pub(crate) fn set_call_limit(&mut self, limit: usize) {
        self.call_limit = limit.max(1);
    }

    pub(crate) fn failure(&self) -> Option<&ReceiveError> {
        self.failure.as_ref()
    }

    pub(crate) fn space(&mut self, length: usize) -> &mut [u8] {
        self.decoder.space(length)
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.decoder.shrink_to_fit();
    }

    /// Returns whether whole frames are held up because of those before them.
    pub(crate) fn is_paused(&self) -> bool {
        self.hold.is_turn() && self.failure.is_none() && self.decoder.need() == 0
    }

    /// Returns whether frames that are held up would be handled by [`resume`](Self::resume).
    pub(crate) fn is_resumable(&self, router: &Router) -> bool {
        self.is_paused()
            && (matches!(self.hold, Hold::Answers) || router.calls_in_work() < self.call_limit)
    }

    pub(crate) fn need(&self) -> Need {
        match &self.hold {
            _ if self.failure.is_some() => Need::Bytes(0),
            Hold::Fds(pending) => Need::Fds(pending.missing),
            _ => Need::Bytes(self.decoder.need()),
        }
    }

    /// Returns the number of received bytes that wait for the rest of their frame.
    pub(crate) fn buffered(&self) -> usize {
        let pending = match &self.hold {
            Hold::Fds(pending) => FD_FRAME_MIN + pending.payload.len(),
            _ => 0,
        };
        self.decoder.buffered() + pending
    }

    /// Takes received bytes, and has each whole frame handled.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        router: &mut Router,
    ) -> Result<(), ReceiveError> {
        self.check()?;
        router.count_bytes(bytes.len());
        if bytes.is_empty() {
            return Ok(());
        }
        self.begin_turn(router);
        self.take(bytes, router).map_err(|error| self.fail(error))
    }

    /// Takes the first `count` bytes of the last [`space`](Self::space), and has each whole frame handled.
    pub(crate) fn commit(&mut self, count: usize, router: &mut Router) -> Result<(), ReceiveError> {
        self.check()?;
        self.decoder.commit(count);
        router.count_bytes(count);
        self.resume(router)
    }

    /// Has the frames handled that were held up.
    pub(crate) fn resume(&mut self, router: &mut Router) -> Result<(), ReceiveError> {
        self.check()?;
        self.begin_turn(router);
        self.handle_buffered(router)
            .map_err(|error| self.fail(error))
    }

    /// Takes a received descriptor.
    pub(crate) fn receive_fd(&mut self, fd: Fd, router: &mut Router) -> Result<(), ReceiveError> {
        self.check()?;
        router.count_fd();
        let Hold::Fds(pending) = &mut self.hold else {
            return if self.decoder.buffered() == 0 && router.take_returned_fd() {
                Ok(())
            } else {
                Err(self.fail(ReceiveError::UnexpectedFd))
            };
        };
        if router.is_authenticated() {
            pending.fds.push(fd);
        }
        pending.missing -= 1;
        if pending.missing > 0 {
            return Ok(());
        }
        if let Hold::Fds(mut pending) = mem::replace(&mut self.hold, Hold::Nothing) {
            let payload = (&mut pending.payload).into();
            router
                .route(&pending.header, payload, pending.fds)
                .map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    /// Returns the first error, if there was one.
    #[inline]
    fn check(&self) -> Result<(), ReceiveError> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(again(failure)),
        }
    }

    /// Keeps the first error, and discards all input.
    #[cold]
    fn fail(&mut self, error: ReceiveError) -> ReceiveError {
        self.failure = Some(error.clone());
        self.hold = Hold::Nothing;
        self.decoder = FrameDecoder::with_limit(self.decoder.limit());
        error
    }

    /// Begins a turn: answers are counted from here.
    fn begin_turn(&mut self, router: &Router) {
        let blocked = router.calls_in_work() >= self.call_limit;
        if self.hold.is_turn() && !(blocked && matches!(self.hold, Hold::Calls)) {
            self.hold = Hold::Nothing;
        }
        let weight = router.outbox().weight();
        self.mark = weight.saturating_add(self.answer_limit);
    }

    /// Has the frames handled that lie whole in `bytes`, once a cut one before them is put together.
    fn take(&mut self, mut bytes: &[u8], router: &mut Router) -> Result<(), ReceiveError> {
        let bypassed = self.decoder.buffered() == 0;
        while self.decoder.buffered() > 0 && !bytes.is_empty() && !self.hold.is_turn() {
            let (front, rest) = bytes.split_at(self.decoder.need().min(bytes.len()));
            bytes = rest;
            self.decoder.push(front);
            self.handle_buffered(router)?;
        }
        let limit = self.decoder.limit();
        while matches!(self.hold, Hold::Nothing)
            && let Some((header, payload)) = split_off_frame(&mut bytes, limit)?
        {
            let limits = (self.mark, self.call_limit);
            handle(&mut self.hold, limits, router, header, payload)?;
        }
        if bytes.is_empty() {
            if bypassed {
                // The decoder has not seen these frames, and may have grown for a large one before them.
                self.decoder.shrink_if_idle();
            }
            return Ok(());
        }
        self.decoder.push(bytes);
        self.check_pending()
    }

    /// Has the frames handled that lie whole in the decoder.
    fn handle_buffered(&mut self, router: &mut Router) -> Result<(), ReceiveError> {
        while matches!(self.hold, Hold::Nothing)
            && let Some(Frame { header, payload }) = self.decoder.next_frame()?
        {
            let limits = (self.mark, self.call_limit);
            handle(&mut self.hold, limits, router, header, payload)?;
        }
        self.check_pending()
    }

    /// Checks that no bytes come before descriptors that are due.
    fn check_pending(&self) -> Result<(), ReceiveError> {
        match &self.hold {
            Hold::Fds(pending) if self.decoder.buffered() > 0 => Err(ReceiveError::MissingFds {
                missing: pending.missing,
            }),
            _ => Ok(()),
        }
    }
}

impl Hold {
    /// Returns whether it holds up whole frames until a later turn.
    fn is_turn(&self) -> bool {
        matches!(self, Self::Answers | Self::Calls)
    }
}

/// Has a frame handled, unless descriptors belong to it that are still due; sets the hold for the next frame.
#[inline]
fn handle<'a>(
    hold: &mut Hold,
    (mark, call_limit): (usize, usize),
    router: &mut Router,
    header: Header,
    payload: impl Into<Payload<'a>>,
) -> Result<(), ReceiveError> {
    router.count_frame();
    if header.message_type == MessageType::MESSAGE {
        router.message(&header, payload.into())?;
    } else if !await_fds_or_route(hold, router, header, payload.into())? {
        return Ok(());
    } else if router.calls_in_work() >= call_limit {
        *hold = Hold::Calls;
        return Ok(());
    }
    if router.outbox().weight() > mark {
        *hold = Hold::Answers;
    }
    Ok(())
}

/// Has a frame other than a message routed; returns `false` if it waits for its descriptors instead.
///
/// It is no rare case, but kept out of the loop over messages, whose registers it would take.
#[cold]
fn await_fds_or_route(
    hold: &mut Hold,
    router: &mut Router,
    header: Header,
    mut payload: Payload<'_>,
) -> Result<bool, ReceiveError> {
    if router.announces_fds(&header) {
        let missing = fd_count(&mut payload, router.carries_fds())?;
        if missing > 0 {
            *hold = Hold::Fds(Box::new(Pending {
                header,
                payload: payload.into_bytes(),
                fds: Vec::new(),
                missing,
            }));
            return Ok(false);
        }
    }
    router.route(&header, payload, Vec::new())?;
    Ok(true)
}

/// Repeats the first error.
#[cold]
fn again(failure: &ReceiveError) -> ReceiveError {
    failure.clone()
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
