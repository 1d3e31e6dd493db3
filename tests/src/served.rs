//! A server of ours as a process of its own.

use std::io::{self, PipeWriter};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::lines::Lines;
use crate::{Link, Process, Target};

/// The program `virt-test-server`, running; killed when dropped.
#[derive(Debug)]
pub struct Served {
    // Declared first, so dropped first: its words end with it.
    process: Process,
    /// It ends when this does.
    _stdin: PipeWriter,
    lines: Lines,
    address: SocketAddr,
    directory: TempDir,
}

impl Served {
    /// Starts the program, which a test finds as `env!("CARGO_BIN_EXE_virt-test-server")`; it sends PINGs
    /// each `interval` seconds (0: none) up to `count`.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not say where it listens.
    pub fn start(program: &str, interval: u32, count: u32) -> io::Result<Self> {
        // Not `env::temp_dir`, which may be long: a socket's path is at most 107 bytes.
        let directory = TempDir::with_prefix_in("virt-", "/tmp")?;
        let (input, stdin) = io::pipe()?;
        let (words, output) = io::pipe()?;
        // Made before whatever holds the other end of its pipe, so dropped after it.
        let lines = Lines::of(words);
        let mut command = Command::new(program);
        command
            .arg(directory.path().join("sock"))
            .args([interval.to_string(), count.to_string()])
            .stdin(input)
            .stdout(output);
        let process = Process::spawn(&mut command)?;
        // It keeps the child's ends of the pipes open, and the end of its words would not be seen.
        drop(command);
        let address = lines
            .next()
            .map_err(io::Error::other)?
            .parse()
            .map_err(io::Error::other)?;
        Ok(Self {
            process,
            _stdin: stdin,
            lines,
            address,
            directory,
        })
    }

    /// Waits until another connection has closed, and returns what it says of that.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`](crate::libvirt::PATIENCE) is over first, or it has ended.
    pub fn closed(&self) -> io::Result<String> {
        self.lines.next().map_err(io::Error::other)
    }

    /// Its socket of this kind.
    #[must_use]
    pub fn target(&self, link: Link) -> Target {
        match link {
            Link::Unix => Target::Unix(self.socket()),
            Link::Tcp => Target::Tcp(self.address),
        }
    }

    /// The URI that opens its mock hypervisor.
    #[must_use]
    pub fn uri(&self, link: Link) -> String {
        match link {
            Link::Unix => format!("test+unix:///default?socket={}", self.socket().display()),
            Link::Tcp => format!("test+tcp://{}/default", self.address),
        }
    }

    /// Its process, to be stopped, resumed and killed.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("sock")
    }
}
