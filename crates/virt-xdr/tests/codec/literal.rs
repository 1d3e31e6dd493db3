//! Every XDR type as literal bytes, both ways: one line is one encoding.

use std::fmt::Debug;

use bytes::Bytes;
use virt_testkit::wire;
use virt_xdr::{Decode, Encode, MessageType, Status, from_slice, to_vec};

use crate::support::{Answer, Blob, Colour, Ints, Line, Name, Narrow, Node, Point, Shape, Tree};

/// `value` is written as `bytes`, and `bytes` are read as `value`.
#[track_caller]
fn both_ways<T>(value: T, bytes: &str)
where
    T: Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    let bytes = wire(bytes);
    assert_eq!(to_vec(&value).as_ref(), Ok(&bytes));
    assert_eq!(from_slice::<T>(&bytes).as_ref(), Ok(&value));
}

#[test]
fn integers() {
    both_ways(0i32, "00000000");
    both_ways(1i32, "00000001");
    both_ways(-1i32, "ffffffff");
    both_ways(i32::MAX, "7fffffff");
    both_ways(i32::MIN, "80000000");

    both_ways(0u32, "00000000");
    both_ways(0x0102_0304u32, "01020304");
    both_ways(u32::MAX, "ffffffff");

    both_ways(0i64, "00000000 00000000");
    both_ways(-2i64, "ffffffff fffffffe");
    both_ways(i64::MAX, "7fffffff ffffffff");
    both_ways(i64::MIN, "80000000 00000000");

    both_ways(0x0102_0304_0506_0708u64, "01020304 05060708");
    both_ways(u64::MAX, "ffffffff ffffffff");
}

#[test]
fn narrow_integers_take_a_word_and_keep_their_sign() {
    both_ways(Narrow(-128i8), "ffffff80");
    both_ways(Narrow(127i8), "0000007f");
    both_ways(Narrow(0u8), "00000000");
    both_ways(Narrow(255u8), "000000ff");
    both_ways(Narrow(-32_768i16), "ffff8000");
    both_ways(Narrow(32_767i16), "00007fff");
    both_ways(Narrow(0u16), "00000000");
    both_ways(Narrow(65_535u16), "0000ffff");
}

#[test]
fn bools() {
    both_ways(false, "00000000");
    both_ways(true, "00000001");
}

#[test]
fn enums_are_written_by_value_not_by_index() {
    both_ways(Colour::Red, "00000007");
    both_ways(Colour::Green, "ffffffff");
    both_ways(MessageType::STREAM, "00000003");
    both_ways(Status::CONTINUE, "00000002");
    both_ways(Status(-5), "fffffffb");
}

#[test]
fn floats() {
    both_ways(0.0f32, "00000000");
    both_ways(1.0f32, "3f800000");
    both_ways(-2.5f32, "c0200000");
    both_ways(f32::INFINITY, "7f800000");
    both_ways(f32::from_bits(1), "00000001"); // the smallest subnormal

    both_ways(1.0f64, "3ff00000 00000000");
    both_ways(-2.5f64, "c0040000 00000000");
    both_ways(f64::NEG_INFINITY, "fff00000 00000000");
    both_ways(f64::MAX, "7fefffff ffffffff");
}

#[test]
fn floats_keep_every_bit_of_zero_and_nan() {
    assert_eq!(to_vec(&-0.0f32).unwrap(), wire("80000000"));
    assert!(
        from_slice::<f32>(&wire("80000000"))
            .unwrap()
            .is_sign_negative()
    );
    for bits in ["7fc00000", "7fc01234", "ffc00001"] {
        let value: f32 = from_slice(&wire(bits)).unwrap();
        assert!(value.is_nan());
        assert_eq!(to_vec(&value).unwrap(), wire(bits));
    }
    for bits in ["7ff80000 00000000", "fff80000 0000beef"] {
        let value: f64 = from_slice(&wire(bits)).unwrap();
        assert!(value.is_nan());
        assert_eq!(to_vec(&value).unwrap(), wire(bits));
    }
}

#[test]
fn fixed_opaque_has_no_length_and_is_padded() {
    both_ways([0u8; 0], "");
    both_ways([1u8], "01 000000");
    both_ways([1u8, 2], "0102 0000");
    both_ways([1u8, 2, 3], "010203 00");
    both_ways([1u8, 2, 3, 4], "01020304");
    both_ways([1u8, 2, 3, 4, 5], "01020304 05 000000");
    both_ways([0xffu8; 16], "ffffffff ffffffff ffffffff ffffffff");

    let bytes = wire("0102 0000");
    assert_eq!(from_slice::<&[u8; 2]>(&bytes).unwrap(), &[1, 2]);
    assert_eq!(to_vec(&&[1u8, 2]).unwrap(), bytes);
}

#[test]
fn variable_opaque_has_a_length_and_is_padded() {
    both_ways(Vec::<u8>::new(), "00000000");
    both_ways(vec![0xaau8], "00000001 aa 000000");
    both_ways(vec![0xaau8, 0xbb], "00000002 aabb 0000");
    both_ways(vec![0xaau8, 0xbb, 0xcc], "00000003 aabbcc 00");
    both_ways(vec![0u8, 0, 0, 0], "00000004 00000000");
    both_ways(Blob(vec![1, 2, 3, 4, 5]), "00000005 01020304 05 000000");

    let bytes = wire("00000003 aabbcc 00");
    assert_eq!(from_slice::<&[u8]>(&bytes).unwrap(), [0xaa, 0xbb, 0xcc]);
    assert_eq!(to_vec([0xaau8, 0xbb, 0xcc].as_slice()).unwrap(), bytes);
    let shared = Bytes::from_static(b"\xaa\xbb\xcc");
    assert_eq!(to_vec(&shared).unwrap(), bytes);
}

