//! A stream that is given up, by either end, for a reason or because a piece made no sense.

use virt_transport::{Call, Context, Program, ProgramId, RemoteError, Role, StreamId, Transport};

use super::{
    ABORT, ABORTED, DOWNLOAD, FINISH, client_with_stream, gone_wrong, is_open, send,
    server_with_stream,
};
use virt_testkit::transport::{assert_sends, assert_silent};
use virt_testkit::wire;

use crate::support::{REMOTE, log, server};

#[test]
fn a_client_aborts_without_a_reason_and_the_confirmation_is_dropped() {
    let (mut client, handle) = client_with_stream();
    send(&mut client, &handle, |cx| cx.abort_stream(DOWNLOAD, None)).unwrap();
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 000000d1 00000003 00000001 00000001",
    );
    assert!(!is_open(&mut client, &handle));
    client
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        ))
        .unwrap();
    assert_eq!(client.counters().frames_dropped, 1);
    assert_eq!(log(&mut client, &handle), [""; 0]);
}

#[test]
fn a_server_confirms_an_abort() {
    let (mut server, handle) = server_with_stream();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000001",
        ))
        .unwrap();
    assert_sends(
        &mut server,
        "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
    );
    assert_eq!(log(&mut server, &handle), ["stream 209 serial 1: abort"]);
    assert!(!is_open(&mut server, &handle));
    // It has none to confirm the second time.
    server
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000001",
        ))
        .unwrap();
    assert_silent(&mut server);
    assert_eq!(server.counters().frames_dropped, 1);
}

/// A daemon confirms with type 3, whatever the type of the abort.
#[test]
fn a_server_confirms_an_abort_that_comes_as_a_hole_with_a_frame_of_stream_type() {
    for abort in [
        "0000001c 20008086 00000001 000000d1 00000006 00000001 00000001",
        "00000028 20008086 00000001 000000d1 00000006 00000001 00000001 00000000 00001000 00000000",
    ] {
        let (mut server, handle) = server_with_stream();
        server.receive(&wire(abort)).unwrap();
        assert_sends(
            &mut server,
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        );
        assert_eq!(log(&mut server, &handle), ["stream 209 serial 1: abort"]);
        assert_eq!(server.open_streams(), 0);
    }
}

#[test]
fn a_server_aborts_with_a_reason() {
    let (mut server, handle) = server_with_stream();
    let error = gone_wrong();
    send(&mut server, &handle, |cx| {
        cx.abort_stream(DOWNLOAD, Some(&error))
    })
    .unwrap();
    assert_sends(&mut server, ABORTED);
    assert!(!is_open(&mut server, &handle));
}

/// libvirt's client closes the connection on an abort whose reason does not decode.
#[test]
fn a_server_that_gives_no_reason_sends_one_all_the_same() {
    let (mut server, handle) = server_with_stream();
    send(&mut server, &handle, |cx| cx.abort_stream(DOWNLOAD, None)).unwrap();
    assert_sends(
        &mut server,
        "000000a0 20008086 00000001 000000d1 00000003 00000001 00000001
         00000027 00000026 00000001 00000021 'stream had unexpected termination' 000000
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000021 'stream had unexpected termination' 000000
         00000000 ffffffff ffffffff 00000000",
    );
    assert!(!is_open(&mut server, &handle));
}

#[test]
fn a_client_is_told_why_its_stream_was_aborted_and_confirms_nothing() {
    let (mut client, handle) = client_with_stream();
    client.receive(&wire(ABORTED)).unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["stream 209 serial 1: abort, gone wrong"]
    );
    assert!(!is_open(&mut client, &handle));
    assert_silent(&mut client);
}

#[test]
fn an_abort_whose_reason_does_not_decode_is_an_abort() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        end.receive(&wire(
            "00000020 20008086 00000001 000000d1 00000003 00000001 00000001 00000027",
        ))
        .unwrap();
        assert_eq!(log(&mut end, &handle), ["stream 209 serial 1: abort"]);
        assert!(!is_open(&mut end, &handle));
    }
}

/// A negative hole, and one that is too short.
const BROKEN_HOLES: [&str; 2] = [
    "00000028 20008086 00000001 000000d1 00000006 00000001 00000002 ffffffff ffffffff 00000000",
    "00000024 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000",
];

#[test]
fn trailing_bytes_after_a_hole_are_ignored() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        end.receive(&wire(
            "0000002c 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000 00000000",
        ))
        .unwrap();
        assert_eq!(
            log(&mut end, &handle),
            ["stream 209 serial 1: hole of 4096, flags 0"]
        );
        assert!(is_open(&mut end, &handle));
    }
}

