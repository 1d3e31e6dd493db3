//! `stellar-xdr`: the runtime of a generator, here for types that it has not generated.

use std::io::{Read, Write};

use stellar_xdr::{Limited, Limits, ReadXdr, StringM, VecM, WriteXdr};

use crate::Codec;

/// The name of the crate.
pub const NAME: &str = "stellar-xdr";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

/// Implements both traits as the generator does: field after field.
macro_rules! fields {
    ($type:ident, $($field:ident),*) => {
        impl ReadXdr for $type {
            fn read_xdr<R: Read>(r: &mut Limited<R>) -> Result<Self, stellar_xdr::Error> {
                Ok(Self { $($field: ReadXdr::read_xdr(r)?),* })
            }
        }

        impl WriteXdr for $type {
            fn write_xdr<W: Write>(&self, w: &mut Limited<W>) -> Result<(), stellar_xdr::Error> {
                $(self.$field.write_xdr(w)?;)*
                Ok(())
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

#[derive(Debug, Clone)]
struct Domain {
    name: Text,
    uuid: [u8; 16],
    id: i32,
}

fields!(Domain, name, uuid, id);

#[derive(Debug)]
struct Network {
    name: Text,
    uuid: [u8; 16],
}

fields!(Network, name, uuid);

/// A list of domains.
#[derive(Debug)]
pub struct Domains {
    domains: VecM<Domain, 16384>,
}

fields!(Domains, domains);

/// Bytes that are not yet known to be UTF-8.
type Text = StringM<4_194_304>;

impl<T: ReadXdr + WriteXdr> Codec<T> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<T> {
        T::from_xdr(bytes, Limits::none()).ok()
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.clear();
        value
            .write_xdr(&mut Limited::new(out, Limits::none()))
            .expect("a value that was decoded");
    }
}
