//! Streams: data, holes, finish and abort, from both ends.

use virt_transport::{Handle, RemoteError, SendError, Serial, StreamId, Transport};

use crate::support::{Recorder, assert_sends, assert_silent, carry, client, log, server, wire};

/// The stream of the first call of a client, of procedure 209 (a download).
const DOWNLOAD: StreamId = StreamId {
    procedure: 209,
    serial: Serial(1),
};

/// The last piece of the stream if all went well: from the client, and back as confirmation.
const FINISH: &str = "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000";

/// The last piece of the stream from a client that gives it up.
const ABORT: &str = "0000001c 20008086 00000001 000000d1 00000003 00000001 00000001";

/// A client whose call 1 of procedure 209 has been made, with its stream open.
fn client_with_stream() -> (Transport, Handle<Recorder>) {
    let (mut client, handle) = client();
    client
        .with(&handle, |_, cx| {
            let serial = cx.call(209, &()).unwrap();
            cx.open_stream(StreamId {
                procedure: 209,
                serial,
            })
            .unwrap();
        })
        .unwrap();
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 000000d1 00000000 00000001 00000000",
    );
    (client, handle)
}

/// A server that has answered call 1 of procedure 209, with its stream open.
fn server_with_stream() -> (Transport, Handle<Recorder>) {
    let (mut server, handle) = server();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000000 00000001 00000000",
        ))
        .unwrap();
    server
        .with(&handle, |recorder, cx| {
            let call = recorder.calls.pop().unwrap();
            cx.open_stream(StreamId::from(&call)).unwrap();
            cx.reply(call, &()).unwrap();
        })
        .unwrap();
    assert_sends(
        &mut server,
        "0000001c 20008086 00000001 000000d1 00000001 00000001 00000000",
    );
    log(&mut server, &handle);
    (server, handle)
}

fn is_open(transport: &mut Transport, handle: &Handle<Recorder>) -> bool {
    transport
        .with(handle, |_, cx| cx.is_stream_open(DOWNLOAD))
        .unwrap()
}

/// Sends on a stream, whether or not that is possible.
fn send(
    transport: &mut Transport,
    handle: &Handle<Recorder>,
    action: impl FnOnce(&mut virt_transport::Context<'_>) -> Result<(), SendError>,
) -> Result<(), SendError> {
    transport.with(handle, |_, cx| action(cx)).unwrap()
}

#[test]
fn either_end_sends_data_holes_and_the_end_of_data() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        send(&mut end, &handle, |cx| {
            cx.stream_data(DOWNLOAD, &b"abcde"[..])
        })
        .unwrap();
        send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, 4096)).unwrap();
        send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, u32::MAX)).unwrap();
        send(&mut end, &handle, |cx| cx.stream_data(DOWNLOAD, vec![])).unwrap();
        // Data is not padded: a frame's length need not be a multiple of four.
        assert_sends(
            &mut end,
            "00000021 20008086 00000001 000000d1 00000003 00000001 00000002 'abcde'
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 ffffffff 00000000
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000002",
        );
    }
}

#[test]
fn either_end_receives_data_holes_and_the_end_of_data() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        end.receive(&wire(
            "00000021 20008086 00000001 000000d1 00000003 00000001 00000002 'abcde'
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 7fffffff ffffffff 00000007
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00000000 00000000
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000002
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        ))
        .unwrap();
        assert_eq!(
            log(&mut end, &handle),
            [
                "stream 209 serial 1: data 61626364 65",
                "stream 209 serial 1: hole of 4096, flags 0",
                "stream 209 serial 1: hole of 9223372036854775807, flags 7",
                "stream 209 serial 1: hole of 0, flags 0",
                "stream 209 serial 1: data ",
                "stream 209 serial 1: finish",
            ]
        );
        assert_eq!(end.counters().frames_dropped, 0);
        assert_silent(&mut end);
    }
}

#[test]
fn a_client_finishes_and_the_confirmation_closes_the_stream() {
    let (mut client, handle) = client_with_stream();
    send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(&mut client, FINISH);
    assert!(is_open(&mut client, &handle));
    // What the daemon had sent before arrives all the same.
    client
        .receive(&wire(
            "0000001d 20008086 00000001 000000d1 00000003 00000001 00000002 'a'",
        ))
        .unwrap();
    client.receive(&wire(FINISH)).unwrap();
    assert!(!is_open(&mut client, &handle));
    assert_eq!(client.open_streams(), 0);
    assert_eq!(
        log(&mut client, &handle),
        [
            "stream 209 serial 1: data 61",
            "stream 209 serial 1: finish"
        ]
    );
    assert_eq!(client.counters().frames_dropped, 0);
}

