//! The length is judged the moment its four bytes are there, and an error stays.

use proptest::prelude::*;
use virt_testkit::bytes::PING;
use virt_xdr::{FRAME_MAX, FRAME_MIN, FrameDecoder, FrameError, PAYLOAD_MAX};

use crate::support::{Feed, any_feed, drain, feed, frame};

#[test]
fn the_limits_of_the_protocol() {
    assert_eq!(FRAME_MIN, 28);
    assert_eq!(FRAME_MAX, 33_554_436);
    assert_eq!(FRAME_MAX - FRAME_MIN, PAYLOAD_MAX);
}

#[test]
fn lengths_that_no_frame_has_are_refused_at_four_bytes() {
    for length in [
        0,
        3,
        4,
        27,
        33_554_437,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff_u32,
    ] {
        let bytes = length.to_be_bytes();
        let mut decoder = FrameDecoder::new();
        decoder.push(&bytes[..3]);
        assert!(matches!(decoder.next_frame(), Ok(None)));
        assert_eq!(decoder.need(), 1);

        decoder.push(&bytes[3..]);
        assert_eq!(decoder.need(), 0);
        let error = decoder.next_frame().unwrap_err();
        let limit = FRAME_MAX;
        assert_eq!(error, FrameError::Length { length, limit });
        assert_eq!(
            error.to_string(),
            format!("frame length {length} is outside 28 to 33554436")
        );
    }
}

#[test]
fn the_least_and_the_greatest_length_are_accepted_at_four_bytes() {
    for length in [28u32, 29, 33_554_435, 33_554_436] {
        let mut decoder = FrameDecoder::new();
        decoder.push(&length.to_be_bytes());
        assert!(matches!(decoder.next_frame(), Ok(None)));
        assert_eq!(decoder.need(), length as usize - 4);
    }
}

#[test]
fn a_frame_of_the_least_length() {
    let mut decoder = FrameDecoder::new();
    decoder.push(PING);
    let frames = drain(&mut decoder);
    assert_eq!(frames.len(), 1);
    assert!(frames[0].1.is_empty());
}

#[test]
fn a_frame_of_the_greatest_length() {
    let wire = frame(&vec![0x5a; PAYLOAD_MAX]);
    assert_eq!(wire.len(), FRAME_MAX);
    let mut decoder = FrameDecoder::new();
    for piece in wire.chunks(1 << 20) {
        assert!(decoder.next_frame().unwrap().is_none());
        decoder.push(piece);
    }
    let frame = decoder.next_frame().unwrap().expect("a whole frame");
    let payload = frame.payload.into_bytes();
    assert_eq!(payload.len(), PAYLOAD_MAX);
    assert!(payload.iter().all(|byte| *byte == 0x5a));
}

#[test]
fn a_payload_of_a_length_that_is_no_multiple_of_four() {
    // A stream's data is not XDR, and its length is free.
    let mut decoder = FrameDecoder::new();
    decoder.push(&[frame(b"1"), frame(b"123")].concat());
    let frames = drain(&mut decoder);
    assert_eq!(
        (&frames[0].1[..], &frames[1].1[..]),
        (&b"1"[..], &b"123"[..])
    );
}

#[test]
fn a_bad_length_behind_good_frames() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[PING, PING, &[0, 0, 0, 27]].concat());
    assert!(decoder.next_frame().unwrap().is_some());
    assert!(decoder.next_frame().unwrap().is_some());
    assert_eq!(decoder.need(), 0);
    assert!(decoder.next_frame().is_err());
}

