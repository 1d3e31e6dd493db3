//! The blocking example of virt-remote against a real daemon, for longer than that waits for PONGs.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt};

/// The daemon gives up a client after `interval * (count + 1)` seconds, which is 2.
const SECONDS: &str = "5";

#[test]
fn the_blocking_example_is_kept_alive_over_unix_and_tcp() {
    if !libvirt::available("the blocking example against a real daemon") {
        return;
    }
    let example = Example {
        package: "virt-remote",
        name: "blocking",
    };
    example.build();
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 1);
    let daemon = Daemon::start(&config).unwrap();
    let unix = daemon.socket().to_str().unwrap().to_owned();
    let tcp = daemon.address().to_string();
    for address in [unix, tcp] {
        let mut run = example.run();
        let run = run.args([&address, "test:///default", SECONDS]);
        let output = run.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{address}: {output:?}");
        assert!(said.starts_with("Some(\""), "{address}: {said}");
    }
}
