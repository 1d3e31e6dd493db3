//! Raw bytes for a transport of either role, in pieces of any size and with any limit for answers: the same is
//! handled and sent, an error sticks, what is sent can be read, and the memory was paid for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::memory;
use virt_fuzz::probe::Probe;
use virt_fuzz::wire::{Wire, feed};
use virt_transport::{Counters, Raw, Role, StreamId, Transport};
use virt_xdr::Header;

const REMOTE: u32 = 0x2000_8086;
const KEEPALIVE: u32 = 0x6b65_6570;

#[derive(Debug, PartialEq)]
struct Outcome {
    error: Option<String>,
    counters: Counters,
    sent: Vec<(Header, bytes::Bytes)>,
}

fuzz_target!(|data: &[u8]| {
    for role in [Role::Client, Role::Server] {
        // The least frame, a call of an unknown program, is answered by an error of six times its size.
        let as_needed = memory::bounded(64 * data.len() + 8192, || {
            run(role, data, None, Transport::ANSWER_LIMIT)
        });
        // In larger pieces descriptors come too late, and bytes behind an error are received with it.
        if as_needed.counters.fds_received > 0 {
            assert_eq!(as_needed, run(role, data, Some(1), 0));
            continue;
        }
        for piece in [1 + data.len() / 64, 1 + data.len()] {
            for limit in [usize::MAX, Transport::ANSWER_LIMIT, 0] {
                let mut in_pieces = run(role, data, Some(piece), limit);
                in_pieces.counters.bytes_received = as_needed.counters.bytes_received;
                assert_eq!(as_needed, in_pieces);
            }
        }
    }
});

fn run(role: Role, data: &[u8], piece: Option<usize>, limit: usize) -> Outcome {
    let mut transport = Transport::new(role).with_fds().with_answer_limit(limit);
    let remote = transport.register(Probe::new(REMOTE).echoing());
    transport
        .register(Probe::new(KEEPALIVE).echoing())
        .expect("another number");
    if role == Role::Client {
        let remote = remote.expect("the first program");
        // Calls that the data may answer, of the procedures that the seeds have.
        transport.with(&remote, |_, cx| {
            for procedure in [66, 60, 1, 209] {
                let serial = cx.call(procedure, &Raw(&[])).expect("an empty call");
                cx.open_stream(StreamId { procedure, serial })
                    .expect("a new serial");
            }
        });
    }
    let error = feed(&mut transport, data, piece);

    let mut wire = Wire::default();
    wire.assert_agrees(&transport);
    wire.take_all(&mut transport);
    wire.assert_agrees(&transport);
    let counters = transport.counters();
    assert_eq!(counters.frames_sent, wire.frames.len() as u64);
    Outcome {
        error,
        counters,
        sent: wire.frames,
    }
}
