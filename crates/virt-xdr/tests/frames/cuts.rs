//! The same frames come out of a stream, however it is cut, fed and taken.

use proptest::prelude::*;
use virt_testkit::bytes::PING;
use virt_xdr::FrameDecoder;

use crate::support::{
    CALL, Feed, Owned, Take, any_feed, any_frames, any_take, drain, feed, frame, next, stream,
};

proptest! {
    #[test]
    fn any_cut_gives_the_same_frames(
        frames in any_frames(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any_feed()), 0..12),
        takes in prop::collection::vec(any_take(), 1..5),
        greedy: bool,
    ) {
        let wire = stream(&frames);
        let mut cuts: Vec<(usize, Feed)> = cuts
            .iter()
            .map(|(index, how)| (index.index(wire.len() + 1), *how))
            .collect();
        cuts.sort_by_key(|(at, _)| *at);
        cuts.push((wire.len(), Feed::Push));

        let mut takes = takes.iter().copied().cycle();
        let mut decoder = FrameDecoder::new();
        let mut received = Vec::new();
        let mut from = 0;
        for (at, how) in cuts {
            feed(&mut decoder, how, &wire[from..at]);
            from = at;
            // A greedy reader takes all that is there, another one frame for each read.
            while let Some(frame) = next(&mut decoder, takes.next().unwrap()).unwrap() {
                received.push(frame);
                if !greedy {
                    break;
                }
            }
        }
        received.extend(drain(&mut decoder));
        prop_assert_eq!(received, frames);
        prop_assert_eq!((decoder.buffered(), decoder.need()), (0, 4));
    }

    #[test]
    fn byte_by_byte(frames in any_frames(), how in any_feed(), take in any_take()) {
        let wire = stream(&frames);
        let mut decoder = FrameDecoder::new();
        let mut received = Vec::new();
        for byte in &wire {
            feed(&mut decoder, how, &[*byte]);
            if let Some(frame) = next(&mut decoder, take).unwrap() {
                received.push(frame);
                prop_assert_eq!(decoder.buffered(), 0);
            }
        }
        prop_assert_eq!(received, frames);
    }

    #[test]
    fn feeding_what_is_needed_never_reads_into_the_next_frame(
        frames in any_frames(),
        how in any_feed(),
        take in any_take(),
    ) {
        let wire = stream(&frames);
        let mut rest = wire.as_slice();
        let mut decoder = FrameDecoder::new();
        for frame in &frames {
            while decoder.need() > 0 {
                prop_assert_eq!(next(&mut decoder, take).unwrap(), None);
                let (now, later) = rest.split_at(decoder.need());
                feed(&mut decoder, how, now);
                rest = later;
            }
            let received = next(&mut decoder, take).unwrap();
            prop_assert_eq!(received.as_ref(), Some(frame));
            prop_assert_eq!(decoder.buffered(), 0);
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn a_prefix_of_a_stream_lacks_at_least_what_is_needed(
        frames in any_frames(),
        cut: prop::sample::Index,
    ) {
        let wire = stream(&frames);
        let cut = cut.index(wire.len() + 1);
        let mut decoder = FrameDecoder::new();
        decoder.push(&wire[..cut]);
        let received = drain(&mut decoder).len();
        let taken: usize = frames[..received].iter().map(|(_, payload)| 28 + payload.len()).sum();
        prop_assert_eq!(decoder.buffered(), cut - taken);
        let whole = frames.get(received).map_or(0, |(_, payload)| 28 + payload.len());
        match decoder.buffered() {
            known @ 4.. => prop_assert_eq!(decoder.need(), whole - known),
            unknown => prop_assert_eq!(decoder.need(), 4 - unknown),
        }
    }
}

#[test]
fn what_is_needed_step_by_step() {
    let mut decoder = FrameDecoder::new();
    let wire = frame(b"12345678");
    for (received, need) in [(0, 4), (1, 3), (3, 1), (4, 32), (5, 31), (35, 1), (36, 0)] {
        let buffered = decoder.buffered();
        decoder.push(&wire[buffered..received]);
        assert_eq!(decoder.need(), need, "after {received} bytes");
    }
    assert!(decoder.next_frame().unwrap().is_some());
    assert_eq!(decoder.need(), 4);
}

#[test]
fn two_frames_and_a_half() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[PING, &frame(b"1234"), &PING[..14]].concat());
    assert_eq!(decoder.need(), 0);
    assert!(
        next(&mut decoder, Take::IntoBytes)
            .unwrap()
            .unwrap()
            .1
            .is_empty()
    );
    assert_eq!(decoder.need(), 0);
    assert_eq!(
        next(&mut decoder, Take::Look).unwrap().unwrap(),
        (CALL, b"1234".as_slice().into())
    );
    assert_eq!(decoder.need(), 14);
    assert_eq!(next(&mut decoder, Take::Look).unwrap(), None);
    assert_eq!(decoder.buffered(), 14);
}

