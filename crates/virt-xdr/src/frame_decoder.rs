//! Frames out of a byte stream, however it was cut.

use core::fmt;
use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::{LENGTH_SIZE, announced_length, header};
use crate::{FRAME_MAX, FRAME_MIN, Frame, FrameError, Payload};

/// Above this capacity in bytes, a buffer that has grown for a large frame is given back.
const KEEP: usize = 64 * 1024;

/// Takes frames out of a stream of bytes.
///
/// Bytes go in by [`push`](Self::push), which copies them, or are read straight into the buffer through
/// [`space`](Self::space) and [`commit`](Self::commit). Frames come out of
/// [`next_frame`](Self::next_frame): incomplete input is `Ok(None)`, an impossible length is an error that
/// sticks.
///
/// The buffer grows with the bytes that arrive, at most to twice what was received and asked room for, never
/// with the length that a frame announces. One that has grown for a large frame is given back once small
/// ones have followed it, or by [`shrink_if_idle`](Self::shrink_if_idle).
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
    /// All of it is initialised, so that a reader can be handed any part of it.
    buffer: BytesMut,
    /// What was received and not yet taken is `buffer[start..end]`: `start <= end <= buffer.len()`.
    start: usize,
    end: usize,
    /// How many of the bytes behind `end` are of the last `space` and were not committed:
    /// `end + space <= buffer.len()`.
    space: usize,
    /// How many bytes of the buffer's allocation lie before it, split off with payloads that were taken.
    taken: usize,
    /// The greatest length of a frame: `FRAME_MIN <= limit <= FRAME_MAX`.
    limit: usize,
    /// The length of the frame that was taken last, to tell whether a large buffer is still of use.
    last: usize,
    /// Once set, it stays, and nothing is kept any more.
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// A decoder that accepts frames up to the protocol's limit, [`FRAME_MAX`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(FRAME_MAX)
    }

    /// A decoder that accepts frames up to `limit` bytes, the length word included.
    ///
    /// The limit is held between [`FRAME_MIN`] and [`FRAME_MAX`].
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            start: 0,
            end: 0,
            space: 0,
            taken: 0,
            limit: limit.clamp(FRAME_MIN, FRAME_MAX),
            last: 0,
            failed: None,
        }
    }

    /// Appends bytes that were received.
    ///
    /// After an error of [`next_frame`](Self::next_frame) they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.make_room(bytes.len());
        self.space = 0;
        let end = self.end + bytes.len();
        if let Some(place) = self.buffer.get_mut(self.end..end) {
            place.copy_from_slice(bytes);
        } else {
            self.buffer.truncate(self.end);
            self.buffer.extend_from_slice(bytes);
        }
        self.end = end;
    }

    /// `length` bytes of the buffer, to read into; [`commit`](Self::commit) says how many were.
    ///
    /// All of them are allocated at once: ask for what one read may bring, some kilobytes, and not for all
    /// that [`need`](Self::need) says, which the peer alone decides.
    ///
    /// What the bytes hold is not said.
    pub fn space(&mut self, length: usize) -> &mut [u8] {
        self.make_room(length);
        let end = self.end + length;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.space = length;
        &mut self.buffer[self.end..end]
    }

    /// Appends the first `count` bytes of the last [`space`](Self::space) to what was received.
    ///
    /// What is left of the space may be committed later, unless the decoder was given other bytes, was asked
    /// for other space or has shrunk.
    ///
    /// After an error of [`next_frame`](Self::next_frame) they are dropped.
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of the space.
    pub fn commit(&mut self, count: usize) {
        if self.failed.is_some() {
            return;
        }
        let left = self.space;
        assert!(
            count <= left,
            "commit of {count} bytes, more than the {left} that are left of the space"
        );
        self.space -= count;
        self.end += count;
    }

    /// Takes the next frame, or `None` if it has not arrived whole.
    ///
    /// # Errors
    ///
    /// [`FrameError::Length`] as soon as the four bytes of a length are there that no frame can have. The
    /// error stays: the stream has lost its beat, and what follows means nothing.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let length = match self.length() {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        };
        let start = self.start;
        let Some(frame) = self.bytes(start..self.end).get(..length) else {
            return Ok(None);
        };
        let header = header(frame);
        self.start = start + length;
        self.last = length;
        let payload = Payload::in_buffer(self, start + FRAME_MIN..start + length);
        Ok(Some(Frame { header, payload }))
    }

    /// How many bytes the next frame still lacks, as far as can be told: 4 while its length is unknown.
    ///
    /// It is 0 if [`next_frame`](Self::next_frame) has a frame or an error to return. A reader that reads
    /// no more than this never takes a byte of what follows the frame.
    #[must_use]
    pub fn need(&self) -> usize {
        match self.length() {
            Err(_) => 0,
            Ok(None) => LENGTH_SIZE - self.buffered(),
            Ok(Some(length)) => length.saturating_sub(self.buffered()),
        }
    }

    /// How many bytes were received and not yet taken as frames.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.end - self.start
    }

    /// The greatest length of a frame that is accepted, in bytes, the length word included.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes of memory the buffer takes, those included in which payloads lie that were taken from it.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.taken + self.buffer.capacity()
    }

    /// Gives back all memory that holds no received bytes, for a connection that falls idle.
    pub fn shrink_to_fit(&mut self) {
        self.renew(self.buffered());
    }

    /// Gives back a buffer that has grown for a large frame (over 64 KiB), if it holds no received bytes.
    ///
    /// For an owner that takes small frames where they lie, by [`split_off_frame`](crate::split_off_frame),
    /// so that the decoder does not see that no more large ones come. It is cheap enough to call for each.
    #[inline]
    pub fn shrink_if_idle(&mut self) {
        if self.capacity() > KEEP && self.buffered() == 0 {
            self.renew(0);
        }
    }

    /// The length of the next frame, judged, once its four bytes are there.
    #[inline]
    fn length(&self) -> Result<Option<usize>, FrameError> {
        match announced_length(self.bytes(self.start..self.end), self.limit) {
            Ok(None) => self.failed.map_or(Ok(None), Err),
            result => result,
        }
    }

    /// Remembers the error and gives back the memory.
    #[cold]
    fn fail(&mut self, error: FrameError) -> FrameError {
        self.failed = Some(error);
        self.end = self.start;
        self.renew(0);
        error
    }

    #[inline]
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Splits off everything up to the end of `range`, which is where the last frame ended.
    pub(crate) fn take(&mut self, range: Range<usize>) -> Bytes {
        debug_assert_eq!(
            range.end, self.start,
            "a frame is taken before the next one is looked for"
        );
        if range.is_empty() {
            return Bytes::new();
        }
        let mut taken = self.buffer.split_to(range.end).freeze();
        self.taken += range.end;
        self.start = 0;
        self.end -= range.end;
        taken.advance(range.start);
        taken
    }

    /// Sees to it that `length` more bytes find room, and that no more is held than is of use.
    fn make_room(&mut self, length: usize) {
        let buffered = self.buffered();
        let capacity = self.capacity();
        let used = self.last.max(length).max(buffered);
        if capacity > KEEP && capacity / 4 > used {
            self.renew(buffered + length);
            return;
        }
        let room = self.buffer.capacity();
        if buffered == 0 {
            self.start = 0;
            self.end = 0;
        } else if room - self.end < length && buffered <= self.start {
            // Each byte is moved at most once for every byte that was taken before it.
            self.buffer.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = buffered;
        }
        if self.taken > 0 && room - self.end < length {
            self.replace_shared(length);
        }
    }

    /// Finds room for `length` more bytes where the allocation is shared with what was taken.
    #[cold]
    fn replace_shared(&mut self, length: usize) {
        let more = self.end + length - self.buffer.len();
        // It is all the buffer's again if what was taken has been dropped.
        if self.buffer.try_reclaim(more) {
            self.taken = 0;
        } else {
            self.renew(2 * (self.buffered() + length));
        }
    }

    /// Moves what was received into a buffer of its own, with room for `capacity` bytes in all.
    #[cold]
    fn renew(&mut self, capacity: usize) {
        let mut buffer = BytesMut::with_capacity(capacity);
        buffer.extend_from_slice(self.bytes(self.start..self.end));
        self.buffer = buffer;
        self.end = self.buffered();
        self.start = 0;
        self.space = 0;
        self.taken = 0;
    }
}

/// How much is buffered, and not what: that may be megabytes.
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
