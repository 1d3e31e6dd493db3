//! Standard output as a pipe.

use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{EMBEDDED, PROGRAM, Running, command};

#[test]
fn lines_come_while_it_runs() {
    let mut running = Running::start(&["-i", "60", EMBEDDED]);
    assert!(running.line().starts_with("PING test:///default"));
    assert!(
        running
            .line()
            .starts_with("PONG from test:///default: seq=1 ")
    );
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(PROGRAM)
        .args(["-i", "0.01", EMBEDDED])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_full_disk_is_told_of() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command(PROGRAM)
        .args(["-c", "1", EMBEDDED])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.starts_with("virt-ping: No space left on device"),
        "{words}"
    );
}

#[test]
fn a_reader_that_takes_nothing_does_not_keep_it() {
    let mut running = Running::start(&["-f", "--format", "json", EMBEDDED]);
    running.line();
    // From the second time on it waits for nobody.
    while running.is_running() {
        running.signal(Signal::INT);
    }
}
