//! Text whose bytes are kept both ways, UTF-8 or not.

use std::borrow::Cow;

use proptest::prelude::*;
use virt_xdr::{
    Decode, DecodeError, DecodeErrorKind, DecodeText, Decoder, Encode, EncodeError,
    EncodeErrorKind, Encoder, Text, from_slice, from_slice_lenient, to_vec,
};

use virt_testkit::wire as hex;

#[test]
fn bytes_are_kept_both_ways_by_either_decoder() {
    for (wire, bytes) in [
        ("00000000", &b""[..]),
        ("00000001 ff 000000", b"\xff"),
        ("00000004 61626364", b"abcd"),
        ("00000002 c3a9 0000", "é".as_bytes()),
        ("00000009 6261642d d02e696d 67 000000", b"bad-\xd0.img"),
        ("00000003 610062 00", b"a\0b"),
    ] {
        let wire = hex(wire);
        let text = Text::from(bytes);
        assert_eq!(from_slice(&wire).as_ref(), Ok(&text));
        assert_eq!(from_slice_lenient(&wire).as_ref(), Ok(&text));
        assert_eq!(to_vec(&text).as_ref(), Ok(&wire));
        assert_eq!(Decoder::new(&wire).text(9), Ok(bytes));
        assert_eq!(text.as_bytes(), bytes);
        assert_eq!(text.into_bytes(), bytes);
    }
}

#[test]
fn padding_is_judged_as_in_any_string() {
    let wire = hex("00000001 ff 000100");
    let error = from_slice::<Text>(&wire).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Padding { value: 1 });
    assert_eq!(from_slice_lenient(&wire), Ok(Text::from(&b"\xff"[..])));
}

#[test]
fn a_bound_counts_bytes() {
    let wire = hex("00000003 61c3ff 00");
    assert_eq!(
        Decoder::new(&wire).text(3),
        Ok(Text::from(&b"a\xc3\xff"[..]))
    );
    let (length, limit) = (3, 2);
    let error = Decoder::lenient(&wire).text::<Text>(2).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooLong { length, limit });

    let mut out = Vec::new();
    let text = Text::from(&b"a\xc3\xff"[..]);
    Encoder::new(&mut out).text(&text, 3).unwrap();
    assert_eq!(out, wire);
    let error = Encoder::new(&mut out).text(&text, 2).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::TooLong { length, limit });
    assert_eq!(out, wire);
}

#[test]
fn every_kind_of_text_is_written_alike() {
    let wire = hex("00000002 c3a9 0000");
    let write = |write: fn(&mut Encoder<'_>) -> Result<(), EncodeError>| {
        let mut out = Vec::new();
        write(&mut Encoder::new(&mut out)).unwrap();
        assert_eq!(out, wire);
    };
    write(|out| out.text("é", 2));
    write(|out| out.text(&"é", 2));
    write(|out| out.text(&String::from("é"), 2));
    write(|out| out.text(&Text::from("é"), 2));
    write(|out| out.text(b"\xc3\xa9", 2));
    write(|out| out.string("é", 2));
}

#[test]
fn every_kind_of_text_is_read_alike() {
    fn read<'a, T: DecodeText<'a>>(wire: &'a [u8]) -> T {
        Decoder::new(wire).text(2).unwrap()
    }
    let wire = hex("00000002 c3a9 0000");
    assert_eq!(read::<&str>(&wire), "é");
    assert_eq!(read::<String>(&wire), "é");
    assert_eq!(read::<Text>(&wire), "é");
    assert_eq!(read::<&[u8]>(&wire), b"\xc3\xa9");
    assert!(matches!(read(&wire), Cow::Borrowed("é")));
}

/// `struct volume { string name<8>; unsigned hyper size; };`, generic over its string as generated types are.
#[derive(Debug, Clone, PartialEq)]
struct Volume<S> {
    name: S,
    size: u64,
}