#[test]
fn thousands_of_frames_in_one_push() {
    let frames: Vec<Owned> = (0..5000u32)
        .map(|i| (CALL, i.to_be_bytes().repeat(i as usize % 5).into()))
        .collect();
    for take in [Take::Look, Take::IntoBytes, Take::Advance(2)] {
        let mut decoder = FrameDecoder::new();
        decoder.push(&stream(&frames));
        for frame in &frames {
            assert_eq!(next(&mut decoder, take).unwrap().as_ref(), Some(frame));
        }
        assert_eq!(next(&mut decoder, take).unwrap(), None);
    }
}

#[test]
fn frames_that_nobody_looks_at_are_skipped() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[frame(b"skipped"), frame(b"seen")].concat());
    assert!(decoder.next_frame().unwrap().is_some());
    assert_eq!(next(&mut decoder, Take::Look).unwrap().unwrap().1, "seen");
}

#[test]
fn empty_pushes_and_commits_change_nothing() {
    let mut decoder = FrameDecoder::new();
    for byte in PING {
        decoder.push(&[]);
        assert!(decoder.next_frame().unwrap().is_none());
        assert_eq!(decoder.space(100).len(), 100);
        decoder.commit(0);
        decoder.push(&[*byte]);
    }
    assert_eq!(drain(&mut decoder).len(), 1);
}

#[test]
fn space_may_be_asked_for_again_before_it_is_used() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&PING[..10]);
    assert_eq!(decoder.space(1 << 20).len(), 1 << 20);
    assert_eq!(decoder.space(1).len(), 1);
    decoder.space(18).copy_from_slice(&PING[10..]);
    decoder.commit(18);
    assert_eq!(drain(&mut decoder).len(), 1);
}

#[test]
fn a_space_may_be_committed_in_parts() {
    let mut decoder = FrameDecoder::new();
    let wire = PING.repeat(2);
    decoder.space(wire.len() + 10)[..wire.len()].copy_from_slice(&wire);
    decoder.commit(20);
    assert!(decoder.next_frame().unwrap().is_none());
    decoder.commit(20);
    assert!(next(&mut decoder, Take::IntoBytes).unwrap().is_some());
    decoder.commit(16);
    assert_eq!(drain(&mut decoder).len(), 1);
}

#[test]
#[should_panic = "commit of 101 bytes, more than the 100 that are left of the space"]
fn more_than_the_space_cannot_be_committed() {
    let mut decoder = FrameDecoder::new();
    decoder.space(100);
    decoder.commit(101);
}

#[test]
#[should_panic = "commit of 11 bytes, more than the 10 that are left of the space"]
fn a_larger_space_before_the_last_is_void() {
    let mut decoder = FrameDecoder::new();
    decoder.space(4096);
    decoder.space(10);
    decoder.commit(11);
}

#[test]
#[should_panic = "commit of 41 bytes, more than the 40 that are left of the space"]
fn what_was_committed_is_off_the_space() {
    let mut decoder = FrameDecoder::new();
    decoder.space(4096);
    decoder.space(100);
    decoder.commit(60);
    decoder.commit(41);
}

#[test]
#[should_panic = "commit of 1 bytes, more than the 0 that are left of the space"]
fn a_push_voids_the_space() {
    let mut decoder = FrameDecoder::new();
    decoder.space(4096);
    decoder.push(&PING[..10]);
    decoder.commit(1);
}

#[test]
#[should_panic = "commit of 1 bytes, more than the 0 that are left of the space"]
fn shrinking_voids_the_space() {
    let mut decoder = FrameDecoder::new();
    decoder.space(4096);
    decoder.shrink_to_fit();
    decoder.commit(1);
}
