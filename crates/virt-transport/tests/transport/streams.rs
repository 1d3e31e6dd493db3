//! Streams: data and holes, both ways; how they end is in the modules below.

mod abort;
mod finish;

use virt_testkit::transport::{assert_sends, assert_silent, carry};
use virt_testkit::wire;
use virt_transport::{
    Context, ErrorCode, ErrorSource, Handle, RemoteError, SendError, Serial, StreamId, Transport,
};

use crate::support::{Recorder, client, log, server};

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
    client.with(&handle, |_, cx| {
        let serial = cx.call(209, &()).unwrap();
        cx.open_stream(StreamId {
            procedure: 209,
            serial,
        })
        .unwrap();
    });
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
    server.with(&handle, |recorder, cx| {
        let call = recorder.calls.pop().unwrap();
        cx.open_stream(StreamId::from(&call)).unwrap();
        cx.reply(call, &()).unwrap();
    });
    assert_sends(
        &mut server,
        "0000001c 20008086 00000001 000000d1 00000001 00000001 00000000",
    );
    log(&mut server, &handle);
    (server, handle)
}

fn is_open(transport: &mut Transport, handle: &Handle<Recorder>) -> bool {
    transport.with(handle, |_, cx| cx.is_stream_open(DOWNLOAD))
}

/// Sends on a stream, whether or not that is possible.
fn send(
    transport: &mut Transport,
    handle: &Handle<Recorder>,
    action: impl FnOnce(&mut Context<'_>) -> Result<(), SendError>,
) -> Result<(), SendError> {
    transport.with(handle, |_, cx| action(cx))
}

#[test]
fn either_end_sends_data_holes_and_the_end_of_data() {
    for (mut end, handle) in [client_with_stream(), server_with_stream()] {
        send(&mut end, &handle, |cx| {
            cx.stream_data(DOWNLOAD, &b"abcde"[..])
        })
        .unwrap();
        send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, 4096)).unwrap();
        send(&mut end, &handle, |cx| {
            cx.stream_hole(DOWNLOAD, (1 << 63) - 1)
        })
        .unwrap();
        let too_long = send(&mut end, &handle, |cx| cx.stream_hole(DOWNLOAD, 1 << 63));
        assert_eq!(
            too_long.unwrap_err().to_string(),
            "hole of 9223372036854775808 bytes, over the limit of 9223372036854775807"
        );
        send(&mut end, &handle, |cx| cx.stream_data(DOWNLOAD, vec![])).unwrap();
        // Data is not padded: a frame's length need not be a multiple of four.
        assert_sends(
            &mut end,
            "00000021 20008086 00000001 000000d1 00000003 00000001 00000002 'abcde'
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 7fffffff ffffffff 00000000
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

/// "gone wrong" as a libvirt error, in a stream's last piece.
const ABORTED: &str = "00000070 20008086 00000001 000000d1 00000003 00000001 00000001
     00000001 00000007 00000001 0000000a 'gone wrong' 0000 00000002 00000000
     00000001 00000002 '%s' 0000 00000001 0000000a 'gone wrong' 0000 00000000
     ffffffff ffffffff 00000000";

fn gone_wrong() -> RemoteError {
    RemoteError::new(ErrorCode::INTERNAL_ERROR, ErrorSource::RPC, "gone wrong")
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

#[test]
fn a_refused_call_leaves_the_stream_of_another_with_its_serial_alone() {
    let again = "0000001c 20008086 00000001 000000d1 00000000 00000001 00000000";
    let with_a_status = "0000001c 20008086 00000001 000000d1 00000000 00000001 00000001";
    let (mut server, handle) = server_with_stream();
    server.receive(&wire(with_a_status)).unwrap();
    server.receive(&wire(again)).unwrap();
    server.with(&handle, |recorder, cx| {
        let call = recorder.calls.pop().unwrap();
        let id = StreamId::from(&call);
        assert_eq!(cx.open_stream(id), Err(SendError::StreamOpen(id)));
        cx.reply_error(call, &RemoteError::authentication_required())
            .unwrap();
    });
    assert!(is_open(&mut server, &handle));
    server.receive(&wire(ABORT)).unwrap();
    assert_eq!(
        log(&mut server, &handle),
        ["call 209 serial 1: ", "stream 209 serial 1: abort"]
    );
}
