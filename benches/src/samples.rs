//! The bytes that the benchmarks decode, and that every codec has to write again.

use virt_keepalive::{PROGRAM, Procedure};
use virt_transport::{ProgramId, RemoteError};
use virt_xdr::{Header, MessageType, Serial, Status, encode_frame, to_vec};

/// The header of a call: six words.
#[must_use]
pub fn header() -> Vec<u8> {
    Header {
        program: ProgramId::new(0x2000_8086, 1),
        procedure: 273,
        message_type: MessageType::CALL,
        serial: Serial(17),
        status: Status::OK,
    }
    .to_bytes()
    .to_vec()
}

/// The payload of the error that a daemon answers a call of an unknown program with.
///
/// # Panics
///
/// Never: the error is within all limits.
#[must_use]
pub fn error() -> Vec<u8> {
    let error = RemoteError::unknown_program(ProgramId::new(0x2000_8087, 1));
    to_vec(&error).expect("the error is within all limits")
}

/// The number of domains in [`domains`].
pub const DOMAINS: u32 = 1000;

/// A list of [`DOMAINS`] domains, their names 4 to 15 bytes long.
///
/// # Panics
///
/// Never: the names are short.
#[must_use]
pub fn domains() -> Vec<u8> {
    let mut bytes = DOMAINS.to_be_bytes().to_vec();
    for id in 0..DOMAINS {
        let role = ["web", "db-primary", "build-agent", "cache"][id as usize % 4];
        let name = format!("{role}-{id}");
        put_domain(&name, id, &mut bytes);
    }
    bytes
}

fn put_domain(name: &str, id: u32, bytes: &mut Vec<u8>) {
    put_string(name, bytes);
    bytes.extend_from_slice(&u128::from(id).wrapping_mul(u128::MAX / 7).to_be_bytes());
    bytes.extend_from_slice(&id.to_be_bytes());
}

fn put_string(text: &str, bytes: &mut Vec<u8>) {
    let length = u32::try_from(text.len()).expect("a short name");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// The arguments of `CONNECT_OPEN`: a URI, and no flags.
///
/// # Panics
///
/// Never: the URI is short.
#[must_use]
pub fn open() -> Vec<u8> {
    let mut bytes = 1u32.to_be_bytes().to_vec();
    put_string("qemu:///system", &mut bytes);
    bytes.extend_from_slice(&0u32.to_be_bytes());
    bytes
}

/// The return value of `AUTH_LIST`: polkit alone.
#[must_use]
pub fn auth_list() -> Vec<u8> {
    [1u32, 2].map(u32::to_be_bytes).concat()
}

/// The payload of a lifecycle event: a domain was started.
///
/// # Panics
///
/// Never: the name is short.
#[must_use]
pub fn lifecycle() -> Vec<u8> {
    let mut bytes = Vec::new();
    put_domain("db-primary-1", 1, &mut bytes);
    bytes.extend_from_slice(&2u32.to_be_bytes());
    bytes.extend_from_slice(&0u32.to_be_bytes());
    bytes
}

/// The return value of `CONNECT_LIST_ALL_DOMAINS`: [`domains`], and their number.
///
/// # Panics
///
/// Never: the names are short.
#[must_use]
pub fn all_domains() -> Vec<u8> {
    let mut bytes = domains();
    bytes.extend_from_slice(&DOMAINS.to_be_bytes());
    bytes
}

/// A PING.
#[must_use]
pub fn ping() -> Vec<u8> {
    message(PROGRAM, Procedure::PING.0, 0)
}

/// A PONG.
#[must_use]
pub fn pong() -> Vec<u8> {
    message(PROGRAM, Procedure::PONG.0, 0)
}

/// A message of `program` with a payload of `payload` bytes.
///
/// # Panics
///
/// If the payload is over the limit of the protocol.
#[must_use]
pub fn message(program: ProgramId, procedure: i32, payload: usize) -> Vec<u8> {
    let header = Header {
        program,
        procedure,
        message_type: MessageType::MESSAGE,
        serial: Serial(0),
        status: Status::OK,
    };
    let mut frame = Vec::new();
    encode_frame(&mut frame, &header, |out| {
        out.raw(&vec![0xa5; payload]);
        Ok(())
    })
    .expect("a payload within the limit");
    frame
}
