//! `--reconnect` and `--wait`: a daemon that goes and comes back, or is not there yet.

use rustix::process::Signal;
use virt_tests::{Config, Daemon, Listener, Peer, libvirt};

use crate::json::parse;
use crate::support::{AUTH_LIST, Played, Running, Then, run, snapshot};

/// A daemon that closes the connection at its client's first PING.
fn leaving() -> Played {
    Played::start(|frame, _| {
        if frame.is_ping() {
            Then::Close
        } else {
            Then::Answer
        }
    })
}

#[test]
fn an_outage_is_told_when_it_ends_and_counted() {
    if !libvirt::available("an outage of a real daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let mut running = Running::start(&[
            "--reconnect",
            "--format",
            "json",
            "-i",
            "0.05",
            "-W",
            "60",
            &uri,
        ]);
        running.line_with(r#""event":"pong""#);
        daemon.restart().unwrap();
        let closed = parse(&running.line_with(r#""event":"closed""#)).remove(0);
        let again = parse(&running.line_with(r#""event":"reconnected""#)).remove(0);
        assert_eq!(again["message"], closed["message"]);
        assert!(again["attempts"].as_u64() >= Some(1), "{again}");
        let ends = again["since_ns"].as_u64().unwrap() + again["outage_ns"].as_u64().unwrap();
        assert!(ends <= again["timestamp_ns"].as_u64().unwrap(), "{again}");
        running.line_with(r#""event":"connected""#);
        let pong = parse(&running.line_with(r#""event":"pong""#)).remove(0);
        assert!(pong["seq"].as_u64() > Some(1), "numbers go on: {pong}");
        running.signal(Signal::INT);
        let (rest, status) = running.finish();
        let summary = parse(rest.last().unwrap()).remove(0);
        assert_eq!(status, Some(0), "{rest:?}");
        assert_eq!(summary["outages"]["count"], 1, "{summary}");
        assert_eq!(summary["outages"]["total_ns"], again["outage_ns"]);
        assert_eq!(summary["outages"]["longest_ns"], again["outage_ns"]);
        assert_eq!(summary["ended"], "interrupted");
        // All that were sent are received or missed, over both connections.
        let sum = summary["received"].as_u64().unwrap() + summary["missed"].as_u64().unwrap();
        assert_eq!(summary["sent"], sum);
    }
}

#[test]
fn a_run_that_ends_within_an_outage_is_dead() {
    let daemon = leaving();
    let finished = run(&["--reconnect", "-w", "1.5", "-i", "0.01", &daemon.uri]);
    daemon.finish();
    // The listener is gone, so further attempts are refused.
    assert_eq!(finished.status, Some(1), "{finished:?}");
    for words in [
        ": daemon closed the connection\n",
        "; waiting\n",
        "\n1 outage, total/longest = ",
    ] {
        assert!(finished.stdout.contains(words), "{words}: {finished:?}");
    }
}

#[test]
fn what_time_does_not_mend_ends_the_attempts() {
    let listener = Listener::unix().unwrap();
    let daemon = Played::start_on(listener, |frame, connection| {
        if frame.procedure() == AUTH_LIST && !frame.is_ping() {
            // SASL alone.
            connection.send(&frame.reply(0, &[1, 1]), 0);
            return Then::Nothing;
        }
        Then::Answer
    });
    let finished = run(&["--wait", "--reconnect", &daemon.uri]);
    daemon.finish();
    assert_eq!(finished.status, Some(4), "{finished:?}");
}

#[test]
fn a_daemon_that_is_not_there_is_waited_for() {
    if !libvirt::available("a real daemon that is waited for") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    daemon.process().kill().unwrap();
    let uri = daemon.unix_uri();
    let mut running = Running::start(&["--wait", "-c", "2", "-i", "0.01", "-W", "60", &uri]);
    let waiting = running.line();
    assert!(waiting.ends_with("; waiting"), "{waiting}");
    daemon.restart().unwrap();
    running.line_with("PONG from");
    let (rest, status) = running.finish();
    assert_eq!(status, Some(0), "{rest:?}");
}

#[test]
fn waiting_ends_at_the_deadline_with_the_reason() {
    let nowhere = "test+unix:///default?socket=/nowhere/sock";
    snapshot!(run(&["--wait", "-w", "0.1", nowhere]), 2, @r#"
test+unix:///default?socket=/nowhere/sock: cannot connect to unix:/nowhere/sock: No such file or directory (os error 2); waiting
virt-ping: test+unix:///default?socket=/nowhere/sock: cannot connect to unix:/nowhere/sock: No such file or directory (os error 2); start libvirtd, or try test:///default
"#);
    snapshot!(run(&["--wait", "--check", "-w", "0.1", nowhere]), 2, @r#"
test+unix:///default?socket=/nowhere/sock: cannot connect to unix:/nowhere/sock: No such file or directory (os error 2); start libvirtd, or try test:///default
"#);
}
