//! The blocking example of virt-remote against a real daemon, for longer than that waits for PONGs.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use std::process::Command;

use virt_tests::{Config, Daemon, libvirt};

/// The daemon gives up a client after `interval * (count + 1)` seconds, which is 2.
const SECONDS: &str = "5";

#[test]
fn the_blocking_example_is_kept_alive_over_unix_and_tcp() {
    if !libvirt::available("the blocking example against a real daemon") {
        return;
    }
    // The daemon does not wait for the build.
    assert!(cargo("build").status().unwrap().success());
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 1);
    let daemon = Daemon::start(&config).unwrap();
    let unix = daemon.socket().to_str().unwrap().to_owned();
    let tcp = daemon.address().to_string();
    for address in [unix, tcp] {
        let mut run = cargo("run");
        let output = run.args(["--", &address, "test:///default", SECONDS]);
        let output = output.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{address}: {output:?}");
        assert!(said.starts_with("Some(\""), "{address}: {said}");
    }
}

fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg(command);
    cargo.args("--quiet --package virt-remote --example blocking".split(' '));
    cargo
}
