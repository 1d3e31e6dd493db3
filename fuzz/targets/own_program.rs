//! A target for a program of your own: put it in keepalive's place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_keepalive::KeepAlive;
use virt_transport::{Role, Transport};

fuzz_target!(|payload: &[u8]| {
    let mut transport = Transport::new(Role::Server);
    let program = KeepAlive::new();
    transport.register(program).expect("the only program");
    let mut frame = (28 + payload.len() as u32).to_be_bytes().to_vec();
    frame.extend(*b"keep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0");
    frame.extend(payload);
    transport.receive(&frame).expect("a server goes on");
});