#[test]
fn a_server_confirms_when_it_is_ready_and_that_closes_the_stream() {
    let (mut server, handle) = server_with_stream();
    server.receive(&wire(FINISH)).unwrap();
    assert_eq!(log(&mut server, &handle), ["stream 209 serial 1: finish"]);
    assert_silent(&mut server);
    assert!(is_open(&mut server, &handle));
    send(&mut server, &handle, |cx| {
        cx.stream_data(DOWNLOAD, &b"a"[..])
    })
    .unwrap();
    send(&mut server, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(
        &mut server,
        "0000001d 20008086 00000001 000000d1 00000003 00000001 00000002 'a'
         0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
    );
    assert!(!is_open(&mut server, &handle));
    assert_eq!(server.open_streams(), 0);
}

#[test]
fn a_server_may_refuse_to_confirm_and_say_why() {
    let (mut server, handle) = server_with_stream();
    server.receive(&wire(FINISH)).unwrap();
    let error = gone_wrong();
    send(&mut server, &handle, |cx| {
        cx.abort_stream(DOWNLOAD, Some(&error))
    })
    .unwrap();
    assert_sends(&mut server, ABORTED);
    assert_eq!(server.open_streams(), 0);
}

/// libvirt's client closes the connection on a confirmation that it has not asked for.
#[test]
fn a_server_does_not_finish_before_its_client() {
    let (mut server, handle) = server_with_stream();
    let early = send(&mut server, &handle, |cx| cx.finish_stream(DOWNLOAD));
    assert_eq!(early, Err(SendError::StreamNotFinished(DOWNLOAD)));
    assert_eq!(
        early.unwrap_err().to_string(),
        "stream of procedure 209 with serial 1 is not finished by its client, so a server may not finish it"
    );
    assert_silent(&mut server);
    // The stream is as it was.
    send(&mut server, &handle, |cx| {
        cx.stream_data(DOWNLOAD, &b"a"[..])
    })
    .unwrap();
    assert_sends(
        &mut server,
        "0000001d 20008086 00000001 000000d1 00000003 00000001 00000002 'a'",
    );
    server.receive(&wire(FINISH)).unwrap();
    send(&mut server, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(&mut server, FINISH);
}

#[test]
fn a_client_takes_a_finish_that_it_has_not_asked_for() {
    let (mut client, handle) = client_with_stream();
    client.receive(&wire(FINISH)).unwrap();
    assert_eq!(log(&mut client, &handle), ["stream 209 serial 1: finish"]);
    assert_eq!(client.open_streams(), 1);
    send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(&mut client, FINISH);
    assert_eq!(client.open_streams(), 0);
}

#[test]
fn pieces_after_the_peer_has_finished_are_dropped() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        end.receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        ))
        .unwrap();
        log(&mut end, &handle);
        end.receive(&wire(
            "0000001d 20008086 00000001 000000d1 00000003 00000001 00000002 'a'
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000000
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000001",
        ))
        .unwrap();
        assert_eq!(log(&mut end, &handle), [""; 0]);
        assert_eq!(end.counters().frames_dropped, 4);
        assert_silent(&mut end);
    }
}

#[test]
fn nothing_is_sent_on_a_stream_that_this_end_has_finished() {
    let (mut end, handle) = client_with_stream();
    send(&mut end, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(
        &mut end,
        "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
    );
    let closed = SendError::StreamClosed(DOWNLOAD);
    assert_eq!(
        send(&mut end, &handle, |cx| cx.stream_data(DOWNLOAD, vec![1])),
        Err(closed.clone())
    );
    assert_eq!(
        send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, 1)),
        Err(closed.clone())
    );
    assert_eq!(
        send(&mut end, &handle, |cx| cx.finish_stream(DOWNLOAD)),
        Err(closed.clone())
    );
    assert_eq!(
        send(&mut end, &handle, |cx| cx.abort_stream(DOWNLOAD, None)),
        Err(closed.clone())
    );
    assert_eq!(
        closed.to_string(),
        "stream of procedure 209 with serial 1 is not open for sending"
    );
    assert_silent(&mut end);
}

