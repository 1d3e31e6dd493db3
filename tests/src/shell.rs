//! A `virsh` that waits for commands, led through the opening of a connection by a scripted server.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use tempfile::TempDir;

use crate::libvirt::PATIENCE;
use crate::{Connection, Event, Listener, Pattern, Peer, Process, virsh};

const OPEN: u32 = 1;
const HOSTNAME: u32 = 59;
const SUPPORTS_FEATURE: u32 = 60;
const AUTH_LIST: u32 = 66;
const REGISTER_CLOSE_CALLBACK: u32 = 360;

/// The C client as a [`Peer`]: connected and idle; killed when dropped.
#[derive(Debug)]
pub struct Shell {
    connection: Connection,
    _process: Process,
    commands: PipeWriter,
    lines: Receiver<String>,
    /// Where it keeps the history of its commands.
    _home: TempDir,
}

/// The host's name is asked for, and then for something that needs no connection: when that is
/// there, all that `virsh` has to say about the former is.
const COMMANDS: &[u8] = b"hostname\necho end\n";

impl Shell {
    /// Starts `virsh`, its own keepalive every `interval` seconds (0: never) up to `count`, and
    /// answers its calls until it is idle.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or calls what opening a connection does not need.
    pub fn start(interval: u32, count: u32) -> io::Result<Self> {
        let home = TempDir::new()?;
        let listener = Listener::unix()?;
        let (input, mut commands) = io::pipe()?;
        let (lines, output) = io::pipe()?;
        let mut command = virsh::command(listener.uri())?;
        command
            .arg(format!("--keepalive-interval={interval}"))
            .arg(format!("--keepalive-count={count}"))
            .env("HOME", home.path())
            .stdin(input)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = Process::spawn(&mut command)?;
        // It keeps the child's ends of the pipes open, and the end of its words would not be seen.
        drop(command);
        commands.write_all(COMMANDS)?;
        let mut shell = Self {
            connection: listener.accept()?,
            _process: process,
            commands,
            lines: read_lines(lines),
            _home: home,
        };
        while shell.answer_opening()? != HOSTNAME {}
        match shell.returned() {
            Event::Returned(Some(name)) if name == "opened" => Ok(shell),
            other => Err(io::Error::other(format!("the host's name is {other:?}"))),
        }
    }

    /// Waits for a line of its words that contains this, and returns it.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`] is over first, or it has ended.
    pub fn wait_for(&self, words: &str) -> io::Result<String> {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .map_err(io::Error::other)?;
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Answers one call of the opening and returns its procedure.
    fn answer_opening(&mut self) -> io::Result<u32> {
        let unexpected =
            |what: &dyn std::fmt::Debug| io::Error::other(format!("virsh sent {what:?}"));
        let frame = match self.connection.receive() {
            Event::Frame(frame) => frame,
            other => return Err(unexpected(&other)),
        };
        let word = |index: usize| {
            let word = frame.get(4 * index..).and_then(<[u8]>::first_chunk);
            word.map_or(0, |word| u32::from_be_bytes(*word))
        };
        let returns = match word(3) {
            AUTH_LIST => "00000001 00000000",
            // Keepalive (10) and the registration of close callbacks (15).
            SUPPORTS_FEATURE if [10, 15].contains(&word(7)) => "00000001",
            SUPPORTS_FEATURE => "00000000",
            OPEN | REGISTER_CLOSE_CALLBACK => "",
            HOSTNAME => "\"opened\"",
            _ => return Err(unexpected(&frame)),
        };
        let payload = Pattern::parse(returns, false)
            .map_err(io::Error::other)?
            .bytes(0);
        let length = u32::try_from(28 + payload.len()).map_err(io::Error::other)?;
        let mut reply = Vec::new();
        for word in [length, word(1), word(2), word(3), 1, word(5), 0] {
            reply.extend_from_slice(&word.to_be_bytes());
        }
        reply.extend_from_slice(&payload);
        self.connection.send(&reply, 0);
        Ok(word(3))
    }
}

impl Peer for Shell {
    fn send(&mut self, bytes: &[u8], descriptors: usize) {
        self.connection.send(bytes, descriptors);
    }

    fn receive(&mut self) -> Event {
        self.connection.receive()
    }

    fn call(&mut self) {
        self.commands
            .write_all(COMMANDS)
            .expect("virsh reads commands");
    }

    fn returned(&mut self) -> Event {
        let mut said = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            match line.as_str() {
                "end" => {
                    let failed = said.iter().any(|line: &String| line.starts_with("error: "));
                    return Event::Returned(said.pop().filter(|_| !failed));
                }
                // It repeats its commands behind its prompt.
                line if line.is_empty() || line.starts_with("virsh # ") => {}
                _ => said.push(line),
            }
        }
        Event::Silent
    }
}

/// Both streams of its words, line by line.
fn read_lines(words: PipeReader) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
