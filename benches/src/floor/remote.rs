//! The payloads of a few procedures of the remote program, by hand.

use super::{
    Domain, LIST_MAX, Xdr, domain, int, length, optional, put_domain, put_length, put_optional,
    put_string, string,
};
use crate::Codec;

const AUTH_TYPES_MAX: usize = 20;

/// The arguments of `CONNECT_OPEN`.
#[derive(Debug)]
pub struct Open {
    name: Option<String>,
    flags: i32,
}

/// The return value of `AUTH_LIST`.
#[derive(Debug)]
pub struct AuthList(Vec<i32>);

/// The payload of a domain's lifecycle event.
#[derive(Debug)]
pub struct Lifecycle {
    domain: Domain<String>,
    event: i32,
    detail: i32,
}

/// The return value of `CONNECT_LIST_ALL_DOMAINS`.
#[derive(Debug)]
pub struct AllDomains {
    domains: Vec<Domain<String>>,
    count: i32,
}

impl Codec<Open> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<Open> {
        let input = &mut bytes;
        let value = Open {
            name: optional(input, string)?,
            flags: int(input)?,
        };
        bytes.is_empty().then_some(value)
    }

    #[inline]
    fn encode(value: &Open, out: &mut Vec<u8>) {
        out.clear();
        put_optional(value.name.as_deref(), out, put_string);
        out.extend_from_slice(&value.flags.to_be_bytes());
    }
}

impl Codec<AuthList> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<AuthList> {
        let types = list(&mut bytes, AUTH_TYPES_MAX, int)?;
        bytes.is_empty().then_some(AuthList(types))
    }

    #[inline]
    fn encode(value: &AuthList, out: &mut Vec<u8>) {
        out.clear();
        put_length(value.0.len(), AUTH_TYPES_MAX, out);
        for auth_type in &value.0 {
            out.extend_from_slice(&auth_type.to_be_bytes());
        }
    }
}

impl Codec<Lifecycle> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<Lifecycle> {
        let input = &mut bytes;
        let value = Lifecycle {
            domain: domain(input)?,
            event: int(input)?,
            detail: int(input)?,
        };
        bytes.is_empty().then_some(value)
    }

    #[inline]
    fn encode(value: &Lifecycle, out: &mut Vec<u8>) {
        out.clear();
        put_domain(&value.domain, out);
        out.extend_from_slice(&value.event.to_be_bytes());
        out.extend_from_slice(&value.detail.to_be_bytes());
    }
}

impl Codec<AllDomains> for Xdr {
    #[inline]
    fn decode(mut bytes: &[u8]) -> Option<AllDomains> {
        let input = &mut bytes;
        let value = AllDomains {
            domains: list(input, LIST_MAX, domain)?,
            count: int(input)?,
        };
        bytes.is_empty().then_some(value)
    }

    #[inline]
    fn encode(value: &AllDomains, out: &mut Vec<u8>) {
        out.clear();
        put_length(value.domains.len(), LIST_MAX, out);
        for domain in &value.domains {
            put_domain(domain, out);
        }
        out.extend_from_slice(&value.count.to_be_bytes());
    }
}

#[inline]
fn list<'a, T>(
    input: &mut &'a [u8],
    max: usize,
    each: impl Fn(&mut &'a [u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let count = length(input, max)?;
    // An element takes a word at least, so that a count alone allocates nothing.
    if count > input.len() / 4 {
        return None;
    }
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        elements.push(each(input)?);
    }
    Some(elements)
}
