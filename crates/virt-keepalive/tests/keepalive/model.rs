//! Random sequences of events against a model written from the table of the architecture.

use proptest::prelude::*;
use virt_keepalive::{Counts, Ping, Tracker};
use virt_testkit::words::{PING, PONG};
use virt_transport::Role;

use crate::support::{End, OTHER};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// `ping()`
    Ping,
    /// `send_ping()`
    SendPing,
    /// `pong()`
    Pong,
    /// `mark_active()`
    MarkActive,
    PingReceived,
    PongReceived,
    OtherReceived,
}

/// The row of the table for the last of these events: `inactive`, the output, the callback.
///
/// It counts from the last event that says anything about the peer, and has no state.
fn table(events: &[Event], max_inactive: u32) -> (i64, &'static str, Option<&'static str>) {
    let resets = |event: &Event| match event {
        Event::PongReceived => Some(0),
        Event::PingReceived | Event::OtherReceived | Event::MarkActive => Some(-1),
        Event::Ping | Event::SendPing | Event::Pong => None,
    };
    let reset = events.iter().rposition(|event| resets(event).is_some());
    let (from, start) = match reset {
        Some(at) => (at, resets(&events[at]).unwrap()),
        None => (0, 0),
    };
    let pings = events[from..].iter().filter(|&&event| event == Event::Ping);
    let inactive = start + i64::try_from(pings.count()).unwrap();

    let (sent, called) = match events.last() {
        Some(Event::Ping) if inactive > i64::from(max_inactive) => ("", Some("on_fail")),
        Some(Event::Ping) if inactive > 0 => (PING, None),
        Some(Event::SendPing) => (PING, None),
        Some(Event::Pong) => (PONG, None),
        Some(Event::PongReceived) => ("", Some("on_ack")),
        // The answer is what `on_ping` sends.
        Some(Event::PingReceived) => (PONG, Some("on_ping")),
        _ => ("", None),
    };
    (inactive, sent, called)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        // More often than anything is heard, or nothing would ever expire.
        6 => Just(Event::Ping),
        1 => Just(Event::SendPing),
        1 => Just(Event::Pong),
        1 => Just(Event::MarkActive),
        1 => Just(Event::PingReceived),
        1 => Just(Event::PongReceived),
        1 => Just(Event::OtherReceived),
    ];
    prop::collection::vec(event, 1..80)
}

fn thresholds() -> impl Strategy<Value = u32> {
    prop_oneof![0..6_u32, Just(10), Just(u32::MAX)]
}

proptest! {
    #[test]
    fn the_program_does_what_the_table_says(
        events in events(),
        max_inactive in thresholds(),
        role in prop::sample::select(&[Role::Client, Role::Server][..]),
    ) {
        let mut end = End::with_max_inactive(role, max_inactive);
        let mut counts = (0, 0, 0);
        for (last, &event) in events.iter().enumerate() {
            let (inactive, sent, called) = table(&events[..=last], max_inactive);
            match event {
                Event::Ping => {
                    let ping = match (sent, called) {
                        (_, Some(_)) => Ping::Expired,
                        (PING, None) => Ping::Sent,
                        _ => Ping::Skipped,
                    };
                    prop_assert_eq!(end.ping(), ping);
                }
                Event::SendPing => prop_assert_eq!(end.send_ping(), counts.0 + 1),
                Event::Pong => end.pong(),
                Event::MarkActive => end.mark_active(),
                Event::PingReceived => end.receive(PING),
                Event::PongReceived => end.receive(PONG),
                Event::OtherReceived => end.receive(OTHER),
            }
            match event {
                Event::PongReceived if counts.1 < counts.0 => counts.1 += 1,
                Event::PingReceived => counts.2 += 1,
                _ if sent == PING => counts.0 += 1,
                _ => {}
            }
            let Counts { sent: pings, answered, received, .. } = end.counts();
            prop_assert_eq!((pings, answered, received), counts);
            prop_assert_eq!(end.inactive(), inactive);
            prop_assert_eq!(end.sent(), sent);
            prop_assert_eq!(end.called(), Vec::from_iter(called));
        }
    }

    #[test]
    fn the_tracker_alone_does_what_the_table_says(
        events in events(),
        max_inactive in thresholds(),
    ) {
        let mut tracker = Tracker::new(max_inactive);
        for (last, event) in events.iter().enumerate() {
            let (inactive, sent, called) = table(&events[..=last], max_inactive);
            match event {
                Event::Ping => {
                    let ping = tracker.ping();
                    prop_assert_eq!(ping == Ping::Expired, called == Some("on_fail"));
                    prop_assert_eq!(ping == Ping::Sent, sent == PING);
                }
                Event::PongReceived => tracker.pong_received(),
                Event::PingReceived => tracker.ping_received(),
                Event::MarkActive | Event::OtherReceived => tracker.mark_active(),
                // The tracker is not asked.
                Event::SendPing | Event::Pong => (),
            }
            prop_assert_eq!(tracker.inactive(), inactive);
        }
    }
}
