//! Memory grows with the bytes that arrive, never with the length that is announced, and is given back.

use proptest::prelude::*;
use virt_testkit::bytes::PING;
use virt_xdr::{FrameDecoder, PAYLOAD_MAX};

use crate::support::{
    Feed, Take, any_feed, any_frames, any_take, drain, feed, frame, next, stream,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

#[test]
fn an_announced_length_reserves_nothing() {
    let mut decoder = FrameDecoder::new();
    assert_eq!(decoder.capacity(), 0);
    let wire = frame(&vec![0; PAYLOAD_MAX]);
    decoder.push(&wire[..4]);
    decoder.push(&wire[4..100]);
    assert!(decoder.next_frame().unwrap().is_none());
    assert_eq!(decoder.need(), wire.len() - 100);
    assert!(decoder.capacity() < KIB, "{}", decoder.capacity());

    let mut decoder = FrameDecoder::new();
    feed(&mut decoder, Feed::Space(4096 - 100), &wire[..100]);
    assert!(decoder.next_frame().unwrap().is_none());
    assert!(decoder.capacity() < 64 * KIB, "{}", decoder.capacity());
}

#[test]
fn a_large_frame_takes_twice_its_bytes_at_most() {
    let wire = frame(&vec![0; 4 * MIB]);
    for piece in [1000, 64 * KIB] {
        let mut decoder = FrameDecoder::new();
        let mut received = 0;
        for bytes in wire.chunks(piece) {
            decoder.push(bytes);
            received += bytes.len();
            let capacity = decoder.capacity();
            assert!(
                capacity <= 2 * received.max(KIB),
                "{capacity} for {received}"
            );
        }
        assert_eq!(drain(&mut decoder).len(), 1);
    }
}

#[test]
fn a_buffer_that_grew_for_a_large_frame_is_given_back() {
    for (how, take) in [
        (Feed::Push, Take::Look),
        (Feed::Push, Take::IntoBytes),
        (Feed::Space(4096), Take::Look),
        (Feed::Space(4096), Take::IntoBytes),
    ] {
        let mut decoder = FrameDecoder::new();
        feed(&mut decoder, how, &frame(&vec![0; 8 * MIB]));
        assert!(next(&mut decoder, take).unwrap().is_some());
        for _ in 0..3 {
            feed(&mut decoder, how, PING);
            assert!(next(&mut decoder, take).unwrap().is_some());
        }
        let capacity = decoder.capacity();
        assert!(capacity <= 64 * KIB, "{capacity} after {how:?}, {take:?}");
    }
}

#[test]
fn a_large_buffer_is_replaced_by_one_for_what_is_left_and_what_comes() {
    let mut decoder = FrameDecoder::new();
    decoder.push(
        &[
            &frame(&vec![0; 8 * MIB])[..],
            PING,
            &frame(&[0; 2000])[..1000],
        ]
        .concat(),
    );
    for _ in 0..2 {
        assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    }
    decoder.space(4096);
    assert_eq!(decoder.capacity(), 1000 + 4096);
}

#[test]
fn room_that_is_shared_with_a_payload_is_had_again_once_that_is_dropped() {
    let wire = frame(&[0; 4000 - 28]);
    for (kept, capacity) in [(true, 2 * 4096), (false, 4096)] {
        let mut decoder = FrameDecoder::new();
        feed(&mut decoder, Feed::Space(96), &wire);
        let payload = next(&mut decoder, Take::IntoBytes).unwrap();
        assert_eq!(decoder.capacity(), 4096);
        let _payload = payload.filter(|_| kept);
        decoder.space(4096);
        assert_eq!(decoder.capacity(), capacity, "kept: {kept}");
    }

    // Of the 96 bytes that are left, 50 are in use.
    let mut decoder = FrameDecoder::new();
    let wire = [&wire, &wire[..50]].concat();
    feed(&mut decoder, Feed::Space(46), &wire);
    let _payload = next(&mut decoder, Take::IntoBytes).unwrap();
    decoder.space(46);
    assert_eq!(decoder.capacity(), 4096);
    decoder.space(47);
    assert_eq!(decoder.capacity(), 2 * (50 + 47));
}

#[test]
fn a_buffer_of_some_kilobytes_is_kept() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; 32 * KIB]));
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    let grown = decoder.capacity();
    assert!((32 * KIB..=64 * KIB).contains(&grown), "{grown}");
    for _ in 0..3 {
        decoder.push(PING);
        assert_eq!(decoder.capacity(), grown);
        assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    }
}

