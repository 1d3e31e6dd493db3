//! Forms that a strict decoder refuses and a lenient one reads as libvirt's C code does: literal bytes, both ways.

use std::borrow::Cow;
use std::fmt::Debug;

use virt_testkit::wire;
use virt_xdr::{Decode, DecodeErrorKind as Kind, Decoder, from_slice, from_slice_lenient};

use crate::support::{Answer, Blob, Colour, Ints, Name, Narrow, Shape};

/// A strict decoder refuses `bytes` by an error of `kind`; a lenient one reads `value`.
#[track_caller]
fn lenient_alone<T>(bytes: &str, kind: Kind, value: T)
where
    T: for<'a> Decode<'a> + PartialEq + Debug,
{
    let bytes = wire(bytes);
    let error = from_slice::<T>(&bytes).expect_err("refused");
    assert_eq!(error.kind(), kind);
    assert_eq!(from_slice_lenient::<T>(&bytes), Ok(value));
}

/// Both decoders refuse `bytes` by the same error.
#[track_caller]
fn refused_by_both<T: for<'a> Decode<'a> + Debug>(bytes: &str) {
    let bytes = wire(bytes);
    let error = from_slice::<T>(&bytes).expect_err("refused");
    assert_eq!(from_slice_lenient::<T>(&bytes).expect_err("refused"), error);
}

#[test]
fn any_word_but_0_is_true() {
    for (bytes, value) in [
        ("00000002", 2),
        ("01000000", 0x0100_0000),
        ("80000000", 0x8000_0000),
        ("ffffffff", u32::MAX),
    ] {
        lenient_alone(bytes, Kind::Bool { value }, true);
        let pointer = format!("{bytes} 00000007");
        lenient_alone(&pointer, Kind::Bool { value }, Some(7));
    }
    assert_eq!(from_slice_lenient(&wire("00000000")), Ok(false));
    assert_eq!(from_slice_lenient(&wire("00000001")), Ok(true));
    assert_eq!(from_slice_lenient(&wire("00000000")), Ok(None::<i32>));
}

#[test]
fn padding_is_any_bytes() {
    let dirty = |value| Kind::Padding { value };
    lenient_alone("01 aabbcc", dirty(0xaa), [1u8]);
    lenient_alone("010203 ff", dirty(0xff), [1u8, 2, 3]);
    lenient_alone("00000001 01 00ff00", dirty(0xff), vec![1u8]);
    lenient_alone("00000002 0102 0001", dirty(0x01), Blob(vec![1, 2]));
    lenient_alone("00000001 61 626364", dirty(0x62), "a".to_owned());
    let bytes = wire("00000001 61 626364");
    assert_eq!(from_slice_lenient(&bytes), Ok("a"));
    assert_eq!(from_slice_lenient(&bytes), Ok(&b"a"[..]));
}

#[test]
fn trailing_bytes_are_ignored() {
    for count in [1, 3, 4, 8] {
        let trailing = "aa".repeat(count);
        let kind = Kind::Trailing { count };
        lenient_alone(&trailing, kind, ());
        lenient_alone(&format!("00000007 {trailing}"), kind, 7);
        lenient_alone(
            &format!("00000001 61 000000 {trailing}"),
            kind,
            "a".to_owned(),
        );
        lenient_alone(&format!("00000000 {trailing}"), kind, None::<i32>);
    }

    // The reply of a daemon that goes on after its value.
    let reply = wire("00000006 616e73776572 0000 00000000");
    assert_eq!(from_slice_lenient(&reply), Ok("answer"));
}

#[test]
fn a_lenient_decoder_ends_anywhere() {
    let mut input = Decoder::lenient(&[0, 0, 0, 7, 1, 2]);
    assert_eq!(u32::decode(&mut input), Ok(7));
    assert_eq!(input.remaining(), [1, 2]);
    assert_eq!(input.finish(), Ok(()));
}

