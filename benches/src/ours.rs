//! `virt-xdr`, on types as a user of it writes them.

use std::hint::black_box;

use virt_xdr::{
    Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, FrameDecoder, STRING_MAX,
    from_slice,
};

use crate::Codec;

pub use virt_transport::RemoteError as Error;
pub use virt_xdr::Header;

/// The name of the crate.
pub const NAME: &str = "virt-xdr";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

/// `struct domain { string name<4194304>; opaque uuid[16]; int id; };`, which borrows or owns its name.
#[derive(Debug)]
pub struct Domain<S> {
    /// The name.
    pub name: S,
    /// The UUID.
    pub uuid: [u8; 16],
    /// The id.
    pub id: i32,
}

/// A list of domains that owns all of it.
pub type Domains = List<Domain<String>>;

/// A list of domains whose names lie in the input.
pub type BorrowedDomains<'a> = List<Domain<&'a str>>;

/// `T<16384>`.
#[derive(Debug)]
pub struct List<T>(pub Vec<T>);

/// The number of domains libvirt allows in a list.
const LIST_MAX: usize = 16384;

/// Takes all frames that are whole.
///
/// # Panics
///
/// If a frame has an impossible length.
#[inline]
pub fn take(decoder: &mut FrameDecoder) {
    while let Some(frame) = decoder.next_frame().expect("the length is possible") {
        black_box(frame.header);
        black_box(frame.payload.as_slice());
    }
}

impl<T: Encode + for<'a> Decode<'a>> Codec<T> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<T> {
        from_slice(bytes).ok()
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.clear();
        value
            .encode(&mut Encoder::new(out))
            .expect("a value that was decoded");
    }
}

impl<S: AsRef<str>> Encode for Domain<S> {
    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.string(self.name.as_ref(), STRING_MAX)
            .map_err(|e| e.at("Domain.name"))?;
        self.uuid.encode(out)?;
        self.id.encode(out)
    }
}

impl<'a, S: From<&'a str>> Decode<'a> for Domain<S> {
    #[inline]
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: input
                .string(STRING_MAX)
                .map_err(|e| e.at("Domain.name"))?
                .into(),
            uuid: Decode::decode(input).map_err(|e| e.at("Domain.uuid"))?,
            id: Decode::decode(input).map_err(|e| e.at("Domain.id"))?,
        })
    }
}

impl<T: Encode> Encode for List<T> {
    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.array(&self.0, LIST_MAX, T::encode)
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for List<T> {
    #[inline]
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        input.array(LIST_MAX, T::decode).map(Self)
    }
}
