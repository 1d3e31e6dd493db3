//! The error after which a connection has to be closed.

use virt_testkit::transport::{assert_sends, null};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{ReceiveError, Role, Transport};

use crate::support::{Ponger, client, log};

#[test]
fn none_is_shown_while_the_connection_works() {
    for role in [Role::Client, Role::Server] {
        let mut transport = Transport::new(role);
        transport.register(Ponger).unwrap();
        assert!(transport.failure().is_none());
        transport.receive(&wire(PING)).unwrap();
        assert!(transport.failure().is_none());
        // Half a frame is no failure.
        transport.receive(&wire(PING)[..10]).unwrap();
        assert!(transport.failure().is_none());
    }
}

#[test]
fn the_first_error_stays() {
    let (mut client, _) = client();
    let error = client.receive(&wire("00000003")).unwrap_err();
    let text = "frame length 3 is outside 28 to 33554436";
    assert_eq!(error.to_string(), text);
    for _ in 0..2 {
        let failure = client.failure().unwrap();
        assert!(matches!(failure, ReceiveError::Frame(_)));
        assert_eq!(failure.to_string(), text);
        // Another mistake does not replace it.
        let again = client.receive(&wire("ffffffff")).unwrap_err();
        assert_eq!(again.to_string(), text);
    }
}

#[cfg(unix)]
#[test]
fn a_descriptor_that_is_not_due_is_a_failure() {
    let (mut client, _) = client();
    let fd = null();
    client.receive_fd(fd).unwrap_err();
    assert!(matches!(client.failure(), Some(ReceiveError::UnexpectedFd)));
}

#[test]
fn an_error_of_the_caller_is_no_failure() {
    let (mut client, handle) = client();
    let too_long = vec![0u8; virt_xdr::PAYLOAD_MAX];
    client
        .with(&handle, |_, cx| cx.call(60, &too_long))
        .unwrap_err();
    assert!(client.failure().is_none());
}

#[test]
fn a_program_can_be_asked_after_a_failure_and_earlier_output_stays() {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    let event = "0000001c 20008086 00000001 00000005 00000002 00000000 00000000";
    client
        .receive(&wire(&[PING, event, "00000000"].concat()))
        .unwrap_err();
    assert!(client.failure().is_some());
    assert_eq!(log(&mut client, &handle), ["message 5 serial 0 OK: "]);
    assert_sends(&mut client, PONG);
}