#[test]
fn strings_count_bytes_and_are_padded() {
    both_ways(String::new(), "00000000");
    both_ways("a".to_owned(), "00000001 61 000000");
    both_ways("ab".to_owned(), "00000002 6162 0000");
    both_ways("abc".to_owned(), "00000003 616263 00");
    both_ways("abcd".to_owned(), "00000004 61626364");
    both_ways("é".to_owned(), "00000002 c3a9 0000");
    both_ways("\0".to_owned(), "00000001 00 000000");
    both_ways(Name("8 bytes!".to_owned()), "00000008 38206279 74657321");

    let bytes = wire("00000002 6162 0000");
    assert_eq!(from_slice::<&str>(&bytes).unwrap(), "ab");
    assert_eq!(to_vec("ab").unwrap(), bytes);
}

#[test]
fn borrowed_values_lie_in_the_input() {
    let bytes = wire("00000002 6162 0000");
    let text: &str = from_slice(&bytes).unwrap();
    assert!(std::ptr::eq(text.as_ptr(), &raw const bytes[4]));
    let opaque: &[u8] = from_slice(&bytes).unwrap();
    assert!(std::ptr::eq(opaque.as_ptr(), &raw const bytes[4]));
    let fixed: &[u8; 8] = from_slice(&bytes).unwrap();
    assert!(std::ptr::eq(fixed.as_ptr(), bytes.as_ptr()));
}

#[test]
fn fixed_arrays_are_their_elements() {
    both_ways([0i32; 0], "");
    both_ways([1i32, -1], "00000001 ffffffff");
    both_ways([true, false, true], "00000001 00000000 00000001");
    both_ways(
        ["a".to_owned(), "bcde".to_owned()],
        "00000001 61 000000  00000004 62636465",
    );
    both_ways([[1u8, 2], [3, 4]], "0102 0000  0304 0000");
}

#[test]
fn variable_arrays_have_a_count() {
    both_ways(Vec::<i32>::new(), "00000000");
    both_ways(vec![1i32, -1], "00000002 00000001 ffffffff");
    both_ways(vec![1u64], "00000001 00000000 00000001");
    both_ways(Ints(vec![7, 8, 9]), "00000003 00000007 00000008 00000009");
    both_ways(
        vec!["a".to_owned(), String::new()],
        "00000002  00000001 61 000000  00000000",
    );
    both_ways(
        vec![vec![1u32], vec![], vec![2, 3]],
        "00000003  00000001 00000001  00000000  00000002 00000002 00000003",
    );
    assert_eq!(
        to_vec([1i32, -1].as_slice()).unwrap(),
        wire("00000002 00000001 ffffffff")
    );
}

#[test]
fn an_array_is_allocated_once() {
    let wire = to_vec(&vec![7u32; 1000]).unwrap();
    let items: Vec<u32> = from_slice(&wire).unwrap();
    assert_eq!((items.len(), items.capacity()), (1000, 1000));
}

#[test]
fn structs_are_their_fields_in_order() {
    let from = Point {
        label: "a".to_owned(),
        x: 1,
    };
    let to = Point {
        label: String::new(),
        x: -1,
    };
    both_ways(from.clone(), "00000001 61 000000  00000001");
    both_ways(
        Line { from, to },
        "00000001 61 000000  00000001
         00000000            ffffffff",
    );
}

#[test]
fn unions_are_a_discriminant_and_the_arm() {
    both_ways(Shape::Red(-3), "00000007 fffffffd");
    both_ways(Shape::Green("g".to_owned()), "ffffffff 00000001 67 000000");
    both_ways(Answer::Size(2), "00000000 00000000 00000002");
    both_ways(Answer::Other(4_000_000_000), "ee6b2800");
}

#[test]
fn void_is_nothing() {
    both_ways((), "");
}

#[test]
fn optionals_are_a_bool_and_perhaps_a_value() {
    both_ways(None::<i32>, "00000000");
    both_ways(Some(5i32), "00000001 00000005");
    both_ways(Some("a".to_owned()), "00000001 00000001 61 000000");
    both_ways(Some(None::<i32>), "00000001 00000000");
    both_ways(Some([1u8; 3]), "00000001 010101 00");
}

#[test]
fn boxes_leave_no_trace_on_the_wire() {
    both_ways(Box::new(5i32), "00000005");
    both_ways(
        Some(Box::new("a".to_owned())),
        "00000001 00000001 61 000000",
    );
    both_ways(
        Node {
            value: 1,
            next: Some(Box::new(Node {
                value: 2,
                next: None,
            })),
        },
        "00000001 00000001  00000002 00000000",
    );
    both_ways(
        Tree(vec![Tree(vec![]), Tree(vec![Tree(vec![])])]),
        "00000002  00000000  00000001 00000000",
    );
}

#[test]
fn references_encode_as_what_they_point_to() {
    assert_eq!(to_vec(&&&5i32).unwrap(), wire("00000005"));
    assert_eq!(
        to_vec(&Some("a")).unwrap(),
        wire("00000001 00000001 61 000000")
    );
    assert_eq!(
        to_vec(&vec!["a"]).unwrap(),
        wire("00000001 00000001 61 000000")
    );
    assert_eq!(
        to_vec::<str>(&Box::<str>::from("a")).unwrap(),
        wire("00000001 61 000000")
    );
    assert_eq!(
        to_vec(&Box::<str>::from("a")).unwrap(),
        wire("00000001 61 000000")
    );
}
