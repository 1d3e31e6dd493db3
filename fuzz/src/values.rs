//! Hand-made types for every construct of XDR.

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use virt_xdr::{
    Decode, DecodeError, Decoder, Encode, EncodeError, EncodeErrorKind, Encoder, from_slice, to_vec,
};

/// `struct everything`: a field for each kind of type.
#[derive(Debug, Clone, PartialEq, Arbitrary)]
#[allow(missing_docs, reason = "the types say it all")]
pub struct Everything {
    pub int: i32,
    pub uint: u32,
    pub hyper: i64,
    pub uhyper: u64,
    pub truth: bool,
    pub float: Bits<u32>,
    pub double: Bits<u64>,
    pub char: i8,
    pub ushort: u16,
    pub fixed: [u8; 5],
    pub opaque: Vec<u8>,
    pub string: String,
    pub array: Vec<[i32; 2]>,
    pub texts: Vec<String>,
    pub void: (),
    pub shape: Shape,
    pub optional: Option<Shape>,
    pub tree: Tree,
    pub list: Option<Box<Node>>,
}

/// A float by its bits, so that it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Arbitrary)]
pub struct Bits<T>(pub T);

/// `union shape switch (int kind) { case 7: opaque data<>; case -1: string name<8>; default: void; };`
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Case 7.
    Data(Vec<u8>),
    /// Case -1.
    Name(String),
    /// Any other discriminant.
    Other(i32),
}

/// `struct tree { tree children<>; };`
#[derive(Debug, Clone, PartialEq, Arbitrary)]
pub struct Tree(pub Vec<Tree>);

/// `struct node { int value; node *next; };`
#[derive(Debug, Clone, PartialEq, Arbitrary)]
pub struct Node {
    /// The contents.
    pub value: i32,
    /// The rest.
    pub next: Option<Box<Node>>,
}

/// Panics if a value made of `data` encodes to bytes that decode to another one.
///
/// Values that are over a limit do not encode.
pub fn value_to_bytes<'d, T>(data: &'d [u8])
where
    T: Arbitrary<'d> + Encode + for<'a> Decode<'a> + PartialEq + Debug,
{
    let Ok(value) = T::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    match to_vec(&value).map_err(|error| error.kind()) {
        Ok(bytes) => {
            assert!(bytes.len().is_multiple_of(4));
            assert_eq!(from_slice::<T>(&bytes), Ok(value));
        }
        Err(EncodeErrorKind::TooLong { .. } | EncodeErrorKind::TooDeep { .. }) => {}
        Err(kind) => panic!("{kind:?}"),
    }
}

impl Encode for Everything {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.int.encode(out)?;
        self.uint.encode(out)?;
        self.hyper.encode(out)?;
        self.uhyper.encode(out)?;
        self.truth.encode(out)?;
        f32::from_bits(self.float.0).encode(out)?;
        f64::from_bits(self.double.0).encode(out)?;
        out.narrow(self.char);
        out.narrow(self.ushort);
        self.fixed.encode(out)?;
        self.opaque.encode(out)?;
        self.string.encode(out)?;
        self.array.encode(out)?;
        self.texts.encode(out)?;
        self.void.encode(out)?;
        self.shape.encode(out)?;
        self.optional.encode(out)?;
        self.tree.encode(out)?;
        self.list.encode(out)
    }
}

impl Decode<'_> for Everything {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            int: i32::decode(input)?,
            uint: u32::decode(input)?,
            hyper: i64::decode(input)?,
            uhyper: u64::decode(input)?,
            truth: bool::decode(input)?,
            float: Bits(f32::decode(input)?.to_bits()),
            double: Bits(f64::decode(input)?.to_bits()),
            char: input.narrow()?,
            ushort: input.narrow()?,
            fixed: Decode::decode(input)?,
            opaque: Decode::decode(input)?,
            string: Decode::decode(input)?,
            array: Decode::decode(input)?,
            texts: Decode::decode(input)?,
            void: Decode::decode(input)?,
            shape: Decode::decode(input)?,
            optional: Decode::decode(input)?,
            tree: Decode::decode(input)?,
            list: Decode::decode(input)?,
        })
    }
}

impl Encode for Shape {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Data(data) => {
                7.encode(out)?;
                data.encode(out)
            }
            Self::Name(name) => {
                (-1).encode(out)?;
                out.string(name, 8)
            }
            Self::Other(kind) => kind.encode(out),
        }
    }
}

impl Decode<'_> for Shape {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match i32::decode(input)? {
            7 => Decode::decode(input).map(Self::Data),
            -1 => input.string(8).map(|name| Self::Name(name.to_owned())),
            kind => Ok(Self::Other(kind)),
        }
    }
}

/// Made by hand, so that no value says the same as another or breaks the bound of the name.
impl<'a> Arbitrary<'a> for Shape {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match input.int_in_range(0..=2)? {
            0 => Self::Data(Arbitrary::arbitrary(input)?),
            1 => {
                let mut name = String::arbitrary(input)?;
                name.truncate(name.floor_char_boundary(8));
                Self::Name(name)
            }
            _ => match i32::arbitrary(input)? {
                7 | -1 => Self::Other(0),
                kind => Self::Other(kind),
            },
        })
    }
}

impl Encode for Tree {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)
    }
}

impl Decode<'_> for Tree {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Decode::decode(input).map(Self)
    }
}

impl Encode for Node {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.value.encode(out)?;
        self.next.encode(out)
    }
}

impl Decode<'_> for Node {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            value: Decode::decode(input)?,
            next: Decode::decode(input)?,
        })
    }
}
