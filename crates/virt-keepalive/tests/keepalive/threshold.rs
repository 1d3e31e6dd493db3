//! `max_inactive`: how many calls of `ping` the peer may be silent for.

use virt_keepalive::{KeepAlive, Ping, Tracker};
use virt_testkit::words::{PING, PONG};
use virt_transport::{Role, Transport};

use crate::support::{End, NOTHING, OTHER, ROLES, sent};

#[test]
fn by_default_ten_pings_go_out_and_each_further_one_fails() {
    for role in ROLES {
        let mut end = End::new(role);
        for inactive in 1..=10 {
            assert_eq!(end.ping(), Ping::Sent);
            end.shows(inactive, PING, &[]);
        }
        for inactive in 11..=13 {
            assert_eq!(end.ping(), Ping::Expired);
            end.shows(inactive, NOTHING, &["on_fail"]);
        }
    }
}

#[test]
fn the_default_is_the_same_however_one_comes_by_it() {
    assert_eq!(Tracker::MAX_INACTIVE, 10);
    assert_eq!(Tracker::default(), Tracker::new(10));
    assert_eq!(Tracker::default().max_inactive(), 10);

    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::default().register(&mut transport).unwrap();
    let pings: Vec<Ping> = (0..11).map(|_| keepalive.ping(&mut transport)).collect();
    assert_eq!(pings[..10], [Ping::Sent; 10]);
    assert_eq!(pings[10], Ping::Expired);
}

#[test]
fn with_0_the_first_ping_fails_and_none_ever_goes_out() {
    for role in ROLES {
        let mut end = End::with_max_inactive(role, 0);
        for inactive in 1..=3 {
            assert_eq!(end.ping(), Ping::Expired);
            end.shows(inactive, NOTHING, &["on_fail"]);
        }
        end.mark_active();
        assert_eq!(end.ping(), Ping::Skipped);
        end.shows(0, NOTHING, &[]);
        assert_eq!(end.ping(), Ping::Expired);
        end.shows(1, NOTHING, &["on_fail"]);
    }
}

#[test]
fn with_the_greatest_there_is_pings_just_go_out() {
    let mut tracker = Tracker::new(u32::MAX);
    assert_eq!(tracker.max_inactive(), u32::MAX);
    assert!((0..100_000).all(|_| tracker.ping() == Ping::Sent));
    assert_eq!(tracker.inactive(), 100_000);

    let mut end = End::with_max_inactive(Role::Client, u32::MAX);
    assert!((0..100).all(|_| end.ping() == Ping::Sent));
    end.shows(100, [PING; 100].join(" ").as_str(), &[]);
}

#[test]
fn whatever_is_heard_revives_an_expired_link() {
    for (heard, inactive) in [(PONG, 0), (PING, -1), (OTHER, -1)] {
        for role in ROLES {
            let mut end = End::with_max_inactive(role, 1);
            assert_eq!(
                [end.ping(), end.ping(), end.ping()],
                [Ping::Sent, Ping::Expired, Ping::Expired]
            );
            end.receive(heard);
            assert_eq!(end.inactive(), inactive);
            let silent = (inactive..0)
                .map(|_| end.ping())
                .all(|ping| ping == Ping::Skipped);
            assert!(silent);
            assert_eq!([end.ping(), end.ping()], [Ping::Sent, Ping::Expired]);
        }
    }
}

#[test]
fn a_link_that_is_always_active_is_never_pinged() {
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(0)
        .register(&mut transport)
        .unwrap();
    for _ in 0..100 {
        keepalive.mark_active(&mut transport);
        assert_eq!(keepalive.ping(&mut transport), Ping::Skipped);
    }
    assert_eq!(sent(&mut transport), NOTHING);
}
