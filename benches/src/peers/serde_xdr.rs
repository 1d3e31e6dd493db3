//! `serde-xdr`: serde.
//!
//! It holds no string to its bound.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Codec;

/// The name of the crate.
pub const NAME: &str = "serde-xdr";

/// The codec.
#[derive(Debug)]
pub struct Xdr;

/// The header of a message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    program: u32,
    version: u32,
    procedure: i32,
    message_type: i32,
    serial: u32,
    status: i32,
}

/// The payload of an error.
#[derive(Debug, Serialize, Deserialize)]
pub struct Error {
    code: i32,
    domain: i32,
    message: Option<String>,
    level: i32,
    domain_object: Option<Domain>,
    str1: Option<String>,
    str2: Option<String>,
    str3: Option<String>,
    int1: i32,
    int2: i32,
    network_object: Option<Network>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Domain {
    name: String,
    #[serde(with = "serde_xdr::opaque_data::fixed_length")]
    uuid: [u8; 16],
    id: i32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Network {
    name: String,
    #[serde(with = "serde_xdr::opaque_data::fixed_length")]
    uuid: [u8; 16],
}

/// A list of domains.
#[derive(Debug, Serialize, Deserialize)]
pub struct Domains(Vec<Domain>);

impl<T: Serialize + DeserializeOwned> Codec<T> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<T> {
        serde_xdr::from_bytes(bytes).ok()
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.clear();
        serde_xdr::to_writer(out, value).expect("a value that was decoded");
    }
}
