//! Registration: one program for each transport, and one transport for each handle.

use std::panic::{AssertUnwindSafe, catch_unwind};

use virt_keepalive::{KeepAlive, KeepAliveHandle, Ping};
use virt_testkit::words::{PING, PONG};
use virt_transport::{Role, Transport};

use crate::support::{NOTHING, ROLES, receive, sent};

#[test]
fn a_second_registration_is_an_error_and_the_first_goes_on() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new().register(&mut transport).unwrap();

        let error = KeepAlive::new().register(&mut transport).unwrap_err();
        assert_eq!(
            error.to_string(),
            "program number 0x6b656570 is registered already, as program 0x6b656570 version 1"
        );
        assert_eq!(error.registered(), virt_keepalive::PROGRAM);

        assert_eq!(keepalive.ping(&mut transport), Ping::Sent);
        assert_eq!(sent(&mut transport), PING);
    }
}

#[test]
fn a_handle_panics_on_another_transport_and_changes_nothing_there() {
    /// A method of a handle, its result dropped.
    type Method = fn(&KeepAliveHandle, &mut Transport);
    let methods: [Method; 6] = [
        |keepalive, transport| assert_eq!(keepalive.ping(transport), Ping::Sent),
        |keepalive, transport| assert_eq!(keepalive.send_ping(transport), 1),
        |keepalive, transport| keepalive.pong(transport),
        |keepalive, transport| keepalive.mark_active(transport),
        |keepalive, transport| assert_eq!(keepalive.inactive(transport), 0),
        |keepalive, transport| assert_eq!(keepalive.counts(transport).sent, 0),
    ];
    for role in ROLES {
        let [mut own, mut other] = [role; 2].map(Transport::new);
        let keepalive = KeepAlive::new().register(&mut own).unwrap();
        // A program of the same number is registered there, too.
        let others = KeepAlive::new().register(&mut other).unwrap();

        for method in methods {
            let misuse = catch_unwind(AssertUnwindSafe(|| method(&keepalive, &mut other)));
            let panic = misuse.unwrap_err();
            assert_eq!(
                panic.downcast_ref::<String>().unwrap(),
                "the handle of program 0x6b656570 version 1 belongs to another transport"
            );
        }

        assert_eq!(sent(&mut other), NOTHING);
        assert_eq!(others.inactive(&mut other), 0);
        assert_eq!(keepalive.inactive(&mut own), 0);
        assert_eq!(keepalive.ping(&mut own), Ping::Sent);
        assert_eq!(others.ping(&mut other), Ping::Sent);
    }
}

#[test]
fn a_handle_can_be_cloned() {
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new().register(&mut transport).unwrap();
    let clone = keepalive.clone();
    assert_eq!(keepalive.ping(&mut transport), Ping::Sent);
    assert_eq!(clone.ping(&mut transport), Ping::Sent);
    assert_eq!(keepalive.inactive(&mut transport), 2);
}

#[test]
fn each_of_many_transports_keeps_its_own_count() {
    let mut transports = [(); 5].map(|()| Transport::new(Role::Server));
    let handles: Vec<_> = transports
        .iter_mut()
        .map(|transport| KeepAlive::new().register(transport).unwrap())
        .collect();
    for (pings, (transport, handle)) in transports.iter_mut().zip(&handles).enumerate() {
        for _ in 0..pings {
            assert_eq!(handle.ping(transport), Ping::Sent);
        }
    }
    for (inactive, (transport, handle)) in (0..).zip(transports.iter_mut().zip(&handles)) {
        assert_eq!(handle.inactive(transport), inactive);
    }
}

#[test]
fn without_the_program_a_server_drops_a_ping_and_a_client_closes() {
    let mut server = Transport::new(Role::Server);
    receive(&mut server, PING).unwrap();
    assert_eq!(sent(&mut server), NOTHING);
    assert_eq!(server.counters().frames_dropped, 1);

    let mut client = Transport::new(Role::Client);
    let error = receive(&mut client, PONG).unwrap_err();
    assert_eq!(
        error.to_string(),
        "message of program 0x6b656570 version 1, which is not registered"
    );
}
