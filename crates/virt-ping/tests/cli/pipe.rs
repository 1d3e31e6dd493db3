//! Standard output as a pipe: closed, full, or never read.

use std::io::{PipeReader, PipeWriter, Write};
use std::process::{Output, Stdio};
use std::sync::mpsc;

use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{EMBEDDED, Frame, PROGRAM, Played, Running, Then, command, wait};

#[test]
fn lines_come_while_it_runs() {
    let mut running = Running::start(&["-i", "60", "-W", "60", EMBEDDED]);
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
    let output = printing_to(writer, &["-i", "0.01", EMBEDDED]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_full_disk_is_reported() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = printing_to(full, &["-c", "1", EMBEDDED]);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.starts_with("virt-ping: No space left on device"),
        "{words}"
    );
}

#[test]
fn a_reader_that_takes_nothing_does_not_defeat_the_first_signal() {
    let (sender, frames) = mpsc::channel();
    let daemon = Played::start(move |frame, _| {
        sender.send(frame.clone()).unwrap();
        Then::Answer
    });
    let (_reader, writer) = full();
    let child = command(PROGRAM)
        .args(["-i", "60", "-W", "60", &daemon.uri])
        .stdout(writer)
        .spawn()
        .unwrap();
    frames.iter().find(Frame::is_ping).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    // The signal ends it; killed, it would have no status.
    assert!(wait(child).status.code().is_some());
    daemon.finish();
}

#[test]
fn a_reader_that_takes_nothing_does_not_defeat_the_deadline_in_any_mode() {
    for mode in [
        &[] as &[&str],
        &["-i", "0.002", "-O"],
        &["-f", "--format", "json"],
        &["--mode", "rpc", "-f", "--format", "json"],
        &["--raw", "-i", "0.002"],
        &["--listen"],
        &["--check"],
        &["-v"],
    ] {
        let (_reader, writer) = full();
        let child = command(PROGRAM)
            .args(mode)
            .args(["-w", "1", EMBEDDED, "test:///default?again"])
            .stdout(writer)
            .spawn()
            .unwrap();
        assert!(wait(child).status.code().is_some(), "{mode:?}");
    }
    // Failures are printed to standard error.
    let (_reader, writer) = full();
    let child = command(PROGRAM)
        .args(["-w", "1", "qemu"])
        .stderr(writer)
        .spawn()
        .unwrap();
    assert_eq!(wait(child).status.code(), Some(2));
}

/// Runs the program with this standard output, and returns its standard error and status.
fn printing_to(stdout: impl Into<Stdio>, arguments: &[&str]) -> Output {
    let mut command = command(PROGRAM);
    command.args(arguments).stdout(stdout);
    wait(command.stderr(Stdio::piped()).spawn().unwrap())
}

/// A pipe that has no room.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    ioctl_fionbio(&writer, true).unwrap();
    while writer.write(b"x").is_ok() {}
    ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}