#[test]
fn a_buffer_is_given_back_above_64_kib_and_below_a_quarter_in_use() {
    for (room, used, kept) in [
        (64 * KIB, 28, true),
        (64 * KIB + 1, 28, false),
        (128 * KIB, 32 * KIB, true),
        (128 * KIB, 32 * KIB - 1, false),
    ] {
        let mut decoder = FrameDecoder::new();
        decoder.space(room);
        assert_eq!(decoder.capacity(), room);
        decoder.push(&frame(&vec![0; used - 28]));
        assert_eq!(decoder.capacity() == room, kept, "{used} of {room} bytes");
    }
}

#[test]
fn a_buffer_is_given_back_even_if_the_stream_is_never_cut_between_frames() {
    let mut decoder = FrameDecoder::new();
    let large = frame(&vec![0; 8 * MIB]);
    decoder.push(&[&large, &PING[..14]].concat());
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    for _ in 0..10 {
        decoder.push(&[&PING[14..], &PING[..14]].concat());
        assert!(next(&mut decoder, Take::Look).unwrap().is_some());
        assert_eq!(decoder.buffered(), 14);
    }
    let capacity = decoder.capacity();
    assert!(capacity <= 64 * KIB, "{capacity}");
}

#[test]
fn a_reader_of_small_frames_finds_a_steady_buffer() {
    // What is read ends within a frame each time, so that what is left over moves on.
    let wire = PING.repeat(64 * KIB);
    let mut decoder = FrameDecoder::new();
    let mut capacities = Vec::new();
    for read in wire.chunks(64 * KIB) {
        feed(&mut decoder, Feed::Space(64 * KIB - read.len()), read);
        while decoder.next_frame().unwrap().is_some() {}
        capacities.push(decoder.capacity());
    }
    let settled = &capacities[capacities.len() / 2..];
    assert!(
        settled.iter().all(|capacity| *capacity == settled[0]),
        "{capacities:?}"
    );
    assert!(settled[0] <= 256 * KIB, "{}", settled[0]);
}

#[test]
fn a_reader_of_large_frames_keeps_its_buffer() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; MIB]));
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    let grown = decoder.capacity();
    for bytes in frame(&vec![0; MIB]).chunks(4096) {
        decoder.push(bytes);
        assert_eq!(decoder.capacity(), grown);
    }
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
}

#[test]
fn a_large_buffer_is_kept_for_the_large_frame_that_has_begun() {
    for (length, kept) in [(MIB, true), (MIB / 4, true), (MIB / 4 - 1, false)] {
        let mut decoder = FrameDecoder::new();
        decoder.push(&frame(&vec![0; MIB - 28]));
        assert_eq!(decoder.capacity(), MIB);
        assert!(next(&mut decoder, Take::Look).unwrap().is_some());
        decoder.push(&frame(&vec![0; length - 28])[..4]);
        assert_eq!(decoder.capacity() == MIB, kept, "{length} announced");
        assert!(next(&mut decoder, Take::Look).unwrap().is_none());
        assert_eq!(decoder.capacity() == MIB, kept, "{length} announced");
    }
}

#[test]
fn a_space_can_be_committed_in_parts_while_a_large_buffer_is_given_back() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; MIB]));
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    decoder.space(100)[..28].copy_from_slice(PING);
    decoder.commit(10);
    assert!(next(&mut decoder, Take::Look).unwrap().is_none());
    assert_eq!(decoder.capacity(), 100);
    decoder.commit(18);
    assert_eq!(drain(&mut decoder).len(), 1);
}

#[test]
fn shrinking_keeps_what_was_received() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[&frame(&vec![1; MIB]), &PING[..27]].concat());
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    decoder.shrink_to_fit();
    assert!(decoder.capacity() < KIB, "{}", decoder.capacity());
    assert_eq!((decoder.buffered(), decoder.need()), (27, 1));
    decoder.push(&PING[27..]);
    assert_eq!(drain(&mut decoder).len(), 1);

    decoder.shrink_to_fit();
    assert_eq!((decoder.capacity(), decoder.buffered()), (0, 0));
}

