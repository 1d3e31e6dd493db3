//! `xdr-codec`: the runtime of a generator; the types are written as that one writes them.

use std::io::{Read, Write};

use xdr_codec::{
    Pack, Result, Unpack, pack_flex, pack_opaque_array, pack_string, unpack_flex,
    unpack_opaque_array, unpack_string,
};

use crate::Codec;

/// The name of the crate.
pub const NAME: &str = "xdr-codec";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

const STRING_MAX: Option<usize> = Some(4_194_304);
const LIST_MAX: Option<usize> = Some(16384);

/// Implements both traits as the generator does: field after field.
macro_rules! fields {
    ($type:ident, $($field:ident),*) => {
        impl<In: Read> Unpack<In> for $type {
            fn unpack(input: &mut In) -> Result<(Self, usize)> {
                let mut size = 0;
                let value = Self { $($field: {
                    let (value, read) = Unpack::unpack(input)?;
                    size += read;
                    value
                }),* };
                Ok((value, size))
            }
        }

        impl<Out: Write> Pack<Out> for $type {
            fn pack(&self, out: &mut Out) -> Result<usize> {
                Ok(0 $(+ self.$field.pack(out)?)*)
            }
        }
    };
}

/// The header of a message.
#[derive(Debug)]
pub struct Header {
    program: u32,
    version: u32,
    procedure: i32,
    message_type: i32,
    serial: u32,
    status: i32,
}

fields!(
    Header,
    program,
    version,
    procedure,
    message_type,
    serial,
    status
);

/// The payload of an error.
#[derive(Debug)]
pub struct Error {
    code: i32,
    domain: i32,
    message: Option<Text>,
    level: i32,
    domain_object: Option<Domain>,
    str1: Option<Text>,
    str2: Option<Text>,
    str3: Option<Text>,
    int1: i32,
    int2: i32,
    network_object: Option<Network>,
}

#[rustfmt::skip]
fields!(
    Error,
    code, domain, message, level, domain_object, str1, str2, str3, int1, int2, network_object
);

#[derive(Debug)]
struct Domain {
    name: Text,
    uuid: Uuid,
    id: i32,
}

fields!(Domain, name, uuid, id);

#[derive(Debug)]
struct Network {
    name: Text,
    uuid: Uuid,
}

fields!(Network, name, uuid);

/// A list of domains.
#[derive(Debug)]
pub struct Domains(Vec<Domain>);

#[derive(Debug)]
struct Text(String);

#[derive(Debug)]
struct Uuid([u8; 16]);

impl<T> Codec<T> for Xdr
where
    T: Pack<Vec<u8>> + for<'a> Unpack<&'a [u8]>,
{
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<T> {
        xdr_codec::unpack(&mut bytes).ok()
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.clear();
        value.pack(out).expect("a value that was decoded");
    }
}

impl<In: Read> Unpack<In> for Domains {
    fn unpack(input: &mut In) -> Result<(Self, usize)> {
        unpack_flex(input, LIST_MAX).map(|(domains, read)| (Self(domains), read))
    }
}

impl<Out: Write> Pack<Out> for Domains {
    fn pack(&self, out: &mut Out) -> Result<usize> {
        pack_flex(&self.0, LIST_MAX, out)
    }
}

impl<In: Read> Unpack<In> for Text {
    fn unpack(input: &mut In) -> Result<(Self, usize)> {
        unpack_string(input, STRING_MAX).map(|(text, read)| (Self(text), read))
    }
}

impl<Out: Write> Pack<Out> for Text {
    fn pack(&self, out: &mut Out) -> Result<usize> {
        pack_string(&self.0, STRING_MAX, out)
    }
}

impl<In: Read> Unpack<In> for Uuid {
    fn unpack(input: &mut In) -> Result<(Self, usize)> {
        let mut bytes = [0; 16];
        let read = unpack_opaque_array(input, &mut bytes, 16)?;
        Ok((Self(bytes), read))
    }
}

impl<Out: Write> Pack<Out> for Uuid {
    fn pack(&self, out: &mut Out) -> Result<usize> {
        pack_opaque_array(&self.0, 16, out)
    }
}
