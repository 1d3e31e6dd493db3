//! Every encoding cut at every point: the error says what was needed, what there was, and where.

use std::fmt::Debug;

use virt_testkit::wire;
use virt_xdr::{Decode, DecodeErrorKind, Header, from_slice};

use crate::support::{Answer, Blob, Colour, Ints, Name, Narrow, Node, Point, Shape, Tree};

/// `bytes` are one value, made of pieces that are read in one go, one piece a line; the text shows their
/// borders by ` | `. Cut anywhere, the piece that is cut is the one that is short.
#[track_caller]
fn short_at_every_cut<T: for<'a> Decode<'a> + Debug>(pieces: &str) {
    let pieces: Vec<Vec<u8>> = pieces.split('|').map(wire).collect();
    let whole = pieces.concat();
    from_slice::<T>(&whole).expect("the whole value decodes");

    let mut start = 0;
    for piece in pieces {
        for available in 0..piece.len() {
            let error = from_slice::<T>(&whole[..start + available]).expect_err("short");
            let needed = piece.len();
            let kind = DecodeErrorKind::Short { needed, available };
            assert_eq!((error.kind(), error.offset()), (kind, start));
            let text = format!("needs {needed} bytes, has {available} (at byte {start})");
            assert!(error.to_string().ends_with(&text), "{error}");
        }
        start += piece.len();
    }
}

#[test]
fn words() {
    short_at_every_cut::<i32>("00000001");
    short_at_every_cut::<u32>("00000001");
    short_at_every_cut::<i64>("00000001 00000002");
    short_at_every_cut::<u64>("00000001 00000002");
    short_at_every_cut::<f32>("3f800000");
    short_at_every_cut::<f64>("3ff00000 00000000");
    short_at_every_cut::<bool>("00000001");
    short_at_every_cut::<Colour>("00000007");
    short_at_every_cut::<Narrow<i8>>("00000001");
    short_at_every_cut::<Narrow<u16>>("00000001");
}

#[test]
fn opaque_data_and_strings() {
    short_at_every_cut::<[u8; 1]>("01 000000");
    short_at_every_cut::<[u8; 4]>("01020304");
    short_at_every_cut::<[u8; 5]>("01020304 05 000000");
    short_at_every_cut::<Vec<u8>>("00000003 | 010203 00");
    short_at_every_cut::<Vec<u8>>("00000008 | 01020304 05060708");
    short_at_every_cut::<Blob>("00000005 | 01020304 05 000000");
    short_at_every_cut::<String>("00000006 | 61626364 6566 0000");
    short_at_every_cut::<Name>("00000001 | 61 000000");
}

#[test]
fn arrays() {
    short_at_every_cut::<[i32; 2]>("00000001 | 00000002");
    short_at_every_cut::<[u64; 2]>("00000000 00000001 | 00000000 00000002");
    short_at_every_cut::<Ints>("00000002 | 00000001 00000002");
    short_at_every_cut::<Vec<[u8; 2]>>("00000002 | 0102 0000 0304 0000");
}

#[test]
fn structs_unions_and_optionals() {
    short_at_every_cut::<Point>("00000001 | 61 000000 | 00000001");
    short_at_every_cut::<Shape>("00000007 | 00000001");
    short_at_every_cut::<Shape>("ffffffff | 00000001 | 61 000000");
    short_at_every_cut::<Answer>("00000000 | 00000000 00000001");
    short_at_every_cut::<Answer>("00000005");
    short_at_every_cut::<Option<i64>>("00000001 | 00000000 00000001");
    short_at_every_cut::<Node>("00000001 | 00000001 | 00000002 | 00000000");
    short_at_every_cut::<Tree>("00000001 | 00000000");
}

#[test]
fn headers() {
    short_at_every_cut::<Header>("6b656570 00000001 00000001 00000002 00000000 00000000");
}

#[test]
fn an_array_is_short_before_its_first_element_is_read() {
    // Three strings take three words at least; the first of them is not looked at.
    let error = from_slice::<Vec<String>>(&wire("00000003 00000001 61ffffff")).unwrap_err();
    let kind = DecodeErrorKind::Short {
        needed: 12,
        available: 8,
    };
    assert_eq!((error.kind(), error.offset()), (kind, 4));
}

#[test]
fn void_is_never_short() {
    assert_eq!(from_slice::<()>(&[]), Ok(()));
    assert_eq!(from_slice::<[u8; 0]>(&[]), Ok([]));
    assert_eq!(from_slice::<[i32; 0]>(&[]), Ok([]));
}
