//! The schedule in silence, with `poll` called in time.

use std::time::{Duration, Instant};

use virt_keepalive::{Tick, Timer};

use crate::support::{clock, seconds};

#[test]
fn interval_1_and_count_2_ping_at_1_and_2_seconds_and_are_dead_at_3() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));

    assert_eq!(timer.deadline(), Some(at(1.0)));
    assert_eq!(timer.poll(at(0.999)), Tick::Wait);
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);

    assert_eq!(timer.deadline(), Some(at(2.0)));
    assert_eq!(timer.poll(at(1.999)), Tick::Wait);
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);

    assert_eq!(timer.deadline(), Some(at(3.0)));
    assert_eq!(timer.poll(at(2.999)), Tick::Wait);
    assert_eq!(timer.poll(at(3.0)), Tick::Dead);
}

#[test]
fn a_daemons_5_and_5_are_dead_at_30_seconds_and_virshs_5_and_6_at_35() {
    for (count, dead) in [(5, 30.0), (6, 35.0)] {
        let at = clock();
        let mut timer = Timer::new(seconds(5.0), count, at(0.0));
        for due in (1..=count).map(|ping| at(5.0 * f64::from(ping))) {
            assert_eq!(timer.deadline(), Some(due));
            assert_eq!(timer.poll(due), Tick::Ping);
        }
        assert_eq!(timer.deadline(), Some(at(dead)));
        assert_eq!(timer.poll(at(dead)), Tick::Dead);
    }
}

#[test]
fn count_0_is_dead_at_the_interval_without_a_ping() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    assert_eq!(timer.deadline(), Some(at(1.0)));
    assert_eq!(timer.poll(at(0.999)), Tick::Wait);
    assert_eq!(timer.poll(at(1.0)), Tick::Dead);
    assert_eq!(timer.unanswered(), 0);
}

#[test]
fn unanswered_counts_the_pings() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    assert_eq!(timer.unanswered(), 0);
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    assert_eq!(timer.unanswered(), 1);
    assert_eq!(timer.poll(at(2.0)), Tick::Ping);
    assert_eq!(timer.unanswered(), 2);
    assert_eq!(timer.poll(at(3.0)), Tick::Dead);
    assert_eq!(timer.unanswered(), 2);
    timer.received(at(3.5));
    assert_eq!(timer.unanswered(), 0);
}

#[test]
fn dead_stays_dead() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 0, at(0.0));
    for now in [1.0, 1.0, 1.5, 2.0, 3600.0] {
        assert_eq!(timer.poll(at(now)), Tick::Dead);
        assert_eq!(timer.deadline(), Some(at(1.0)), "it is over");
    }
}

#[test]
fn polling_often_or_early_changes_nothing() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    let ticks: Vec<(i32, Tick)> = (0..=3000)
        .map(|now| (now, timer.poll(at(f64::from(now) / 1000.0))))
        .filter(|&(_, tick)| tick != Tick::Wait)
        .collect();
    assert_eq!(
        ticks,
        [(1000, Tick::Ping), (2000, Tick::Ping), (3000, Tick::Dead)]
    );
}

#[test]
fn polling_twice_at_the_deadline_pings_once() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), 2, at(0.0));
    assert_eq!(timer.poll(at(1.0)), Tick::Ping);
    assert_eq!(timer.poll(at(1.0)), Tick::Wait);
    assert_eq!(timer.deadline(), Some(at(2.0)));
}

#[test]
fn an_interval_of_zero_is_off() {
    let at = clock();
    for count in [0, 1, u32::MAX] {
        let mut timer = Timer::new(Duration::ZERO, count, at(0.0));
        assert_eq!(timer.deadline(), None);
        for now in [0.0, 1.0, 1e9] {
            assert_eq!(timer.poll(at(now)), Tick::Wait);
        }
    }
}

#[test]
fn an_interval_that_no_clock_reaches_never_ends() {
    let at = clock();
    for count in [0, 1, u32::MAX] {
        let mut timer = Timer::new(Duration::MAX, count, at(0.0));
        assert_eq!(timer.deadline(), None);
        assert_eq!(timer.poll(at(1e9)), Tick::Wait);
        timer.received(at(1e9));
        assert_eq!(timer.deadline(), None);
    }
}

#[test]
fn the_shortest_interval_there_is() {
    let start = Instant::now();
    let after = |nanos| start + Duration::from_nanos(nanos);
    let mut timer = Timer::new(Duration::from_nanos(1), 2, start);
    assert_eq!(timer.poll(start), Tick::Wait);
    assert_eq!(timer.poll(after(1)), Tick::Ping);
    assert_eq!(timer.poll(after(2)), Tick::Ping);
    assert_eq!(timer.poll(after(3)), Tick::Dead);
}

#[test]
fn a_count_without_end_pings_without_end() {
    let at = clock();
    let mut timer = Timer::new(seconds(1.0), u32::MAX, at(0.0));
    for ping in 1..=10_000 {
        assert_eq!(timer.poll(at(f64::from(ping))), Tick::Ping);
    }
    assert_eq!(timer.unanswered(), 10_000);
}
