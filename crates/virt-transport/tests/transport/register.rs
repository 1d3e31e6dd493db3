//! Mistakes of a caller: an error or a panic names each, and the transport goes on working.

use virt_testkit::transport::{assert_sends, assert_silent, null};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{ProgramId, Role, SendError, Transport};

use crate::support::{Ponger, REMOTE, Recorder, client, log, server};

/// Answers PINGs, and so works.
#[track_caller]
fn works(transport: &mut Transport) {
    transport.receive(&wire(PING)).unwrap();
    assert_sends(transport, PONG);
}

#[test]
fn a_number_is_registered_once() {
    let mut server = Transport::new(Role::Server);
    server.register(Ponger).unwrap();
    let remote = server.register(Recorder::new(REMOTE)).unwrap();

    let error = server.register(Recorder::new(REMOTE)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "program number 0x20008086 is registered already, as program 0x20008086 version 1"
    );
    assert_eq!(error.registered(), REMOTE);

    // In another version, and as another type, too.
    let error = server
        .register(Recorder::new(ProgramId::new(0x6b65_6570, 2)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "program number 0x6b656570 is registered already, as program 0x6b656570 version 1"
    );

    works(&mut server);
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut server, &remote), ["call 60 serial 1: "]);
    // A program registered after an error gets a handle of its own.
    let other = server
        .register(Recorder::new(ProgramId::new(0x2000_8087, 1)))
        .unwrap();
    server
        .receive(&wire(
            "0000001c 20008087 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut server, &other), ["call 60 serial 1: "]);
    assert_eq!(log(&mut server, &remote), [""; 0]);
}

#[test]
fn a_program_can_be_registered_while_the_connection_runs() {
    let mut server = Transport::new(Role::Server);
    server.receive(&wire(PING)).unwrap();
    assert_silent(&mut server);
    assert_eq!(server.counters().frames_dropped, 1);
    server.register(Ponger).unwrap();
    works(&mut server);
}

#[test]
#[should_panic(
    expected = "the handle of program 0x20008086 version 1 belongs to another transport"
)]
fn a_handle_of_another_transport_panics() {
    // Same role, same program, same place.
    let (mut first, _) = client();
    let (_second, of_second) = client();
    first.with(&of_second, |_, _| ());
}

#[test]
#[should_panic(expected = "belongs to another transport")]
fn a_handle_panics_where_its_program_is_not_registered() {
    let (_first, of_first) = client();
    Transport::new(Role::Client).with(&of_first, |_, _| ());
}

#[test]
fn a_handle_of_another_transport_changes_nothing_before_it_panics() {
    let (mut first, _) = client();
    let (mut second, of_second) = client();
    first.register(Ponger).unwrap();
    let misuse = std::panic::AssertUnwindSafe(|| first.with(&of_second, |_, cx| cx.call(60, &10)));
    assert!(std::panic::catch_unwind(misuse).is_err());
    assert_silent(&mut first);
    assert_silent(&mut second);
    assert_eq!((first.waiting_calls(), second.waiting_calls()), (0, 0));
    works(&mut first);
}

#[test]
fn a_clone_of_a_handle_is_as_good_as_the_handle() {
    let (mut first, of_first) = client();
    let copy = of_first.clone();
    first.with(&copy, |_, cx| cx.call(60, &10)).unwrap();
    assert_eq!(first.waiting_calls(), 1);
}

#[test]
fn a_handle_shows_its_program() {
    let mut server = Transport::new(Role::Server);
    let first = server.register(Ponger).unwrap();
    let second = server.register(Recorder::new(REMOTE)).unwrap();
    assert_eq!(
        format!("{first:?} {second:?}"),
        "Handle(ProgramId(0x6b656570, 1)) Handle(ProgramId(0x20008086, 1))"
    );
}

#[test]
#[should_panic(expected = "belongs to another transport")]
fn a_handle_of_a_transport_that_is_gone_panics() {
    let (gone, handle) = server();
    drop(gone);
    let (mut server, _) = server();
    server.with(&handle, |_, _| ());
}

#[test]
fn a_payload_over_the_limit_is_refused() {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    let payload = vec![0u8; virt_xdr::PAYLOAD_MAX - 3];
    let error = client
        .with(&handle, |_, cx| cx.message(107, &payload))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload of 33554412 bytes is 4 over the limit of 33554408 (at byte 0)"
    );
    assert_silent(&mut client);
    works(&mut client);
}

#[test]
fn a_frame_over_a_lower_limit_is_refused_when_its_length_is_there() {
    let mut server = Transport::new(Role::Server).with_frame_limit(32);
    server.register(Ponger).unwrap();
    let ping = "00000020 6b656570 00000001 00000001 00000002 00000000 00000000 deadbeef";
    server.receive(&wire(ping)).unwrap();
    assert_sends(&mut server, PONG);
    let error = server.receive(&wire("00000021")).unwrap_err();
    assert_eq!(error.to_string(), "frame length 33 is outside 28 to 32");
}

#[cfg(unix)]
#[test]
fn thirty_three_descriptors_are_refused() {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    let fds = || (0..33).map(|_| null()).collect();

    let refused = client.with(&handle, |_, cx| cx.call_with_fds(60, &10, fds()));
    assert_eq!(
        refused,
        Err(SendError::TooManyFds {
            count: 33,
            limit: 32
        })
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "33 descriptors, over the limit of 32"
    );
    assert_silent(&mut client);
    assert_eq!(client.waiting_calls(), 0);
    works(&mut client);
}

#[cfg(unix)]
#[test]
fn descriptors_on_a_connection_that_carries_none_are_refused() {
    let mut client = Transport::new(Role::Client);
    client.register(Ponger).unwrap();
    let handle = client.register(Recorder::new(REMOTE)).unwrap();
    let fd = null();

    let refused = client.with(&handle, |_, cx| cx.call_with_fds(60, &10, vec![fd]));
    assert_eq!(refused, Err(SendError::FdsNotCarried { count: 1 }));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "1 descriptors on a connection that carries none"
    );
    assert_silent(&mut client);
    assert_eq!(client.waiting_calls(), 0);
    works(&mut client);
}
