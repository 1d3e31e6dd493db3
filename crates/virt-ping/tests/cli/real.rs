//! A real `libvirtd`.

use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use virt_tests::libvirt::PATIENCE;
use virt_tests::{Config, Daemon, Process, libvirt, virsh};

use crate::json::{check_summary, parse};
use crate::support::{Running, run, snapshot};

#[test]
fn both_modes_on_unix_and_tcp() {
    if !libvirt::available("PINGs and calls to a real daemon") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        for mode in ["keepalive", "rpc"] {
            let run = run(&[
                "--mode", mode, "-c", "5", "-i", "0.01", "-W", "60", "--format", "json", &uri,
            ]);
            assert_eq!(run.status, Some(0), "{run:?}");
            let lines = parse(&run.stdout);
            check_summary(&lines);
            assert_eq!(lines[0]["keepalive"], true, "{run:?}");
            assert_eq!(lines.last().unwrap()["received"], 5, "{run:?}");
        }
    }
}

#[test]
fn the_output_is_that_of_the_daemon_within_the_program() {
    if !libvirt::available("what a run against a real daemon looks like") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    snapshot!(run(&["-v", "-c", "2", "-i", "0.01", "-W", "60", &daemon.unix_uri()]), 0, @r#"
test+unix:///default?socket=/DIR/libvirt-sock: connect T ms
test+unix:///default?socket=/DIR/libvirt-sock: authenticate T ms
test+unix:///default?socket=/DIR/libvirt-sock: negotiate T ms
test+unix:///default?socket=/DIR/libvirt-sock: open T ms
PING test+unix:///default?socket=/DIR/libvirt-sock (/DIR/libvirt-sock): libvirt V, keepalive negotiated
test+unix:///default?socket=/DIR/libvirt-sock: first PONG T ms
PONG from test+unix:///default?socket=/DIR/libvirt-sock: seq=1 time=T ms
PONG from test+unix:///default?socket=/DIR/libvirt-sock: seq=2 time=T ms

--- test+unix:///default?socket=/DIR/libvirt-sock ping statistics ---
2 pings sent, 2 pongs received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
    snapshot!(run(&["--mode", "rpc", "-c", "2", "-i", "0.01", "-W", "60", &daemon.tcp_uri()]), 0, @r#"
CALL test+tcp://127.0.0.1:PORT/default (127.0.0.1:PORT): libvirt V, keepalive negotiated
REPLY from test+tcp://127.0.0.1:PORT/default: seq=1 time=T ms
REPLY from test+tcp://127.0.0.1:PORT/default: seq=2 time=T ms

--- test+tcp://127.0.0.1:PORT/default ping statistics ---
2 calls sent, 2 replies received, 0% loss, time T ms
rtt min/avg/max/mdev = T/T/T/T ms
"#);
}

#[test]
fn a_flood_is_answered_in_full() {
    if !libvirt::available("a flood of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    for (mode, what) in [
        ("keepalive", "20000 pings sent, 20000 pongs"),
        ("rpc", "20000 calls sent, 20000 replies"),
    ] {
        let run = run(&[
            "-f",
            "-c",
            "20000",
            "-W",
            "60",
            "--mode",
            mode,
            &daemon.unix_uri(),
        ]);
        assert!(
            run.stdout
                .contains(&format!("\n{what} received, 0% loss, time ")),
            "{run:?}"
        );
    }
}

#[test]
fn stopped_and_continued_its_late_pongs_are_matched() {
    if !libvirt::available("late PONGs of a real daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let uri = daemon.tcp_uri();
    let mut running = Running::start(&[
        "--format", "json", "-i", "0.2", "-W", "0.1", "-k", "60", &uri,
    ]);
    let mut lines = Vec::new();
    let pong = |line: &&String| line.contains(r#""event":"pong""#);
    while lines.iter().find(pong).is_none() {
        lines.push(running.line());
    }
    daemon.process().stop().unwrap();
    let missed = |line: &&String| line.contains(r#""event":"missed""#);
    while lines.iter().filter(missed).count() < 2 {
        lines.push(running.line());
    }
    daemon.process().resume().unwrap();
    let late = |line: &&String| line.contains(r#""late":true"#);
    while lines.iter().find(late).is_none() {
        lines.push(running.line());
    }
    let seq = |line: Option<&String>| parse(line.unwrap())[0]["seq"].clone();
    assert_eq!(
        seq(lines.iter().find(late)),
        seq(lines.iter().find(missed)),
        "the first that was missed comes first"
    );
    running.signal(Signal::INT);
    let (rest, status) = running.finish();
    assert_eq!(status, Some(0), "{rest:?}");
}

#[test]
fn the_link_to_a_daemon_stopped_for_too_long_is_dead() {
    if !libvirt::available("the silence of a real daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let uri = daemon.unix_uri();
    let mut running = Running::start(&[
        "--format", "json", "-i", "0.2", "-W", "0.1", "-k", "1", "-K", "1", &uri,
    ]);
    let mut lines: Vec<_> = (0..3).map(|_| running.line()).collect();
    daemon.process().stop().unwrap();
    let (rest, status) = running.finish();
    assert_eq!(status, Some(1), "{rest:?}");
    lines.extend(rest);
    let lines = parse(&lines.join("\n"));
    check_summary(&lines);
    let closed = lines.iter().find(|line| line["event"] == "closed").unwrap();
    let summary = lines.last().unwrap();
    assert_eq!(closed["reason"], "keepalive", "{lines:?}");
    assert_eq!(closed["message"], "link is dead: nothing came for 2 s");
    assert!(summary["missed"].as_u64() >= Some(4), "{summary}");
}

#[test]
fn the_end_of_a_killed_daemon_is_reported_at_once() {
    if !libvirt::available("the end of a real daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let uri = daemon.unix_uri();
    let mut running = Running::start(&["-i", "60", "-W", "60", &uri]);
    running.line_with("PONG from");
    daemon.process().kill().unwrap();
    let (rest, status) = running.finish();
    assert_eq!(rest[0], format!("{uri}: daemon closed the connection"));
    assert!(
        rest[3].starts_with("1 ping sent, 1 pong received, 0% loss"),
        "{rest:?}"
    );
    assert_eq!(status, Some(1));

    let gone = run(&["-c", "1", &uri]);
    assert_eq!(gone.status, Some(2), "{gone:?}");
    assert!(gone.stderr.contains("Connection refused"), "{gone:?}");
}

#[test]
fn authentication_is_demanded() {
    if !libvirt::available("a real daemon that demands authentication") {
        return;
    }
    let config = Config::default()
        .text("auth_tcp", "sasl")
        .text("auth_unix_rw", "sasl");
    let daemon = Daemon::start(&config).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let refused = run(&["-c", "1", &uri]);
        assert_eq!(refused.status, Some(4), "{refused:?}");
        // TCP has no read-only socket.
        let advised = refused.stderr.contains("; try -r, ");
        assert_eq!(advised, uri == daemon.unix_uri(), "{refused:?}");
        assert!(
            refused.stderr.contains("requires SASL authentication"),
            "{refused:?}"
        );
        // A PING needs none.
        let raw = run(&["--raw", "-c", "3", "-i", "0.01", "-W", "60", &uri]);
        assert!(
            raw.stdout
                .contains("3 pings sent, 3 pongs received, 0% loss"),
            "{raw:?}"
        );
        assert_eq!(raw.status, Some(0), "{raw:?}");
    }
}

#[test]
fn a_daemon_at_its_limit_of_clients_is_not_called_stopped() {
    if !libvirt::available("a real daemon at its limit of clients") {
        return;
    }
    let config = Config::default()
        .number("max_clients", 1)
        .number("max_anonymous_clients", 1);
    let daemon = Daemon::start(&config).unwrap();
    let uri = daemon.unix_uri();
    let mut first = Running::start(&["-i", "60", "-W", "60", &uri]);
    first.line_with("PONG from");
    let second = run(&["-c", "1", "--connect-timeout", "2", &uri]);
    assert_eq!(second.status, Some(2), "{second:?}");
    assert!(second.stderr.contains("limit of clients"), "{second:?}");
}

#[test]
fn workers_that_hang_are_found_by_calls_alone() {
    if !libvirt::available("hanging workers of a real daemon") {
        return;
    }
    let config = Config::default()
        .number("min_workers", 1)
        .number("max_workers", 1)
        .number("prio_workers", 2);
    let daemon = Daemon::start(&config).unwrap();
    let uri = daemon.unix_uri();
    // Saving a domain to a pipe that nobody reads keeps its worker for ever; workers of high priority
    // go on.
    let pipe = daemon.socket().with_file_name("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let before = run(&["--mode", "rpc", "-c", "1", "-W", "60", &uri]);
    assert_eq!(before.status, Some(0), "{before:?}");
    let mut save = virsh::command(&uri).unwrap();
    save.args(["save", "test"]).arg(&pipe);
    let mut save = Process::spawn(&mut save).unwrap();
    // Each check may come before the worker hangs, but not for long.
    let deadline = Instant::now() + PATIENCE;
    while run(&["--mode", "rpc", "--check", "-q", "-W", "5", &uri]).status != Some(1) {
        assert_eq!(save.ended().unwrap(), None, "nothing keeps the worker");
        assert!(Instant::now() < deadline, "the worker goes on");
    }

    let pinged = run(&["-c", "3", "-i", "0.01", "-W", "60", &uri]);
    assert_eq!(pinged.status, Some(0), "the I/O loop answers: {pinged:?}");
    let called = run(&["--mode", "rpc", "-c", "2", "-i", "0.1", "-W", "0.2", &uri]);
    assert!(
        called
            .stdout
            .contains("2 calls sent, 0 replies received, 100% loss"),
        "{called:?}"
    );
    assert_eq!(called.status, Some(1), "{called:?}");
}

#[test]
fn the_daemons_own_pings_are_heard() {
    if !libvirt::available("the PINGs of a real daemon") {
        return;
    }
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 2);
    let daemon = Daemon::start(&config).unwrap();
    let run = run(&[
        "--listen",
        "-c",
        "3",
        "--format",
        "json",
        &daemon.unix_uri(),
    ]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let lines = parse(&run.stdout);
    let events: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["connected", "ping", "ping", "ping", "summary"]);
    // Two seconds are between the first and the third.
    let after = |line: &serde_json::Value| line["after_ns"].as_u64().unwrap();
    assert!(after(&lines[2]) + after(&lines[3]) > 500_000_000, "{run:?}");
}
