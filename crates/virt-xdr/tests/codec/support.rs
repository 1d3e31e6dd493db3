//! Hand-made types for every construct of RFC 4506 that Rust has no type of its own for.

use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// `enum colour { RED = 7, GREEN = -1 };`: neither value is its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red = 7,
    Green = -1,
}

/// `union shape switch (colour kind) { case RED: int radius; case GREEN: string name<8>; };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Red(i32),
    Green(String),
}

/// `union answer switch (unsigned int code) { case 0: unsigned hyper size; default: void; };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Size(u64),
    Other(u32),
}

/// `struct node { int value; node *next; };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub value: i32,
    pub next: Option<Box<Node>>,
}

/// `struct tree { tree children<>; };`: it contains itself, and no pointer is in sight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree(pub Vec<Tree>);

/// `struct point { string label<8>; int x; };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub label: String,
    pub x: i32,
}

/// `struct line { point from; point to; };`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub from: Point,
    pub to: Point,
}

/// `typedef string name<8>;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub String);

/// `typedef opaque blob<5>;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob(pub Vec<u8>);

/// `typedef int ints<3>;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ints(pub Vec<i32>);

/// rpcgen's `char`, `short` and their unsigned forms: a word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Narrow<T>(pub T);

impl Encode for Colour {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        (*self as i32).encode(out)
    }
}

impl Decode<'_> for Colour {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match i32::decode(input)? {
            7 => Ok(Self::Red),
            -1 => Ok(Self::Green),
            value => Err(input.unknown_discriminant(value)),
        }
    }
}

impl Encode for Shape {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Red(radius) => {
                Colour::Red.encode(out)?;
                radius.encode(out)
            }
            Self::Green(name) => {
                Colour::Green.encode(out)?;
                out.string(name, 8).map_err(|e| e.at("Shape.name"))
            }
        }
    }
}

impl Decode<'_> for Shape {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match Colour::decode(input).map_err(|e| e.at("Shape"))? {
            Colour::Red => i32::decode(input).map(Self::Red),
            Colour::Green => {
                let name = input.string(8).map_err(|e| e.at("Shape.name"))?;
                Ok(Self::Green(name.to_owned()))
            }
        }
    }
}

impl Encode for Answer {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Size(size) => {
                0u32.encode(out)?;
                size.encode(out)
            }
            Self::Other(code) => {
                code.encode(out)?;
                ().encode(out)
            }
        }
    }
}

impl Decode<'_> for Answer {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u32::decode(input)? {
            0 => u64::decode(input).map(Self::Size),
            code => <()>::decode(input).map(|()| Self::Other(code)),
        }
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
            value: i32::decode(input)?,
            next: Option::decode(input)?,
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
        Vec::decode(input).map(Self)
    }
}

impl Encode for Point {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.string(&self.label, 8)
            .map_err(|e| e.at("Point.label"))?;
        self.x.encode(out).map_err(|e| e.at("Point.x"))
    }
}

impl Decode<'_> for Point {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let label = input.string(8).map_err(|e| e.at("Point.label"))?;
        let x = i32::decode(input).map_err(|e| e.at("Point.x"))?;
        Ok(Self {
            label: label.to_owned(),
            x,
        })
    }
}

impl Encode for Line {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.from.encode(out).map_err(|e| e.at("Line.from"))?;
        self.to.encode(out).map_err(|e| e.at("Line.to"))
    }
}

impl Decode<'_> for Line {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            from: Point::decode(input).map_err(|e| e.at("Line.from"))?,
            to: Point::decode(input).map_err(|e| e.at("Line.to"))?,
        })
    }
}

impl Encode for Name {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.string(&self.0, 8)
    }
}

impl Decode<'_> for Name {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.string(8).map(|name| Self(name.to_owned()))
    }
}

impl Encode for Blob {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.opaque(&self.0, 5)
    }
}

impl Decode<'_> for Blob {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.opaque(5).map(|blob| Self(blob.to_vec()))
    }
}

impl Encode for Ints {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.array(&self.0, 3, i32::encode)
    }
}

impl Decode<'_> for Ints {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.array(3, i32::decode).map(Self)
    }
}

impl<T: Copy + Into<i32>> Encode for Narrow<T> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.narrow(self.0);
        Ok(())
    }
}

impl<T: virt_xdr::Narrow> Decode<'_> for Narrow<T> {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.narrow().map(Self)
    }
}
