//! Interval and count changed while the timer runs.

use std::time::Duration;

use virt_keepalive::{Tick, Timer};

use crate::support::{clock, seconds};

#[test]
fn a_shorter_interval_counts_from_the_last_byte() {
    let at = clock();
    let mut timer = Timer::new(seconds(10.0), 1, at(0.0));
    timer.set(seconds(2.0), 1);
    assert_eq!(timer.deadline(), Some(at(2.0)));
    assert_eq!(timer.poll(at(1.0)), Tick::Wait);
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
    assert_eq!(timer.poll(at(4.0)), Tick::Dead);
}

#[test]
fn a_shorter_interval_that_is_over_already_pings_at_once_and_then_waits_for_an_answer() {
    let at = clock();
    let mut timer = Timer::new(seconds(10.0), 1, at(0.0));
    assert_eq!(timer.poll(at(8.0)), Tick::Wait);
    timer.set(seconds(2.0), 1);
    assert_eq!(timer.deadline(), Some(at(2.0)));
    assert_eq!(timer.poll(at(8.0)), Tick::Ping);
    assert_eq!(timer.deadline(), Some(at(10.0)));
    assert_eq!(timer.poll(at(9.0)), Tick::Wait);
    assert_eq!(timer.poll(at(10.0)), Tick::Dead);
}

#[test]
fn a_longer_interval_counts_from_the_last_byte() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    timer.set(seconds(10.0), 1);
    assert_eq!(timer.poll(at(1.0)), Tick::Wait);
    assert_eq!(timer.deadline(), Some(at(10.0)));
    assert_eq!(timer.poll(at(10.0)), Tick::Ping);
    assert_eq!(timer.poll(at(20.0)), Tick::Dead);
}

#[test]
fn an_interval_changed_after_a_ping_counts_from_the_ping() {
    let at = clock();
    for (interval, dead) in [(0.5, 1.5), (10.0, 11.0)] {
        let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
        assert_eq!(timer.poll(at(1.0)), Tick::Ping);
        timer.set(seconds(interval), 1);
        assert_eq!(timer.deadline(), Some(at(dead)));
        assert_eq!(timer.poll(at(dead - 0.25)), Tick::Wait);
        assert_eq!(timer.poll(at(dead)), Tick::Dead);
    }
}

#[test]
fn an_interval_changed_to_itself_changes_nothing() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    let before = timer.clone();
    timer.set(seconds(1.0), 2);
    assert_eq!(timer, before);
}

#[test]
fn an_interval_of_zero_turns_the_timer_off_at_any_time() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    timer.set(Duration::ZERO, 1);
    assert_eq!(timer.deadline(), None);
    assert_eq!(timer.poll(at(1.0)), Tick::Wait);

    timer.set(seconds(1.0), 1);
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.set(Duration::ZERO, 1);
    assert_eq!(timer.poll(at(2.0)), Tick::Wait, "not dead");

    timer.set(seconds(1.0), 1);
    assert_eq!(timer.poll(at(2.0)), Tick::Dead);
    timer.set(Duration::ZERO, 1);
    assert_eq!(timer.poll(at(3.0)), Tick::Wait, "dead no more");
}

#[test]
fn bytes_count_while_the_timer_is_off() {
    let at = clock();
    let mut timer = Timer::new(Duration::ZERO, 1, at(0.0));
    timer.received(at(9.5));
    timer.set(seconds(1.0), 1);
    assert_eq!(timer.poll(at(10.0)), Tick::Wait);
    assert_eq!(timer.deadline(), Some(at(10.5)));
    assert_eq!(timer.poll(at(10.5)), Tick::Ping);
    assert_eq!(timer.poll(at(11.5)), Tick::Dead);
}

#[test]
fn turned_on_after_a_long_silence_it_pings_first() {
    let at = clock();
    let mut timer = Timer::new(Duration::ZERO, 1, at(0.0));
    timer.set(seconds(1.0), 1);
    assert_eq!(timer.poll(at(3600.0)), Tick::Ping);
    assert_eq!(timer.deadline(), Some(at(3601.0)));
    assert_eq!(timer.poll(at(3600.0)), Tick::Wait);
    assert_eq!(timer.poll(at(3601.0)), Tick::Dead);
}

#[test]
fn a_count_that_is_raised_gives_more_pings() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.set(seconds(1.0), 3);
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
    assert_eq!(timer.poll(at(3.0)), Tick::Ping);
    assert_eq!(timer.poll(at(4.0)), Tick::Dead);
}

#[test]
fn a_count_lowered_to_or_below_what_was_sent_leaves_one_interval_to_answer() {
    let at = clock();
    for count in [0, 1, 2] {
        let mut timer = Timer::new(seconds(1.0), 5, at(0.0));
        assert_eq!(timer.poll(at(1.0)), Tick::Ping);
        assert_eq!(timer.poll(at(2.0)), Tick::Ping);
        timer.set(seconds(1.0), count);
        assert_eq!(timer.unanswered(), 2);
        assert_eq!(timer.poll(at(2.999)), Tick::Wait);
        assert_eq!(timer.poll(at(3.0)), Tick::Dead);

        timer.received(at(3.0));
        assert_eq!(timer.poll(at(3.999)), Tick::Wait);
    }
}

#[test]
fn a_dead_link_lives_again_if_its_count_is_raised() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Dead);
    timer.set(seconds(1.0), 1);
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    assert_eq!(timer.poll(at(2.0)), Tick::Dead);
}

#[test]
fn no_interval_is_too_long_to_be_set_back() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    timer.set(Duration::MAX, u32::MAX);
    assert_eq!(timer.deadline(), None);
    assert_eq!(timer.poll(at(1e9)), Tick::Wait);
    timer.set(seconds(1.0), 1);
    assert_eq!(timer.deadline(), Some(at(1.0)));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
}
