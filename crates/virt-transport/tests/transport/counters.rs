//! The counters of a transport, and its state while it runs.

use virt_testkit::transport::{drain, drain_bytes, null};
use virt_testkit::wire;
use virt_testkit::words::PING;
use virt_transport::{Counters, Need, Role, Transport};

use crate::support::{Ponger, REMOTE, Recorder, client, server};

#[test]
fn a_new_transport_has_seen_nothing() {
    for role in [Role::Client, Role::Server] {
        let mut transport = Transport::new(role);
        assert_eq!(transport.role(), role);
        assert_eq!(transport.counters(), Counters::default());
        assert_eq!(transport.need(), Need::Bytes(4));
        assert_eq!(transport.buffered(), 0);
        assert_eq!((transport.queued(), transport.queued_fds()), (0, 0));
        assert_eq!(
            (transport.waiting_calls(), transport.open_streams()),
            (0, 0)
        );
        assert!(transport.poll_transmit().is_none());
    }
}

#[test]
fn bytes_are_counted_as_they_come_and_frames_when_they_are_whole() {
    let mut server = Transport::new(Role::Server);
    server.register(Ponger).unwrap();
    let ping = wire(PING);
    server.receive(&ping[..3]).unwrap();
    assert_eq!(
        (
            server.counters().bytes_received,
            server.counters().frames_received
        ),
        (3, 0)
    );
    assert_eq!((server.buffered(), server.need()), (3, Need::Bytes(1)));

    server.receive(&ping[3..10]).unwrap();
    assert_eq!(
        (
            server.counters().bytes_received,
            server.counters().frames_received
        ),
        (10, 0)
    );
    assert_eq!((server.buffered(), server.need()), (10, Need::Bytes(18)));

    server.receive(&ping[10..]).unwrap();
    assert_eq!(
        (
            server.counters().bytes_received,
            server.counters().frames_received
        ),
        (28, 1)
    );
    assert_eq!((server.buffered(), server.need()), (0, Need::Bytes(4)));
    assert_eq!(
        (server.counters().bytes_sent, server.counters().frames_sent),
        (28, 1)
    );
}

#[test]
fn what_is_sent_counts_when_it_is_queued() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| {
        cx.call(60, &10).unwrap();
        assert_eq!(cx.queued(), 32);
        cx.message(107, &()).unwrap();
        assert_eq!(cx.queued(), 60);
    });
    assert_eq!(
        (client.counters().bytes_sent, client.counters().frames_sent),
        (60, 2)
    );
    assert_eq!(client.queued(), 60);
    drain_bytes(&mut client);
    assert_eq!(
        (client.counters().bytes_sent, client.counters().frames_sent),
        (60, 2)
    );
    assert_eq!(client.queued(), 0);
}

#[test]
fn refused_calls_are_answered_and_not_dropped() {
    let (mut server, _) = server();
    server
        .receive(&wire(
            "0000001c 12345678 00000001 00000005 00000000 00000009 00000000",
        ))
        .unwrap();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 00000005 00000000 00000009 00000001",
        ))
        .unwrap();
    let counters = server.counters();
    assert_eq!(counters.frames_dropped, 0);
    assert_eq!((counters.frames_received, counters.frames_sent), (2, 2));
    assert_eq!(counters.bytes_sent, 0xa8 + 0x90);
}

#[test]
fn the_frame_that_ends_a_connection_is_counted() {
    let (mut client, _) = client();
    client
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000007 00000001 00000000",
        ))
        .unwrap_err();
    assert_eq!(client.counters().frames_received, 1);
    assert_eq!(client.counters().bytes_received, 28);
}

#[cfg(unix)]
#[test]
fn descriptors_are_counted_beside_the_bytes() {
    let fd = || null();
    let (mut client, handle) = client();
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &(), vec![fd(), fd()]))
        .unwrap();
    let counters = client.counters();
    assert_eq!(
        (counters.frames_sent, counters.bytes_sent, counters.fds_sent),
        (1, 32, 2)
    );
    assert_eq!((client.queued(), client.queued_fds()), (32, 2));
    assert_eq!(drain(&mut client).len(), 3);
    assert_eq!((client.queued(), client.queued_fds()), (0, 0));

    let (mut server, _) = server();
    server
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000002",
        ))
        .unwrap();
    server.receive_fd(fd()).unwrap();
    // The frame is whole, but waits: an end of the connection now would cut it off.
    assert_eq!((server.buffered(), server.need()), (32, Need::Fds(1)));
    server.receive_fd(fd()).unwrap();
    let counters = server.counters();
    assert_eq!(
        (
            counters.frames_received,
            counters.bytes_received,
            counters.fds_received
        ),
        (1, 32, 2)
    );
    assert_eq!((server.buffered(), server.need()), (0, Need::Bytes(4)));
}

#[test]
fn a_frame_that_waits_for_descriptors_counts_with_its_payload() {
    let (mut server, _) = server();
    server
        .receive(&wire(
            "00000028 20008086 00000001 0000003c 00000004 00000001 00000000 00000001 0000000a 0000000b",
        ))
        .unwrap();
    assert_eq!((server.buffered(), server.need()), (40, Need::Fds(1)));
}

#[test]
fn memory_can_be_given_back_at_any_time() {
    let mut server = Transport::new(Role::Server);
    let handle = server.register(Recorder::new(REMOTE)).unwrap();
    server.register(Ponger).unwrap();
    let ping = wire(PING);
    server.receive(&ping[..10]).unwrap();
    server.with(&handle, |_, cx| cx.message(107, &42)).unwrap();
    server.shrink_to_fit();
    server.receive(&ping[10..]).unwrap();
    server.shrink_to_fit();
    assert_eq!(drain_bytes(&mut server).len(), 32 + 28);
    server.shrink_to_fit();
    server.receive(&ping).unwrap();
    assert_eq!(drain_bytes(&mut server).len(), 28);
}

#[test]
fn debug_output_tells_the_programs_and_how_much_waits() {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    client.with(&handle, |_, cx| cx.call(60, &10)).unwrap();
    let text = format!("{client:?}");
    assert!(text.contains("programs: [ProgramId(0x20008086, 1), ProgramId(0x6b656570, 1)]"));
    assert!(text.contains("Outbox { bytes: 32, fds: 0 }"), "{text}");
}

#[test]
fn debug_output_does_not_grow_with_what_is_held() {
    let (mut client, handle) = client();
    let before = format!("{client:?}").len();
    client
        .with(&handle, |_, cx| cx.call(60, &vec![0x5au8; 100_000]))
        .unwrap();
    client.receive(&wire("02000004")).unwrap();
    client.receive(&[0x5a; 100_000]).unwrap();
    let after = format!("{client:?}").len();
    assert!(after < before + 200, "{before} characters became {after}");
}
