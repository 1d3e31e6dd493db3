//! `libvirt-xdr`: serde, for the same protocol.
//!
//! It cannot write into a buffer that is there already, and holds no string to its bound.

use libvirt_xdr::opaque::FixedOpaque16;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Codec;

/// The name of the crate.
pub const NAME: &str = "libvirt-xdr";

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
    uuid: FixedOpaque16,
    id: i32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Network {
    name: String,
    uuid: FixedOpaque16,
}

/// A list of domains.
#[derive(Debug, Serialize, Deserialize)]
pub struct Domains(Vec<Domain>);

impl<T: Serialize + DeserializeOwned> Codec<T> for Xdr {
    #[inline]
    fn decode(bytes: &[u8]) -> Option<T> {
        libvirt_xdr::from_bytes(bytes).ok()
    }

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) {
        *out = libvirt_xdr::to_bytes(value).expect("a value that was decoded");
    }
}
