//! Bytes that arrive: each starts the interval and the count again.

use virt_keepalive::{Tick, Timer};

use crate::support::{clock, seconds};

#[test]
fn bytes_before_the_first_ping_put_it_off() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    timer.received(at(0.4));
    assert_eq!(timer.deadline(), Some(at(1.4)));
    assert_eq!(timer.poll(at(1.0)), Tick::Wait);
    assert_eq!(timer.poll(at(1.4)), Tick::Ping);
    assert_eq!(timer.poll(at(2.4)), Tick::Dead);
}

#[test]
fn bytes_after_a_ping_give_back_the_whole_count() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.received(at(1.1));
    assert_eq!(timer.unanswered(), 0);
    assert_eq!(timer.poll(at(2.0)), Tick::Wait);
    assert_eq!(timer.poll(at(2.1)), Tick::Ping);
    assert_eq!(timer.poll(at(3.1)), Tick::Ping);
    assert_eq!(timer.poll(at(4.1)), Tick::Dead);
}

#[test]
fn bytes_after_the_last_ping_save_the_link() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.received(at(1.999));
    assert_eq!(timer.poll(at(2.0)), Tick::Wait);
    assert_eq!(timer.poll(at(2.999)), Tick::Ping);
}

#[test]
fn bytes_taken_in_at_the_deadline_come_before_what_is_due() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    timer.received(at(1.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Wait, "no PING");
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
    timer.received(at(3.0));
    assert_eq!(timer.poll(at(3.0)), Tick::Wait, "not dead");
}

#[test]
fn bytes_in_the_moment_of_the_ping_count_from_then() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.received(at(1.0));
    assert_eq!(timer.unanswered(), 0);
    assert_eq!(timer.deadline(), Some(at(2.0)));
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
}

#[test]
fn bytes_on_a_dead_link_revive_it() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Dead);
    timer.received(at(1.5));
    assert_eq!(timer.poll(at(1.5)), Tick::Wait);
    assert_eq!(timer.deadline(), Some(at(2.5)));
}

#[test]
fn a_peer_that_is_heard_in_time_is_never_pinged() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    for now in (0..1000).map(|step| at(0.9 * f64::from(step))) {
        timer.received(now);
        assert_eq!(timer.poll(now), Tick::Wait);
    }
}

#[test]
fn a_peer_that_answers_every_ping_lives_for_ever() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    for round in (0..1000).map(|round| 1.25 * f64::from(round)) {
        assert_eq!(timer.deadline(), Some(at(round + 1.0)));
        assert_eq!(timer.poll(at(round + 1.0)), Tick::Ping);
        timer.received(at(round + 1.25));
    }
}

#[test]
fn one_large_message_that_trickles_in_keeps_a_link_alive() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    for byte in 1..=100 {
        let now = at(0.5 * f64::from(byte));
        timer.received(now);
        assert_eq!(timer.poll(now), Tick::Wait);
    }
}