impl<S: AsRef<[u8]>> Encode for Volume<S> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.text(&self.name, 8)?;
        self.size.encode(out)
    }
}

impl<'a, S: DecodeText<'a>> Decode<'a> for Volume<S> {
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: input.text(8)?,
            size: u64::decode(input)?,
        })
    }
}

#[test]
fn one_bad_name_hides_nothing_else() {
    let wire =
        hex("00000002 00000001 61 000000 00000000 00000001 00000002 d02e 0000 00000000 00000002");
    let volumes = |names: [&[u8]; 2]| {
        let [a, b] = names.map(Text::from);
        vec![Volume { name: a, size: 1 }, Volume { name: b, size: 2 }]
    };

    // Kept by both decoders, and written again.
    let kept = volumes([b"a", b"\xd0."]);
    assert_eq!(from_slice(&wire).as_ref(), Ok(&kept));
    assert_eq!(from_slice_lenient(&wire).as_ref(), Ok(&kept));
    assert_eq!(to_vec(&kept).as_ref(), Ok(&wire));

    // Replaced in an owned string by a lenient decoder alone.
    let lenient: Vec<Volume<String>> = from_slice_lenient(&wire).unwrap();
    assert_eq!((lenient[0].name.as_str(), lenient[0].size), ("a", 1));
    assert_eq!(
        (lenient[1].name.as_str(), lenient[1].size),
        ("\u{fffd}.", 2)
    );
    assert!(from_slice::<Vec<Volume<String>>>(&wire).is_err());
    assert!(from_slice_lenient::<Vec<Volume<&str>>>(&wire).is_err());
}

#[test]
fn text_is_made_of_and_compared_with_strings() {
    let text = Text::from("name");
    assert_eq!(text, Text::from(String::from("name")));
    assert_eq!(text, Text::from(&b"name"[..]));
    assert_eq!(text, Text::from(b"name".to_vec()));
    assert_eq!(text, "name");
    assert_eq!(text, *"name");
    assert_ne!(text, "nam");
    assert_ne!(Text::from(&b"\xff"[..]), "\u{fffd}");
    assert_eq!(Text::default(), "");
    assert_eq!(text.as_ref(), b"name");
    assert_eq!(text.to_str(), Ok("name"));
    assert_eq!(text.to_string_lossy(), "name");
}

#[test]
fn text_that_is_not_utf8_says_where() {
    let text = Text::from(&b"bad-\xd0.img"[..]);
    assert_eq!(text.to_str().unwrap_err().valid_up_to(), 4);
    assert_eq!(text.to_string_lossy(), "bad-\u{fffd}.img");
}

#[test]
fn text_shows_invalid_bytes() {
    let text = Text::from(&b"a\"\n\xd0\xc3"[..]);
    assert_eq!(text.to_string(), "a\"\n\u{fffd}\u{fffd}");
    assert_eq!(format!("{text:?}"), r#""a\"\n\xd0\xc3""#);
    assert_eq!(
        format!("{:>5}|{:<3}|", Text::from("abc"), Text::from("d")),
        "  abc|d  |"
    );
}

proptest! {
    #[test]
    fn any_bytes_round_trip(bytes: Vec<u8>) {
        let text = Text::from(bytes);
        let wire = to_vec(&text).unwrap();
        prop_assert_eq!(from_slice::<Text>(&wire), Ok(text.clone()));
        prop_assert_eq!(from_slice_lenient::<Text>(&wire), Ok(text));
    }

    #[test]
    fn a_lenient_string_is_what_std_makes_of_the_bytes(bytes: Vec<u8>) {
        let wire = to_vec(&bytes).unwrap();
        let text: String = from_slice_lenient(&wire).unwrap();
        prop_assert_eq!(&text, &String::from_utf8_lossy(&bytes));
        prop_assert_eq!(text.capacity(), text.len());
        prop_assert_eq!(&text, &Text::from(bytes).to_string());
    }
}
