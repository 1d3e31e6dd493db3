//! Frames, and the ways to hand them to a decoder and take them out again.

use arbitrary::Arbitrary;
use bytes::Bytes;
use virt_xdr::{FrameDecoder, FrameError, Header, encode_frame};

/// A frame on its own.
pub type Owned = (Header, Bytes);

/// A way to hand bytes to a decoder.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Feed {
    /// Copied.
    Push,
    /// Through room for so many bytes more than there are.
    Space(u8),
}

/// A way to take a payload from its frame.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Take {
    /// Looked at.
    Look,
    /// Without a copy.
    IntoBytes,
    /// Without a copy, after so many bytes were taken off its front.
    Advance(u8),
}

/// Appends a frame to `wire`.
pub fn append(wire: &mut Vec<u8>, header: &Header, payload: &[u8]) {
    let result = encode_frame(wire, header, |out| {
        out.raw(payload);
        Ok(())
    });
    result.expect("the fuzzer's payloads are small");
}

/// Hands `bytes` to `decoder`.
pub fn feed(decoder: &mut FrameDecoder, how: Feed, bytes: &[u8]) {
    match how {
        Feed::Push => decoder.push(bytes),
        Feed::Space(more) => {
            let (used, rest) = decoder
                .space(bytes.len() + usize::from(more))
                .split_at_mut(bytes.len());
            used.copy_from_slice(bytes);
            rest.fill(0xee);
            decoder.commit(bytes.len());
        }
    }
}

/// The next frame of `decoder`.
///
/// # Errors
///
/// As [`FrameDecoder::next_frame`].
pub fn next(decoder: &mut FrameDecoder, how: Take) -> Result<Option<Owned>, FrameError> {
    let Some(frame) = decoder.next_frame()? else {
        return Ok(None);
    };
    let header = frame.header;
    let mut payload = frame.payload;
    let payload = match how {
        Take::Look => Bytes::copy_from_slice(payload.as_slice()),
        Take::IntoBytes => payload.into_bytes(),
        Take::Advance(count) => {
            let count = usize::from(count).min(payload.as_slice().len());
            let front = payload.as_slice()[..count].to_vec();
            payload.advance(count);
            [&front, &*payload.into_bytes()].concat().into()
        }
    };
    Ok(Some((header, payload)))
}
