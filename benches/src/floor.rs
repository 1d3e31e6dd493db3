//! The floor: code written by hand for exactly these types, without traits or detailed errors.
//!
//! It judges what a decoder has to judge: lengths, bounds, padding, UTF-8, and that nothing follows.

pub mod call;
pub mod dispatch;
pub mod frames;
pub mod keepalive;
pub mod remote;

use virt_xdr::STRING_MAX;

use crate::Codec;

/// The name in the tables.
pub const NAME: &str = "floor";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The program.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure.
    pub procedure: i32,
    /// The type.
    pub message_type: i32,
    /// The serial.
    pub serial: u32,
    /// The status.
    pub status: i32,
}

/// The payload of an error.
#[derive(Debug)]
pub struct Error {
    code: i32,
    domain: i32,
    message: Option<String>,
    level: i32,
    domain_object: Option<Domain<String>>,
    str1: Option<String>,
    str2: Option<String>,
    str3: Option<String>,
    int1: i32,
    int2: i32,
    network_object: Option<(String, [u8; 16])>,
}

/// A domain, which borrows or owns its name.
#[derive(Debug)]
pub struct Domain<S> {
    name: S,
    uuid: [u8; 16],
    id: i32,
}

/// A list of domains that owns all of it.
pub type Domains = Vec<Domain<String>>;

const LIST_MAX: usize = 16384;

impl Codec<Header> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<Header> {
        bytes.try_into().ok().map(header)
    }

    #[inline]
    fn encode(value: &Header, out: &mut Vec<u8>) {
        out.clear();
        let mut bytes = [0; 24];
        bytes[0..4].copy_from_slice(&value.program.to_be_bytes());
        bytes[4..8].copy_from_slice(&value.version.to_be_bytes());
        bytes[8..12].copy_from_slice(&value.procedure.to_be_bytes());
        bytes[12..16].copy_from_slice(&value.message_type.to_be_bytes());
        bytes[16..20].copy_from_slice(&value.serial.to_be_bytes());
        bytes[20..24].copy_from_slice(&value.status.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

impl Codec<Error> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<Error> {
        let input = &mut bytes;
        let value = Error {
            code: int(input)?,
            domain: int(input)?,
            message: optional(input, string)?,
            level: int(input)?,
            domain_object: optional(input, domain)?,
            str1: optional(input, string)?,
            str2: optional(input, string)?,
            str3: optional(input, string)?,
            int1: int(input)?,
            int2: int(input)?,
            network_object: optional(input, |input| Some((string(input)?, uuid(input)?)))?,
        };
        bytes.is_empty().then_some(value)
    }

    #[inline]
    fn encode(value: &Error, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&value.code.to_be_bytes());
        out.extend_from_slice(&value.domain.to_be_bytes());
        put_optional(value.message.as_deref(), out, put_string);
        out.extend_from_slice(&value.level.to_be_bytes());
        put_optional(value.domain_object.as_ref(), out, put_domain);
        put_optional(value.str1.as_deref(), out, put_string);
        put_optional(value.str2.as_deref(), out, put_string);
        put_optional(value.str3.as_deref(), out, put_string);
        out.extend_from_slice(&value.int1.to_be_bytes());
        out.extend_from_slice(&value.int2.to_be_bytes());
        put_optional(value.network_object.as_ref(), out, |(name, uuid), out| {
            put_string(name, out);
            out.extend_from_slice(uuid);
        });
    }
}

impl Codec<Domains> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<Domains> {
        domains(bytes)
    }

    #[inline]
    fn encode(value: &Domains, out: &mut Vec<u8>) {
        out.clear();
        put_length(value.len(), LIST_MAX, out);
        for domain in value {
            put_domain(domain, out);
        }
    }
}

/// A list of domains, whose names may lie in the input.
#[must_use]
#[inline]
pub fn domains<'a, S: From<&'a str>>(mut bytes: &'a [u8]) -> Option<Vec<Domain<S>>> {
    let input = &mut bytes;
    let count = length(input, LIST_MAX)?;
    if count > input.len() / 4 {
        return None;
    }
    let mut domains = Vec::with_capacity(count);
    for _ in 0..count {
        domains.push(domain(input)?);
    }
    bytes.is_empty().then_some(domains)
}

#[inline]
fn header(bytes: &[u8; 24]) -> Header {
    let word =
        |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Header {
        program: word(0),
        version: word(4),
        procedure: word(8).cast_signed(),
        message_type: word(12).cast_signed(),
        serial: word(16),
        status: word(20).cast_signed(),
    }
}

#[inline]
fn domain<'a, S: From<&'a str>>(input: &mut &'a [u8]) -> Option<Domain<S>> {
    Some(Domain {
        name: string(input)?,
        uuid: uuid(input)?,
        id: int(input)?,
    })
}

#[inline]
fn int(input: &mut &[u8]) -> Option<i32> {
    let (&word, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(i32::from_be_bytes(word))
}

#[inline]
fn length(input: &mut &[u8], max: usize) -> Option<usize> {
    let (&word, rest) = input.split_first_chunk()?;
    *input = rest;
    let length = u32::from_be_bytes(word) as usize;
    (length <= max).then_some(length)
}

#[inline]
fn uuid(input: &mut &[u8]) -> Option<[u8; 16]> {
    let (&uuid, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(uuid)
}

#[inline]
fn string<'a, S: From<&'a str>>(input: &mut &'a [u8]) -> Option<S> {
    let length = length(input, STRING_MAX)?;
    let (padded, rest) = input.split_at_checked(length.next_multiple_of(4))?;
    let (text, padding) = padded.split_at(length);
    if padding.iter().any(|&byte| byte != 0) {
        return None;
    }
    *input = rest;
    str::from_utf8(text).ok().map(S::from)
}

#[inline]
fn optional<'a, T>(
    input: &mut &'a [u8],
    value: impl FnOnce(&mut &'a [u8]) -> Option<T>,
) -> Option<Option<T>> {
    match int(input)? {
        0 => Some(None),
        1 => value(input).map(Some),
        _ => None,
    }
}

#[inline]
fn put_domain(domain: &Domain<String>, out: &mut Vec<u8>) {
    put_string(&domain.name, out);
    out.extend_from_slice(&domain.uuid);
    out.extend_from_slice(&domain.id.to_be_bytes());
}

#[inline]
fn put_length(length: usize, max: usize, out: &mut Vec<u8>) {
    assert!(length <= max, "length {length} is over the limit of {max}");
    let word = u32::try_from(length).expect("the limit is smaller");
    out.extend_from_slice(&word.to_be_bytes());
}

#[inline]
fn put_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    put_length(bytes.len(), STRING_MAX, out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; 3][..bytes.len().next_multiple_of(4) - bytes.len()]);
}

#[inline]
fn put_optional<T>(value: Option<T>, out: &mut Vec<u8>, put: impl FnOnce(T, &mut Vec<u8>)) {
    out.extend_from_slice(&u32::from(value.is_some()).to_be_bytes());
    if let Some(value) = value {
        put(value, out);
    }
}