#[test]
fn a_server_gives_up_a_stream_with_a_hole_that_does_not_decode() {
    for hole in BROKEN_HOLES {
        let (mut server, handle) = server_with_stream();
        server.receive(&wire(hole)).unwrap();
        assert_sends(
            &mut server,
            "00000098 20008086 00000001 000000d1 00000003 00000001 00000001
             00000027 00000007 00000001 00000020 'Unable to decode message payload'
             00000002 00000000 00000001 00000002 '%s' 0000
             00000001 00000020 'Unable to decode message payload'
             00000000 ffffffff ffffffff 00000000",
        );
        assert_eq!(
            log(&mut server, &handle),
            ["stream 209 serial 1: abort, Unable to decode message payload"]
        );
        assert_eq!(server.open_streams(), 0);
    }
}

#[test]
fn a_client_gives_up_a_stream_with_a_hole_that_does_not_decode() {
    for hole in BROKEN_HOLES {
        let (mut client, handle) = client_with_stream();
        client.receive(&wire(hole)).unwrap();
        assert_sends(&mut client, ABORT);
        assert_eq!(
            log(&mut client, &handle),
            ["stream 209 serial 1: abort, Unable to decode message payload"]
        );
        assert_eq!(client.open_streams(), 0);

        // Nothing is sent on a stream that this end has finished.
        let (mut client, handle) = client_with_stream();
        send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
        assert_sends(&mut client, FINISH);
        client.receive(&wire(hole)).unwrap();
        assert_silent(&mut client);
        assert_eq!(client.open_streams(), 0);
    }
}

#[test]
fn a_server_gives_up_a_stream_with_an_unknown_status() {
    let (mut server, handle) = server_with_stream();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000007",
        ))
        .unwrap();
    assert_sends(
        &mut server,
        "000000a8 20008086 00000001 000000d1 00000003 00000001 00000001
         00000027 00000026 00000001 00000027 'stream aborted with unexpected status 7' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000027 'stream aborted with unexpected status 7' 00
         00000000 ffffffff ffffffff 00000000",
    );
    assert_eq!(
        log(&mut server, &handle),
        ["stream 209 serial 1: abort, stream aborted with unexpected status 7"]
    );
    assert_eq!(server.open_streams(), 0);
}

#[test]
fn an_unknown_status_of_a_stream_is_printed_signed() {
    let (mut server, handle) = server_with_stream();
    server
        .receive(&wire(
            "00000028 20008086 00000001 000000d1 00000006 00000001 ffffffff 00000000 00001000 00000000",
        ))
        .unwrap();
    assert_sends(
        &mut server,
        "000000a8 20008086 00000001 000000d1 00000003 00000001 00000001
         00000027 00000026 00000001 00000028 'stream aborted with unexpected status -1'
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000028 'stream aborted with unexpected status -1'
         00000000 ffffffff ffffffff 00000000",
    );
    assert_eq!(
        log(&mut server, &handle),
        ["stream 209 serial 1: abort, stream aborted with unexpected status -1"]
    );
    assert_eq!(server.open_streams(), 0);
}

#[test]
fn a_client_closes_the_connection_on_a_stream_with_an_unknown_status() {
    let (mut client, handle) = client_with_stream();
    let error = client
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 ffffffff",
        ))
        .unwrap_err();
    let text = "frame of a stream of program 0x20008086 version 1 with status -1, must be 0 to 2";
    assert_eq!(error.to_string(), text);
    assert_eq!(client.receive(&[]).unwrap_err().to_string(), text);
    assert_eq!(log(&mut client, &handle), [""; 0]);
    assert_silent(&mut client);
}

#[test]
fn the_stream_of_a_call_that_is_refused_closes() {
    let (mut client, handle) = client_with_stream();
    client
        .receive(&wire(
            "00000048 20008086 00000001 000000d1 00000001 00000001 00000001
             00000001 00000007 00000000 00000002 00000000
             00000000 00000000 00000000 00000000 00000000 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 209 serial 1: error, error code 1 without a message"]
    );
    assert_eq!(client.open_streams(), 0);
    assert_silent(&mut client);
}

/// Opens the stream of every call, and then fails.
struct OpensAndFails;

impl Program for OpensAndFails {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        cx.open_stream(StreamId::from(&call.id))?;
        Err(RemoteError::unknown_procedure(209))
    }
}

#[test]
fn the_stream_of_a_call_that_this_end_refuses_closes() {
    let call = wire("0000001c 20008086 00000001 000000d1 00000000 00000001 00000000");
    // By the error of a handler.
    let mut refusing = Transport::new(Role::Server);
    refusing.register(OpensAndFails).unwrap();
    refusing.receive(&call).unwrap();
    assert_eq!(
        (refusing.open_streams(), refusing.counters().frames_sent),
        (0, 1)
    );

    // By an answer later on.
    let (mut server, handle) = server();
    server.receive(&call).unwrap();
    server.with(&handle, |recorder, cx| {
        let call = recorder.calls.pop().unwrap();
        cx.open_stream(StreamId::from(&call)).unwrap();
        cx.reply_error(call, &RemoteError::authentication_required())
            .unwrap();
    });
    assert_eq!(
        (server.open_streams(), server.counters().frames_sent),
        (0, 1)
    );
}
