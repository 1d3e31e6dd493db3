//! The output of a transport: taken, compared, and carried to another one.

use bytes::Buf;
use virt_transport::{Fd, Transmit, Transport};

use crate::{hex, wire};

/// A piece of the output of a transport.
#[derive(Debug)]
pub enum Sent {
    /// Bytes, up to the next descriptor or the end.
    Bytes(Vec<u8>),
    /// A descriptor.
    Fd(Fd),
}

/// Takes all output, in order.
///
/// # Panics
///
/// If the transport offers no bytes although some wait.
pub fn drain(transport: &mut Transport) -> Vec<Sent> {
    let mut sent = Vec::new();
    while let Some(transmit) = transport.poll_transmit() {
        sent.push(match transmit {
            Transmit::Bytes(mut bytes) => {
                assert!(bytes.has_remaining(), "bytes wait, and none is offered");
                Sent::Bytes(bytes.copy_to_bytes(bytes.remaining()).into())
            }
            Transmit::Fd(slot) => Sent::Fd(slot.into_fd()),
        });
    }
    sent
}

/// Takes all output of a transport that sends no descriptors.
///
/// # Panics
///
/// If a descriptor is sent.
#[track_caller]
pub fn drain_bytes(transport: &mut Transport) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sent in drain(transport) {
        match sent {
            Sent::Bytes(more) => bytes.extend(more),
            Sent::Fd(fd) => panic!("unexpected descriptor {fd:?}"),
        }
    }
    bytes
}

/// Asserts that the output is `expected`, in the notation of [`wire()`].
///
/// # Panics
///
/// If the output differs.
#[track_caller]
pub fn assert_sends(transport: &mut Transport, expected: &str) {
    assert_eq!(hex(&drain_bytes(transport)), hex(&wire(expected)));
}

/// Asserts that there is no output.
///
/// # Panics
///
/// If there is output.
#[track_caller]
pub fn assert_silent(transport: &mut Transport) {
    assert_sends(transport, "");
}

/// Carries all output of one end to the other.
///
/// # Panics
///
/// If the other end refuses it.
#[track_caller]
pub fn carry(from: &mut Transport, to: &mut Transport) {
    for sent in drain(from) {
        match sent {
            Sent::Bytes(bytes) => to.receive(&bytes).expect("the bytes are valid"),
            Sent::Fd(fd) => to.receive_fd(fd).expect("the descriptor is due"),
        }
    }
}

/// Opens a descriptor of the null device.
///
/// # Panics
///
/// If there is no such device.
#[cfg(unix)]
#[must_use]
pub fn null() -> Fd {
    std::fs::File::open("/dev/null")
        .expect("the null device")
        .into()
}
