//! `onc-xdr`: derived, for NFS.
//!
//! It has no strings with a bound, no optional value that is not a list, and no array with a count, so
//! that these are put together from its parts.

use std::io::{Read, Write};

use onc_xdr::{
    Pack, Result, Unpack, XdrCodec, pack_string, string_packed_size, unpack_string,
    vec_with_capacity,
};

use crate::Codec;

/// The name of the crate.
pub const NAME: &str = "onc-xdr";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

/// The header of a message.
#[derive(Debug, XdrCodec)]
pub struct Header {
    program: u32,
    version: u32,
    procedure: i32,
    message_type: i32,
    serial: u32,
    status: i32,
}

/// The payload of an error.
#[derive(Debug, XdrCodec)]
pub struct Error {
    code: i32,
    domain: i32,
    message: Optional<Text>,
    level: i32,
    domain_object: Optional<Domain>,
    str1: Optional<Text>,
    str2: Optional<Text>,
    str3: Optional<Text>,
    int1: i32,
    int2: i32,
    network_object: Optional<Network>,
}

#[derive(Debug, XdrCodec)]
struct Domain {
    name: Text,
    uuid: [u8; 16],
    id: i32,
}

#[derive(Debug, XdrCodec)]
struct Network {
    name: Text,
    uuid: [u8; 16],
}

/// A list of domains.
#[derive(Debug)]
pub struct Domains(Vec<Domain>);

#[derive(Debug)]
struct Text(String);

#[derive(Debug)]
struct Optional<T>(Option<T>);

impl<T: Pack + Unpack> Codec<T> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<T> {
        T::unpack(&mut bytes).ok().map(|(value, _)| value)
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.clear();
        value.pack(out).expect("a value that was decoded");
    }
}

impl Pack for Domains {
    fn packed_size(&self) -> usize {
        4 + self.0.iter().map(Pack::packed_size).sum::<usize>()
    }

    fn pack(&self, out: &mut impl Write) -> Result<usize> {
        let count = u32::try_from(self.0.len()).expect("a list that was decoded");
        let mut size = count.pack(out)?;
        for domain in &self.0 {
            size += domain.pack(out)?;
        }
        Ok(size)
    }
}

impl Unpack for Domains {
    fn unpack(input: &mut impl Read) -> Result<(Self, usize)> {
        let (count, mut size) = u32::unpack(input)?;
        let mut domains = vec_with_capacity(count as usize);
        for _ in 0..count {
            let (domain, read) = Domain::unpack(input)?;
            domains.push(domain);
            size += read;
        }
        Ok((Self(domains), size))
    }
}

impl Pack for Text {
    fn packed_size(&self) -> usize {
        string_packed_size(&self.0)
    }

    fn pack(&self, out: &mut impl Write) -> Result<usize> {
        pack_string(&self.0, out)
    }
}

impl Unpack for Text {
    fn unpack(input: &mut impl Read) -> Result<(Self, usize)> {
        unpack_string(input).map(|(text, read)| (Self(text), read))
    }
}

impl<T: Pack> Pack for Optional<T> {
    fn packed_size(&self) -> usize {
        4 + self.0.as_ref().map_or(0, Pack::packed_size)
    }

    fn pack(&self, out: &mut impl Write) -> Result<usize> {
        let size = self.0.is_some().pack(out)?;
        Ok(size + self.0.as_ref().map_or(Ok(0), |value| value.pack(out))?)
    }
}

impl<T: Unpack> Unpack for Optional<T> {
    fn unpack(input: &mut impl Read) -> Result<(Self, usize)> {
        let (there, size) = bool::unpack(input)?;
        if there {
            T::unpack(input).map(|(value, read)| (Self(Some(value)), size + read))
        } else {
            Ok((Self(None), size))
        }
    }
}