#[test]
fn nothing_is_sent_on_a_stream_that_is_not_open() {
    for (mut end, handle) in [client(), server()] {
        let closed = Err(SendError::StreamClosed(DOWNLOAD));
        assert_eq!(
            send(&mut end, &handle, |cx| cx.stream_data(DOWNLOAD, vec![1])),
            closed
        );
        assert_eq!(
            send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, 1)),
            closed
        );
        assert_eq!(
            send(&mut end, &handle, |cx| cx.finish_stream(DOWNLOAD)),
            closed
        );
        assert_eq!(
            send(&mut end, &handle, |cx| cx.abort_stream(DOWNLOAD, None)),
            closed
        );
        assert_silent(&mut end);
        assert_eq!(end.counters().frames_sent, 0);
    }
}

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

/// "gone wrong" as a libvirt error, in a stream's last piece.
const ABORTED: &str = "00000070 20008086 00000001 000000d1 00000003 00000001 00000001
     00000001 00000007 00000001 0000000a 'gone wrong' 0000 00000002 00000000
     00000001 00000002 '%s' 0000 00000001 0000000a 'gone wrong' 0000 00000000
     ffffffff ffffffff 00000000";

fn gone_wrong() -> RemoteError {
    RemoteError::new(
        virt_transport::ErrorCode::INTERNAL_ERROR,
        virt_transport::ErrorSource::RPC,
        "gone wrong",
    )
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

/// A negative hole, one that is too short, and one that is too long.
const BROKEN_HOLES: [&str; 3] = [
    "00000028 20008086 00000001 000000d1 00000006 00000001 00000002 ffffffff ffffffff 00000000",
    "00000024 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000",
    "0000002c 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000 00000000",
];

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
fn a_client_closes_the_connection_on_a_stream_with_an_unknown_status() {
    let (mut client, handle) = client_with_stream();
    let error = client
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 00000001 ffffffff",
        ))
        .unwrap_err();
    let text = "piece of a stream of program 0x20008086 version 1 with status -1, must be 0 to 2";
    assert_eq!(error.to_string(), text);
    assert_eq!(client.receive(&[]).unwrap_err().to_string(), text);
    assert_eq!(log(&mut client, &handle), [""; 0]);
    assert_silent(&mut client);
}

#[test]
fn a_stream_is_named_by_program_procedure_and_serial() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        end.receive(&wire(
            "0000001c 20008087 00000001 000000d1 00000003 00000001 00000002
             0000001c 20008086 00000002 000000d1 00000003 00000001 00000002
             0000001c 20008086 00000001 000000d2 00000003 00000001 00000002
             0000001c 20008086 00000001 000000d1 00000003 00000002 00000002",
        ))
        .unwrap();
        assert_eq!(end.counters().frames_dropped, 4);
        assert_eq!(log(&mut end, &handle), [""; 0]);
        assert!(is_open(&mut end, &handle));
    }
}

#[test]
fn a_stream_of_one_program_is_not_open_to_another() {
    let (mut client, handle) = client_with_stream();
    let other = client
        .register(Recorder::new(crate::support::KEEPALIVE))
        .unwrap();
    assert!(!is_open(&mut client, &other));
    let closed = Err(SendError::StreamClosed(DOWNLOAD));
    assert_eq!(
        send(&mut client, &other, |cx| cx.finish_stream(DOWNLOAD)),
        closed
    );
    assert!(is_open(&mut client, &handle));
}

#[test]
fn a_stream_is_opened_once() {
    let (mut client, handle) = client_with_stream();
    let again = send(&mut client, &handle, |cx| cx.open_stream(DOWNLOAD));
    assert_eq!(again, Err(SendError::StreamOpen(DOWNLOAD)));
    assert_eq!(
        again.unwrap_err().to_string(),
        "stream of procedure 209 with serial 1 is open already"
    );
    // The first opening stands, and what has been finished stays so.
    send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert!(send(&mut client, &handle, |cx| cx.open_stream(DOWNLOAD)).is_err());
    let closed = Err(SendError::StreamClosed(DOWNLOAD));
    assert_eq!(
        send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)),
        closed
    );
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