#[test]
fn a_narrow_integer_is_the_low_bits_of_its_word() {
    #[track_caller]
    fn narrow<T>(bytes: &str, value: i32, low: T)
    where
        T: virt_xdr::Narrow + PartialEq + Debug,
    {
        let (min, max) = (T::LEAST, T::GREATEST);
        lenient_alone(bytes, Kind::OutOfRange { value, min, max }, Narrow(low));
    }
    narrow::<i8>("00000080", 128, -128);
    narrow::<i8>("00000101", 257, 1);
    narrow::<u8>("ffffffff", -1, 255);
    narrow::<u8>("00000100", 256, 0);
    narrow::<i16>("12348001", 0x1234_8001, -32_767);
    narrow::<u16>("8000ffff", i32::MIN + 0xffff, 65_535);
    assert_eq!(from_slice_lenient(&wire("ffffffff")), Ok(Narrow(-1i8)));
}

#[test]
fn strings_that_are_not_utf8_are_replaced_where_they_are_owned() {
    for (bytes, value, valid, text) in [
        ("00000001 ff 000000", 0xff, 0, "\u{fffd}"),
        ("00000004 6162c328", 0xc3, 2, "ab\u{fffd}("),
        ("00000003 6161c3 00", 0xc3, 2, "aa\u{fffd}"),
        ("00000003 eda080 00", 0xed, 0, "\u{fffd}\u{fffd}\u{fffd}"),
        ("00000004 f09f98 61", 0xf0, 0, "\u{fffd}a"),
        (
            "00000009 6261642d d02e696d 67 000000",
            0xd0,
            4,
            "bad-\u{fffd}.img",
        ),
    ] {
        let kind = Kind::Utf8 { value, valid };
        lenient_alone(bytes, kind, text.to_owned());
        lenient_alone(&format!("00000001 {bytes}"), kind, Some(text.to_owned()));
        lenient_alone(&format!("00000001 {bytes}"), kind, vec![text.to_owned()]);

        let bytes = wire(bytes);
        let strict = Decoder::new(&bytes).text::<Cow<'_, str>>(9);
        assert_eq!(strict.unwrap_err().kind(), kind);
        let lenient = Decoder::lenient(&bytes).text::<Cow<'_, str>>(9);
        assert_eq!(lenient, Ok(Cow::Owned(text.to_owned())));
    }
}

#[test]
fn a_borrowed_string_has_to_be_utf8() {
    let bytes = wire("00000003 61ff62 00");
    let error = from_slice_lenient::<&str>(&bytes).unwrap_err();
    assert_eq!(from_slice::<&str>(&bytes).unwrap_err(), error);
    assert_eq!(
        error.to_string(),
        "string is not UTF-8: byte 0xff after 1 valid bytes (at byte 5)"
    );
    assert_eq!(Decoder::lenient(&bytes).string(3), Err(error));

    let bytes = wire("00000002 c3a9 0000");
    assert_eq!(from_slice_lenient(&bytes), Ok("é"));
    assert_eq!(Decoder::lenient(&bytes).text(2), Ok(Cow::Borrowed("é")));
}

#[test]
fn bounds_stay() {
    refused_by_both::<Name>("00000009 61616161 61616161 61 000000");
    refused_by_both::<Blob>("00000006 01020304 0506 0000");
    refused_by_both::<Ints>("00000004 00000001 00000002 00000003 00000004");
    refused_by_both::<String>("00000004 616263");
    refused_by_both::<String>("00000001 61 0000");
    refused_by_both::<String>("ffffffff 61616161");
    refused_by_both::<bool>("000000");
    refused_by_both::<Option<i32>>("00000001");
    refused_by_both::<Vec<i32>>("00000002 00000001");
    refused_by_both::<Colour>("00000001");
    refused_by_both::<Shape>("00000001 00000001");
    refused_by_both::<Answer>("00000000 00000001");
    // The same limit of depth and memory.
    refused_by_both::<crate::support::Tree>(&"00000001".repeat(200));
    refused_by_both::<Vec<Option<[u64; 60]>>>(&format!("00010000 {}", "00".repeat(4 << 16)));
}

#[test]
fn valid_input_is_read_as_by_a_strict_decoder() {
    let bytes = wire("00000001 00000002 6162 0000");
    assert_eq!(
        from_slice_lenient(&bytes),
        from_slice::<Option<String>>(&bytes)
    );
    let bytes = wire("ffffffff 00000001 61 000000");
    let shape = Shape::Green("a".to_owned());
    assert_eq!(from_slice_lenient(&bytes), Ok(shape));
}
