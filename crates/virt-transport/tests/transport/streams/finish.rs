//! A stream that all went well on: the client finishes it, the server confirms.

use virt_transport::SendError;

use super::{
    ABORTED, DOWNLOAD, FINISH, client_with_stream, gone_wrong, is_open, send, server_with_stream,
};
use virt_testkit::transport::{assert_sends, assert_silent};
use virt_testkit::wire;

use crate::support::log;

#[test]
fn a_client_finishes_and_the_confirmation_closes_the_stream() {
    let (mut client, handle) = client_with_stream();
    send(&mut client, &handle, |cx| cx.finish_stream(DOWNLOAD)).unwrap();
    assert_sends(&mut client, FINISH);
    assert!(is_open(&mut client, &handle));
    // Data that the daemon had sent before still arrives.
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
        "stream of procedure 209 with serial 1 is not finished by its client: a server only confirms"
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
        .unwrap();
    assert_eq!(client.open_streams(), 0);
}
