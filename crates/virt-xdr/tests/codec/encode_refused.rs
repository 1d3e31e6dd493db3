//! Every value that encoding refuses.

use virt_xdr::{
    Encode, EncodeError, EncodeErrorKind as Kind, Encoder, FRAME_MIN, Header, MessageType,
    PAYLOAD_MAX, ProgramId, Serial, Status, UNBOUNDED, encode_frame, frame_head, to_vec,
};

use crate::support::{Blob, Ints, Line, Name, Point, Shape};

const HEADER: Header = Header {
    program: ProgramId::new(0x2000_8086, 1),
    procedure: 1,
    message_type: MessageType::CALL,
    serial: Serial(1),
    status: Status::OK,
};

#[track_caller]
fn too_long(value: &impl Encode, length: usize, limit: usize, text: &str) {
    let error = to_vec(value).expect_err("refused");
    assert_eq!(error.kind(), Kind::TooLong { length, limit });
    assert_eq!(error.offset(), 0);
    assert_eq!(error.field(), None);
    assert_eq!(error.to_string(), text);
}

#[test]
fn values_over_their_bound() {
    too_long(
        &Name("nine bytes"[..9].to_owned()),
        9,
        8,
        "length 9 is 1 over the limit of 8 (at byte 0)",
    );
    too_long(
        &Blob(vec![0; 7]),
        7,
        5,
        "length 7 is 2 over the limit of 5 (at byte 0)",
    );
    too_long(
        &Ints(vec![0; 4]),
        4,
        3,
        "length 4 is 1 over the limit of 3 (at byte 0)",
    );
}

#[test]
fn a_default_arm_with_a_discriminant_that_has_its_own() {
    let mut bytes = Vec::new();
    let mut out = Encoder::new(&mut bytes);
    7u32.encode(&mut out).unwrap();
    let error = out.taken_discriminant(-1);
    assert_eq!(error.kind(), Kind::Discriminant { value: -1 });
    assert_eq!(
        error.to_string(),
        "discriminant -1 in the default arm of a union has an arm of its own (at byte 4)"
    );
}

#[test]
fn a_string_is_measured_in_bytes() {
    let eight_bytes = Name("éééé".to_owned());
    assert_eq!(to_vec(&eight_bytes).unwrap().len(), 12);
    too_long(
        &Name("ééééé".to_owned()),
        10,
        8,
        "length 10 is 2 over the limit of 8 (at byte 0)",
    );
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_length_that_no_word_holds() {
    // Of a type without size, so that four billion of them cost nothing.
    let items = [(); 1 << 32];
    let mut out = Vec::new();
    let error = Encoder::new(&mut out)
        .array(&items, usize::MAX, <()>::encode)
        .unwrap_err();
    let kind = Kind::TooLong {
        length: 1 << 32,
        limit: UNBOUNDED,
    };
    assert_eq!(error.kind(), kind);
    assert_eq!(
        error.to_string(),
        "length 4294967296 is 1 over the limit of 4294967295 (at byte 0)"
    );
    assert!(out.is_empty());
}

#[test]
fn the_innermost_field_is_named_with_its_place() {
    let point = |label: &str| Point {
        label: label.to_owned(),
        x: 0,
    };
    let line = Line {
        from: point("a"),
        to: point("much too long"),
    };
    let error = to_vec(&line).unwrap_err();
    assert_eq!(error.field(), Some("Point.label"));
    assert_eq!(error.offset(), 12);
    assert_eq!(
        error.to_string(),
        "Point.label: length 13 is 5 over the limit of 8 (at byte 12)"
    );
    let error = to_vec(&Shape::Green("123456789".to_owned())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Shape.name: length 9 is 1 over the limit of 8 (at byte 4)"
    );
}

#[test]
fn an_encoder_counts_from_where_it_began() {
    let mut out = vec![0xff; 100];
    let mut encoder = Encoder::new(&mut out);
    assert_eq!(encoder.position(), 0);
    1u64.encode(&mut encoder).unwrap();
    assert_eq!(encoder.position(), 8);
    assert_eq!(encoder.string("ab", 1).unwrap_err().offset(), 8);
}

#[test]
fn a_payload_over_the_limit() {
    let mut out = b"before".to_vec();
    let error = encode_frame(&mut out, &HEADER, |payload| {
        payload.raw(&vec![0; PAYLOAD_MAX + 1]);
        Ok(())
    })
    .unwrap_err();
    let kind = Kind::PayloadTooLong {
        length: PAYLOAD_MAX + 1,
        limit: PAYLOAD_MAX,
    };
    assert_eq!(error.kind(), kind);
    assert_eq!(
        error.to_string(),
        "payload of 33554409 bytes is 1 over the limit of 33554408 (at byte 0)"
    );
    assert_eq!(out, b"before");
}

#[test]
fn the_largest_payload() {
    let mut out = Vec::new();
    encode_frame(&mut out, &HEADER, |payload| {
        payload.raw(&vec![7; PAYLOAD_MAX]);
        Ok(())
    })
    .unwrap();
    assert_eq!(out[..4], 33_554_436u32.to_be_bytes());
    assert_eq!(out.len(), FRAME_MIN + PAYLOAD_MAX);
}

#[test]
fn a_payload_that_fails_leaves_nothing_behind() {
    let mut out = b"before".to_vec();
    let error: EncodeError = encode_frame(&mut out, &HEADER, |payload| {
        1i32.encode(payload)?;
        payload.string("too long", 3)
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "length 8 is 5 over the limit of 3 (at byte 4)"
    );
    assert_eq!(out, b"before");
}

#[test]
fn a_head_for_a_payload_elsewhere() {
    assert_eq!(frame_head(&HEADER, 0).unwrap()[..4], [0, 0, 0, 28]);
    assert_eq!(
        frame_head(&HEADER, PAYLOAD_MAX).unwrap()[..4],
        33_554_436u32.to_be_bytes()
    );
    for length in [PAYLOAD_MAX + 1, usize::MAX] {
        let limit = PAYLOAD_MAX;
        assert_eq!(
            frame_head(&HEADER, length).unwrap_err().kind(),
            Kind::PayloadTooLong { length, limit }
        );
    }
}
