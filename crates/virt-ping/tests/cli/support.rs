//! Runs the program, and plays a daemon that reacts as a test wants.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, ErrorKind, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use virt_testkit::bytes::{PING, PONG};
use virt_testkit::frame;
use virt_tests::libvirt::PATIENCE;
use virt_tests::{Connection, Event, Listener, Peer};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_virt-ping");

/// The daemon within the program.
pub(crate) const EMBEDDED: &str = "test:///default";

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with nothing of the user's around it.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Finished {
    finish(command(PROGRAM).args(arguments))
}

pub(crate) fn finish(command: &mut Command) -> Finished {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = loop {
        match command.spawn() {
            // A copy of the program was open for writing when another test forked, and is open there until
            // that process has become another.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
            child => break child.unwrap(),
        }
    };
    let output = wait(child);
    Finished {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits for its end, and returns what it has said where that was piped.
pub(crate) fn wait(child: Child) -> Output {
    let limit = Limit::of(&child);
    let output = child.wait_with_output().unwrap();
    limit.check(&output);
    output
}

/// Kills a process that runs for longer than [`PATIENCE`], so that no test waits for its end or its output for ever.
#[derive(Debug)]
struct Limit {
    passed: Arc<AtomicBool>,
    /// Dropped when nothing is to be killed any more.
    _running: Sender<()>,
}

impl Limit {
    fn of(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        let passed = Arc::new(AtomicBool::new(false));
        let (running, ended) = mpsc::channel();
        thread::spawn({
            let passed = Arc::clone(&passed);
            move || {
                if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    passed.store(true, Ordering::SeqCst);
                    // It may have ended just now.
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        });
        Self {
            passed,
            _running: running,
        }
    }

    /// Fails if it was killed, with its output so far.
    fn check(&self, said: impl Debug) {
        let passed = self.passed.load(Ordering::SeqCst);
        assert!(!passed, "killed, as it went on for {PATIENCE:?}: {said:?}");
    }
}

/// Runs it, and holds what it prints against a snapshot in which all that differs each time is replaced.
macro_rules! snapshot {
    ($finished:expr, $status:literal, @$snapshot:literal) => {{
        let finished: crate::support::Finished = $finished;
        let text = format!("{}{}", finished.stdout, finished.stderr);
        let mut settings = insta::Settings::clone_current();
        for (pattern, replacement) in crate::support::REDACTED {
            settings.add_filter(pattern, *replacement);
        }
        settings.bind(|| insta::assert_snapshot!(text, @$snapshot));
        assert_eq!(finished.status, Some($status), "{finished:?}");
    }};
}
pub(crate) use snapshot;

/// The parts of the output that differ each time, and their replacements.
pub(crate) const REDACTED: &[(&str, &str)] = &[
    (r"/tmp/virt-\w+/", "/DIR/"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (
        r"\d+\.\d{3}/\d+\.\d{3}/\d+\.\d{3}/\d+\.\d{3} ms",
        "T/T/T/T ms",
    ),
    (r" +\d+\.\d{3} ms", " T ms"),
    (r"=\d+\.\d{3} ms", "=T ms"),
    (r"time \d+ ms", "time T ms"),
    (r"waited=\d+ ms", "waited=T ms"),
    (r"\[\d{10}\.\d{6}\]", "[TIME]"),
    (r"libvirt \d+\.\d+\.\d+", "libvirt V"),
];

/// The program while it runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    limit: Limit,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(PROGRAM)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let lines = BufReader::new(stdout).lines();
        let limit = Limit::of(&child);
        Self {
            child,
            lines,
            limit,
        }
    }

    /// The next line, as soon as it is there.
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.next();
        self.limit.check(&line);
        line.expect("one more line").unwrap()
    }

    /// Reads lines up to one that contains this, and returns that one.
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// All lines that are left, and the status.
    pub(crate) fn finish(mut self) -> (Vec<String>, Option<i32>) {
        let rest = self.lines.by_ref().map(Result::unwrap).collect();
        let status = self.child.wait().unwrap();
        self.limit.check(&rest);
        (rest, status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, and been waited for, already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reaction of a played daemon to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The answer of a libvirt daemon.
    Answer,
    /// Nothing more.
    Nothing,
    /// It closes the connection.
    Close,
}

type React = dyn FnMut(&Frame, &mut Connection) -> Then + Send;

/// A received frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame(Vec<u8>);

const KEEPALIVE: u32 = 0x6b65_6570;
/// The call that `--mode rpc` makes.
pub(crate) const DOMAIN_GET_INFO: u32 = 16;
pub(crate) const AUTH_LIST: u32 = 66;
pub(crate) const AUTH_POLKIT: u32 = 70;
pub(crate) const CONNECT_OPEN: u32 = 1;
pub(crate) const CONNECT_CLOSE: u32 = 2;
pub(crate) const SUPPORTS_FEATURE: u32 = 60;
pub(crate) const GET_LIB_VERSION: u32 = 157;

impl Frame {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn is_ping(&self) -> bool {
        self.0 == PING
    }

    pub(crate) fn is_pong(&self) -> bool {
        self.0 == PONG
    }

    pub(crate) fn procedure(&self) -> u32 {
        frame::word(&self.0, frame::PROCEDURE)
    }

    /// Returns the answer of a libvirt daemon.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let payload: &[u32] = match self.procedure() {
            _ if self.is_ping() => return PONG.to_vec(),
            _ if frame::word(&self.0, frame::PROGRAM) == KEEPALIVE => return Vec::new(),
            AUTH_LIST => &[1, 0],
            SUPPORTS_FEATURE => &[1],
            GET_LIB_VERSION => &[0, 10_003_000],
            _ => &[],
        };
        self.reply(0, payload)
    }

    /// The last word of the payload.
    pub(crate) fn last(&self) -> u32 {
        frame::word(&self.0, self.0.len() / 4 - 1)
    }

    /// The reply to it, with this status and payload.
    pub(crate) fn reply(&self, status: u32, payload: &[u32]) -> Vec<u8> {
        let payload: Vec<u8> = payload.iter().flat_map(|word| word.to_be_bytes()).collect();
        frame::reply(&self.0, status, &payload)
    }
}

/// A daemon that opens connections as libvirt 10.3.0 does, for one client, except for the reactions of a test.
pub(crate) struct Played {
    pub(crate) uri: String,
    thread: JoinHandle<()>,
}

impl Played {
    pub(crate) fn start(
        react: impl FnMut(&Frame, &mut Connection) -> Then + Send + 'static,
    ) -> Self {
        Self::start_on(Listener::unix().unwrap(), react)
    }

    pub(crate) fn start_on(
        listener: Listener,
        react: impl FnMut(&Frame, &mut Connection) -> Then + Send + 'static,
    ) -> Self {
        let uri = listener.uri().to_owned();
        let thread = thread::spawn(move || play(&listener, Box::new(react)));
        Self { uri, thread }
    }

    /// Waits until its client has gone.
    pub(crate) fn finish(self) {
        self.thread.join().unwrap();
    }
}

fn play(listener: &Listener, mut react: Box<React>) {
    let mut connection = listener.accept().unwrap();
    while let Event::Frame(bytes) = connection.receive() {
        let frame = Frame::new(&bytes);
        match react(&frame, &mut connection) {
            Then::Answer => connection.send(&frame.answer(), 0),
            Then::Nothing => (),
            Then::Close => return,
        }
    }
}
