//! Frames by hand: walked where they lie, and put together from pieces.

use virt_xdr::{FRAME_MAX, FRAME_MIN};

use super::{Header, header};

/// Takes one frame after the other off the front, and returns what is left: part of a frame.
///
/// # Panics
///
/// If a frame has an impossible length.
#[inline]
pub fn walk(mut bytes: &[u8], mut each: impl FnMut(Header, &[u8])) -> &[u8] {
    while let Some(&word) = bytes.first_chunk() {
        let length = u32::from_be_bytes(word) as usize;
        assert!((FRAME_MIN..=FRAME_MAX).contains(&length), "length {length}");
        let Some((frame, rest)) = bytes.split_at_checked(length) else {
            break;
        };
        if let Some((head, payload)) = frame[4..].split_first_chunk() {
            each(header(head), payload);
        }
        bytes = rest;
    }
    bytes
}

/// Writes a frame with this payload.
///
/// # Panics
///
/// If the frame is too long for its length word.
#[inline]
pub fn put(header: &Header, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(FRAME_MIN + payload.len()).expect("a short payload");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&header.program.to_be_bytes());
    out.extend_from_slice(&header.version.to_be_bytes());
    out.extend_from_slice(&header.procedure.to_be_bytes());
    out.extend_from_slice(&header.message_type.to_be_bytes());
    out.extend_from_slice(&header.serial.to_be_bytes());
    out.extend_from_slice(&header.status.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A buffer in which pieces come together to frames.
#[derive(Debug, Default)]
pub struct Accumulator {
    buffer: Vec<u8>,
}

impl Accumulator {
    /// Appends a piece, and takes the frames that are whole.
    #[inline]
    pub fn push(&mut self, piece: &[u8], mut each: impl FnMut(Header, &[u8])) {
        self.buffer.extend_from_slice(piece);
        let rest = walk(&self.buffer, &mut each).len();
        self.buffer.drain(..self.buffer.len() - rest);
    }
}
