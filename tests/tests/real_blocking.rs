//! The blocking example of virt-remote against a real daemon, for longer than that waits for PONGs.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt};

/// A daemon with `interval` and `count` of 1 gives up a silent client after 2 seconds.
const SECONDS: &str = "5";

/// Runs the example over Unix and TCP, and returns what it prints of keepalive.
fn run(config: &Config) -> [String; 2] {
    let example = Example {
        package: "virt-remote",
        name: "blocking",
    };
    example.build();
    let daemon = Daemon::start(config).unwrap();
    let unix = daemon.socket().to_str().unwrap().to_owned();
    [unix, daemon.address().to_string()].map(|address| {
        let mut run = example.run();
        let run = run.args([&address, "test:///default", SECONDS]);
        let output = run.output().unwrap();
        assert!(output.status.success(), "{address}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let (hostname, counts) = said.trim_end().split_once(": ").unwrap();
        assert!(!hostname.is_empty(), "{address}: {said}");
        counts.to_owned()
    })
}

#[test]
fn the_blocking_example_answers_the_pings_of_a_daemon_that_would_give_it_up() {
    if !libvirt::available("the blocking example and the PINGs of a real daemon") {
        return;
    }
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 1);
    for counts in run(&config) {
        assert!(!counts.contains("received: 0 "), "{counts}");
    }
}

#[test]
fn the_blocking_example_pings_a_daemon_that_sends_nothing() {
    if !libvirt::available("the blocking example and a real daemon that sends no PINGs") {
        return;
    }
    let config = Config::default().number("keepalive_interval", -1);
    for counts in run(&config) {
        assert!(counts.ends_with("received: 0 }"), "{counts}");
        assert!(!counts.contains("answered: 0,"), "{counts}");
    }
}
