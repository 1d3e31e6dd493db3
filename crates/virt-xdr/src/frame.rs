//! The frame: a length, a header and a payload.

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ops::Range;

use bytes::{Buf, Bytes};

use crate::{
    Decode, DecodeError, EncodeError, EncodeErrorKind, Encoder, FrameDecoder, FrameError, Header,
    MESSAGE_MAX, PAYLOAD_MAX, from_slice, from_slice_lenient,
};

/// The least length of a frame in bytes: a length word and a header.
pub const FRAME_MIN: usize = LENGTH_SIZE + Header::SIZE;

/// The greatest length of a frame in bytes: a length word and a message of [`MESSAGE_MAX`].
///
/// libvirt's limit is for the message, without the length word.
pub const FRAME_MAX: usize = LENGTH_SIZE + MESSAGE_MAX;

/// The size of the length word in bytes.
pub(crate) const LENGTH_SIZE: usize = 4;

/// The number of payload bytes that `Debug` shows.
const SHOWN: usize = 32;

/// A frame that was received.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The header of the message.
    pub header: Header,
    /// The content of the message.
    pub payload: Payload<'a>,
}

/// The payload of a frame, to be read in place or taken.
pub struct Payload<'a>(Place<'a>);

enum Place<'a> {
    /// In a slice that the caller owns.
    Slice(&'a [u8]),
    /// At this range of the decoder's buffer.
    Buffer(&'a mut FrameDecoder, Range<usize>),
    /// In bytes that can be taken.
    Bytes(&'a mut Bytes),
}

impl<'a> Payload<'a> {
    pub(crate) fn in_buffer(decoder: &'a mut FrameDecoder, range: Range<usize>) -> Self {
        Self(Place::Buffer(decoder, range))
    }

    /// Returns the bytes in place.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Place::Slice(bytes) => bytes,
            Place::Buffer(decoder, range) => decoder.payload(range.clone()),
            Place::Bytes(bytes) => bytes,
        }
    }

    /// Decodes the whole payload as one value.
    ///
    /// # Errors
    ///
    /// Those of [`from_slice`](crate::from_slice).
    #[inline]
    pub fn decode<'p, T: Decode<'p>>(&'p self) -> Result<T, DecodeError> {
        from_slice(self.as_slice())
    }

    /// Decodes a value that the payload begins with, as libvirt's C code reads it: see
    /// [`Decoder::lenient`](crate::Decoder::lenient).
    ///
    /// # Errors
    ///
    /// Those of [`from_slice_lenient`](crate::from_slice_lenient).
    #[inline]
    pub fn decode_lenient<'p, T: Decode<'p>>(&'p self) -> Result<T, DecodeError> {
        from_slice_lenient(self.as_slice())
    }

    /// Takes the bytes: from a decoder's buffer without a copy, from a slice with one.
    ///
    /// Without a copy, the bytes keep the whole buffer alive that they were received in. Therefore a payload of less than
    /// a quarter of a buffer over 64 KiB is copied: it never holds more than four times its size, or 64 KiB.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Place::Slice(bytes) => Bytes::copy_from_slice(bytes),
            Place::Buffer(decoder, range) => decoder.take_payload(range),
            Place::Bytes(bytes) => mem::take(bytes),
        }
    }

    /// Drops `count` bytes from the front.
    ///
    /// # Panics
    ///
    /// If the payload is shorter.
    pub fn advance(&mut self, count: usize) {
        let length = self.as_slice().len();
        assert!(
            count <= length,
            "advance of {count} bytes, more than the {length} of the payload"
        );
        match &mut self.0 {
            Place::Slice(bytes) => *bytes = &bytes[count..],
            Place::Buffer(_, range) => range.start += count,
            Place::Bytes(bytes) => bytes.advance(count),
        }
    }
}

/// Taking it copies the bytes.
impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Place::Slice(bytes))
    }
}

/// Taking it leaves the source empty, without a copy.
impl<'a> From<&'a mut Bytes> for Payload<'a> {
    fn from(bytes: &'a mut Bytes) -> Self {
        Self(Place::Bytes(bytes))
    }
}

/// Shows the length and the first bytes, since a payload may be 32 MiB long.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.as_slice();
        write!(f, "Payload({} bytes: ", bytes.len())?;
        let (shown, more) = bytes.split_at(bytes.len().min(SHOWN));
        shown.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(if more.is_empty() { ")" } else { "...)" })
    }
}

