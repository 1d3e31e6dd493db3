//! Answers that allocate nothing, as seen by an allocator that counts.

use allocation_counter::measure;
use bytes::Buf;
use virt_benches::samples;
use virt_keepalive::{KeepAlive, KeepAliveHandle, Ping};
use virt_transport::{Role, Transmit, Transport};
use virt_xdr::FrameDecoder;

fn with_keepalive(role: Role) -> (Transport, KeepAliveHandle) {
    let mut transport = Transport::new(role);
    let keepalive = KeepAlive::new()
        .register(&mut transport)
        .expect("the first program");
    (transport, keepalive)
}

/// Writes all that waits, and says how much it was.
fn write(transport: &mut Transport) -> usize {
    let mut written = 0;
    while let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit() {
        let length = chunks.remaining();
        chunks.advance(length);
        written += length;
    }
    written
}

#[test]
fn a_ping_is_answered_without_allocating() {
    for role in [Role::Client, Role::Server] {
        let (mut transport, _) = with_keepalive(role);
        let ping = samples::ping();
        transport.receive(&ping).unwrap();
        assert_eq!(write(&mut transport), 28);

        let mut written = 0;
        let info = measure(|| {
            for _ in 0..1000 {
                transport.receive(&ping).unwrap();
                written += write(&mut transport);
            }
        });
        assert_eq!(written, 28_000);
        assert_eq!(info.count_total, 0, "{role:?}: {info:?}");
    }
}

#[test]
fn pings_in_pieces_are_answered_without_allocating() {
    let (mut transport, _) = with_keepalive(Role::Server);
    let pings = samples::ping().repeat(100);
    let mut receive = |size| {
        for piece in pings.chunks(size) {
            transport.receive(piece).unwrap();
        }
        write(&mut transport)
    };
    // Room for all the PONGs, and for a PING that is cut.
    assert_eq!(receive(pings.len()), 2800);
    assert_eq!(receive(1), 2800);
    for size in [1, 3, 28, 29, 1460] {
        let mut written = 0;
        let info = measure(|| written = receive(size));
        assert_eq!(written, 2800);
        assert_eq!(info.count_total, 0, "pieces of {size}: {info:?}");
    }
}

#[test]
fn a_ping_is_sent_and_its_pong_taken_without_allocating() {
    let (mut transport, keepalive) = with_keepalive(Role::Client);
    let pong = samples::pong();
    let mut round = || {
        let sent = keepalive.ping(&mut transport);
        transport.receive(&pong).unwrap();
        (sent, write(&mut transport))
    };
    assert_eq!(round(), (Ping::Sent, 28));
    let info = measure(|| {
        for _ in 0..1000 {
            assert_eq!(round(), (Ping::Sent, 28));
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn frames_are_looked_at_without_allocating() {
    let frames = samples::message(virt_keepalive::PROGRAM, 1, 4096).repeat(16);
    let mut decoder = FrameDecoder::new();
    let mut receive = || {
        let mut payload = 0;
        for piece in frames.chunks(1460) {
            decoder.space(piece.len()).copy_from_slice(piece);
            decoder.commit(piece.len());
            while let Some(frame) = decoder.next_frame().unwrap() {
                payload += frame.payload.as_slice().len();
            }
        }
        payload
    };
    receive();
    let mut payload = 0;
    let info = measure(|| payload = receive());
    assert_eq!(payload, 16 * 4096);
    assert_eq!(info.count_total, 0, "{info:?}");
}
