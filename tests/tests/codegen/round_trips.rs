//! Every value decodes to what was encoded, and encodes to what was decoded.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use virt_xdr::{from_slice, to_vec};

use crate::samples::{
    Arrays, Bytes, Color, List, LookupArgs, LookupRet, Narrow, Shape, Tree, Value, Words,
};

/// Checks a value, of a type that owns, by way of the same type that borrows.
macro_rules! assert_round_trip {
    ($owned:ty, $borrowed:ty, $value:expr) => {
        let value = $value;
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(&from_slice::<$owned>(&bytes).unwrap(), &value);
        let borrowed: $borrowed = from_slice(&bytes).unwrap();
        prop_assert_eq!(to_vec(&borrowed).unwrap(), &bytes[..]);
        for end in 0..bytes.len() {
            prop_assert!(
                from_slice::<$owned>(&bytes[..end]).is_err(),
                "{end} of {} bytes decode",
                bytes.len()
            );
        }
    };
}

proptest! {
    #[test]
    fn words(value in words_of()) {
        assert_round_trip!(Words, Words, value);
    }

    #[test]
    fn narrow_words(value in narrow()) {
        assert_round_trip!(Narrow, Narrow, value);
    }

    #[test]
    fn strings_and_opaque_data(value in bytes_of()) {
        assert_round_trip!(Bytes, Bytes<&str, &[u8]>, value);
    }

    #[test]
    fn nested_arrays(value in arrays()) {
        assert_round_trip!(Arrays, Arrays<&str>, value);
    }

    #[test]
    fn lists(value in list()) {
        assert_round_trip!(List, List, value);
    }

    #[test]
    fn trees(value in tree()) {
        assert_round_trip!(Tree, Tree<&str>, value);
    }

    #[test]
    fn unions(name in name(), values in vec(value(), 0..=4)) {
        assert_round_trip!(LookupArgs, LookupArgs<&str, &[u8]>, LookupArgs { name, values });
    }

    #[test]
    fn unions_of_enums(uuid: [u8; 16], list in option::of(list()), blue: bool) {
        let shape = if blue { Shape::Blue } else { Shape::Red(list) };
        assert_round_trip!(LookupRet, LookupRet, LookupRet { uuid, shape });
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes in vec(prop_oneof![4 => Just(0), 1 => 0..5_u8], 0..200)) {
        if let Ok(value) = from_slice::<LookupArgs<&str, &[u8]>>(&bytes) {
            prop_assert_eq!(to_vec(&value).unwrap(), &bytes[..]);
        }
        if let Ok(value) = from_slice::<Bytes<&str, &[u8]>>(&bytes) {
            prop_assert_eq!(to_vec(&value).unwrap(), &bytes[..]);
        }
        if let Ok(value) = from_slice::<Tree>(&bytes) {
            prop_assert_eq!(to_vec(&value).unwrap(), &bytes[..]);
        }
    }
}

fn words_of() -> impl Strategy<Value = Words> {
    // Numbers alone: a NaN is not equal to itself.
    let floats = (proptest::num::f32::NORMAL, proptest::num::f64::NORMAL);
    let integers = any::<(i32, u32, i64, u64, bool, i32)>();
    (integers, floats).prop_map(|((a, b, c, d, g, h), (e, f))| Words {
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h: Color(h),
    })
}

fn narrow() -> impl Strategy<Value = Narrow> {
    let fields = (
        any::<(i8, u8, i16, u16, [i8; 3])>(),
        vec(any::<u8>(), 0..=4),
    );
    fields.prop_map(|((a, b, c, d, e), f)| Narrow { a, b, c, d, e, f })
}

/// At most eight characters, and so 32 bytes.
fn name() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=8).prop_map(String::from_iter)
}

fn bytes_of() -> impl Strategy<Value = Bytes> {
    let strings = (name(), option::of(name()), any::<String>());
    let opaques = (any::<([u8; 16], [u8; 5])>(), vec(any::<u8>(), 0..=7));
    (strings, opaques).prop_map(|((name, nickname, text), ((uuid, odd), data))| Bytes {
        name,
        nickname,
        text,
        uuid,
        odd,
        data,
    })
}

fn arrays() -> impl Strategy<Value = Arrays> {
    let rows = vec(vec(any::<i32>(), 0..=4), 0..=4);
    let colors = vec(any::<i32>().prop_map(Color), 0..=4);
    (any::<[i32; 2]>(), rows, vec(name(), 0..=4), colors).prop_map(
        |(fixed, rows, names, colors)| Arrays {
            fixed,
            rows,
            names,
            colors,
        },
    )
}

fn list() -> impl Strategy<Value = List> {
    (any::<i32>(), vec(any::<i32>(), 0..20)).prop_map(|(value, rest)| {
        let longer = |next, value| Some(Box::new(List { value, next }));
        List {
            value,
            next: rest.into_iter().fold(None, longer),
        }
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = name().prop_map(|name| Tree {
        name,
        children: Vec::new(),
    });
    leaf.prop_recursive(4, 20, 4, |tree| {
        (name(), vec(tree, 0..=4)).prop_map(|(name, children)| Tree { name, children })
    })
}

fn value() -> impl Strategy<Value = Value> {
    let other = any::<i32>().prop_filter("a case of its own", |number| {
        ![1, 2, 3, 5, 7, 8].contains(number)
    });
    prop_oneof![
        any::<i32>().prop_map(Value::Case1),
        any::<u64>().prop_map(Value::Case2),
        any::<u64>().prop_map(Value::Case3),
        proptest::num::f64::NORMAL.prop_map(Value::Case5),
        name().prop_map(Value::Case7),
        Just(Value::Case8),
        (other, vec(any::<u8>(), 0..=8)).prop_map(|(discriminant, value)| Value::Default {
            discriminant,
            value
        }),
    ]
}
