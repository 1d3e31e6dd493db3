//! A type that contains itself: deep enough is too deep, both ways, and nothing overflows the stack.

use virt_testkit::wire;
use virt_xdr::{DecodeErrorKind, Decoder, EncodeErrorKind, Encoder, MAX_DEPTH, from_slice, to_vec};

use crate::support::{Node, Tree};

const DEPTH: usize = MAX_DEPTH as usize;

/// A list of `length` nodes, each but the first behind a pointer.
fn list(length: usize) -> Node {
    let mut node = Node {
        value: 0,
        next: None,
    };
    for _ in 1..length {
        node = Node {
            value: 0,
            next: Some(Box::new(node)),
        };
    }
    node
}

/// The wire of such a list.
fn list_wire(length: usize) -> Vec<u8> {
    [
        wire("00000000 00000001").repeat(length - 1),
        wire("00000000 00000000"),
    ]
    .concat()
}

#[test]
fn as_deep_as_allowed() {
    let wire = list_wire(DEPTH + 1);
    assert_eq!(to_vec(&list(DEPTH + 1)).unwrap(), wire);
    assert_eq!(from_slice::<Node>(&wire).unwrap(), list(DEPTH + 1));
}

#[test]
fn one_pointer_too_deep() {
    let error = from_slice::<Node>(&list_wire(DEPTH + 2)).unwrap_err();
    let kind = DecodeErrorKind::TooDeep { limit: MAX_DEPTH };
    assert_eq!((error.kind(), error.offset()), (kind, 8 * (DEPTH + 1)));
    assert_eq!(
        error.to_string(),
        "values nest deeper than 128 levels (at byte 1032)"
    );

    let error = to_vec(&list(DEPTH + 2)).unwrap_err();
    let kind = EncodeErrorKind::TooDeep { limit: MAX_DEPTH };
    assert_eq!((error.kind(), error.offset()), (kind, 8 * (DEPTH + 1)));
    assert_eq!(
        error.to_string(),
        "values nest deeper than 128 levels (at byte 1032)"
    );
}

#[test]
fn a_megabyte_of_pointers() {
    let error = from_slice::<Node>(&list_wire(1 << 17)).unwrap_err();
    let kind = DecodeErrorKind::TooDeep { limit: MAX_DEPTH };
    assert_eq!(error.kind(), kind);
}

#[test]
fn a_megabyte_of_arrays_in_arrays() {
    let wire = wire("00000001").repeat(1 << 18);
    let error = from_slice::<Tree>(&wire).unwrap_err();
    let kind = DecodeErrorKind::TooDeep { limit: MAX_DEPTH };
    assert_eq!(error.kind(), kind);

    let mut tree = Tree(vec![]);
    for _ in 0..2 * DEPTH {
        tree = Tree(vec![tree]);
    }
    let error = to_vec(&tree).unwrap_err();
    let kind = EncodeErrorKind::TooDeep { limit: MAX_DEPTH };
    assert_eq!(error.kind(), kind);
}

#[test]
fn depth_is_given_back_on_the_way_out() {
    let wire = list_wire(DEPTH + 1).repeat(3);
    from_slice::<[Node; 3]>(&wire).expect("three lists side by side");
    let lists = [list(DEPTH + 1), list(DEPTH + 1), list(DEPTH + 1)];
    assert_eq!(to_vec(&lists).unwrap(), wire);
}

#[test]
fn depth_is_given_back_after_an_error() {
    let mut input = Decoder::new(&[]);
    let mut out = Vec::new();
    let mut output = Encoder::new(&mut out);
    for _ in 0..2 * DEPTH {
        let error = input.nested(|input| Err::<(), _>(input.unknown_discriminant(1)));
        let kind = DecodeErrorKind::Discriminant { value: 1 };
        assert_eq!(error.unwrap_err().kind(), kind);
        let error = output.nested(|output| output.string("ab", 1));
        let kind = EncodeErrorKind::TooLong {
            length: 2,
            limit: 1,
        };
        assert_eq!(error.unwrap_err().kind(), kind);
    }
}
