//! The callbacks `on_ack`, `on_fail` and `on_ping`: their times, the count they see, the answers they may send.

use std::sync::mpsc;

use virt_keepalive::{KeepAlive, Ping};
use virt_testkit::words::{PING, PONG};
use virt_transport::{Role, Transport};

use crate::support::{NOTHING, ROLES, receive, sent};

#[test]
fn unless_replaced_on_ping_answers() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new().register(&mut transport).unwrap();
        receive(&mut transport, PING).unwrap();
        assert_eq!(sent(&mut transport), PONG);
        assert_eq!(keepalive.inactive(&mut transport), -1);
    }
}

#[test]
fn replaced_by_one_that_does_nothing_a_ping_is_heard_and_not_answered() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new()
            .on_ping(|_| ())
            .register(&mut transport)
            .unwrap();
        receive(&mut transport, PING).unwrap();
        assert_eq!(sent(&mut transport), NOTHING);
        assert_eq!(keepalive.inactive(&mut transport), -1);
    }
}

#[test]
fn on_fail_may_mark_activity_so_that_the_link_goes_on() {
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(1)
        .on_fail(|cx| {
            assert_eq!(cx.inactive(), 2);
            cx.mark_active();
        })
        .register(&mut transport)
        .unwrap();
    for ping in [Ping::Sent, Ping::Expired] {
        assert_eq!(keepalive.ping(&mut transport), ping);
    }
    assert_eq!(keepalive.inactive(&mut transport), -1);
    for ping in [Ping::Skipped, Ping::Sent] {
        assert_eq!(keepalive.ping(&mut transport), ping);
    }
}

#[test]
fn on_ping_may_leave_the_answer_for_later() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let (pings, due) = mpsc::channel();
        let keepalive = KeepAlive::new()
            .on_ping(move |_| pings.send(()).unwrap())
            .register(&mut transport)
            .unwrap();

        receive(&mut transport, &[PING, PING].join(" ")).unwrap();
        assert_eq!(sent(&mut transport), NOTHING);

        for () in due.try_iter() {
            keepalive.pong(&mut transport);
        }
        assert_eq!(sent(&mut transport), [PONG, PONG].join(" "));
        assert_eq!(keepalive.inactive(&mut transport), -1);
    }
}

#[test]
fn on_ping_may_answer_more_than_once() {
    let mut transport = Transport::new(Role::Server);
    KeepAlive::new()
        .on_ping(|cx| {
            cx.pong();
            cx.pong();
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
        .on_ping(|cx| {
            if cx.queued() < 56 {
                cx.pong();
            }
        })
        .register(&mut transport)
        .unwrap();
    for _ in 0..100 {
        receive(&mut transport, PING).unwrap();
    }
    assert_eq!(transport.queued(), 56);
    assert_eq!(sent(&mut transport), [PONG, PONG].join(" "));

    receive(&mut transport, PING).unwrap();
    assert_eq!(sent(&mut transport), PONG, "the peer has read again");
}

#[test]
fn each_callback_sees_the_count_as_the_event_has_left_it() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let (sender, seen) = mpsc::channel();
        let [ack, fail, ping] = [(); 3].map(|()| sender.clone());
        let keepalive = KeepAlive::new()
            .max_inactive(1)
            .on_ack(move |cx| ack.send(("on_ack", cx.inactive())).unwrap())
            .on_fail(move |cx| fail.send(("on_fail", cx.inactive())).unwrap())
            .on_ping(move |cx| ping.send(("on_ping", cx.inactive())).unwrap())
            .register(&mut transport)
            .unwrap();

        let pings = [(); 3].map(|()| keepalive.ping(&mut transport));
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
        .on_ack(|cx| {
            assert_eq!(cx.queued(), 28);
            cx.pong();
        })
        .on_fail(|cx| {
            assert_eq!(cx.queued(), 56);
            cx.pong();
        })
        .register(&mut transport)
        .unwrap();
    assert_eq!(keepalive.ping(&mut transport), Ping::Sent);
    receive(&mut transport, PONG).unwrap();
    assert_eq!(sent(&mut transport), [PING, PONG].join(" "));

    assert_eq!(keepalive.ping(&mut transport), Ping::Sent);
    keepalive.pong(&mut transport);
    assert_eq!(keepalive.ping(&mut transport), Ping::Expired);
    assert_eq!(sent(&mut transport), [PING, PONG, PONG].join(" "));
}

#[test]
fn on_fail_can_mark_the_peer_active_and_the_next_ping_is_silent() {
    for role in ROLES {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new()
            .max_inactive(1)
            .on_fail(|cx| {
                assert_eq!(cx.inactive(), 2);
                cx.mark_active();
                assert_eq!(cx.inactive(), -1);
            })
            .register(&mut transport)
            .unwrap();
        let mut pings = || [(); 4].map(|()| keepalive.ping(&mut transport));
        let round = [Ping::Sent, Ping::Expired, Ping::Skipped, Ping::Sent];
        assert_eq!(pings(), round);
        assert_eq!(keepalive.inactive(&mut transport), 1);
        assert_eq!(sent(&mut transport), [PING, PING].join(" "));
    }
}

#[test]
fn on_ack_and_on_ping_can_mark_the_peer_active_too() {
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .on_ack(|cx| cx.mark_active())
        .on_ping(|cx| cx.mark_active())
        .register(&mut transport)
        .unwrap();
    for heard in [PONG, PING] {
        receive(&mut transport, heard).unwrap();
        assert_eq!(keepalive.inactive(&mut transport), -1);
        assert_eq!(keepalive.ping(&mut transport), Ping::Skipped);
    }
    assert_eq!(sent(&mut transport), NOTHING);
}
