//! The decoder of frames from a byte stream that is cut anywhere.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::buffer::Buffer;
use crate::frame::{LENGTH_SIZE, announced_length, header};
use crate::{FRAME_MAX, FRAME_MIN, Frame, FrameError, Payload};

/// Takes frames out of a stream of bytes.
///
/// Bytes go in by [`push`](Self::push), which copies them, or are read straight into the buffer through
/// [`space`](Self::space) and [`commit`](Self::commit). Frames come out of [`next_frame`](Self::next_frame): incomplete
/// input is `Ok(None)`, an impossible length is an error that sticks.
///
/// The buffer grows with the bytes that arrive, at most to twice the bytes received and the space asked for, never with
/// the length that a frame announces. A buffer over 64 KiB is freed when the bytes behind a frame, and the frame that they
/// begin, use less than a quarter of it. An empty one is kept, because another large frame may come;
/// [`shrink_if_idle`](Self::shrink_if_idle) frees it.
///
/// # Examples
///
/// Reading from a socket, straight into the buffer:
///
/// ```
/// use std::io::Read;
/// use virt_xdr::FrameDecoder;
///
/// fn print_frames(mut socket: impl Read) -> Result<(), Box<dyn std::error::Error>> {
///     let mut decoder = FrameDecoder::new();
///     loop {
///         let read = socket.read(decoder.space(4096))?;
///         if read == 0 {
///             return Ok(());
///         }
///         decoder.commit(read);
///         while let Some(frame) = decoder.next_frame()? {
///             println!("{:?}, {} bytes", frame.header, frame.payload.as_slice().len());
///         }
///     }
/// }
/// # let ping = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0";
/// # print_frames(&ping[..]).unwrap();
/// ```
pub struct FrameDecoder {
    buffer: Buffer,
    /// The greatest length of a frame: `FRAME_MIN <= limit <= FRAME_MAX`.
    limit: usize,
    /// True if the buffer was found to be no larger than the incomplete frame in it needs, whose length is known.
    is_sized: bool,
    /// The first error. Once set, it stays, and the buffer is empty.
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// Makes a decoder that accepts frames up to the protocol's limit, [`FRAME_MAX`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(FRAME_MAX)
    }

    /// Makes a decoder that accepts frames up to `limit` bytes, the length word included.
    ///
    /// The limit is clamped to [`FRAME_MIN`] and [`FRAME_MAX`].
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Buffer::default(),
            limit: limit.clamp(FRAME_MIN, FRAME_MAX),
            is_sized: false,
            failed: None,
        }
    }

    /// Sets the greatest length of a frame that is accepted, in bytes, the length word included.
    ///
    /// It holds for every frame that was not taken yet, those in the buffer included. An error that was returned sticks
    /// even if the limit is raised. The limit is clamped to [`FRAME_MIN`] and [`FRAME_MAX`].
    ///
    /// # Examples
    ///
    /// Small frames alone until the peer is known:
    ///
    /// ```
    /// use virt_xdr::{FRAME_MAX, FrameDecoder, FrameError};
    ///
    /// let mut decoder = FrameDecoder::with_limit(512 * 1024);
    /// decoder.push(&[0, 8, 0, 1]);
    /// let error = decoder.next_frame().unwrap_err();
    /// assert_eq!(error.to_string(), "frame length 524289 is outside 28 to 524288");
    ///
    /// let mut decoder = FrameDecoder::with_limit(512 * 1024);
    /// decoder.set_limit(FRAME_MAX);
    /// decoder.push(&[0, 8, 0, 1]);
    /// assert!(decoder.next_frame()?.is_none());
    /// # Ok::<(), FrameError>(())
    /// ```
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.clamp(FRAME_MIN, FRAME_MAX);
    }

    /// Appends received bytes.
    ///
    /// After an error of [`next_frame`](Self::next_frame) they are discarded.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let was_large = self.buffer.push(bytes);
        if was_large && !self.is_sized {
            self.size_buffer();
        }
    }

    /// Returns `length` bytes of the buffer to read into; [`commit`](Self::commit) takes the number of bytes read.
    ///
    /// All of them are allocated at once: ask for the size of one read, some kilobytes, and not for all that
    /// [`need`](Self::need) says, which the peer alone decides. Their content is unspecified.
    pub fn space(&mut self, length: usize) -> &mut [u8] {
        self.buffer.space(length)
    }

    /// Appends the first `count` bytes of the last [`space`](Self::space) to the received ones.
    ///
    /// The rest of the space may be committed later, until bytes are pushed, other space is asked for, or
    /// [`shrink_to_fit`](Self::shrink_to_fit) is called.
    ///
    /// After an error of [`next_frame`](Self::next_frame) the bytes are discarded.
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of the space.
    pub fn commit(&mut self, count: usize) {
        if self.failed.is_none() {
            self.buffer.commit(count);
        }
    }

    /// Takes the next frame, or `None` if it is incomplete.
    ///
    /// # Errors
    ///
    /// [`FrameError::Length`] as soon as the four bytes of an impossible length are there. The error sticks, because
    /// no later frame can be found.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let unread = self.buffer.unread();
        let frame = match announced_length(unread, self.limit) {
            Ok(Some(length)) => unread.get(..length),
            Ok(None) => None,
            Err(error) => return Err(self.fail(error)),
        };
        let Some(frame) = frame else {
            return self.no_frame();
        };
        let header = header(frame);
        let frame = self.buffer.consume(frame.len());
        self.is_sized = false;
        let payload = Payload::in_buffer(self, frame.start + FRAME_MIN..frame.end);
        Ok(Some(Frame { header, payload }))
    }

    /// Returns the number of bytes that the next frame still needs, as far as known.
    ///
    /// Until the length word is complete, that is the rest of the word. It is 0 if [`next_frame`](Self::next_frame)
    /// has a frame or an error to return. Reading no more than that never consumes part of the frame after it.
    #[must_use]
    pub fn need(&self) -> usize {
        match self.length() {
            Err(_) => 0,
            Ok(None) => LENGTH_SIZE - self.buffered(),
            Ok(Some(length)) => length.saturating_sub(self.buffered()),
        }
    }

    /// Returns the number of received bytes that were not taken as frames.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Returns the greatest length of a frame that is accepted, in bytes, the length word included.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the size of the buffer in memory, in bytes; parts that payloads were taken from count.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Frees all memory without received bytes, for a connection that is idle.
    pub fn shrink_to_fit(&mut self) {
        self.buffer.shrink_to_fit();
    }

    /// Frees a buffer that has grown over 64 KiB, if it is empty.
    ///
    /// This is for an owner that handles small frames in place, by [`split_off_frame`](crate::split_off_frame), so that
    /// the decoder does not see that no large ones follow. It is cheap enough to call for each frame.
    #[inline]
    pub fn shrink_if_idle(&mut self) {
        if self.buffer.is_large() && self.buffer.len() == 0 {
            self.shrink_to_fit();
        }
    }

    /// Returns the length of the next frame, checked, once its four bytes are there.
    #[inline]
    fn length(&self) -> Result<Option<usize>, FrameError> {
        match announced_length(self.buffer.unread(), self.limit) {
            Ok(None) => self.failed.map_or(Ok(None), Err),
            result => result,
        }
    }

    /// Returns that there is no whole frame, or the error that sticks.
    #[inline]
    fn no_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.is_sized && self.buffer.is_large() {
            self.size_buffer();
        }
        Ok(None)
    }

    /// Frees a large buffer if it holds an incomplete frame alone, which needs little of it.
    #[cold]
    fn size_buffer(&mut self) {
        let (buffered, need) = (self.buffered(), self.need());
        if buffered > 0 && need > 0 {
            self.buffer.shrink_if_little_used(buffered + need);
            self.is_sized = buffered >= LENGTH_SIZE;
        }
    }

    /// Keeps the error, and frees the memory.
    #[cold]
    fn fail(&mut self, error: FrameError) -> FrameError {
        self.failed = Some(error);
        self.buffer.clear();
        error
    }

    /// Returns the payload at this range of the last frame.
    #[inline]
    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        self.buffer.consumed(range)
    }

    /// Takes the payload at this range of the last frame.
    pub(crate) fn take_payload(&mut self, range: Range<usize>) -> Bytes {
        self.buffer.take(range)
    }
}

/// Shows counts and no content, which may be megabytes.
impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("buffered", &self.buffered())
            .field("capacity", &self.capacity())
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .finish()
    }
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::new()
    }
}
