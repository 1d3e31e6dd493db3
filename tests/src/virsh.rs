//! `virsh`: the C client.

use std::io::{self, PipeWriter, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Process;
use crate::libvirt::{self, PATIENCE};
use crate::lines::Lines;

/// The prompt.
const PROMPT: &str = "virsh # ";

/// A `virsh` that waits for commands; killed when dropped.
#[derive(Debug)]
pub struct Session {
    // Declared first, so dropped first: its words end with it.
    process: Process,
    commands: PipeWriter,
    lines: Lines,
    /// The file of its command history.
    _home: TempDir,
}

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

impl Session {
    /// Starts it, with these arguments; with a command among them it ends when that is done.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(uri: &str, arguments: &[&str]) -> io::Result<Self> {
        let home = TempDir::new()?;
        let (input, commands) = io::pipe()?;
        let (lines, output) = io::pipe()?;
        let mut command = command(uri)?;
        command
            .args(arguments)
            .env("HOME", home.path())
            .stdin(input)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = Process::spawn(&mut command)?;
        // It keeps the child's ends of the pipes open, and the end of its words would not be seen.
        drop(command);
        Ok(Self {
            process,
            commands,
            lines: Lines::of(lines),
            _home: home,
        })
    }

    /// Gives it a command.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn command(&mut self, command: &str) -> io::Result<()> {
        // The second needs no connection: when that is answered, all is there that it has to say of the first.
        writeln!(self.commands, "{command}\necho end")
    }

    /// Waits until it has done the command, or has ended, and returns what it said.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`] is over first.
    pub fn said(&self) -> io::Result<Vec<String>> {
        let mut said = Vec::new();
        loop {
            let line = match self.lines.next() {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => return Ok(said),
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
            };
            match line.as_str() {
                "end" => return Ok(said),
                "" | "virsh # echo end" => {}
                // It repeats its commands behind its prompt. What came before is its words of welcome.
                line if line.starts_with(PROMPT) && !line.contains("error: ") => said.clear(),
                line => said.push(line.trim_start_matches(PROMPT).to_owned()),
            }
        }
    }

    /// Gives it a command and returns what it said.
    ///
    /// # Errors
    ///
    /// As [`said`](Self::said).
    pub fn run(&mut self, command: &str) -> io::Result<Vec<String>> {
        self.command(command)?;
        self.said()
    }

    /// Waits for a line of its words that contains this, and returns it.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`] is over first, or it has ended.
    pub fn wait_for(&self, words: &str) -> io::Result<String> {
        loop {
            let line = self.lines.next().map_err(io::Error::other)?;
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Its process, to be stopped, resumed and killed.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
