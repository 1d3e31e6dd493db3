//! Each event has the keys that are documented, and prints as printable lines.

use std::{io, iter};

use clap::Parser;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::event::{Ended, Phase, Summary};
use crate::histogram::{Bar, Percentiles};
use crate::json::{EVENTS, LINE, PARTS};
use crate::options::Counted;
use crate::outages::OutageTimes;
use crate::requests::Requests;
use crate::statistics::Times;

/// Makes an event of the next kind, in the order of their declaration, with this text.
fn next(event: Option<&Event>, text: &str) -> Option<Event> {
    let (seq, time, exit) = (1, Duration::ZERO, 0);
    let message = || SafeText::new(text);
    let Some(event) = event else {
        let phase = Phase::Connect;
        return Some(Event::Phase { phase, time });
    };
    Some(match event {
        Event::Phase { .. } => Event::Connected {
            address: message(),
            version: Some(message()),
            keepalive: None,
            mode: "raw",
        },
        Event::Connected { .. } => Event::Pong {
            seq,
            time,
            late: false,
        },
        Event::Pong { .. } => Event::Missed { seq, waited: time },
        Event::Missed { .. } => Event::Outstanding { seq },
        Event::Outstanding { .. } => Event::HeldBack { seq, unanswered: 4 },
        Event::HeldBack { .. } => Event::Ping {
            seq,
            count: 1,
            after: time,
        },
        Event::Ping { .. } => Event::Closed {
            reason: "error",
            message: message(),
        },
        Event::Closed { .. } => Event::Waiting { message: message() },
        Event::Waiting { .. } => Event::Reconnected {
            since: time,
            outage: time,
            attempts: 1,
            message: Some(message()),
        },
        Event::Reconnected { .. } => Event::Failed {
            message: message(),
            exit,
        },
        Event::Failed { .. } => Event::Interim(summary()),
        Event::Interim(_) => Event::Summary(summary()),
        Event::Summary(_) => Event::failed_check(message(), Exit::Dead),
        Event::Check { .. } => return None,
    })
}

/// One event of each kind, with this text.
fn events(text: &str) -> impl Iterator<Item = Event> {
    iter::successors(next(None, text), move |event| next(Some(event), text))
}

fn summary() -> Summary {
    Summary {
        sent: 0,
        received: 0,
        late: 0,
        missed: 0,
        held_back: 0,
        duration: Duration::ZERO,
        outages: Some(OutageTimes {
            count: 0,
            total_ns: 0,
            longest_ns: 0,
        }),
        rtt: Some(Times {
            min_ns: 0,
            avg_ns: 0,
            max_ns: 0,
            mdev_ns: 0,
        }),
        percentiles: Some(Percentiles {
            p50_ns: 0,
            p90_ns: 0,
            p99_ns: 0,
            p99_9_ns: 0,
        }),
        histogram: Some(vec![Bar {
            from_ns: 0,
            to_ns: 0,
            count: 0,
        }]),
        ended: Some(Ended::Count),
        exit: 0,
        counted: Counted::Pings,
    }
}

fn line(event: &Event) -> Value {
    let line = Line {
        uri: &SafeText::default(),
        timestamp_ns: 0,
        event,
    };
    serde_json::to_value(&line).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

fn sorted(keys: &[&'static str]) -> Vec<&'static str> {
    let mut keys: Vec<_> = keys
        .iter()
        .flat_map(|keys| keys.split_whitespace())
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn each_event_has_the_keys_that_the_man_page_lists() {
    let lines: Vec<_> = events("").map(|event| line(&event)).collect();
    assert_eq!(lines.len(), EVENTS.len());
    for (line, (name, own, _)) in lines.iter().zip(EVENTS) {
        assert_eq!(line["event"], name);
        assert_eq!(keys(line), sorted(&[LINE.1, own]), "{name}");
    }
}

#[test]
fn each_part_of_a_summary_has_the_keys_that_the_man_page_lists() {
    let line = line(&Event::Summary(summary()));
    for (name, own, _) in PARTS {
        let part = &line[name];
        let part = part.as_array().map_or(part, |bars| &bars[0]);
        assert_eq!(keys(part), sorted(&[own]), "{name}");
    }
}

/// Text of a peer or a path: anything, and often characters that a terminal acts on.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{a0}'),
        prop::char::range('\u{200b}', '\u{200f}'),
        prop::char::range('\u{2028}', '\u{202e}'),
        prop::char::range('\u{2060}', '\u{206f}'),
        prop::sample::select(vec!['\n', '\r', '\u{1b}', '\u{9b}', '\u{61c}', '\u{feff}']),
    ];
    prop::collection::vec(character, 0..600).prop_map(|characters| characters.into_iter().collect())
}

/// Returns whether a terminal shows the character where it stands, and does nothing else.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

proptest! {
    #[test]
    fn whatever_a_peer_or_a_path_contains_each_event_prints_as_printable_lines(
        text in text(),
        uri in text(),
    ) {
        for arguments in [&["virt-ping", "-D"] as &[_], &["virt-ping", "--format", "json"]] {
            let options = Options::parse_from(arguments);
            let (output, _writers) = Output::new(io::sink(), io::sink(), &Requests::new(None).1);
            let reporter = Reporter::new(&options, output, &uri);
            for event in events(&text) {
                let line = reporter.line(&event, Duration::ZERO);
                // A summary for people is a blank line, a title, and one line for each kind of numbers.
                let lines = match event {
                    Event::Summary(_) if options.format == Format::Text => 7,
                    _ => 1,
                };
                prop_assert_eq!(line.split('\n').count(), lines, "{:?}", line);
                let odd = line.chars().find(|character| *character != '\n' && !is_printable(*character));
                prop_assert_eq!(odd, None, "{:?}", line);
            }
        }
    }
}
