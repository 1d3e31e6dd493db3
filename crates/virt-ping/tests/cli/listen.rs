//! Listening to the PINGs of a daemon on a script.

use rustix::process::Signal;
use virt_testkit::bytes::PING;
use virt_tests::{Connection, Peer};

use crate::json::parse;
use crate::support::{
    AUTH_LIST, CONNECT_CLOSE, CONNECT_OPEN, Frame, GET_LIB_VERSION, Played, Running,
    SUPPORTS_FEATURE, Then, run, snapshot,
};

/// Sends PINGs once the connection is open, and another one for each PONG.
fn pinging(pings: usize, frame: &Frame, connection: &mut Connection) -> Then {
    let opening = [AUTH_LIST, SUPPORTS_FEATURE, CONNECT_OPEN, CONNECT_CLOSE];
    match frame.procedure() {
        GET_LIB_VERSION => {
            connection.send(&frame.answer(), 0);
            connection.send(&PING.repeat(pings), 0);
        }
        _ if frame.is_pong() => connection.send(PING, 0),
        procedure => {
            assert!(
                opening.contains(&procedure) && !frame.is_ping(),
                "{frame:?}"
            );
            return Then::Answer;
        }
    }
    Then::Nothing
}

#[test]
fn the_daemons_pings_are_printed() {
    let daemon = Played::start(|frame, connection| pinging(1, frame, connection));
    let run = run(&["--listen", "-c", "3", &daemon.uri]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let daemon_uri = &daemon.uri;
    for seq in 1..=3 {
        let line = format!("PING from {daemon_uri}: seq={seq} after=");
        assert_eq!(run.stdout.matches(&line).count(), 1, "{run:?}");
    }
    assert!(run.stdout.starts_with("LISTEN "), "{run:?}");
    let end = format!("\n--- {daemon_uri} ping statistics ---\n3 pings received, time ");
    assert!(run.stdout.contains(&end), "{run:?}");
    assert!(
        run.stdout.contains("\ninterval min/avg/max/mdev = "),
        "{run:?}"
    );
    daemon.finish();
}

#[test]
fn listening_to_a_silent_daemon_fails() {
    let daemon = Played::start(|frame, _| {
        assert!(!frame.is_ping(), "nothing is sent");
        Then::Answer
    });
    snapshot!(run(&["--listen", "-w", "3", &daemon.uri]), 1, @r#"
LISTEN test+unix:///default?socket=/DIR/sock (/DIR/sock): libvirt V, keepalive negotiated

--- test+unix:///default?socket=/DIR/sock ping statistics ---
0 pings received, time T ms
"#);
    daemon.finish();
}

/// A daemon that sends PINGs as fast as they are answered, 64 at once.
fn flooding() -> Played {
    Played::start(|frame, connection| pinging(64, frame, connection))
}

#[test]
fn a_flood_of_pings_does_not_defeat_the_deadline_and_prints_ten_lines_a_second() {
    let daemon = flooding();
    let run = run(&["--listen", "-w", "2", "--format", "json", &daemon.uri]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let lines = parse(&run.stdout);
    let (summary, lines) = lines.split_last().unwrap();
    assert_eq!(summary["ended"], "deadline");
    let received = summary["received"].as_u64().unwrap();
    assert!(received > 1000, "no flood: {summary}");

    let pings: Vec<_> = lines
        .iter()
        .filter(|line| line["event"] == "ping")
        .collect();
    let seconds = summary["duration_ns"].as_u64().unwrap() / 1_000_000_000;
    let most = 10 * (usize::try_from(seconds).unwrap() + 1) + 1;
    assert!(pings.len() <= most, "{} lines, limit {most}", pings.len());
    // Each PING is in one of the lines.
    let count: u64 = pings
        .iter()
        .map(|ping| ping["count"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (count, &pings.last().unwrap()["seq"]),
        (received, &received.into())
    );
    daemon.finish();
}

#[test]
fn a_flood_of_pings_does_not_defeat_the_first_signal() {
    let daemon = flooding();
    let mut running = Running::start(&["--listen", &daemon.uri]);
    running.line_with(" PINGs from ");
    running.signal(Signal::INT);
    let (_, status) = running.finish();
    assert_eq!(status, Some(0));
    daemon.finish();
}
