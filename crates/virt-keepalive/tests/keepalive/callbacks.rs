//! `on_ack`, `on_fail` and `on_ping`: when they are called, what they see and what they may do.

use std::sync::mpsc;

use virt_keepalive::{KeepAlive, Ping};
use virt_transport::{Role, SendError, Transport};

use crate::support::{NOTHING, PING, PONG, ROLES, receive, sent};

#[test]
fn unless_replaced_on_ping_answers() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new().register(&mut transport).unwrap();
        receive(&mut transport, PING).unwrap();
        assert_eq!(sent(&mut transport), PONG);
        assert_eq!(keepalive.inactive(&mut transport), Ok(-1));
    }
}

#[test]
fn replaced_by_one_that_does_nothing_a_ping_is_heard_and_not_answered() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new()
            .on_ping(|_| Ok(()))
            .register(&mut transport)
            .unwrap();
        receive(&mut transport, PING).unwrap();
        assert_eq!(sent(&mut transport), NOTHING);
        assert_eq!(keepalive.inactive(&mut transport), Ok(-1));
    }
}

#[test]
fn on_ping_may_leave_the_answer_for_later() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let (pings, due) = mpsc::channel();
        let keepalive = KeepAlive::new()
            .on_ping(move |_| {
                pings.send(()).unwrap();
                Ok(())
            })
            .register(&mut transport)
            .unwrap();

        receive(&mut transport, &[PING, PING].join(" ")).unwrap();
        assert_eq!(sent(&mut transport), NOTHING);

        for () in due.try_iter() {
            keepalive.pong(&mut transport).unwrap();
        }
        assert_eq!(sent(&mut transport), [PONG, PONG].join(" "));
        assert_eq!(keepalive.inactive(&mut transport), Ok(-1));
    }
}

#[test]
fn on_ping_may_answer_more_than_once() {
    let mut transport = Transport::new(Role::Server);
    KeepAlive::new()
        .on_ping(|link| {
            link.pong()?;
            link.pong()
        })
        .register(&mut transport)
        .unwrap();
    receive(&mut transport, PING).unwrap();
    assert_eq!(sent(&mut transport), [PONG, PONG].join(" "));
}

#[test]
fn on_ping_can_stop_answering_a_peer_that_does_not_read() {
    let mut transport = Transport::new(Role::Server);
    KeepAlive::new()
        .on_ping(|link| match link.queued() {
            0..56 => link.pong(),
            _ => Ok(()),
        })
        .register(&mut transport)
        .unwrap();
    for _ in 0..100 {
        receive(&mut transport, PING).unwrap();
    }
    assert_eq!(transport.queued(), 56);
    assert_eq!(sent(&mut transport), [PONG, PONG].join(" "));

    receive(&mut transport, PING).unwrap();
    assert_eq!(sent(&mut transport), PONG, "it has read again");
}

#[test]
fn an_error_of_on_ping_closes() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new()
            .on_ping(|_| Err(SendError::NotClient))
            .register(&mut transport)
            .unwrap();
        // What came before is handled, what comes after is not.
        let error = receive(&mut transport, &[PONG, PING, PONG].join(" ")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "program 0x6b656570 version 1: a server may not call"
        );
        assert_eq!(keepalive.inactive(&mut transport), Ok(-1));

        let again = receive(&mut transport, PONG).unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
        assert_eq!(sent(&mut transport), NOTHING);
        assert_eq!(transport.counters().frames_received, 2);
    }
}

#[test]
fn each_callback_sees_the_count_as_the_event_has_left_it() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let (sender, seen) = mpsc::channel();
        let [ack, fail, ping] = [(); 3].map(|()| sender.clone());
        let keepalive = KeepAlive::new()
            .max_inactive(1)
            .on_ack(move |link| ack.send(("on_ack", link.inactive())).unwrap())
            .on_fail(move |link| fail.send(("on_fail", link.inactive())).unwrap())
            .on_ping(move |link| {
                ping.send(("on_ping", link.inactive())).unwrap();
                Ok(())
            })
            .register(&mut transport)
            .unwrap();

        let pings = [(); 3].map(|()| keepalive.ping(&mut transport).unwrap());
        assert_eq!(pings, [Ping::Sent, Ping::Expired, Ping::Expired]);
        receive(&mut transport, &[PONG, PING].join(" ")).unwrap();

        let seen: Vec<_> = seen.try_iter().collect();
        assert_eq!(
            seen,
            [
                ("on_fail", 2),
                ("on_fail", 3),
                ("on_ack", 0),
                ("on_ping", -1)
            ]
        );
    }
}

#[test]
fn any_callback_can_send_a_pong_behind_what_waits() {
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(1)
        .on_ack(|link| {
            assert_eq!(link.queued(), 28);
            link.pong().unwrap();
        })
        .on_fail(|link| {
            assert_eq!(link.queued(), 56);
            link.pong().unwrap();
        })
        .register(&mut transport)
        .unwrap();
    assert_eq!(keepalive.ping(&mut transport), Ok(Ping::Sent));
    receive(&mut transport, PONG).unwrap();
    assert_eq!(sent(&mut transport), [PING, PONG].join(" "));

    assert_eq!(keepalive.ping(&mut transport), Ok(Ping::Sent));
    keepalive.pong(&mut transport).unwrap();
    assert_eq!(keepalive.ping(&mut transport), Ok(Ping::Expired));
    assert_eq!(sent(&mut transport), [PING, PONG, PONG].join(" "));
}
