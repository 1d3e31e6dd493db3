//! Pinging a daemon that is slow, silent or gone, on a script.

use std::sync::mpsc;

use rustix::process::Signal;
use virt_testkit::bytes::PONG;
use virt_tests::Peer;

use crate::json::{check_summary, parse};
use crate::support::{
    CONNECT_OPEN, EMBEDDED, Frame, Played, Running, SUPPORTS_FEATURE, Then, run, snapshot,
};

/// A daemon that answers its client's PINGs with as many PONGs as `pongs` returns for their number.
fn answering(pongs: impl Fn(u32) -> u32 + Send + 'static) -> Played {
    let mut pings = 0;
    Played::start(move |frame, connection| {
        if !frame.is_ping() {
            return Then::Answer;
        }
        pings += 1;
        for _ in 0..pongs(pings) {
            connection.send(PONG, 0);
        }
        Then::Nothing
    })
}

/// A daemon that opens the connection, and then says nothing.
fn silent() -> Played {
    answering(|_| 0)
}

#[test]
fn a_late_pong_is_matched_to_its_own_seq() {
    // The PONG of the first PING comes with that of the second.
    let daemon = answering(|ping| if ping == 1 { 0 } else { 2 });
    let run = run(&[
        "--format",
        "json",
        "-c",
        "2",
        "-i",
        "5",
        "-W",
        "2",
        &daemon.uri,
    ]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let lines = parse(&run.stdout);
    check_summary(&lines);
    assert_eq!(
        (&lines[1]["event"], &lines[1]["seq"]),
        (&"missed".into(), &1.into())
    );
    assert_eq!(
        (&lines[2]["event"], &lines[2]["seq"]),
        (&"pong".into(), &1.into())
    );
    assert_eq!(lines[2]["late"], true);
    assert!(
        lines[2]["time_ns"].as_u64() > Some(4_900_000_000),
        "{run:?}"
    );
    assert!(run.stdout.contains(r#""event":"pong","seq":2"#), "{run:?}");
    daemon.finish();
}

#[test]
fn an_outstanding_pong_is_reported_before_the_next_ping() {
    let daemon = answering(|ping| if ping == 3 { 3 } else { 0 });
    snapshot!(run(&["-O", "-c", "3", "-i", "0.1", "-W", "60", &daemon.uri]), 0, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated
no PONG yet from test+unix:///default?socket=/DIR/sock: seq=1
no PONG yet from test+unix:///default?socket=/DIR/sock: seq=2
PONG from test+unix:///default?socket=/DIR/sock: seq=1 time=T ms
PONG from test+unix:///default?socket=/DIR/sock: seq=2 time=T ms
PONG from test+unix:///default?socket=/DIR/sock: seq=3 time=T ms

--- test+unix:///default?socket=/DIR/sock ping statistics ---
3 pings sent, 3 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
    daemon.finish();
}

#[test]
fn without_pongs_the_link_is_dead() {
    let daemon = silent();
    snapshot!(run(&["-i", "60", "-W", "0.1", "-k", "1", "-K", "1", &daemon.uri]), 1, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated
no PONG from test+unix:///default?socket=/DIR/sock: seq=1 waited=T ms
test+unix:///default?socket=/DIR/sock: link is dead: nothing came for 2 s

--- test+unix:///default?socket=/DIR/sock ping statistics ---
1 ping sent, 0 pongs received, 100% loss, time T ms
"#);
    daemon.finish();
}

#[test]
fn without_pongs_a_count_ends_too() {
    let daemon = silent();
    snapshot!(run(&["-c", "2", "-i", "0.1", "-W", "0.2", &daemon.uri]), 1, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated
no PONG from test+unix:///default?socket=/DIR/sock: seq=1 waited=T ms
no PONG from test+unix:///default?socket=/DIR/sock: seq=2 waited=T ms

--- test+unix:///default?socket=/DIR/sock ping statistics ---
2 pings sent, 0 pongs received, 100% loss, time T ms
"#);
    daemon.finish();
}

#[test]
fn a_check_of_a_silent_daemon_fails() {
    let daemon = silent();
    snapshot!(run(&["--check", "-W", "0.1", &daemon.uri]), 1, @r#"test+unix:///default?socket=/DIR/sock: no answer within 0.1 s"#);
    daemon.finish();
}

#[test]
fn a_check_pings_once_and_names_the_limit_that_was_passed() {
    for (timeout, deadline, limit) in [("0.1", "60", "0.1"), ("60", "3", "3")] {
        let (sender, pings) = mpsc::channel();
        let daemon = Played::start(move |frame, _| {
            if !frame.is_ping() {
                return Then::Answer;
            }
            sender.send(()).unwrap();
            Then::Nothing
        });
        let run = run(&["--check", "-W", timeout, "-w", deadline, &daemon.uri]);
        let expected = format!("{}: no answer within {limit} s\n", daemon.uri);
        assert_eq!((run.stdout, run.status), (expected, Some(1)));
        daemon.finish();
        assert_eq!(pings.iter().count(), 1);
    }
}

#[test]
fn a_check_that_is_interrupted_reports_it() {
    // While it waits for the PONG, and while it connects.
    for waits_for in [Frame::is_ping as fn(&Frame) -> bool, |_| true] {
        let (sender, waiting) = mpsc::channel();
        let daemon = Played::start(move |frame, _| {
            if !waits_for(frame) {
                return Then::Answer;
            }
            sender.send(()).unwrap();
            Then::Nothing
        });
        let running = Running::start(&["--check", "-W", "60", "-k", "60", &daemon.uri]);
        waiting.recv().unwrap();
        running.signal(Signal::INT);
        let (lines, status) = running.finish();
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        let (before, after) = line.split_once(": interrupted after ").unwrap();
        assert_eq!(before, daemon.uri);
        let (time, rest) = after.split_once(" s, ").unwrap();
        assert!(time.parse::<f64>().is_ok(), "{line}");
        assert_eq!((rest, status), ("without an answer", Some(1)));
        daemon.finish();
    }
}

#[test]
fn the_end_of_a_daemon_is_reported_at_once() {
    let daemon = Played::start(|frame, _| {
        if frame.is_ping() {
            Then::Close
        } else {
            Then::Answer
        }
    });
    snapshot!(run(&["-i", "60", "-W", "60", &daemon.uri]), 1, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated
test+unix:///default?socket=/DIR/sock: daemon closed the connection
no PONG from test+unix:///default?socket=/DIR/sock: seq=1 waited=T ms

--- test+unix:///default?socket=/DIR/sock ping statistics ---
1 ping sent, 0 pongs received, 100% loss, time T ms
"#);
    daemon.finish();
    let daemon = Played::start(|frame, _| {
        if frame.is_ping() {
            Then::Close
        } else {
            Then::Answer
        }
    });
    snapshot!(run(&["--check", "-W", "60", &daemon.uri]), 1, @r#"test+unix:///default?socket=/DIR/sock: daemon closed the connection"#);
    daemon.finish();
}

#[test]
fn bytes_of_another_protocol_end_it() {
    let daemon = Played::start(|frame, connection| {
        if !frame.is_ping() {
            return Then::Answer;
        }
        connection.send(&[0; 28], 0);
        Then::Nothing
    });
    snapshot!(run(&["-i", "60", "-W", "60", &daemon.uri]), 1, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated
test+unix:///default?socket=/DIR/sock: connection failed: frame length 0 is outside 28 to 33554436
no PONG from test+unix:///default?socket=/DIR/sock: seq=1 waited=T ms

--- test+unix:///default?socket=/DIR/sock ping statistics ---
1 ping sent, 0 pongs received, 100% loss, time T ms
"#);
    daemon.finish();
}

#[test]
fn with_a_deadline_all_of_the_count_have_to_come() {
    let daemon = silent();
    let run = run(&[
        "-q",
        "-c",
        "2",
        "-w",
        "3",
        "-i",
        "60",
        "-W",
        "60",
        &daemon.uri,
    ]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(
        run.stdout
            .contains("1 ping sent, 0 pongs received, 100% loss"),
        "{run:?}"
    );
    daemon.finish();
}

#[test]
fn raw_sends_pings_and_nothing_else() {
    let daemon = Played::start(|frame, _| {
        assert!(frame.is_ping(), "{frame:?}");
        Then::Answer
    });
    snapshot!(run(&["--raw", "-c", "2", "-i", "0.01", "-W", "60", &daemon.uri]), 0, @r#"
PING test+unix:///default?socket=/DIR/sock (/DIR/sock): nothing negotiated
PONG from test+unix:///default?socket=/DIR/sock: seq=1 time=T ms
PONG from test+unix:///default?socket=/DIR/sock: seq=2 time=T ms

--- test+unix:///default?socket=/DIR/sock ping statistics ---
2 pings sent, 2 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
    daemon.finish();
}

#[test]
fn a_raw_link_dies_of_silence_too() {
    let daemon = silent();
    let run = run(&["--raw", "-i", "60", "-k", "0.1", "-K", "1", &daemon.uri]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(
        run.stdout.contains("link is dead: nothing came for 0.2 s"),
        "{run:?}"
    );
    daemon.finish();
}

#[test]
fn the_daemon_is_asked_for_a_read_only_connection() {
    for (option, flags) in [("-r", 1), ("-q", 0)] {
        let daemon = Played::start(move |frame, _| {
            if !frame.is_ping() && frame.procedure() == CONNECT_OPEN {
                assert_eq!(frame.last(), flags);
            }
            Then::Answer
        });
        let run = run(&[option, "-c", "1", "-W", "60", &daemon.uri]);
        assert_eq!(run.status, Some(0), "{run:?}");
        daemon.finish();
    }
}

#[test]
fn a_daemon_may_have_no_keepalive() {
    let daemon = Played::start(|frame, connection| {
        if frame.procedure() != SUPPORTS_FEATURE {
            return Then::Answer;
        }
        connection.send(&frame.reply(0, &[0]), 0);
        Then::Nothing
    });
    let run = run(&["-c", "1", "-W", "60", &daemon.uri]);
    assert!(
        run.stdout.contains("): libvirt 10.3.0, no keepalive\n"),
        "{run:?}"
    );
    daemon.finish();
}

#[test]
fn signals_ask_and_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut running = Running::start(&["-i", "60", "-W", "60", EMBEDDED]);
        running.line_with("PONG from test:///default: seq=1 ");
        running.signal(Signal::QUIT);
        let interim = running.line();
        let expected = "test:///default: 1 ping sent, 1 pong received, 0% loss; rtt min/avg/max/";
        assert!(interim.starts_with(expected), "{interim}");
        running.signal(signal);
        let (rest, status) = running.finish();
        assert_eq!(rest[1], "--- test:///default ping statistics ---");
        assert!(rest[2].starts_with("1 ping sent, 1 pong received, 0% loss, time "));
        assert_eq!((rest.len(), status), (4, Some(0)), "{rest:?}");
    }
}

#[test]
fn a_signal_ends_connecting() {
    let (sender, connected) = mpsc::channel();
    let daemon = Played::start(move |_, _| {
        sender.send(()).unwrap();
        Then::Nothing
    });
    let running = Running::start(&[&daemon.uri]);
    connected.recv().unwrap();
    running.signal(Signal::INT);
    assert_eq!(running.finish(), (vec![], Some(1)));
    daemon.finish();
}
