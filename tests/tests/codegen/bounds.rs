//! Generated types enforce their bounds both ways, and say which field broke them.

use virt_xdr::{DecodeErrorKind, EncodeErrorKind, MAX_DEPTH, from_slice, to_vec};

use crate::samples::{
    Arrays, Bytes, Color, LIST_MAX, List, LookupArgs, NAME_MAX, Name, Row, Shape, Tree, Value,
};

#[test]
fn a_string_is_as_long_as_it_may_be_and_no_longer() {
    let longest = Bytes {
        name: "n".repeat(NAME_MAX),
        ..Bytes::default()
    };
    let bytes = to_vec(&longest).unwrap();
    assert_eq!(from_slice::<Bytes>(&bytes).unwrap(), longest);

    let error = to_vec(&Bytes::<_, &[u8]> {
        name: "n".repeat(NAME_MAX + 1),
        ..Bytes::default()
    })
    .unwrap_err();
    assert_eq!(
        error.kind(),
        EncodeErrorKind::TooLong {
            length: 33,
            limit: 32
        }
    );
    assert_eq!(error.field(), Some("Bytes.name"));

    let error =
        from_slice::<Bytes<&str, &[u8]>>(&to_vec("n".repeat(33).as_str()).unwrap()).unwrap_err();
    assert_eq!(
        error.kind(),
        DecodeErrorKind::TooLong {
            length: 33,
            limit: 32
        }
    );
    assert_eq!(error.field(), Some("Bytes.name"));
}

#[test]
fn the_bound_of_a_typedef_holds_wherever_it_is_used() {
    let error = to_vec(&Bytes::<_, &[u8]> {
        nickname: Some("n".repeat(33)),
        ..Bytes::default()
    })
    .unwrap_err();
    assert_eq!(error.field(), Some("Bytes.nickname"));
    let error = to_vec(&Arrays {
        names: vec!["n".repeat(33)],
        ..Arrays::default()
    })
    .unwrap_err();
    assert_eq!(error.field(), Some("Arrays.names"));
    let error = to_vec(&Arrays::<&str> {
        rows: vec![vec![0; LIST_MAX + 1]],
        ..Arrays::default()
    })
    .unwrap_err();
    assert_eq!(
        error.kind(),
        EncodeErrorKind::TooLong {
            length: 5,
            limit: 4
        }
    );
    assert_eq!(error.field(), Some("Arrays.rows"));
    let error = to_vec(&Name("n".repeat(33))).unwrap_err();
    assert_eq!(error.field(), Some("Name"));
    assert!(to_vec(&Row(vec![0; LIST_MAX + 1])).is_err());
}

#[test]
fn the_innermost_field_is_named() {
    let value = Value::<String>::Default {
        discriminant: 9,
        value: vec![0; 9],
    };
    let error = to_vec(&LookupArgs {
        name: String::new(),
        values: vec![value],
    })
    .unwrap_err();
    assert_eq!(error.field(), Some("Value::Default"));
}

#[test]
fn the_default_arm_of_a_union_does_not_stand_for_another_arm() {
    let value: Value = Value::Default {
        discriminant: 7,
        value: vec![],
    };
    let error = to_vec(&value).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::Discriminant { value: 7 });
    assert_eq!(error.field(), Some("Value::Default"));
    assert_eq!(
        error.to_string(),
        "Value::Default: discriminant 7 in the default arm of a union has an arm of its own (at byte 0)"
    );
}

#[test]
fn a_union_without_a_default_has_no_other_arms() {
    let error = from_slice::<Shape>(&to_vec(&Color::GREEN).unwrap()).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Discriminant { value: 2 });
    assert_eq!(error.field(), Some("Shape"));
    assert_eq!(error.offset(), 0);
}

#[test]
fn values_nest_as_deep_as_they_may_and_no_deeper() {
    // Without the limit, a few kilobytes of either would overflow the stack.
    let list = [0, 0, 0, 7, 0, 0, 0, 1].repeat(100_000);
    let error = from_slice::<List>(&list).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: MAX_DEPTH });
    let tree = [0, 0, 0, 0, 0, 0, 0, 1].repeat(100_000);
    let error = from_slice::<Tree<&str>>(&tree).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: MAX_DEPTH });

    let mut tree = Tree {
        name: "leaf",
        children: vec![],
    };
    for _ in 1..MAX_DEPTH {
        tree = Tree {
            name: "branch",
            children: vec![tree],
        };
    }
    let bytes = to_vec(&tree).unwrap();
    assert_eq!(from_slice::<Tree<&str>>(&bytes).unwrap(), tree);
    let error = to_vec(&Tree {
        name: "root",
        children: vec![tree],
    })
    .unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::TooDeep { limit: MAX_DEPTH });
}
