//! A program that only has an id: it knows no procedure, expects nothing, and the connection goes on.

use virt_testkit::transport::assert_sends;
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Context, Handle, Program, ProgramId, Role, Serial, StreamId, Transport};

use crate::support::{Ponger, REMOTE};

struct Bare;

impl Program for Bare {
    fn id(&self) -> ProgramId {
        REMOTE
    }
}

fn end(role: Role) -> (Transport, Handle<Bare>) {
    let mut transport = Transport::new(role);
    let handle = transport.register(Bare).unwrap();
    transport.register(Ponger).unwrap();
    (transport, handle)
}

/// The frame is dropped and counted, and a PING behind it answered.
#[track_caller]
fn drops(transport: &mut Transport, frame: &str) {
    transport.receive(&wire(&[frame, PING].concat())).unwrap();
    assert_eq!(transport.counters().frames_dropped, 1);
    assert_sends(transport, PONG);
}

#[test]
fn a_call_is_refused_as_one_of_an_unknown_procedure() {
    let (mut server, _) = end(Role::Server);
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    assert_sends(
        &mut server,
        "00000088 20008086 00000001 0000003c 00000001 00000001 00000001
         00000027 00000007
         00000001 00000015 'unknown procedure: 60' 000000
         00000002 00000000
         00000001 00000002 '%s' 0000
         00000001 00000015 'unknown procedure: 60' 000000
         00000000 ffffffff ffffffff 00000000",
    );
    assert_eq!(server.counters().frames_dropped, 0);
}

#[test]
fn a_reply_is_dropped() {
    let (mut client, handle) = end(Role::Client);
    let call = |_: &mut Bare, cx: &mut Context<'_>| cx.call(60, &());
    client.with(&handle, call).unwrap();
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
    );
    drops(
        &mut client,
        "0000001c 20008086 00000001 0000003c 00000001 00000001 00000000",
    );
    assert_eq!(client.waiting_calls(), 0);
}

#[test]
fn a_message_is_dropped() {
    for role in [Role::Client, Role::Server] {
        let (mut transport, _) = end(role);
        drops(
            &mut transport,
            "0000001c 20008086 00000001 0000006b 00000002 00000000 00000000",
        );
    }
}

#[test]
fn a_piece_of_a_stream_is_dropped_and_the_stream_stays_open() {
    let id = StreamId {
        procedure: 208,
        serial: Serial(1),
    };
    for role in [Role::Client, Role::Server] {
        let (mut transport, handle) = end(role);
        let open = |_: &mut Bare, cx: &mut Context<'_>| cx.open_stream(id);
        transport.with(&handle, open).unwrap();
        drops(
            &mut transport,
            "00000020 20008086 00000001 000000d0 00000003 00000001 00000002 'data'",
        );
        assert_eq!(transport.open_streams(), 1);
    }
}
