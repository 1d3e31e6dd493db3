//! Frames to send, ways to feed them, and ways to take them out again.

use bytes::Bytes;
use proptest::prelude::*;
use virt_xdr::{
    FrameDecoder, FrameError, Header, MessageType, ProgramId, Serial, Status, encode_frame,
};

/// A frame that was received, on its own.
pub(crate) type Owned = (Header, Bytes);

pub(crate) const CALL: Header = Header {
    program: ProgramId::new(0x2000_8086, 1),
    procedure: 60,
    message_type: MessageType::CALL,
    serial: Serial(1),
    status: Status::OK,
};

/// A frame of `CALL` with this payload.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    stream(&[(CALL, Bytes::copy_from_slice(payload))])
}

/// The bytes of these frames, one behind the other.
pub(crate) fn stream(frames: &[Owned]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (header, payload) in frames {
        encode_frame(&mut wire, header, |out| {
            out.raw(payload);
            Ok(())
        })
        .expect("a small payload");
    }
    wire
}

/// A way to hand bytes to a decoder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Feed {
    Push,
    /// Through `space` of this many bytes more than are committed.
    Space(usize),
}

/// A way to take a payload from a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Take {
    Look,
    IntoBytes,
    /// After this many bytes were taken off the front, which are put back for the comparison.
    Advance(usize),
}

pub(crate) fn feed(decoder: &mut FrameDecoder, how: Feed, bytes: &[u8]) {
    match how {
        Feed::Push => decoder.push(bytes),
        Feed::Space(more) => {
            let space = decoder.space(bytes.len() + more);
            assert_eq!(space.len(), bytes.len() + more);
            space[..bytes.len()].copy_from_slice(bytes);
            space[bytes.len()..].fill(0xee);
            decoder.commit(bytes.len());
        }
    }
}

/// The next frame of `decoder`, its payload taken as `how` says.
pub(crate) fn next(decoder: &mut FrameDecoder, how: Take) -> Result<Option<Owned>, FrameError> {
    let Some(frame) = decoder.next_frame()? else {
        return Ok(None);
    };
    let header = frame.header;
    let mut payload = frame.payload;
    let payload = match how {
        Take::Look => Bytes::copy_from_slice(payload.as_slice()),
        Take::IntoBytes => payload.into_bytes(),
        Take::Advance(count) => {
            let count = count.min(payload.as_slice().len());
            let front = payload.as_slice()[..count].to_vec();
            payload.advance(count);
            [&front, &*payload.into_bytes()].concat().into()
        }
    };
    Ok(Some((header, payload)))
}

/// All frames that are there.
pub(crate) fn drain(decoder: &mut FrameDecoder) -> Vec<Owned> {
    let mut frames = Vec::new();
    while let Some(frame) = next(decoder, Take::Look).expect("valid frames") {
        frames.push(frame);
    }
    frames
}

pub(crate) fn any_header() -> impl Strategy<Value = Header> {
    any::<[i32; 6]>().prop_map(|words| Header {
        program: ProgramId::new(words[0].cast_unsigned(), words[1].cast_unsigned()),
        procedure: words[2],
        message_type: MessageType(words[3]),
        serial: Serial(words[4].cast_unsigned()),
        status: Status(words[5]),
    })
}

pub(crate) fn any_frames() -> impl Strategy<Value = Vec<Owned>> {
    let length = prop_oneof![Just(0usize), 1..40usize, 1000..3000usize];
    let payload = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    prop::collection::vec((any_header(), payload.prop_map(Bytes::from)), 0..8)
}

pub(crate) fn any_feed() -> impl Strategy<Value = Feed> {
    prop_oneof![
        Just(Feed::Push),
        prop_oneof![Just(0), 1..100usize, Just(65_536)].prop_map(Feed::Space)
    ]
}

pub(crate) fn any_take() -> impl Strategy<Value = Take> {
    prop_oneof![
        Just(Take::Look),
        Just(Take::IntoBytes),
        (0..60usize).prop_map(Take::Advance)
    ]
}