#[test]
fn data_that_does_not_fit_a_frame_is_refused_and_the_stream_stays_open() {
    let (mut client, handle) = client_with_stream();
    let data = vec![0; virt_xdr::PAYLOAD_MAX + 1];
    let error = send(&mut client, &handle, |cx| cx.stream_data(DOWNLOAD, data)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload of 33554409 bytes is 1 over the limit of 33554408 (at byte 0)"
    );
    assert_silent(&mut client);
    let data = vec![0; virt_xdr::PAYLOAD_MAX];
    send(&mut client, &handle, |cx| cx.stream_data(DOWNLOAD, data)).unwrap();
    assert_eq!(client.queued(), virt_xdr::FRAME_MAX);
}

#[test]
fn two_ends_download_as_libvirt_does() {
    let (mut client, downloads) = client_with_stream();
    let (mut server, uploads) = server_with_stream();

    // The daemon sends, and says with empty data that this was all.
    send(&mut server, &uploads, |cx| {
        cx.stream_data(DOWNLOAD, vec![b'x'; 10_000])
    })
    .unwrap();
    send(&mut server, &uploads, |cx| cx.stream_hole(DOWNLOAD, 512)).unwrap();
    send(&mut server, &uploads, |cx| cx.stream_data(DOWNLOAD, vec![])).unwrap();
    carry(&mut server, &mut client);
    let received = log(&mut client, &downloads);
    assert_eq!(received[0].matches("78").count(), 10_000);
    assert_eq!(
        received[1..],
        [
            "stream 209 serial 1: hole of 512, flags 0",
            "stream 209 serial 1: data "
        ]
    );

    // The client finishes, and the daemon confirms.
    send(&mut client, &downloads, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    carry(&mut client, &mut server);
    assert_eq!(log(&mut server, &uploads), ["stream 209 serial 1: finish"]);
    send(&mut server, &uploads, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    carry(&mut server, &mut client);
    assert_eq!(
        log(&mut client, &downloads),
        ["stream 209 serial 1: finish"]
    );
    assert_eq!((client.open_streams(), server.open_streams()), (0, 0));
}

/// libvirt's client looks at the status alone, unless that says that more follows.
#[test]
fn a_hole_whose_status_says_that_it_is_the_last_piece_is_one() {
    let (mut client, handle) = client_with_stream();
    client
        .receive(&wire(
            "00000028 20008086 00000001 000000d1 00000006 00000001 00000000 00000000 00001000 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut client, &handle), ["stream 209 serial 1: finish"]);
    client
        .with(&handle, |_, cx| cx.finish_stream(DOWNLOAD))
        .unwrap()
        .unwrap();
    assert_eq!(client.open_streams(), 0);
}

/// Opens the stream of every call, and then fails.
struct OpensAndFails;

impl virt_transport::Program for OpensAndFails {
    fn id(&self) -> virt_transport::ProgramId {
        crate::support::REMOTE
    }

    fn on_call(
        &mut self,
        call: virt_transport::Call<'_>,
        cx: &mut virt_transport::Context<'_>,
    ) -> Result<(), RemoteError> {
        cx.open_stream(StreamId::from(&call.id))?;
        Err(RemoteError::unknown_procedure(209))
    }
}

#[test]
fn the_stream_of_a_call_that_this_end_refuses_closes() {
    let call = wire("0000001c 20008086 00000001 000000d1 00000000 00000001 00000000");
    // By the error of a handler.
    let mut server = Transport::new(virt_transport::Role::Server);
    server.register(OpensAndFails).unwrap();
    server.receive(&call).unwrap();
    assert_eq!(
        (server.open_streams(), server.counters().frames_sent),
        (0, 1)
    );

    // By an answer later on.
    let (mut server, handle) = crate::support::server();
    server.receive(&call).unwrap();
    server
        .with(&handle, |recorder, cx| {
            let call = recorder.calls.pop().unwrap();
            cx.open_stream(StreamId::from(&call)).unwrap();
            cx.reply_error(call, &RemoteError::authentication_required())
                .unwrap();
        })
        .unwrap();
    assert_eq!(
        (server.open_streams(), server.counters().frames_sent),
        (0, 1)
    );
}
