//! Each row of the table of [`KeepAlive`](virt_keepalive::KeepAlive): `inactive`, the output, the callback.

use virt_keepalive::{Ping, Tracker};
use virt_testkit::words::{PING, PONG};
use virt_transport::Role;

use crate::support::{End, NOTHING, OTHER, ROLES};

#[test]
fn ping_adds_one_and_sends() {
    let mut tracker = Tracker::new(2);
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Sent, 1));
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Sent, 2));

    for role in ROLES {
        let mut end = End::with_max_inactive(role, 2);
        end.shows(0, NOTHING, &[]);
        assert_eq!(end.ping(), Ping::Sent);
        end.shows(1, PING, &[]);
        assert_eq!(end.ping(), Ping::Sent);
        end.shows(2, PING, &[]);
    }
}

#[test]
fn ping_that_exceeds_max_inactive_finds_the_link_expired_and_sends_nothing() {
    let mut tracker = Tracker::new(1);
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Sent, 1));
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Expired, 2));

    for role in ROLES {
        let mut end = End::with_max_inactive(role, 1);
        assert_eq!(end.ping(), Ping::Sent);
        end.shows(1, PING, &[]);
        assert_eq!(end.ping(), Ping::Expired);
        end.shows(2, NOTHING, &["on_fail"]);
    }
}

#[test]
fn ping_sends_nothing_when_it_comes_to_0() {
    let mut tracker = Tracker::new(10);
    tracker.mark_active();
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Skipped, 0));
    assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Sent, 1));

    for role in ROLES {
        let mut end = End::new(role);
        end.mark_active();
        assert_eq!(end.ping(), Ping::Skipped);
        end.shows(0, NOTHING, &[]);
        assert_eq!(end.ping(), Ping::Sent);
        end.shows(1, PING, &[]);
    }
}

#[test]
fn a_pong_resets_to_0_so_that_the_next_ping_sends() {
    for inactive in INACTIVE {
        let mut tracker = tracker_at(inactive);
        tracker.pong_received();
        assert_eq!(tracker.inactive(), 0);
        assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Sent, 1));

        for role in ROLES {
            let mut end = end_at(role, inactive);
            end.receive(PONG);
            end.shows(0, NOTHING, &["on_ack"]);
            assert_eq!(end.ping(), Ping::Sent);
            end.shows(1, PING, &[]);
        }
    }
}

#[test]
fn a_ping_received_resets_to_minus_1_so_that_the_next_ping_is_silent() {
    for inactive in INACTIVE {
        let mut tracker = tracker_at(inactive);
        tracker.ping_received();
        assert_eq!(tracker.inactive(), -1);
        assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Skipped, 0));

        for role in ROLES {
            let mut end = end_at(role, inactive);
            end.receive(PING);
            end.shows(-1, PONG, &["on_ping"]);
            assert_eq!(end.ping(), Ping::Skipped);
            end.shows(0, NOTHING, &[]);
        }
    }
}

#[test]
fn another_procedure_of_the_program_resets_to_minus_1() {
    for inactive in INACTIVE {
        for role in ROLES {
            let mut end = end_at(role, inactive);
            end.receive(OTHER);
            end.shows(-1, NOTHING, &[]);
            assert_eq!(end.ping(), Ping::Skipped);
            end.shows(0, NOTHING, &[]);
        }
    }
}

#[test]
fn mark_active_resets_to_minus_1() {
    for inactive in INACTIVE {
        let mut tracker = tracker_at(inactive);
        tracker.mark_active();
        assert_eq!(tracker.inactive(), -1);
        assert_eq!((tracker.ping(), tracker.inactive()), (Ping::Skipped, 0));

        for role in ROLES {
            let mut end = end_at(role, inactive);
            end.mark_active();
            end.shows(-1, NOTHING, &[]);
            assert_eq!(end.ping(), Ping::Skipped);
            end.shows(0, NOTHING, &[]);
        }
    }
}

#[test]
fn send_ping_sends_and_leaves_inactive_as_it_is() {
    for inactive in INACTIVE {
        for role in ROLES {
            let mut end = end_at(role, inactive);
            let sent = end.counts().sent;
            assert_eq!(end.send_ping(), sent + 1);
            end.shows(inactive, PING, &[]);
        }
    }
}

#[test]
fn pong_sends_and_leaves_inactive_as_it_is() {
    for inactive in INACTIVE {
        for role in ROLES {
            let mut end = end_at(role, inactive);
            end.pong();
            end.shows(inactive, PONG, &[]);
        }
    }
}

/// The counts of silence around a threshold of 1: the peer just heard, new, one PING sent, expired.
const INACTIVE: [i64; 4] = [-1, 0, 1, 2];

fn tracker_at(inactive: i64) -> Tracker {
    let mut tracker = Tracker::new(1);
    tracker.mark_active();
    for _ in -1..inactive {
        let _ = tracker.ping();
    }
    assert_eq!(tracker.inactive(), inactive);
    tracker
}

fn end_at(role: Role, inactive: i64) -> End {
    let mut end = End::with_max_inactive(role, 1);
    end.mark_active();
    for _ in -1..inactive {
        let _ = end.ping();
    }
    assert_eq!(end.inactive(), inactive);
    end.sent();
    end.called();
    end
}
