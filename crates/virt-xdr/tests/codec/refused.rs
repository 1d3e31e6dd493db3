//! Every form that decoding refuses besides a short one: kind, offset, field and text of each error.

use std::fmt::Debug;

use virt_testkit::wire;
use virt_xdr::{Decode, DecodeError, DecodeErrorKind as Kind, Decoder, Header, from_slice};

use crate::support::{Answer, Blob, Colour, Ints, Line, Name, Narrow, Node, Point, Shape, Tree};

#[track_caller]
fn error<T: for<'a> Decode<'a> + Debug>(bytes: &str) -> DecodeError {
    from_slice::<T>(&wire(bytes)).expect_err("refused")
}

/// `bytes` are refused, by an error of `kind` at `offset` that no type has named a field for.
#[track_caller]
fn refused<T: for<'a> Decode<'a> + Debug>(bytes: &str, kind: Kind, offset: usize, text: &str) {
    let error = error::<T>(bytes);
    assert_eq!(error.kind(), kind);
    assert_eq!(error.offset(), offset);
    assert_eq!(error.field(), None);
    assert_eq!(error.to_string(), text);
}

/// `bytes` are a value, and with anything behind them they are not.
#[track_caller]
fn trailing<T: for<'a> Decode<'a> + Debug>(bytes: &str) {
    let value = wire(bytes);
    from_slice::<T>(&value).expect("the value alone decodes");
    for count in [1, 3, 4, 8] {
        let followed = [value.as_slice(), &vec![0; count]].concat();
        let error = from_slice::<T>(&followed).expect_err("refused");
        assert_eq!(error.kind(), Kind::Trailing { count });
        assert_eq!(error.offset(), value.len());
        let text = format!("{count} trailing bytes after the value");
        assert_eq!(
            error.to_string(),
            format!("{text} (at byte {})", value.len())
        );
    }
}

#[test]
fn trailing_bytes() {
    trailing::<i32>("00000001");
    trailing::<u32>("00000001");
    trailing::<i64>("00000001 00000002");
    trailing::<u64>("00000001 00000002");
    trailing::<f32>("3f800000");
    trailing::<f64>("3ff00000 00000000");
    trailing::<bool>("00000001");
    trailing::<Colour>("00000007");
    trailing::<Narrow<u8>>("000000ff");
    trailing::<()>("");
    trailing::<[u8; 3]>("010203 00");
    trailing::<Vec<u8>>("00000003 010203 00");
    trailing::<Blob>("00000000");
    trailing::<String>("00000004 61626364");
    trailing::<Name>("00000001 61 000000");
    trailing::<[i32; 2]>("00000001 00000002");
    trailing::<Ints>("00000001 00000001");
    trailing::<Vec<String>>("00000001 00000001 61 000000");
    trailing::<Point>("00000001 61 000000 00000001");
    trailing::<Shape>("00000007 00000001");
    trailing::<Answer>("00000001");
    trailing::<Option<i32>>("00000000");
    trailing::<Option<i32>>("00000001 00000001");
    trailing::<Node>("00000001 00000000");
    trailing::<Tree>("00000000");
    trailing::<Header>("6b656570 00000001 00000001 00000002 00000000 00000000");
}

#[test]
fn every_padding_byte_that_is_not_zero() {
    for length in 1u8..8 {
        let padding = length.next_multiple_of(4) - length;
        for place in 0..padding {
            for value in [0x01, 0x80, 0xff] {
                let mut body = vec![b'a'; length.into()];
                body.resize(usize::from(length + padding), 0);
                body[usize::from(length + place)] = value;
                let announced = [&[0, 0, 0, length][..], &body].concat();

                let text = format!("padding byte is {value:#04x}, must be 0");
                for error in [
                    from_slice::<String>(&announced).unwrap_err(),
                    from_slice::<&str>(&announced).unwrap_err(),
                    from_slice::<Vec<u8>>(&announced).unwrap_err(),
                    from_slice::<&[u8]>(&announced).unwrap_err(),
                ] {
                    assert_eq!(error.kind(), Kind::Padding { value });
                    let offset = usize::from(4 + length + place);
                    assert_eq!(error.offset(), offset);
                    assert_eq!(error.to_string(), format!("{text} (at byte {offset})"));
                }

                let mut input = Decoder::new(&body);
                let fixed = match length {
                    1 => input.fixed_opaque::<1>().map(|_| ()),
                    2 => input.fixed_opaque::<2>().map(|_| ()),
                    3 => input.fixed_opaque::<3>().map(|_| ()),
                    5 => input.fixed_opaque::<5>().map(|_| ()),
                    6 => input.fixed_opaque::<6>().map(|_| ()),
                    _ => input.fixed_opaque::<7>().map(|_| ()),
                };
                let error = fixed.unwrap_err();
                assert_eq!(error.kind(), Kind::Padding { value });
                let offset = usize::from(length + place);
                assert_eq!(error.offset(), offset);
                assert_eq!(error.to_string(), format!("{text} (at byte {offset})"));
            }
        }
    }
}

