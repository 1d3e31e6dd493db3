//! The example as a newcomer runs it, without libvirt.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::process::Output;

use virt_testkit::Example;

fn run(arguments: &[&str]) -> Output {
    let package = env!("CARGO_PKG_NAME");
    let name = "connect";
    let mut example = Example { package, name }.run();
    example.args(arguments).output().unwrap()
}

#[test]
fn connect_says_what_it_has_connected_to_and_leaves() {
    let output = run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let [connected, pong, closed] = text.lines().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(connected, "test:///default on localhost, version 0.0.2");
    assert!(pong.starts_with("PONG after "), "{pong}");
    assert_eq!(closed, "connection closed: client");
    assert!(output.status.success());
}

#[test]
fn connect_says_why_it_cannot() {
    let output = run(&["test+unix:///default?socket=/nowhere/sock"]);
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("/nowhere/sock"), "{error}");
}
