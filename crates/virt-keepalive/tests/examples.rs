//! The examples as a newcomer runs them: their output, their errors, and their limits.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;
use virt_testkit::Example;
use virt_testkit::bytes::{PING, PONG};

#[test]
fn memory_tells_what_goes_over_and_what_silence_leads_to() {
    let output = run("memory", &[]);
    assert_ends(&output, "", true);
    assert_says(
        &output,
        r#"client: ping, Sent
client sends b"\x00\x00\x00\x1ckeep\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"
server sends b"\x00\x00\x00\x1ckeep\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"
client: we are still alive
now nobody carries the PINGs any more
client: ping, Sent
client: ping, Sent
client: connection timed out, inactive 3
client: ping, Expired
"#,
    );
}

#[test]
fn unix_without_a_socket_says_how_it_is_used() {
    let output = run("unix", &[]);
    assert_ends(&output, "Error: \"usage: unix SOCKET\"\n", false);
    assert_says(&output, "");
}

#[test]
fn unix_with_a_socket_that_is_not_there_names_it() {
    let output = run("unix", &["/nowhere/sock"]);
    let error =
        "Error: \"cannot connect to /nowhere/sock: No such file or directory (os error 2)\"\n";
    assert_ends(&output, error, false);
    assert_says(&output, "");
}

#[test]
fn unix_is_content_with_five_pongs() {
    let output = run_against(|mut socket| {
        for _ in 0..5 {
            take_ping(&mut socket);
            socket.write_all(PONG).unwrap();
        }
        wait_for_end(socket);
    });
    assert_ends(&output, "", true);
    assert_says(&output, &"PING\nPONG\n".repeat(5));
}

#[test]
fn unix_answers_the_pings_of_a_daemon() {
    let output = run_against(|mut socket| {
        take_ping(&mut socket);
        socket.write_all(PONG).unwrap();
        socket.write_all(PING).unwrap();
        // It has heard the daemon, and is silent for one round.
        let mut answer = [0; 28];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, PONG);
    });
    assert_ends(
        &output,
        "Error: \"the daemon has closed the connection\"\n",
        false,
    );
    assert_says(&output, "PING\nPONG\n");
}

#[test]
fn unix_gives_up_after_three_pings_without_an_answer() {
    let output = run_against(wait_for_end);
    assert_ends(&output, "Error: \"the daemon does not answer\"\n", false);
    assert_says(&output, &"PING\n".repeat(3));
}

#[test]
fn unix_is_not_content_if_the_last_pings_have_no_answer() {
    let output = run_against(|mut socket| {
        for _ in 0..3 {
            take_ping(&mut socket);
            socket.write_all(PONG).unwrap();
        }
        wait_for_end(socket);
    });
    assert_ends(&output, "Error: \"the daemon does not answer\"\n", false);
    assert_says(&output, "PING\nPONG\nPING\nPONG\nPING\nPONG\nPING\nPING\n");
}

#[test]
fn unix_stops_reading_a_flood_of_pings_whose_answers_are_not_read() {
    let flooded = AtomicUsize::new(0);
    let output = run_against(|mut socket| {
        let flood = PING.repeat(1000);
        while let Ok(written) = socket.write(&flood) {
            flooded.fetch_add(written, Ordering::Relaxed);
        }
    });
    assert_ends(&output, "Error: \"the daemon does not read\"\n", false);
    assert_says(&output, "PING\n");
    // Two buffers of the kernel and one read; a flood that is read takes gigabytes in the time of the test.
    let flooded = flooded.into_inner();
    assert!(flooded < 16 * 1024 * 1024, "{flooded} bytes were taken");
}

#[test]
fn unix_answers_a_flood_of_pings_and_ends_on_time() {
    let output = run_against(|mut socket| {
        let mut reading = socket.try_clone().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| io::copy(&mut reading, &mut io::sink()));
            let flood = PING.repeat(100);
            while socket.write_all(&flood).is_ok() {}
        });
    });
    assert_ends(&output, "", true);
    assert_says(&output, "PING\n");
}

#[test]
fn unix_says_when_the_daemon_has_closed() {
    let output = run_against(|mut socket| take_ping(&mut socket));
    let error = "Error: \"the daemon has closed the connection\"\n";
    assert_ends(&output, error, false);
    assert_says(&output, "PING\n");
}

#[test]
fn unix_says_when_what_answers_is_no_libvirt_daemon() {
    let output = run_against(|mut socket| {
        take_ping(&mut socket);
        socket
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        wait_for_end(socket);
    });
    assert_says(&output, "PING\n");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    // "HTTP" as a length.
    assert!(error.contains("1213486160"), "{error}");
}

fn run(name: &'static str, arguments: &[&str]) -> Output {
    let package = env!("CARGO_PKG_NAME");
    let mut example = Example { package, name }.run();
    example.args(arguments).output().unwrap()
}

/// Runs `unix` with a daemon that does this with its connection.
fn run_against(daemon: impl FnOnce(UnixStream) + Send) -> Output {
    // Not `env::temp_dir`, which may be long: a socket's path is at most 107 bytes.
    let directory = TempDir::with_prefix_in("virt-", "/tmp").unwrap();
    let path = directory.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| daemon(listener.accept().unwrap().0));
        run("unix", &[path.to_str().unwrap()])
    })
}

fn take_ping(socket: &mut UnixStream) {
    let mut ping = [0; 28];
    socket.read_exact(&mut ping).unwrap();
    assert_eq!(&ping, PING);
}

fn wait_for_end(mut socket: UnixStream) {
    socket.read_to_end(&mut Vec::new()).unwrap();
}

#[track_caller]
fn assert_says(output: &Output, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[track_caller]
fn assert_ends(output: &Output, error: &str, success: bool) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), error);
    assert_eq!(output.status.success(), success);
}