#[test]
fn an_error_stays_and_nothing_more_is_kept() {
    let error = FrameError::Length {
        length: 3,
        limit: FRAME_MAX,
    };
    for how in [Feed::Push, Feed::Space(0), Feed::Space(100)] {
        let mut decoder = FrameDecoder::new();
        decoder.push(&[0, 0, 0, 3]);
        assert_eq!(decoder.next_frame().unwrap_err(), error);
        for _ in 0..10 {
            feed(&mut decoder, how, &PING.repeat(10));
            assert_eq!(decoder.next_frame().unwrap_err(), error);
            assert_eq!((decoder.need(), decoder.buffered()), (0, 0));
        }
        decoder.shrink_to_fit();
        assert_eq!(decoder.next_frame().unwrap_err(), error);
        assert_eq!(decoder.capacity(), 0);
    }
}

#[test]
fn space_that_was_handed_out_before_the_error_may_be_committed() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[0, 0, 0, 3]);
    decoder.space(28).copy_from_slice(PING);
    assert!(decoder.next_frame().is_err());
    decoder.commit(28);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_limit_of_ones_own() {
    let limit = 40;
    let mut decoder = FrameDecoder::with_limit(limit);
    assert_eq!(decoder.limit(), limit);
    decoder.push(&frame(&[0; 12]));
    assert_eq!(drain(&mut decoder).len(), 1);
    decoder.push(&[0, 0, 0, 41]);
    let error = decoder.next_frame().unwrap_err();
    assert_eq!(error, FrameError::Length { length: 41, limit });
    assert_eq!(error.to_string(), "frame length 41 is outside 28 to 40");
}

#[test]
fn a_limit_that_is_set_later_judges_what_was_not_taken() {
    let mut decoder = FrameDecoder::with_limit(40);
    decoder.push(&frame(&[0; 12]));
    decoder.push(&[0, 0, 0, 41]);
    assert!(decoder.next_frame().unwrap().is_some());
    decoder.set_limit(41);
    assert_eq!(decoder.limit(), 41);
    assert_eq!(decoder.need(), 37);
    assert!(decoder.next_frame().unwrap().is_none());

    // A frame that has begun is refused, as a whole one is.
    decoder.push(&frame(&[0; 13])[4..]);
    decoder.set_limit(40);
    assert_eq!(decoder.need(), 0);
    let error = FrameError::Length {
        length: 41,
        limit: 40,
    };
    assert_eq!(decoder.next_frame().unwrap_err(), error);

    // An error stays, whatever is set then.
    decoder.set_limit(FRAME_MAX);
    decoder.push(PING);
    assert_eq!(decoder.next_frame().unwrap_err(), error);
}

#[test]
fn a_limit_that_is_set_is_held_within_the_protocols() {
    let mut decoder = FrameDecoder::new();
    for (asked, limit) in [(0, FRAME_MIN), (524_288, 524_288), (usize::MAX, FRAME_MAX)] {
        decoder.set_limit(asked);
        assert_eq!(decoder.limit(), limit);
    }
}

#[test]
fn a_limit_is_held_within_the_protocols() {
    for (asked, limit) in [(0, FRAME_MIN), (27, FRAME_MIN), (usize::MAX, FRAME_MAX)] {
        let mut decoder = FrameDecoder::with_limit(asked);
        assert_eq!(decoder.limit(), limit);
        decoder.push(&[0xff; 4]);
        let length = u32::MAX;
        assert_eq!(
            decoder.next_frame().unwrap_err(),
            FrameError::Length { length, limit }
        );
    }
    let mut decoder = FrameDecoder::with_limit(0);
    decoder.push(PING);
    assert_eq!(drain(&mut decoder).len(), 1);
}

proptest! {
    #[test]
    fn any_length_is_a_frames_or_an_error(length: u32, how in any_feed()) {
        let mut decoder = FrameDecoder::default();
        feed(&mut decoder, how, &length.to_be_bytes());
        let size = usize::try_from(length).unwrap();
        if (FRAME_MIN..=FRAME_MAX).contains(&size) {
            prop_assert_eq!(decoder.need(), size - 4);
            prop_assert!(decoder.next_frame().unwrap().is_none());
        } else {
            prop_assert_eq!(decoder.need(), 0);
            prop_assert!(decoder.next_frame().is_err());
        }
    }
}
