//! Frames out of bytes that lie in one piece.

use bytes::Bytes;
use proptest::prelude::*;
use virt_testkit::bytes::PING;
use virt_xdr::{FRAME_MAX, FRAME_MIN, FrameDecoder, FrameError, split_off_frame};

use crate::support::{CALL, Owned, any_frames, drain, frame, stream};

/// The frames that `bytes` begin with, and what is left then.
fn split(mut bytes: &[u8]) -> (Vec<Owned>, &[u8]) {
    let mut frames = Vec::new();
    while let Ok(Some((header, payload))) = split_off_frame(&mut bytes, FRAME_MAX) {
        frames.push((header, Bytes::copy_from_slice(payload)));
    }
    (frames, bytes)
}

#[test]
fn two_frames_and_a_half() {
    let bytes = [&frame(b"first")[..], &frame(b"second"), &PING[..14]].concat();
    let (frames, rest) = split(&bytes);
    let payloads = [&b"first"[..], b"second"].map(Bytes::from_static);
    assert_eq!(frames, payloads.map(|payload| (CALL, payload)));
    assert_eq!(rest, &PING[..14]);
}

#[test]
fn a_frame_that_is_cut_stays_where_it_is() {
    let frame = frame(b"payload");
    for cut in 0..frame.len() {
        let mut rest = &frame[..cut];
        assert_eq!(split_off_frame(&mut rest, FRAME_MAX), Ok(None));
        assert_eq!(rest, &frame[..cut]);
    }
}

#[test]
fn a_length_that_no_frame_has_is_refused_at_four_bytes() {
    for length in [0, 27, 33_554_437, u32::MAX] {
        let bytes = length.to_be_bytes();
        let mut rest = &bytes[..];
        let limit = FRAME_MAX;
        let error = FrameError::Length { length, limit };
        assert_eq!(split_off_frame(&mut rest, limit), Err(error));
        assert_eq!(rest, bytes);
    }
}

#[test]
fn a_limit_is_held_within_the_protocols() {
    let (ping, large) = (PING, frame(b"four"));
    assert!(split_off_frame(&mut &ping[..], 0).unwrap().is_some());
    assert!(split_off_frame(&mut &large[..], 32).unwrap().is_some());
    for (given, limit) in [(0, FRAME_MIN), (31, 31)] {
        let error = split_off_frame(&mut &large[..], given).unwrap_err();
        assert_eq!(error, FrameError::Length { length: 32, limit });
    }
    let length = 33_554_437u32;
    let error = split_off_frame(&mut &length.to_be_bytes()[..], usize::MAX).unwrap_err();
    let limit = FRAME_MAX;
    assert_eq!(error, FrameError::Length { length, limit });
}

proptest! {
    #[test]
    fn what_a_decoder_takes_out_of_a_stream(frames in any_frames(), cut in any::<prop::sample::Index>()) {
        let bytes = stream(&frames);
        let bytes = &bytes[..cut.index(bytes.len() + 1)];
        let mut decoder = FrameDecoder::new();
        decoder.push(bytes);
        let (split, rest) = split(bytes);
        prop_assert_eq!(split, drain(&mut decoder));
        prop_assert_eq!(rest.len(), decoder.buffered());
    }
}
