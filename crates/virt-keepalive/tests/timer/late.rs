//! A clock that jumps, and a driver that polls late: nobody is blamed for the time nobody listened.

use virt_keepalive::{Tick, Timer};

use crate::support::{clock, seconds};

const HOURS: f64 = 3600.0;

#[test]
fn a_poll_late_by_less_than_an_interval_leaves_a_whole_one_to_answer() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    assert_eq!(timer.poll(at(1.99)), Tick::Ping);
    assert_eq!(timer.deadline(), Some(at(2.99)));
    assert_eq!(timer.poll(at(2.0)), Tick::Wait);
    assert_eq!(timer.poll(at(2.99)), Tick::Dead);
}

#[test]
fn a_poll_late_by_many_intervals_gives_one_ping() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 3, at(0.0));
    assert_eq!(timer.poll(at(10.0)), Tick::Ping);
    assert_eq!(timer.unanswered(), 1);
    assert_eq!(timer.poll(at(10.0)), Tick::Wait);
    assert_eq!(timer.poll(at(11.0)), Tick::Ping);
    assert_eq!(timer.poll(at(12.0)), Tick::Ping);
    assert_eq!(timer.poll(at(13.0)), Tick::Dead);
}

#[test]
fn a_link_is_dead_later_by_as_much_as_the_polls_were() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    assert_eq!(timer.poll(at(1.25)), Tick::Ping);
    assert_eq!(timer.poll(at(2.75)), Tick::Ping);
    assert_eq!(timer.deadline(), Some(at(3.75)));
    assert_eq!(timer.poll(at(3.749)), Tick::Wait);
    assert_eq!(timer.poll(at(5.0)), Tick::Dead);
}

#[test]
fn hours_before_the_first_ping() {
    let at = clock();
    let mut timer = Timer::new(seconds(5.0), 2, at(0.0));
    let woken = 8.0 * HOURS;
    assert_eq!(timer.poll(at(woken)), Tick::Ping);
    assert_eq!(timer.poll(at(woken + 5.0)), Tick::Ping);
    assert_eq!(timer.poll(at(woken + 9.999)), Tick::Wait);
    assert_eq!(timer.poll(at(woken + 10.0)), Tick::Dead);
}

#[test]
fn hours_between_pings() {
    let at = clock();
    let mut timer = Timer::new(seconds(5.0), 2, at(0.0));
    let woken = 8.0 * HOURS;
    assert_eq!(timer.poll(at(5.0)), Tick::Ping);
    assert_eq!(timer.poll(at(woken)), Tick::Ping);
    assert_eq!(timer.poll(at(woken + 4.999)), Tick::Wait);
    assert_eq!(timer.poll(at(woken + 5.0)), Tick::Dead);
}

#[test]
fn hours_after_the_last_ping() {
    let at = clock();
    let mut timer = Timer::new(seconds(5.0), 1, at(0.0));
    assert_eq!(timer.poll(at(5.0)), Tick::Ping);
    assert_eq!(timer.poll(at(8.0 * HOURS)), Tick::Dead);
}

#[test]
fn hours_with_a_count_of_0() {
    let at = clock();
    let mut timer = Timer::new(seconds(5.0), 0, at(0.0));
    assert_eq!(timer.poll(at(8.0 * HOURS)), Tick::Dead);
}

#[test]
fn bytes_that_waited_while_the_machine_slept_save_the_link() {
    let at = clock();
    let woken = 8.0 * HOURS;
    for (count, pings) in [(0, 0), (1, 0), (1, 1), (2, 1)] {
        let mut timer = Timer::new(seconds(5.0), count, at(0.0));
        for ping in 1..=pings {
            assert_eq!(timer.poll(at(5.0 * f64::from(ping))), Tick::Ping);
        }
        timer.received(at(woken));
        assert_eq!(timer.poll(at(woken)), Tick::Wait);
        assert_eq!(timer.deadline(), Some(at(woken + 5.0)));
        assert_eq!(timer.unanswered(), 0);
    }
}

#[test]
fn a_time_that_is_before_the_deadline_is_too_early_however_old() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 1, at(10.0));
    let before = timer.clone();
    for now in [0.0, 9.0, 10.0, 10.999] {
        assert_eq!(timer.poll(at(now)), Tick::Wait);
    }
    assert_eq!(timer, before);
}

#[test]
fn bytes_with_an_older_time_move_nothing_back() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    timer.received(at(5.0));
    timer.received(at(3.0));
    assert_eq!(timer.deadline(), Some(at(6.0)));
    assert_eq!(timer.poll(at(5.5)), Tick::Wait);

    // Read before the PING was due, reported after it: the count restarts all the same.
    let mut timer = Timer::new(seconds(1.0), 1, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    timer.received(at(0.9));
    assert_eq!(timer.unanswered(), 0);
    assert_eq!(timer.deadline(), Some(at(2.0)));
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
}
