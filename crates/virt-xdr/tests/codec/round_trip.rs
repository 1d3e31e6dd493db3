//! Round trips: a value encodes to bytes that decode to it, and bytes that decode are encoded again.

use std::fmt::Debug;

use proptest::prelude::*;
use virt_xdr::{
    Decode, Encode, Header, MessageType, ProgramId, Serial, Status, from_slice, to_vec,
};

use crate::support::{Answer, Blob, Colour, Ints, Line, Name, Narrow, Node, Point, Shape, Tree};

fn round_trip<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    let bytes = to_vec(value).expect("the value keeps its bounds");
    prop_assert!(bytes.len().is_multiple_of(4));
    let again = from_slice::<T>(&bytes);
    prop_assert_eq!(again.as_ref(), Ok(value));
    Ok(())
}

/// If `bytes` decode, their value encodes to the same bytes.
fn canonical<T: Encode + for<'a> Decode<'a>>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = from_slice::<T>(bytes) {
        let again = to_vec(&value).expect("what decodes keeps its bounds");
        prop_assert_eq!(again.as_slice(), bytes);
    }
    Ok(())
}

fn colour() -> impl Strategy<Value = Colour> {
    prop_oneof![Just(Colour::Red), Just(Colour::Green)]
}

/// At most eight bytes, of one to four bytes a character.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", "[éß]{0,4}", "[\u{1f600}]{0,2}"]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        any::<i32>().prop_map(Shape::Red),
        name().prop_map(Shape::Green)
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        any::<u64>().prop_map(Answer::Size),
        (1u32..).prop_map(Answer::Other)
    ]
}

fn point() -> impl Strategy<Value = Point> {
    (name(), any::<i32>()).prop_map(|(label, x)| Point { label, x })
}

fn node() -> impl Strategy<Value = Node> {
    let last = any::<i32>().prop_map(|value| Node { value, next: None });
    last.prop_recursive(16, 16, 1, |inner| {
        (any::<i32>(), inner).prop_map(|(value, next)| Node {
            value,
            next: Some(Box::new(next)),
        })
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = Just(Tree(vec![]));
    leaf.prop_recursive(6, 64, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(Tree)
    })
}

fn header() -> impl Strategy<Value = Header> {
    any::<[i32; 6]>().prop_map(|words| Header {
        program: ProgramId::new(words[0].cast_unsigned(), words[1].cast_unsigned()),
        procedure: words[2],
        message_type: MessageType(words[3]),
        serial: Serial(words[4].cast_unsigned()),
        status: Status(words[5]),
    })
}

proptest! {
    #[test]
    fn numbers(int: i32, uint: u32, hyper: i64, uhyper: u64, truth: bool) {
        round_trip(&int)?;
        round_trip(&uint)?;
        round_trip(&hyper)?;
        round_trip(&uhyper)?;
        round_trip(&truth)?;
    }

    #[test]
    fn narrow(char: i8, uchar: u8, short: i16, ushort: u16) {
        round_trip(&Narrow(char))?;
        round_trip(&Narrow(uchar))?;
        round_trip(&Narrow(short))?;
        round_trip(&Narrow(ushort))?;
    }

    #[test]
    fn floats(float: u32, double: u64) {
        let bytes = to_vec(&f32::from_bits(float)).unwrap();
        prop_assert_eq!(from_slice::<f32>(&bytes).unwrap().to_bits(), float);
        let bytes = to_vec(&f64::from_bits(double)).unwrap();
        prop_assert_eq!(from_slice::<f64>(&bytes).unwrap().to_bits(), double);
    }

    #[test]
    fn fixed_opaque(a: [u8; 1], b: [u8; 2], c: [u8; 3], d: [u8; 4], e: [u8; 5]) {
        round_trip(&a)?;
        round_trip(&b)?;
        round_trip(&c)?;
        round_trip(&d)?;
        round_trip(&e)?;
        round_trip(&[c, c])?;
    }

    #[test]
    fn variable_opaque(free: Vec<u8>, bound in prop::collection::vec(any::<u8>(), 0..=5)) {
        let bytes = to_vec(&free).unwrap();
        prop_assert_eq!(from_slice::<&[u8]>(&bytes).unwrap(), free.as_slice());
        round_trip(&free)?;
        round_trip(&Blob(bound))?;
    }

    #[test]
    fn strings(free: String, bound in name()) {
        let bytes = to_vec(&free).unwrap();
        prop_assert_eq!(from_slice::<&str>(&bytes).unwrap(), free.as_str());
        round_trip(&free)?;
        round_trip(&Name(bound))?;
    }

    #[test]
    fn arrays(
        fixed: [i32; 3],
        hypers: Vec<i64>,
        texts in prop::collection::vec(".{0,9}", 0..9),
        nested in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..4), 0..4),
        bound in prop::collection::vec(any::<i32>(), 0..=3),
    ) {
        round_trip(&fixed)?;
        round_trip(&hypers)?;
        round_trip(&texts)?;
        round_trip(&nested)?;
        round_trip(&Ints(bound))?;
    }

    #[test]
    fn enums_structs_and_unions(
        colour in colour(),
        from in point(),
        to in point(),
        shape in shape(),
        answer in answer(),
        shapes in prop::collection::vec(shape(), 0..5),
    ) {
        round_trip(&colour)?;
        round_trip(&Line { from, to })?;
        round_trip(&shape)?;
        round_trip(&answer)?;
        round_trip(&shapes)?;
    }

    #[test]
    fn optionals_and_boxes(
        int: Option<i32>,
        text: Option<String>,
        twice: Option<Option<bool>>,
        node in node(),
        tree in tree(),
    ) {
        round_trip(&int)?;
        round_trip(&text)?;
        round_trip(&twice)?;
        round_trip(&node)?;
        round_trip(&tree)?;
        round_trip(&Some(Box::new(node)))?;
    }

    #[test]
    fn headers(header in header()) {
        round_trip(&header)?;
        prop_assert_eq!(to_vec(&header).unwrap(), header.to_bytes());
        prop_assert_eq!(Header::from_bytes(&header.to_bytes()), header);
    }

    #[test]
    fn what_decodes_has_one_encoding(
        // Small words, so that lengths, counts and discriminants are often right.
        words in prop::collection::vec(prop_oneof![0u32..9, any::<u32>()], 0..12),
        cut in 0usize..4,
    ) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.truncate(bytes.len().saturating_sub(cut));
        canonical::<bool>(&bytes)?;
        canonical::<Vec<u8>>(&bytes)?;
        canonical::<String>(&bytes)?;
        canonical::<Vec<i64>>(&bytes)?;
        canonical::<Vec<String>>(&bytes)?;
        canonical::<[[u8; 3]; 2]>(&bytes)?;
        canonical::<Line>(&bytes)?;
        canonical::<Vec<Shape>>(&bytes)?;
        canonical::<Vec<Answer>>(&bytes)?;
        canonical::<Option<Node>>(&bytes)?;
        canonical::<Tree>(&bytes)?;
        canonical::<[Narrow<i8>; 2]>(&bytes)?;
        canonical::<Vec<Option<Narrow<u16>>>>(&bytes)?;
    }
}
