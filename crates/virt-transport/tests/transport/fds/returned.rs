//! Descriptors that a libvirt daemon sends back behind an error.

use virt_testkit::transport::{assert_sends, drain};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Handle, Need, ReceiveError, Transport};

use crate::support::{Ponger, Recorder, client, log};
use crate::witness::{Witness, witnesses};

/// The reply to serial 1 that says no more than that the call has failed.
const REFUSED: &str = "00000048 20008086 00000001 0000003c 00000001 00000001 00000001
     00000001 00000007 00000000 00000002 00000000
     00000000 00000000 00000000 00000000 00000000 00000000";

/// A client that has called, with as many descriptors, and has been refused by a reply of type 1.
fn refused_client(fds: usize) -> Transport {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    let (_watching, fds) = witnesses(fds);
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &(), fds))
        .unwrap();
    drain(&mut client);
    client.receive(&wire(REFUSED)).unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 60 serial 1: error, error code 1 without a message"]
    );
    client
}

/// A libvirt 9.0 daemon that refuses a call sends its descriptors back, behind a reply that announces none.
#[test]
fn descriptors_that_a_daemon_sends_back_with_an_error_are_closed() {
    let mut client = refused_client(2);
    assert_eq!(client.need(), Need::Bytes(4));
    for _ in 0..2 {
        let (mut watching, fd) = Witness::new();
        client.receive_fd(fd).unwrap();
        assert!(watching.is_closed());
    }
    client.receive(&wire(PING)).unwrap();
    assert_sends(&mut client, PONG);

    // No more than were sent come back.
    let mut client = refused_client(2);
    for _ in 0..2 {
        client.receive_fd(Witness::new().1).unwrap();
    }
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));
}

#[test]
fn descriptors_come_back_behind_the_error_alone() {
    // Not behind the next frame, and not inside it.
    let mut client = refused_client(2);
    client.receive(&wire(PING)).unwrap();
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));
    let mut client = refused_client(2);
    client.receive(&[0]).unwrap();
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));

    // Not where none had been sent.
    let mut client = refused_client(0);
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));

    // Not behind an error that announces what it has.
    let (mut client, handle) = client_with_call();
    let announced = REFUSED.replacen("00000048", "0000004c", 1).replacen(
        "00000001 00000001 00000001",
        "00000005 00000001 00000001 00000000",
        1,
    );
    client.receive(&wire(&announced)).unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 60 serial 1: error, error code 1 without a message"]
    );
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));

    // Not where the call has succeeded.
    let (mut client, handle) = client_with_call();
    client
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000001 00000001 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut client, &handle), ["reply to 60 serial 1: "]);
    assert!(matches!(
        client.receive_fd(Witness::new().1),
        Err(ReceiveError::UnexpectedFd)
    ));
}

fn client_with_call() -> (Transport, Handle<Recorder>) {
    let (mut client, handle) = client();
    let fd = Witness::new().1;
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &(), vec![fd]))
        .unwrap();
    drain(&mut client);
    (client, handle)
}
