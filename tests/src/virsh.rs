//! `virsh`: the C client.

use std::io;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::libvirt::{self, PATIENCE};

/// The command, ready for its arguments: in English, with nothing of the user's.
///
/// # Errors
///
/// When it is not installed.
pub fn command(uri: &str) -> io::Result<Command> {
    let program = libvirt::find("virsh").ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command
        .args(["--connect", uri])
        .env_clear()
        .env("LC_ALL", "C")
        // A place where nothing is and nothing can be written.
        .env("HOME", "/dev/null");
    Ok(command)
}

/// Runs `virsh` to its end and returns what it said.
///
/// # Errors
///
/// When it cannot be started, or does not end within [`PATIENCE`]; it is killed then.
pub fn run(uri: &str, arguments: &[&str]) -> io::Result<Output> {
    let child = command(uri)?
        .arg("--quiet")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = Pid::from_child(&child);
    let (sender, output) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match output.recv_timeout(PATIENCE) {
        Ok(output) => output,
        Err(_) => {
            kill_process(pid, Signal::KILL)?;
            let output = output.recv().map_err(io::Error::other)??;
            let message = format!("virsh {arguments:?} went on for {PATIENCE:?}: {output:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        }
    }
}
