//! The bytes that C writes for the same values: rpcgen of rpcsvc-proto 1.4.3, with libtirpc 1.3.3.

use virt_xdr::{Decode, Encode, from_slice, to_vec};

use crate::samples::{
    Arrays, Bytes, Color, List, LookupArgs, LookupRet, Narrow, Shape, Tree, Value, Words,
};

/// Bytes in hexadecimal, white space aside.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let byte = |pair: &[u8]| {
        u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// Returns whether this value encodes to these bytes, and they decode to it.
#[track_caller]
fn assert_same<T>(value: T, hexadecimal: &str)
where
    T: Encode + for<'a> Decode<'a> + PartialEq + std::fmt::Debug,
{
    let expected = bytes(hexadecimal);
    assert_eq!(to_vec(&value).expect("it encodes"), expected);
    assert_eq!(from_slice::<T>(&expected).expect("they decode"), value);
}

#[test]
fn words() {
    let value = Words {
        a: -2,
        b: 4_000_000_000,
        c: -3_000_000_000,
        d: 18_000_000_000_000_000_000,
        e: 1.5,
        f: -0.1,
        g: true,
        h: Color::BLUE,
    };
    assert_same(
        value,
        "fffffffe ee6b2800 ffffffff 4d2fa200 f9ccd8a1 c5080000 3fc00000 bfb99999
         9999999a 00000001 fffffffb",
    );
}

#[test]
fn narrow_words() {
    let value = Narrow {
        a: -128,
        b: 200,
        c: -32768,
        d: 65535,
        e: [97, -1, 0],
        f: vec![0, 255],
    };
    assert_same(
        value,
        "ffffff80 000000c8 ffff8000 0000ffff 00000061 ffffffff 00000000 00000002
         00000000 000000ff",
    );
}

#[test]
fn strings_and_opaque_data() {
    let value: Bytes = Bytes {
        name: "name".into(),
        nickname: Some("né".into()),
        text: String::new(),
        uuid: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255],
        odd: [1, 2, 3, 4, 5],
        data: vec![0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9],
    };
    assert_same(
        value,
        "00000004 6e616d65 00000001 00000003 6ec3a900 00000000 00010203 04050607
         08090a0b 0c0d0eff 01020304 05000000 00000007 fffefdfc fbfaf900",
    );
}

#[test]
fn strings_and_opaque_data_that_are_absent() {
    let value: Bytes = Bytes {
        name: "abcde".to_owned(),
        text: "text".to_owned(),
        ..Bytes::default()
    };
    assert_same(
        value,
        "00000005 61626364 65000000 00000000 00000004 74657874 00000000 00000000
         00000000 00000000 00000000 00000000 00000000",
    );
}

#[test]
fn nested_arrays() {
    let value: Arrays = Arrays {
        fixed: [7, -7],
        rows: vec![vec![1, 2, 3], vec![], vec![-1]],
        names: vec!["a".into(), "bcdef".into()],
        colors: vec![Color::RED, Color::GREEN],
    };
    assert_same(
        value,
        "00000007 fffffff9 00000003 00000003 00000001 00000002 00000003 00000000
         00000001 ffffffff 00000002 00000001 61000000 00000005 62636465 66000000
         00000002 00000001 00000002",
    );
}

#[test]
fn optionals_that_make_a_list() {
    assert_same(
        list(&[1, 2, 3]),
        "00000001 00000001 00000002 00000001 00000003 00000000",
    );
}

#[test]
fn arrays_that_make_a_tree() {
    let leaf = |name: &str| Tree {
        name: name.to_owned(),
        children: vec![],
    };
    let value = Tree {
        name: "root".to_owned(),
        children: vec![leaf("left"), leaf("right")],
    };
    assert_same(
        value,
        "00000004 726f6f74 00000002 00000004 6c656674 00000000 00000005 72696768
         74000000 00000000",
    );
}

#[test]
fn unions_by_number() {
    let value: LookupArgs = LookupArgs {
        name: "all".into(),
        values: vec![
            Value::Case1(-1),
            Value::Case3(1 << 63),
            Value::Case5(2.5),
            Value::Case7("s".into()),
        ],
    };
    assert_same(
        value,
        "00000003 616c6c00 00000004 00000001 ffffffff 00000003 80000000 00000000
         00000005 40040000 00000000 00000007 00000001 73000000",
    );
}

#[test]
fn unions_with_shared_cases_void_and_default() {
    let value: LookupArgs = LookupArgs {
        name: String::new(),
        values: vec![
            Value::Case2(1),
            Value::Case8,
            Value::Default {
                discriminant: 99,
                value: b"xyz".to_vec(),
            },
        ],
    };
    assert_same(
        value,
        "00000000 00000003 00000002 00000000 00000001 00000008 00000063 00000003
         78797a00",
    );
}

#[test]
fn unions_by_enum() {
    let mut uuid = [0; 16];
    uuid[..4].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
    assert_same(
        LookupRet {
            uuid,
            shape: Shape::Red(Some(list(&[2, 3]))),
        },
        "deadbeef 00000000 00000000 00000000 00000001 00000001 00000002 00000001
         00000003 00000000",
    );
    assert_same(
        LookupRet {
            uuid: [0; 16],
            shape: Shape::Blue,
        },
        "00000000 00000000 00000000 00000000 fffffffb",
    );
}

/// A list of these values, of which there is one at least.
fn list(values: &[i32]) -> List {
    let longer = |next: Option<Box<List>>, &value: &i32| Some(Box::new(List { value, next }));
    *values.iter().rev().fold(None, longer).expect("a value")
}
