//! Two ends against each other, step by step.

use virt_keepalive::Ping;
use virt_testkit::words::{PING, PONG};
use virt_transport::Role;

use crate::support::{End, NOTHING, carry};

/// Either end may be the one that asks.
fn pairs(max_inactive: u32) -> [(End, End); 2] {
    [(Role::Client, Role::Server), (Role::Server, Role::Client)].map(|(one, other)| {
        (
            End::with_max_inactive(one, max_inactive),
            End::with_max_inactive(other, max_inactive),
        )
    })
}

#[test]
fn a_ping_there_and_a_pong_back() {
    for (mut here, mut there) in pairs(10) {
        assert_eq!(here.ping(), Ping::Sent);
        assert_eq!(carry(&mut here, &mut there), PING);
        assert_eq!(there.called(), ["on_ping"]);
        assert_eq!(carry(&mut there, &mut here), PONG);
        assert_eq!(here.called(), ["on_ack"]);

        // The one that asked goes on asking, the one that was asked has heard enough.
        here.shows(0, NOTHING, &[]);
        there.shows(-1, NOTHING, &[]);
        assert_eq!(here.ping(), Ping::Sent);
        assert_eq!(there.ping(), Ping::Skipped);
    }
}

#[test]
fn a_thousand_rounds_never_expire() {
    for (mut here, mut there) in pairs(1) {
        for _ in 0..1000 {
            assert_eq!(here.ping(), Ping::Sent);
            assert_eq!(carry(&mut here, &mut there), PING);
            assert_eq!(carry(&mut there, &mut here), PONG);
            assert_eq!(here.called(), ["on_ack"]);
        }
        assert_eq!(here.inactive(), 0);
    }
}

#[test]
fn pings_that_cross_are_both_answered() {
    for (mut here, mut there) in pairs(10) {
        assert_eq!((here.ping(), there.ping()), (Ping::Sent, Ping::Sent));
        let (to_there, to_here) = (here.sent(), there.sent());
        assert_eq!((to_there.as_str(), to_here.as_str()), (PING, PING));
        here.receive(&to_here);
        there.receive(&to_there);
        here.shows(-1, PONG, &["on_ping"]);
        there.shows(-1, PONG, &["on_ping"]);
        here.receive(PONG);
        there.receive(PONG);
        here.shows(0, NOTHING, &["on_ack"]);
        there.shows(0, NOTHING, &["on_ack"]);
    }
}

#[test]
fn silence_expires_and_an_answer_that_is_late_revives() {
    for (mut here, mut there) in pairs(2) {
        assert_eq!([here.ping(), here.ping()], [Ping::Sent, Ping::Sent]);
        assert_eq!(here.ping(), Ping::Expired);
        assert_eq!(here.called(), ["on_fail"]);

        assert_eq!(carry(&mut here, &mut there), [PING, PING].join(" "));
        assert_eq!(there.called(), ["on_ping", "on_ping"]);
        assert_eq!(carry(&mut there, &mut here), [PONG, PONG].join(" "));
        here.shows(0, NOTHING, &["on_ack", "on_ack"]);
        assert_eq!(here.ping(), Ping::Sent);
    }
}