#[test]
fn an_idle_decoder_gives_back_a_large_buffer_alone() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; 32 * KIB]));
    assert!(next(&mut decoder, Take::Look).unwrap().is_some());
    let kept = decoder.capacity();
    decoder.shrink_if_idle();
    assert_eq!(decoder.capacity(), kept);

    for take in [Take::Look, Take::IntoBytes] {
        decoder.push(&frame(&vec![0; MIB]));
        decoder.push(&PING[..27]);
        assert!(next(&mut decoder, take).unwrap().is_some());
        decoder.shrink_if_idle();
        assert_eq!(decoder.buffered(), 27);
        assert!(decoder.capacity() > MIB, "{}", decoder.capacity());

        decoder.push(&PING[27..]);
        assert_eq!(drain(&mut decoder).len(), 1);
        decoder.shrink_if_idle();
        assert_eq!(decoder.capacity(), 0);
    }
    decoder.push(PING);
    assert_eq!(drain(&mut decoder).len(), 1);
}

#[test]
fn capacity_counts_what_was_taken() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; MIB]));
    let grown = decoder.capacity();
    let payload = next(&mut decoder, Take::IntoBytes).unwrap();
    assert_eq!(decoder.capacity(), grown);

    // While the payload is kept, its memory cannot be used again.
    decoder.space(4096);
    assert_eq!(decoder.capacity(), 8192);
    drop(payload);
}

#[test]
fn a_buffer_is_used_again_once_its_payloads_are_dropped() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(&vec![0; MIB]));
    let grown = decoder.capacity();
    for _ in 0..10 {
        assert!(next(&mut decoder, Take::IntoBytes).unwrap().is_some());
        for bytes in frame(&vec![0; MIB]).chunks(4096) {
            feed(&mut decoder, Feed::Space(0), bytes);
            assert_eq!(decoder.capacity(), grown);
        }
    }
}

#[test]
fn small_payloads_that_are_taken_leave_a_steady_buffer() {
    for kept in [0, 1] {
        let mut decoder = FrameDecoder::new();
        let mut payloads = std::collections::VecDeque::new();
        let mut grown = 0;
        for _ in 0..10_000 {
            feed(&mut decoder, Feed::Space(64 * KIB - 44), &frame(&[0; 16]));
            payloads.push_back(next(&mut decoder, Take::IntoBytes).unwrap());
            payloads.truncate(kept);
            grown = grown.max(decoder.capacity());
        }
        assert!(grown <= 128 * KIB, "{grown}");
    }
}

#[test]
fn debug_shows_how_much_is_held_and_not_what() {
    let mut decoder = FrameDecoder::with_limit(1000);
    decoder.space(100);
    decoder.push(&PING[..14]);
    assert_eq!(
        format!("{decoder:?}"),
        "FrameDecoder { buffered: 14, capacity: 100, limit: 1000, failed: None }"
    );
    decoder.push(&[0xff; 28]);
    assert!(decoder.next_frame().unwrap().is_some());
    assert!(decoder.next_frame().is_err());
    assert_eq!(
        format!("{decoder:?}"),
        "FrameDecoder { buffered: 0, capacity: 0, limit: 1000, \
         failed: Some(Length { length: 4294967295, limit: 1000 }) }"
    );
}

#[test]
fn a_failed_decoder_holds_nothing() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[&[0, 0, 0, 3][..], &vec![0; MIB]].concat());
    assert!(decoder.next_frame().is_err());
    assert_eq!(decoder.capacity(), 0);
    decoder.push(&vec![0; MIB]);
    assert_eq!(decoder.capacity(), 0);
}

proptest! {
    #[test]
    fn taken_payloads_stay_as_they_are(
        frames in any_frames(),
        how in any_feed(),
        piece in 1..5000usize,
    ) {
        let mut decoder = FrameDecoder::new();
        let mut kept = Vec::new();
        for bytes in stream(&frames).chunks(piece) {
            feed(&mut decoder, how, bytes);
            while let Some(frame) = next(&mut decoder, Take::IntoBytes).unwrap() {
                kept.push(frame);
            }
        }
        // Overwrite whatever the decoder would write to next.
        decoder.space(100_000).fill(0xaa);
        prop_assert_eq!(kept, frames);
    }

    #[test]
    fn capacity_is_paid_for(
        frames in any_frames(),
        piece in 1..9000usize,
        room in 0..9000usize,
        take in any_take(),
    ) {
        let mut decoder = FrameDecoder::new();
        let mut received = 0;
        for bytes in stream(&frames).chunks(piece) {
            feed(&mut decoder, Feed::Space(room), bytes);
            received += bytes.len();
            while next(&mut decoder, take).unwrap().is_some() {}
            let capacity = decoder.capacity();
            prop_assert!(capacity <= 2 * (received + piece + room) + 1024, "{} for {}", capacity, received);
        }
    }
}
