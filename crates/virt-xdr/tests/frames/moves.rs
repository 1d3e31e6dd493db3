//! The place of received bytes in the buffer: they are moved seldom, and the buffer grows only if it must.

use virt_testkit::bytes::PING;
use virt_xdr::FrameDecoder;

use crate::support::{Take, next};

/// Receives a PING through `space`, and says where it was put.
fn receive(decoder: &mut FrameDecoder) -> usize {
    let space = decoder.space(PING.len());
    space.copy_from_slice(PING);
    let place = space.as_ptr().addr();
    decoder.commit(PING.len());
    place
}

fn take(decoder: &mut FrameDecoder) {
    let frame = next(decoder, Take::Look).expect("a valid length");
    assert!(frame.is_some());
}

#[test]
fn a_decoder_that_is_empty_fills_its_buffer_from_the_front() {
    let mut decoder = FrameDecoder::new();
    decoder.space(10 * PING.len());
    let front = receive(&mut decoder);
    for _ in 0..20 {
        take(&mut decoder);
        assert_eq!(receive(&mut decoder), front);
    }
}

#[test]
fn nothing_is_moved_while_there_is_room_behind_it() {
    let mut decoder = FrameDecoder::new();
    decoder.space(1000 * PING.len());
    let front = receive(&mut decoder);
    for received in 1..1000 {
        // One frame is there at any time, and then two.
        assert_eq!(receive(&mut decoder), front + received * PING.len());
        take(&mut decoder);
    }
    assert_eq!(receive(&mut decoder), front + PING.len());
}

#[test]
fn a_byte_is_moved_at_most_once_for_each_that_was_taken() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&PING.repeat(999));
    let mut last = receive(&mut decoder);
    let held = decoder.buffered();
    let (mut taken, mut moved) = (0, 0);
    for _ in 0..10_000 {
        take(&mut decoder);
        taken += PING.len();
        let behind = decoder.buffered();
        let place = receive(&mut decoder);
        if place != last + PING.len() {
            moved += behind;
        }
        last = place;
        assert_eq!(decoder.buffered(), held);
    }
    // The buffer has grown once.
    assert!(moved <= taken + held, "{moved} moved, {taken} taken");
}

#[test]
fn a_buffer_half_of_which_was_taken_has_room_again() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&PING.repeat(1000));
    let capacity = decoder.capacity();
    assert_eq!(capacity, 1000 * PING.len(), "it is full");
    for _ in 0..500 {
        take(&mut decoder);
    }
    for _ in 0..500 {
        decoder.push(PING);
        assert_eq!(decoder.capacity(), capacity);
    }
}