#[test]
fn padding_names_the_first_byte_that_is_wrong() {
    refused::<[u8; 1]>(
        "01 00aabb",
        Kind::Padding { value: 0xaa },
        2,
        "padding byte is 0xaa, must be 0 (at byte 2)",
    );
}

#[test]
fn strings_over_their_bound() {
    refused::<Name>(
        "00000009 61616161 61616161 61 000000",
        Kind::TooLong {
            length: 9,
            limit: 8,
        },
        0,
        "length 9 is 1 over the limit of 8 (at byte 0)",
    );
}

#[test]
fn opaque_data_over_its_bound() {
    refused::<Blob>(
        "00000006 01020304 0506 0000",
        Kind::TooLong {
            length: 6,
            limit: 5,
        },
        0,
        "length 6 is 1 over the limit of 5 (at byte 0)",
    );
}

#[test]
fn arrays_over_their_bound() {
    refused::<Ints>(
        "00000005 00000001 00000002 00000003 00000004 00000005",
        Kind::TooLong {
            length: 5,
            limit: 3,
        },
        0,
        "length 5 is 2 over the limit of 3 (at byte 0)",
    );
}

#[test]
fn a_bound_is_judged_before_the_bytes_are_missed() {
    let too_long = |limit| Kind::TooLong {
        length: 0xffff_ffff,
        limit,
    };
    assert_eq!(error::<Name>("ffffffff").kind(), too_long(8));
    assert_eq!(error::<Blob>("ffffffff").kind(), too_long(5));
    assert_eq!(error::<Ints>("ffffffff").kind(), too_long(3));
    assert_eq!(
        error::<Name>("ffffffff").to_string(),
        "length 4294967295 is 4294967287 over the limit of 8 (at byte 0)"
    );
}

#[test]
fn a_bound_of_zero_admits_the_empty_alone() {
    let mut empty = Decoder::new(&[0, 0, 0, 0]);
    assert_eq!(empty.string(0), Ok(""));
    let mut one = Decoder::new(b"\0\0\0\x01a\0\0\0");
    let kind = Kind::TooLong {
        length: 1,
        limit: 0,
    };
    assert_eq!(one.string(0).unwrap_err().kind(), kind);
}

#[test]
fn bools_other_than_0_and_1() {
    for (bytes, value) in [
        ("00000002", 2),
        ("01000000", 0x0100_0000),
        ("ffffffff", u32::MAX),
    ] {
        let text = format!("bool is {value}, must be 0 or 1 (at byte 0)");
        refused::<bool>(bytes, Kind::Bool { value }, 0, &text);
        refused::<Option<i32>>(bytes, Kind::Bool { value }, 0, &text);
    }
    refused::<[bool; 2]>(
        "00000001 00000002",
        Kind::Bool { value: 2 },
        4,
        "bool is 2, must be 0 or 1 (at byte 4)",
    );
}

#[test]
fn discriminants_without_an_arm() {
    refused::<Colour>(
        "00000000",
        Kind::Discriminant { value: 0 },
        0,
        "union has no arm for discriminant 0 (at byte 0)",
    );
    let error = error::<Shape>("fffffffe 00000001");
    assert_eq!(error.kind(), Kind::Discriminant { value: -2 });
    assert_eq!(error.field(), Some("Shape"));
    assert_eq!(
        error.to_string(),
        "Shape: union has no arm for discriminant -2 (at byte 0)"
    );
}

