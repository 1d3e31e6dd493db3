//! Counts of PINGs and PONGs: PONGs are paired with PINGs in order.

use virt_keepalive::{Counts, Ping};
use virt_testkit::words::{PING, PONG};

use crate::support::{End, NOTHING, OTHER, ROLES, carry};

#[track_caller]
fn assert_counts(end: &mut End, sent: u64, answered: u64, received: u64) {
    let Counts {
        sent: pings_sent,
        answered: pings_answered,
        received: pings_received,
        ..
    } = end.counts();
    assert_eq!(
        (pings_sent, pings_answered, pings_received),
        (sent, answered, received),
        "sent, answered, received"
    );
}

#[test]
fn a_new_program_has_counted_nothing() {
    for role in ROLES {
        let mut end = End::new(role);
        assert_eq!(end.counts(), Counts::default());
        assert_counts(&mut end, 0, 0, 0);
    }
}

#[test]
fn ping_and_send_ping_number_the_pings_together() {
    for role in ROLES {
        let mut end = End::new(role);
        assert_eq!(end.ping(), Ping::Sent);
        assert_counts(&mut end, 1, 0, 0);
        assert_eq!(end.send_ping(), 2);
        assert_eq!(end.ping(), Ping::Sent);
        assert_eq!(end.send_ping(), 4);
        assert_counts(&mut end, 4, 0, 0);
        assert_eq!(end.sent(), [PING; 4].join(" "));
    }
}

#[test]
fn a_ping_that_is_skipped_or_finds_the_link_expired_is_not_counted() {
    for role in ROLES {
        let mut end = End::with_max_inactive(role, 1);
        end.mark_active();
        assert_eq!(end.ping(), Ping::Skipped);
        assert_counts(&mut end, 0, 0, 0);
        assert_eq!([end.ping(), end.ping()], [Ping::Sent, Ping::Expired]);
        assert_counts(&mut end, 1, 0, 0);
    }
}

#[test]
fn pongs_answer_pings_in_order() {
    for role in ROLES {
        let mut end = End::new(role);
        let pings = [end.send_ping(), end.send_ping(), end.send_ping()];
        assert_eq!(pings, [1, 2, 3]);
        for answered in 1..=3 {
            end.receive(PONG);
            assert_counts(&mut end, 3, answered, 0);
            let open = pings.iter().filter(|&&ping| ping > answered);
            assert_eq!(open.count() as u64, 3 - answered);
        }
    }
}

#[test]
fn a_pong_without_a_ping_to_answer_is_not_counted() {
    for role in ROLES {
        let mut end = End::new(role);
        end.receive(&[PONG, PONG].join(" "));
        end.shows(0, NOTHING, &["on_ack", "on_ack"]);
        assert_counts(&mut end, 0, 0, 0);

        // It answers no later PING either.
        assert_eq!(end.send_ping(), 1);
        assert_counts(&mut end, 1, 0, 0);
        end.receive(&[PONG, PONG].join(" "));
        assert_counts(&mut end, 1, 1, 0);
        assert_eq!(end.send_ping(), 2);
        assert_counts(&mut end, 2, 1, 0);
    }
}

#[test]
fn pings_are_counted_when_received_whether_answered_or_not() {
    for role in ROLES {
        let mut end = End::new(role);
        end.receive(&[PING, OTHER, PING].join(" "));
        assert_counts(&mut end, 0, 0, 2);
        // A PONG that this end sends is no PING.
        end.pong();
        assert_counts(&mut end, 0, 0, 2);
    }
}

#[test]
fn the_counts_of_two_ends_agree() {
    for [mut here, mut there] in [ROLES, [ROLES[1], ROLES[0]]].map(|roles| roles.map(End::new)) {
        for round in 1..=10 {
            here.send_ping();
            there.send_ping();
            carry(&mut here, &mut there);
            carry(&mut there, &mut here);
            carry(&mut here, &mut there);
            assert_counts(&mut here, round, round, round);
            assert_counts(&mut there, round, round, round);
        }
    }
}
