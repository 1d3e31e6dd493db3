//! A payload: looked at, advanced, decoded, taken.

use bytes::Bytes;
use virt_xdr::{DecodeErrorKind, FrameDecoder, Payload};

use crate::support::frame;

fn with_payload(bytes: &[u8], check: impl Fn(Payload<'_>)) {
    let mut decoder = FrameDecoder::new();
    decoder.push(&frame(bytes));
    let frame = decoder.next_frame().expect("a valid length");
    check(frame.expect("a whole frame").payload);
    check(Payload::from(bytes));
    check(Payload::from(&mut Bytes::copy_from_slice(bytes)));
}

#[test]
fn looked_at_and_taken() {
    with_payload(b"12345678", |payload| {
        assert_eq!(payload.as_slice(), b"12345678");
        assert_eq!(payload.as_slice(), b"12345678");
        assert_eq!(payload.into_bytes(), "12345678");
    });
    with_payload(b"", |payload| {
        assert!(payload.as_slice().is_empty());
        assert!(payload.into_bytes().is_empty());
    });
}

#[test]
fn advanced() {
    with_payload(b"12345678", |mut payload| {
        payload.advance(0);
        payload.advance(3);
        assert_eq!(payload.as_slice(), b"45678");
        payload.advance(1);
        assert_eq!(payload.into_bytes(), "5678");
    });
}

#[test]
fn advanced_to_the_end() {
    with_payload(b"1234", |mut payload| {
        payload.advance(4);
        assert!(payload.as_slice().is_empty());
        assert!(payload.into_bytes().is_empty());
    });
}

#[test]
#[should_panic = "advance of 5 bytes, more than the 4 of the payload"]
fn advanced_too_far_in_the_buffer() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[frame(b"1234"), frame(b"5678")].concat());
    let mut payload = decoder.next_frame().unwrap().expect("a frame").payload;
    payload.advance(5);
}

#[test]
#[should_panic = "advance of 5 bytes, more than the 4 of the payload"]
fn advanced_too_far_when_owned() {
    Payload::from(&mut Bytes::from_static(b"1234")).advance(5);
}

#[test]
fn a_payload_taken_at_its_end_leaves_the_next_frame_alone() {
    let mut decoder = FrameDecoder::new();
    decoder.push(&[frame(b"1234"), frame(b"5678")].concat());
    let mut payload = decoder.next_frame().unwrap().expect("a frame").payload;
    payload.advance(4);
    assert!(payload.into_bytes().is_empty());
    let next = decoder.next_frame().unwrap().expect("a frame");
    assert_eq!(next.payload.into_bytes(), "5678");
}

#[test]
fn decoded() {
    with_payload(b"\0\0\0\x02ab\0\0", |payload| {
        assert_eq!(payload.decode(), Ok("ab"));
        assert_eq!(payload.decode(), Ok(0x2_6162_0000_u64));
        let error = payload.decode::<u32>().expect_err("half of it follows");
        assert_eq!(error.kind(), DecodeErrorKind::Trailing { count: 4 });
    });
}

#[test]
fn debug_shows_the_length_and_the_first_bytes() {
    with_payload(b"\x01\x02\xff", |payload| {
        assert_eq!(format!("{payload:?}"), "Payload(3 bytes: 0102ff)");
    });
    with_payload(&[0xab; 32], |payload| {
        let text = format!("Payload(32 bytes: {})", "ab".repeat(32));
        assert_eq!(format!("{payload:?}"), text);
    });
    with_payload(&[0xab; 33], |payload| {
        let text = format!("Payload(33 bytes: {}...)", "ab".repeat(32));
        assert_eq!(format!("{payload:?}"), text);
    });
    with_payload(b"", |payload| {
        assert_eq!(format!("{payload:?}"), "Payload(0 bytes: )");
    });
}