#[test]
fn a_discriminant_is_placed_where_it_was_read() {
    refused::<[Colour; 2]>(
        "00000007 00000008",
        Kind::Discriminant { value: 8 },
        4,
        "union has no arm for discriminant 8 (at byte 4)",
    );
    let nothing_read = Decoder::new(&[]).unknown_discriminant(1);
    assert_eq!(nothing_read.offset(), 0);
}

#[test]
fn narrow_integers_out_of_range() {
    #[track_caller]
    fn out_of_range<T>(bytes: &str, value: i32, min: i32, max: i32)
    where
        T: virt_xdr::Narrow + Debug,
    {
        refused::<Narrow<T>>(
            bytes,
            Kind::OutOfRange { value, min, max },
            0,
            &format!("value {value} is outside {min} to {max} (at byte 0)"),
        );
    }
    out_of_range::<i8>("00000080", 128, -128, 127);
    out_of_range::<i8>("ffffff7f", -129, -128, 127);
    out_of_range::<u8>("00000100", 256, 0, 255);
    out_of_range::<u8>("ffffffff", -1, 0, 255);
    out_of_range::<i16>("00008000", 32_768, -32_768, 32_767);
    out_of_range::<i16>("ffff7fff", -32_769, -32_768, 32_767);
    out_of_range::<u16>("00010000", 65_536, 0, 65_535);
    out_of_range::<u16>("80000000", i32::MIN, 0, 65_535);
}

#[test]
fn strings_that_are_not_utf8() {
    for (bytes, value, valid) in [
        ("00000001 ff 000000", 0xff, 0),
        ("00000004 6162c328", 0xc3, 2), // a lead byte without its second
        ("00000003 6161c3 00", 0xc3, 2), // a lead byte at the end: the padding is not its second
        ("00000003 eda080 00", 0xed, 0), // a surrogate
        ("00000002 c080 0000", 0xc0, 0), // a zero in two bytes
    ] {
        let offset = 4 + valid;
        let text = format!(
            "string is not UTF-8: byte {value:#04x} after {valid} valid bytes (at byte {offset})"
        );
        refused::<String>(bytes, Kind::Utf8 { value, valid }, offset, &text);
        refused::<Name>(bytes, Kind::Utf8 { value, valid }, offset, &text);
    }
    assert_eq!(
        from_slice::<&[u8]>(&wire("00000001 ff 000000")),
        Ok(&b"\xff"[..])
    );
}

#[test]
fn the_innermost_field_is_named() {
    let unnamed = Kind::TooLong {
        length: 9,
        limit: 8,
    };
    let error = error::<Line>("00000000 00000001 00000009");
    assert_eq!(error.kind(), unnamed);
    assert_eq!(error.offset(), 8);
    assert_eq!(error.field(), Some("Point.label"));
    assert_eq!(
        error.to_string(),
        "Point.label: length 9 is 1 over the limit of 8 (at byte 8)"
    );
    assert_eq!(
        DecodeError::new(unnamed, 3)
            .at("inner")
            .at("outer")
            .to_string(),
        "inner: length 9 is 1 over the limit of 8 (at byte 3)"
    );
}

#[test]
fn a_header_that_is_short_says_so() {
    let error = error::<Header>("6b656570 00000001");
    assert_eq!(error.field(), Some("Header"));
    assert_eq!(
        error.to_string(),
        "Header: needs 24 bytes, has 8 (at byte 0)"
    );
}

#[test]
fn a_decoder_tells_what_it_read_and_what_is_left() {
    let bytes = wire("00000001 00000002 ffff");
    let mut input = Decoder::new(&bytes);
    assert_eq!((input.position(), input.remaining().len()), (0, 10));
    assert_eq!(u64::decode(&mut input), Ok(0x1_0000_0002));
    assert_eq!(
        (input.position(), input.remaining()),
        (8, &[0xff, 0xff][..])
    );
    assert_eq!(
        input.finish().unwrap_err().kind(),
        Kind::Trailing { count: 2 }
    );
}
