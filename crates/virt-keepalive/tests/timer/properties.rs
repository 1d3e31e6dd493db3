//! Properties of the timer that hold for any sequence of events.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use virt_keepalive::{Tick, Timer};

const NANOSECOND: Duration = Duration::from_nanos(1);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy)]
enum Step {
    Poll,
    Received,
    Set(Duration, u32),
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

/// Steps, each with the time that passes before it.
fn steps() -> impl Strategy<Value = Vec<(Duration, Step)>> {
    let passed = prop_oneof![
        Just(Duration::ZERO),
        millis(0..3000),
        millis(0..100_000_000),
    ];
    let interval = prop_oneof![Just(Duration::ZERO), millis(1..5000), Just(Duration::MAX)];
    let step = prop_oneof![
        4 => Just(Step::Poll),
        2 => Just(Step::Received),
        1 => (interval, 0..4_u32).prop_map(|(interval, count)| Step::Set(interval, count)),
    ];
    prop::collection::vec((passed, step), 0..50)
}

proptest! {
    /// A driver that polls in time, and takes in bytes before it does, sees the rule of the module.
    #[test]
    fn polled_in_time_the_timer_is_the_rule(
        interval in millis(1..100),
        count in 0..5_u32,
        pauses in prop::collection::vec(millis(0..600), 0..20),
    ) {
        let start = Instant::now();
        let mut timer = Timer::new(interval, count, start);
        let mut now = start;
        for pause in pauses.into_iter().chain([HOUR]) {
            let (last, next) = (now, now + pause);
            let mut seen = Vec::new();
            while let Some(due) = timer.deadline().filter(|&due| due < next) {
                let tick = timer.poll(due);
                seen.push((due - last, tick));
                if tick == Tick::Dead {
                    break;
                }
            }

            let pings = (1..=count).map(|ping| (interval * ping, Tick::Ping));
            let dead = (interval * (count + 1), Tick::Dead);
            let rule: Vec<_> = pings.chain([dead]).filter(|&(due, _)| due < pause).collect();
            prop_assert_eq!(seen, rule);
            timer.received(next);
            now = next;
        }
    }

    #[test]
    fn the_deadline_is_when_poll_has_something_to_say(steps in steps()) {
        let start = Instant::now();
        let mut now = start;
        let mut timer = Timer::new(Duration::from_secs(1), 2, start);
        for (passed, step) in steps {
            now += passed;
            match step {
                Step::Poll => {
                    let due = timer.deadline().is_some_and(|due| due <= now);
                    let before = timer.clone();
                    match timer.poll(now) {
                        Tick::Wait => prop_assert!(!due && timer == before),
                        Tick::Ping => {
                            prop_assert!(due);
                            prop_assert!(timer.deadline() > Some(now), "one PING at a time");
                            prop_assert_eq!(timer.unanswered(), before.unanswered() + 1);
                        }
                        Tick::Dead => prop_assert!(due && timer == before),
                    }
                }
                Step::Received => {
                    timer.received(now);
                    prop_assert_eq!(timer.unanswered(), 0);
                    prop_assert!(timer.deadline().is_none_or(|due| due > now));
                }
                Step::Set(interval, count) => timer.set(interval, count),
            }
            let far = now + 24 * 365 * HOUR;
            match timer.deadline() {
                Some(due) => {
                    prop_assert_eq!(timer.clone().poll(due - NANOSECOND), Tick::Wait);
                    prop_assert_ne!(timer.clone().poll(due), Tick::Wait);
                    prop_assert_ne!(timer.clone().poll(far), Tick::Wait);
                }
                None => prop_assert_eq!(timer.clone().poll(far), Tick::Wait),
            }
        }
    }

    #[test]
    fn however_late_the_polls_each_ping_has_an_interval_to_be_answered(
        interval in millis(1..1000),
        count in 0..5_u32,
        late in prop::collection::vec(millis(0..5000), 6),
    ) {
        let start = Instant::now();
        let mut timer = Timer::new(interval, count, start);
        let mut last = start;
        let mut pings = 0;
        for late in late {
            let due = timer.deadline().unwrap();
            prop_assert_eq!(due, last + interval);
            last = due + late;
            if timer.poll(last) == Tick::Dead {
                break;
            }
            pings += 1;
        }
        prop_assert_eq!(pings, count);
    }

    #[test]
    fn further_polls_change_nothing(
        interval in millis(1..50),
        count in 0..5_u32,
        further in prop::collection::vec(millis(0..300), 0..50),
    ) {
        let start = Instant::now();
        let said = |mut times: Vec<Duration>| {
            times.sort_unstable();
            let mut timer = Timer::new(interval, count, start);
            let ticks = times.into_iter().map(|time| (time, timer.poll(start + time)));
            let mut said: Vec<_> = ticks.filter(|&(_, tick)| tick != Tick::Wait).collect();
            said.dedup();
            said
        };
        let due: Vec<_> = (1..=count + 1).map(|ping| interval * ping).collect();
        let dead = interval * (count + 1);
        let often = further.into_iter().filter(|&time| time <= dead).chain(due.clone());
        prop_assert_eq!(said(often.collect()), said(due));
    }
}
