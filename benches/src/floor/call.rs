//! One call of the remote program by hand: `CONNECT_GET_LIB_VERSION`, whose reply is a number.

use super::{Header, frames};

const PROGRAM: u32 = 0x2000_8086;
const VERSION: u32 = 1;
const GET_LIB_VERSION: i32 = 157;
const CALL: i32 = 0;
const REPLY: i32 = 1;
const OK: i32 = 0;

/// Writes the call.
#[inline]
pub fn put_call(serial: u32, out: &mut Vec<u8>) {
    let header = Header {
        program: PROGRAM,
        version: VERSION,
        procedure: GET_LIB_VERSION,
        message_type: CALL,
        serial,
        status: OK,
    };
    frames::put(&header, &[], out);
}

/// Writes the reply to a call: the version of a library.
#[inline]
pub fn put_reply(call: &Header, version: u64, out: &mut Vec<u8>) {
    let header = Header {
        message_type: REPLY,
        ..*call
    };
    frames::put(&header, &version.to_be_bytes(), out);
}

/// Returns the version in a reply, if it is the reply to that call.
#[inline]
#[must_use]
pub fn version(header: &Header, payload: &[u8], serial: u32) -> Option<u64> {
    let expected = Header {
        program: PROGRAM,
        version: VERSION,
        procedure: GET_LIB_VERSION,
        message_type: REPLY,
        serial,
        status: OK,
    };
    let version = payload.try_into().ok().map(u64::from_be_bytes)?;
    (*header == expected).then_some(version)
}
