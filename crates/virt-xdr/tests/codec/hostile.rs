//! Inputs that break other XDR codecs: one loops for ever, one allocates, one wraps, one says all is well.

use virt_testkit::wire;
use virt_xdr::{Decode, DecodeErrorKind as Kind, Decoder, from_slice, to_vec};

use crate::support::{Colour, Shape};

#[test]
fn a_fixed_opaque_cut_short_ends() {
    let error = from_slice::<[u8; 16]>(&[0; 15]).unwrap_err();
    let kind = Kind::Short {
        needed: 16,
        available: 15,
    };
    assert_eq!(error.kind(), kind);
    let error = from_slice::<[u8; 1000]>(&[]).unwrap_err();
    let kind = Kind::Short {
        needed: 1000,
        available: 0,
    };
    assert_eq!(error.kind(), kind);
}

#[test]
fn a_string_that_declares_8_bytes_and_has_4() {
    let error = from_slice::<String>(&wire("00000008 61626364")).unwrap_err();
    let kind = Kind::Short {
        needed: 8,
        available: 4,
    };
    assert_eq!((error.kind(), error.offset()), (kind, 4));
}

#[test]
fn lengths_that_wrap_or_allocate() {
    // Padded to four, 0xfffffffd and above is more than a word of 32 bits holds.
    for length in [
        0x7fff_fff0u32,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffd,
        0xffff_ffff,
    ] {
        let wire = [&length.to_be_bytes()[..], b"abcdefgh"].concat();
        let padded = usize::try_from(length).unwrap().next_multiple_of(4);
        let short = Kind::Short {
            needed: padded,
            available: 8,
        };
        assert_eq!(from_slice::<String>(&wire).unwrap_err().kind(), short);
        assert_eq!(from_slice::<&str>(&wire).unwrap_err().kind(), short);
        assert_eq!(from_slice::<Vec<u8>>(&wire).unwrap_err().kind(), short);
        assert_eq!(from_slice::<&[u8]>(&wire).unwrap_err().kind(), short);

        let count = usize::try_from(length).unwrap();
        let short = Kind::Short {
            needed: count.saturating_mul(4),
            available: 8,
        };
        assert_eq!(from_slice::<Vec<i32>>(&wire).unwrap_err().kind(), short);
        assert_eq!(from_slice::<Vec<String>>(&wire).unwrap_err().kind(), short);
        assert_eq!(
            from_slice::<Vec<[u8; 64]>>(&wire).unwrap_err().kind(),
            short
        );
    }
}

#[test]
fn four_bytes_that_ask_for_100_gigabytes() {
    // 0x40000000 elements of 100 bytes.
    let error = from_slice::<Vec<[i32; 25]>>(&wire("40000000")).unwrap_err();
    let kind = Kind::Short {
        needed: 0x1_0000_0000,
        available: 0,
    };
    assert_eq!((error.kind(), error.offset()), (kind, 4));
}

#[test]
fn an_enum_is_its_value_not_its_index() {
    assert_eq!(to_vec(&Colour::Red).unwrap(), wire("00000007"));
    for index in ["00000000", "00000001"] {
        assert!(from_slice::<Colour>(&wire(index)).is_err());
    }
    assert_eq!(to_vec(&Shape::Red(1)).unwrap(), wire("00000007 00000001"));
}

#[test]
fn a_union_with_a_discriminant_too_short_to_be_one() {
    let error = from_slice::<Shape>(&wire("0000")).unwrap_err();
    let kind = Kind::Short {
        needed: 4,
        available: 2,
    };
    assert_eq!(error.kind(), kind);
}

#[test]
fn an_empty_input_is_no_empty_list() {
    assert!(from_slice::<Vec<i32>>(&[]).is_err());
    assert!(from_slice::<String>(&[]).is_err());
    assert!(from_slice::<Option<i32>>(&[]).is_err());
}

#[test]
fn a_length_is_unsigned() {
    let mut input = Decoder::new(&[0x80, 0, 0, 1, 0, 0, 0, 0]);
    let kind = Kind::TooLong {
        length: 0x8000_0001,
        limit: 0x7fff_ffff,
    };
    assert_eq!(input.opaque(0x7fff_ffff).unwrap_err().kind(), kind);
}

#[test]
fn an_error_in_an_element_ends_the_array() {
    let mut read = 0;
    let mut input = Decoder::new(&[0; 20][..]);
    let whole = input.clone();
    assert!(whole.finish().is_err());
    let result = input.fixed_array::<(), 5>(|input| {
        read += 1;
        match u32::decode(input) {
            Ok(_) if read == 3 => Err(input.unknown_discriminant(3)),
            other => other.map(|_| ()),
        }
    });
    assert_eq!(result.unwrap_err().offset(), 8);
    assert_eq!(read, 3);
}
