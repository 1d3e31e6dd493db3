//! Counts, bytes and descriptors that close the connection.

use virt_testkit::transport::{assert_sends, assert_silent};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Need, ReceiveError, Role, Transport};

use crate::support::{Ponger, REMOTE, Recorder, client, log, server};
use crate::witness::{Witness, witnesses};

/// The bytes end the connection, with this error, in a server that is ready for descriptors.
#[track_caller]
fn closes_a_server(received: &str, text: &str) -> ReceiveError {
    let (mut server, handle) = server();
    let error = server.receive(&wire(received)).unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_eq!(server.receive(&[]).unwrap_err().to_string(), text);
    assert_eq!(server.need(), Need::Bytes(0));
    assert_eq!(log(&mut server, &handle), [""; 0]);
    assert_silent(&mut server);
    error
}

#[test]
fn more_than_thirty_two_descriptors_are_refused() {
    let error = closes_a_server(
        "00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000021",
        "frame with 33 descriptors, over the limit of 32",
    );
    assert!(matches!(
        error,
        ReceiveError::TooManyFds {
            count: 33,
            limit: 32
        }
    ));
    closes_a_server(
        "00000020 20008086 00000001 0000003c 00000004 00000001 00000000 ffffffff",
        "frame with 4294967295 descriptors, over the limit of 32",
    );
}

#[test]
fn a_count_that_is_missing_is_refused() {
    let error = closes_a_server(
        "0000001c 20008086 00000001 0000003c 00000004 00000001 00000000",
        "frame with descriptors has 0 bytes of payload, the count takes 4",
    );
    assert!(matches!(error, ReceiveError::MissingFdCount { length: 0 }));
    closes_a_server(
        "0000001f 20008086 00000001 0000003c 00000004 00000001 00000000 000000",
        "frame with descriptors has 3 bytes of payload, the count takes 4",
    );
}

#[test]
fn a_daemon_reads_the_count_of_every_such_call_whatever_else_is_wrong_with_it() {
    // An unknown program, a status, keepalive: none of them is looked at before the count.
    for header in [
        "12345678 00000001 0000003c 00000004 00000001 00000000",
        "20008086 00000001 0000003c 00000004 00000001 00000001",
        "20008086 00000001 0000003c 00000004 00000001 00000002",
        "6b656570 00000001 00000001 00000004 00000001 00000000",
    ] {
        closes_a_server(
            &format!("0000001c {header}"),
            "frame with descriptors has 0 bytes of payload, the count takes 4",
        );
        closes_a_server(
            &format!("00000020 {header} 00000021"),
            "frame with 33 descriptors, over the limit of 32",
        );
    }
}

#[test]
fn a_daemon_reads_no_count_of_a_reply() {
    let (mut server, handle) = server();
    server.register(Ponger).unwrap();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000005 00000001 00000000
             00000020 20008086 00000001 0000003c 00000005 00000001 00000000 00000021",
        ))
        .unwrap();
    assert_eq!(server.counters().frames_dropped, 2);
    assert_eq!(log(&mut server, &handle), [""; 0]);
    server.receive(&wire(PING)).unwrap();
    assert_sends(&mut server, PONG);
}

#[test]
fn descriptors_are_refused_on_a_connection_that_carries_none() {
    let mut server = Transport::new(Role::Server);
    server.register(Recorder::new(REMOTE)).unwrap();
    let error = server
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000001",
        ))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "frame with 1 descriptors on a connection that carries none"
    );
    assert!(matches!(error, ReceiveError::FdsNotCarried { count: 1 }));
}

#[test]
fn a_client_refuses_what_is_wrong_with_the_descriptors_of_a_reply() {
    for (payload, text) in [
        (
            "",
            "frame with descriptors has 0 bytes of payload, the count takes 4",
        ),
        (
            "00000021",
            "frame with 33 descriptors, over the limit of 32",
        ),
    ] {
        let (mut client, handle) = client();
        client.with(&handle, |_, cx| cx.call(60, &())).unwrap();
        let length = if payload.is_empty() {
            "0000001c"
        } else {
            "00000020"
        };
        let reply =
            format!("{length} 20008086 00000001 0000003c 00000005 00000001 00000000 {payload}");
        assert_eq!(client.receive(&wire(&reply)).unwrap_err().to_string(), text);
        assert_eq!(log(&mut client, &handle), [""; 0]);
    }
}

#[test]
fn bytes_where_descriptors_are_due_close() {
    let call = "00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000002";
    closes_a_server(
        &format!("{call} {PING}"),
        "bytes where 2 descriptors are due",
    );
    closes_a_server(&format!("{call} 00"), "bytes where 2 descriptors are due");

    let (mut server, handle) = server();
    let (mut watching, fd) = Witness::new();
    server.receive(&wire(call)).unwrap();
    server.receive_fd(fd).unwrap();
    assert!(!watching.is_closed());
    server.space(1)[0] = 0;
    let error = server.commit(1).unwrap_err();
    assert_eq!(error.to_string(), "bytes where 1 descriptors are due");
    assert!(matches!(error, ReceiveError::MissingFds { missing: 1 }));
    assert_eq!(log(&mut server, &handle), [""; 0]);
    assert!(
        watching.is_closed(),
        "what waited for the rest is closed with the connection"
    );
    assert_eq!((server.need(), server.buffered()), (Need::Bytes(0), 0));
}

#[test]
fn a_descriptor_where_none_is_due_closes() {
    let call = wire("00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000001");
    // Before, inside and behind a frame; the descriptor is closed each time.
    for before in [0, 1, 27, 28, 31] {
        let (mut server, _) = server();
        let (mut watching, fd) = Witness::new();
        server.receive(&call[..before]).unwrap();
        let error = server.receive_fd(fd).unwrap_err();
        assert_eq!(error.to_string(), "descriptor where none is due");
        assert!(matches!(error, ReceiveError::UnexpectedFd));
        assert!(watching.is_closed());
    }
    let (mut server, handle) = server();
    let (_watching, mut fds) = witnesses(2);
    server.receive(&call).unwrap();
    server.receive_fd(fds.pop().unwrap()).unwrap();
    assert!(matches!(
        server.receive_fd(fds.pop().unwrap()),
        Err(ReceiveError::UnexpectedFd)
    ));
    assert_eq!(log(&mut server, &handle), ["call 60 serial 1:  and 1 fds"]);
}

#[test]
fn a_frame_that_its_last_descriptor_completes_may_close_and_that_sticks() {
    let (mut client, handle) = client();
    client
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000005 00000001 00000000 00000001",
        ))
        .unwrap();
    assert_eq!(client.need(), Need::Fds(1));
    let (mut watching, fd) = Witness::new();
    let text = "reply of program 0x20008086 version 1 with serial 1, which no call waits for";
    assert_eq!(client.receive_fd(fd).unwrap_err().to_string(), text);
    assert_eq!(client.receive(&wire(PING)).unwrap_err().to_string(), text);
    assert_eq!(client.need(), Need::Bytes(0));
    assert!(watching.is_closed());
    assert_eq!(log(&mut client, &handle), [""; 0]);
}
