#![allow(missing_docs)]
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, STRING_MAX};
macro_rules! open { ($n:ident $($c:ident = $v:expr),*) => {
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct $n(pub i32);
impl $n { $( pub const $c: Self = Self($v);)* }
impl Encode for $n { fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> { self.0.encode(out) } }
impl Decode<'_> for $n { fn decode(i: &mut Decoder<'_>) -> Result<Self, DecodeError> { i32::decode(i).map(Self) } }
}}
open!(ErrorCode INTERNAL_ERROR = 1, RPC = 39);
open!(ErrorSource NONE = 0, RPC = 7);
open!(ErrorLevel NONE = 0, WARNING = 1, ERROR = 2);
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorPayload<S = String> {
    pub code: ErrorCode,
    pub domain: ErrorSource,
    pub message: Option<S>,
    pub level: ErrorLevel,
    pub domain_object: Option<DomainObject<S>>,
    pub str1: Option<S>,
    pub str2: Option<S>,
    pub str3: Option<S>,
    pub int1: i32,
    pub int2: i32,
    pub network_object: Option<NetworkObject<S>>,
}
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DomainObject<S = String> {
    pub name: S,
    pub uuid: [u8; 16],
    pub id: i32,
}
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkObject<S = String> {
    pub name: S,
    pub uuid: [u8; 16],
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StreamHole {
    pub length: i64,
    pub flags: u32,
}
impl Encode for StreamHole {
    fn encode(&self, o: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.length.encode(o)?;
        self.flags.encode(o)
    }
}
impl Decode<'_> for StreamHole {
    fn decode(i: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            length: i64::decode(i)?,
            flags: u32::decode(i)?,
        })
    }
}
impl<S: AsRef<str>> Encode for ErrorPayload<S> {
    fn encode(&self, o: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let text = |s: &S, o: &mut Encoder<'_>| o.string(s.as_ref(), STRING_MAX);
        self.code.encode(o)?;
        self.domain.encode(o)?;
        o.optional(self.message.as_ref(), text)?;
        self.level.encode(o)?;
        o.optional(self.domain_object.as_ref(), |d, o| {
            o.string(d.name.as_ref(), STRING_MAX)?;
            d.uuid.encode(o)?;
            d.id.encode(o)
        })?;
        o.optional(self.str1.as_ref(), text)?;
        o.optional(self.str2.as_ref(), text)?;
        o.optional(self.str3.as_ref(), text)?;
        self.int1.encode(o)?;
        self.int2.encode(o)?;
        o.optional(self.network_object.as_ref(), |d, o| {
            o.string(d.name.as_ref(), STRING_MAX)?;
            d.uuid.encode(o)
        })
    }
}
impl<'a, S: From<&'a str>> Decode<'a> for ErrorPayload<S> {
    fn decode(i: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let text = |i: &mut Decoder<'a>| i.optional(|i| i.string(STRING_MAX).map(S::from));
        Ok(Self {
            code: Decode::decode(i)?,
            domain: Decode::decode(i)?,
            message: text(i)?,
            level: Decode::decode(i)?,
            domain_object: i.optional(|i| {
                Ok(DomainObject {
                    name: i.string(STRING_MAX).map(S::from)?,
                    uuid: Decode::decode(i)?,
                    id: Decode::decode(i)?,
                })
            })?,
            str1: text(i)?,
            str2: text(i)?,
            str3: text(i)?,
            int1: Decode::decode(i)?,
            int2: Decode::decode(i)?,
            network_object: i.optional(|i| {
                Ok(NetworkObject {
                    name: i.string(STRING_MAX).map(S::from)?,
                    uuid: Decode::decode(i)?,
                })
            })?,
        })
    }
}
