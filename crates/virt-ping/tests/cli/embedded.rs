//! The daemon within the program, and the options that need no other.

use crate::support::{EMBEDDED, run, snapshot};

#[test]
fn the_first_command_of_the_readme() {
    snapshot!(run(&["-c", "5", "-i", "0.01", "-W", "60", EMBEDDED]), 0, @r#"
PING test:///default (within this process): libvirt V, keepalive negotiated
PONG from test:///default: seq=1 time=T ms
PONG from test:///default: seq=2 time=T ms
PONG from test:///default: seq=3 time=T ms
PONG from test:///default: seq=4 time=T ms
PONG from test:///default: seq=5 time=T ms

--- test:///default ping statistics ---
5 pings sent, 5 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn steps_of_connecting_have_their_times() {
    snapshot!(run(&["-v", "-c", "1", "-W", "60", EMBEDDED]), 0, @r#"
test:///default: connect T ms
test:///default: authenticate T ms
test:///default: negotiate T ms
test:///default: open T ms
PING test:///default (within this process): libvirt V, keepalive negotiated
test:///default: first PONG T ms
PONG from test:///default: seq=1 time=T ms

--- test:///default ping statistics ---
1 ping sent, 1 pong received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn calls_are_answered_too() {
    snapshot!(run(&["--mode", "rpc", "-c", "2", "-i", "0.01", "-W", "60", EMBEDDED]), 0, @r#"
CALL test:///default (within this process): libvirt V, keepalive negotiated
REPLY from test:///default: seq=1 time=T ms
REPLY from test:///default: seq=2 time=T ms

--- test:///default ping statistics ---
2 calls sent, 2 replies received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn raw_negotiates_nothing() {
    snapshot!(run(&["--raw", "-v", "-c", "1", "-W", "60", EMBEDDED]), 0, @r#"
test:///default: connect T ms
PING test:///default (within this process): nothing negotiated
test:///default: first PONG T ms
PONG from test:///default: seq=1 time=T ms

--- test:///default ping statistics ---
1 ping sent, 1 pong received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn quiet_leaves_the_first_line_and_the_statistics() {
    snapshot!(run(&["-q", "-c", "3", "-i", "0.01", "-W", "60", EMBEDDED]), 0, @r#"
PING test:///default (within this process): libvirt V, keepalive negotiated

--- test:///default ping statistics ---
3 pings sent, 3 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn timestamps_begin_each_line() {
    snapshot!(run(&["-D", "-c", "2", "-i", "0.01", "-W", "60", EMBEDDED]), 0, @r#"
[TIME] PING test:///default (within this process): libvirt V, keepalive negotiated
[TIME] PONG from test:///default: seq=1 time=T ms
[TIME] PONG from test:///default: seq=2 time=T ms

--- test:///default ping statistics ---
2 pings sent, 2 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn the_bell_rings_at_each_pong() {
    let rung = run(&["-a", "-c", "2", "-i", "0.01", "-W", "60", EMBEDDED]).stdout;
    assert_eq!(rung.matches("\x07PONG from").count(), 2, "{rung:?}");
    assert_eq!(rung.matches('\x07').count(), 2, "{rung:?}");
}

#[test]
fn a_check_is_one_line() {
    snapshot!(run(&["--check", "-W", "60", EMBEDDED]), 0, @r#"test:///default: alive, PONG after T ms, libvirt V"#);
    snapshot!(run(&["--check", "-q", "-W", "60", EMBEDDED]), 0, @"");
    snapshot!(run(&["--check", "--mode", "rpc", "-W", "60", EMBEDDED]), 0, @r#"test:///default: alive, REPLY after T ms, libvirt V"#);
}

#[test]
fn a_flood_sends_no_more_than_was_asked_for() {
    snapshot!(run(&["-f", "-c", "1000", "-W", "60", EMBEDDED]), 0, @r#"
PING test:///default (within this process): libvirt V, keepalive negotiated

--- test:///default ping statistics ---
1000 pings sent, 1000 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
    // A call takes longer; all have come within a deadline that is far away.
    snapshot!(run(&["-f", "-c", "100", "-w", "60", "--mode", "rpc", "-W", "60", EMBEDDED]), 0, @r#"
CALL test:///default (within this process): libvirt V, keepalive negotiated

--- test:///default ping statistics ---
100 calls sent, 100 replies received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn a_flood_ends_with_its_deadline() {
    let flood = run(&["-f", "-q", "-w", "3", "-W", "60", EMBEDDED]);
    assert!(flood.stdout.contains(", 0% loss"), "{flood:?}");
    assert_eq!(flood.status, Some(0));
}

#[test]
fn a_session_may_be_for_reading_only_and_without_pings_of_its_own() {
    snapshot!(run(&["-r", "-k", "0", "-K", "3", "-c", "1", "-W", "60", EMBEDDED]), 0, @r#"
PING test:///default (within this process): libvirt V, keepalive negotiated
PONG from test:///default: seq=1 time=T ms

--- test:///default ping statistics ---
1 ping sent, 1 pong received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
    snapshot!(run(&["-k", "5", "-K", "0", "-c", "1", "-W", "60", EMBEDDED]), 0, @r#"
PING test:///default (within this process): libvirt V, keepalive negotiated
PONG from test:///default: seq=1 time=T ms

--- test:///default ping statistics ---
1 ping sent, 1 pong received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn several_are_pinged_side_by_side() {
    let both = run(&[
        "-c",
        "2",
        "-i",
        "0.05",
        "-W",
        "60",
        EMBEDDED,
        "test:///default?again",
    ]);
    assert_eq!(both.status, Some(0), "{both:?}");
    for uri in [EMBEDDED, "test:///default?again"] {
        for line in [
            format!("PING {uri} (within this process): "),
            format!("PONG from {uri}: seq=1 "),
            format!("PONG from {uri}: seq=2 "),
            format!("--- {uri} ping statistics ---\n2 pings sent, 2 pongs received, 0% loss"),
        ] {
            assert_eq!(both.stdout.matches(&line).count(), 1, "{line} {both:?}");
        }
    }
}

#[test]
fn of_several_the_worst_counts() {
    let both = run(&[
        "-c",
        "1",
        "-W",
        "60",
        EMBEDDED,
        "test+unix:///default?socket=/nonexistent/sock",
    ]);
    assert_eq!(both.status, Some(2), "{both:?}");
    assert!(
        both.stdout
            .contains("1 ping sent, 1 pong received, 0% loss"),
        "{both:?}"
    );
    assert!(both.stderr.contains("/nonexistent/sock"), "{both:?}");
}

#[test]
fn a_histogram_ends_it() {
    let run = run(&[
        "-q",
        "-f",
        "-c",
        "1000",
        "--histogram",
        "-W",
        "60",
        EMBEDDED,
    ]);
    let (_, end) = run.stdout.split_once("rtt p50/p90/p99/p99.9 = ").unwrap();
    let bars: Vec<_> = end.lines().skip(1).collect();
    let counts = bars.iter().map(|bar| {
        let (_, count) = bar.split_once(" ms ").unwrap();
        count
            .split_whitespace()
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    });
    assert_eq!(counts.sum::<u32>(), 1000, "{run:?}");
    assert!(bars.iter().all(|bar| bar.len() <= 80), "{run:?}");
    assert!(bars.iter().any(|bar| bar.ends_with("########")), "{run:?}");
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    for mode in ["keepalive", "rpc"] {
        let run = run(&[
            "-v",
            "-O",
            "-c",
            "2",
            "-i",
            "0.01",
            "--histogram",
            "--mode",
            mode,
            EMBEDDED,
        ]);
        let wide: Vec<_> = run.stdout.lines().filter(|line| line.len() > 80).collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}