/// Appends one frame to `out`: its length, `header`, and the payload that `payload` writes.
///
/// # Errors
///
/// Any error of `payload`, and [`EncodeErrorKind::PayloadTooLong`] if it writes more than [`PAYLOAD_MAX`] bytes. On
/// error `out` is unchanged.
#[inline]
pub fn encode_frame(
    out: &mut Vec<u8>,
    header: &Header,
    payload: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let empty = frame_length(0)?;
    out.extend_from_slice(&head(empty, header));
    let mut encoder = Encoder::new(out);
    match payload(&mut encoder).and_then(|()| frame_length(encoder.position())) {
        Ok(length) => {
            if length != empty {
                out[start..start + LENGTH_SIZE].copy_from_slice(&length.to_be_bytes());
            }
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Returns the bytes in front of a payload of `payload` bytes: the frame's length and `header`.
///
/// Use it to send a payload without copying it; [`encode_frame`] writes both.
///
/// # Errors
///
/// [`EncodeErrorKind::PayloadTooLong`] if `payload` is more than [`PAYLOAD_MAX`].
#[inline]
pub fn frame_head(header: &Header, payload: usize) -> Result<[u8; FRAME_MIN], EncodeError> {
    Ok(head(frame_length(payload)?, header))
}

/// Splits the first frame off `bytes`: its header and its payload; `None` if it is incomplete.
///
/// Use it for bytes in one piece, such as a capture or the bytes of one read. For a stream that is cut anywhere there is
/// [`FrameDecoder`].
///
/// # Errors
///
/// [`FrameError::Length`] as soon as the four bytes of a length are there, if it is less than [`FRAME_MIN`] or more than
/// `limit` bytes, the length word included. `limit` is clamped to [`FRAME_MIN`] and [`FRAME_MAX`].
///
/// # Examples
///
/// ```
/// use virt_xdr::{FRAME_MAX, split_off_frame};
///
/// let mut rest = &b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\x1ckeep"[..];
/// while let Some((header, payload)) = split_off_frame(&mut rest, FRAME_MAX)? {
///     assert_eq!((header.procedure, payload), (1, &[][..]));
/// }
/// assert_eq!(rest, b"\0\0\0\x1ckeep");
/// # Ok::<(), virt_xdr::FrameError>(())
/// ```
#[inline]
pub fn split_off_frame<'a>(
    bytes: &mut &'a [u8],
    limit: usize,
) -> Result<Option<(Header, &'a [u8])>, FrameError> {
    let limit = limit.clamp(FRAME_MIN, FRAME_MAX);
    let Some(length) = announced_length(bytes, limit)? else {
        return Ok(None);
    };
    let Some((frame, rest)) = bytes.split_at_checked(length) else {
        return Ok(None);
    };
    *bytes = rest;
    Ok(Some((header(frame), &frame[FRAME_MIN..])))
}

/// Returns the length of the frame that `bytes` begin with, checked; `None` until its four bytes are there.
#[inline]
pub(crate) fn announced_length(bytes: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    let Some(&length) = bytes.first_chunk::<LENGTH_SIZE>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(length);
    if (FRAME_MIN..=limit).contains(&(length as usize)) {
        Ok(Some(length as usize))
    } else {
        Err(FrameError::Length { length, limit })
    }
}

/// Returns the header of a whole frame.
#[inline]
pub(crate) fn header(frame: &[u8]) -> Header {
    let Some(header) = frame[LENGTH_SIZE..].first_chunk() else {
        unreachable!("a length below FRAME_MIN is refused");
    };
    Header::from_bytes(header)
}

#[inline]
fn head(length: u32, header: &Header) -> [u8; FRAME_MIN] {
    let mut head = [0; FRAME_MIN];
    head[..LENGTH_SIZE].copy_from_slice(&length.to_be_bytes());
    head[LENGTH_SIZE..].copy_from_slice(&header.to_bytes());
    head
}

#[inline]
fn frame_length(payload: usize) -> Result<u32, EncodeError> {
    match u32::try_from(FRAME_MIN.saturating_add(payload)) {
        Ok(length) if payload <= PAYLOAD_MAX => Ok(length),
        _ => {
            let kind = EncodeErrorKind::PayloadTooLong {
                length: payload,
                limit: PAYLOAD_MAX,
            };
            Err(EncodeError::new(kind, 0))
        }
    }
}
