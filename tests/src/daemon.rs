//! A private `libvirtd`.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use tempfile::TempDir;
use virt_testkit::bytes::{PING, PONG};

use crate::libvirt::{self, PATIENCE};
use crate::{Connection, Event, Peer, Process};

/// Ports are found free and then taken: another process may be faster.
const ATTEMPTS: usize = 5;

/// An ordinary user and group that every Linux has.
const NOBODY: u32 = 65534;

/// The configuration of a [`Daemon`], beside what makes it private.
#[derive(Clone, Debug, Default)]
pub struct Config {
    lines: String,
    /// The drivers that are modules. A daemon with any runs as an ordinary user.
    drivers: Vec<&'static str>,
}

impl Config {
    /// Sets a number, for example `keepalive_interval`.
    #[must_use]
    pub fn number(mut self, key: &str, value: i64) -> Self {
        writeln!(self.lines, "{key} = {value}").expect("a string takes every line");
        self
    }

    /// Sets a string, for example `auth_tcp` to `sasl`.
    #[must_use]
    pub fn text(mut self, key: &str, value: &str) -> Self {
        writeln!(self.lines, "{key} = \"{value}\"").expect("a string takes every line");
        self
    }

    /// Calls are served one at a time, in the order they came; a daemon's workers let them overtake.
    #[must_use]
    pub fn in_order(self) -> Self {
        self.number("min_workers", 1)
            .number("max_workers", 1)
            .number("prio_workers", 0)
    }

    /// Adds a driver, such as `storage`. Only the daemon of an ordinary user serves `storage:///session`, so root starts
    /// one that runs as nobody.
    pub(crate) fn driver(mut self, name: &'static str) -> Self {
        self.drivers.push(name);
        self
    }
}

/// A private `libvirtd` with its own directory, Unix socket and TCP port; killed when dropped.
///
/// It has the mock hypervisor alone (`test:///default`), demands no authentication unless its
/// [`Config`] says so, and ends itself when nobody has been connected for two minutes, should the
/// test be killed before it can.
#[derive(Debug)]
pub struct Daemon {
    // Declared first, so dropped first: the directory goes when nobody uses it.
    process: Process,
    directory: TempDir,
    port: u16,
    /// True if root starts it as nobody.
    is_ordinary: bool,
}

impl Daemon {
    /// Starts a daemon and waits until it answers on both of its sockets.
    ///
    /// # Errors
    ///
    /// When it cannot be started or ends at once; its own words are in the message.
    pub fn start(config: &Config) -> io::Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::try_start(config) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(config: &Config) -> io::Result<Self> {
        // Not `env::temp_dir`, which may be long: a socket's path is at most 107 bytes.
        let directory = TempDir::with_prefix_in("virt-", "/tmp")?;
        let path = directory.path();
        let port = free_port()?;
        let drivers = path.join("drivers");
        fs::create_dir(&drivers)?;
        fs::write(path.join("conf"), configuration(path, port, config))?;
        for name in &config.drivers {
            let file = libvirt::driver(name)?;
            symlink(&file, drivers.join(file.file_name().unwrap_or_default()))?;
        }
        let is_ordinary = !config.drivers.is_empty();
        if is_ordinary && geteuid().is_root() {
            for owned in [path, &drivers] {
                chown(owned, Some(NOBODY), Some(NOBODY))?;
            }
        }
        let mut daemon = Self {
            process: spawn(path, is_ordinary)?,
            directory,
            port,
            is_ordinary,
        };
        daemon.wait_until_ready()?;
        Ok(daemon)
    }

    /// Starts it again, with the same sockets and files, and waits until it answers. If it still runs, it is killed.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub fn restart(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process = spawn(self.directory.path(), self.is_ordinary)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Err(error) = self.probe() else {
                return Ok(());
            };
            let ended = self.process.ended()?;
            if ended.is_some() || Instant::now() > deadline {
                let words = fs::read_to_string(self.directory.path().join("err"))?;
                let kind = if words.contains("Address already in use") {
                    io::ErrorKind::AddrInUse
                } else {
                    io::ErrorKind::Other
                };
                let message = format!("libvirtd is not ready ({error}), {ended:?}: {words}");
                return Err(io::Error::new(kind, message));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks for a PONG on both sockets, which proves that clients are served.
    fn probe(&self) -> io::Result<()> {
        // The daemon listens on all its sockets before it serves any.
        pong(self.unix()?)?;
        pong(self.tcp()?)
    }

    /// A new connection to its Unix socket.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn unix(&self) -> io::Result<Connection> {
        Connection::unix(&self.socket())
    }

    /// A new connection to its TCP port.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn tcp(&self) -> io::Result<Connection> {
        Connection::tcp(self.address())
    }

    /// The directory of its sockets and files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("libvirt-sock")
    }

    /// Its TCP address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URI that opens its mock hypervisor over its Unix socket.
    #[must_use]
    pub fn unix_uri(&self) -> String {
        format!("test+unix:///default?socket={}", self.socket().display())
    }

    /// The URI that opens its mock hypervisor over TCP.
    #[must_use]
    pub fn tcp_uri(&self) -> String {
        format!("test+tcp://{}/default", self.address())
    }

    /// Its process, to be stopped, resumed and killed.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Starts the process. An ordinary one that root starts runs as nobody.
fn spawn(path: &Path, is_ordinary: bool) -> io::Result<Process> {
    let program = libvirt::find("libvirtd").ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(path.join("conf"))
        .arg("--pid-file")
        .arg(path.join("pid"))
        .args(["--listen", "--timeout", "120"])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|value| ("PATH", value)))
        .env("LC_ALL", "C")
        .env("HOME", path)
        .env("XDG_RUNTIME_DIR", path)
        .env("XDG_CONFIG_HOME", path)
        .env("XDG_CACHE_HOME", path)
        // The drivers that are modules touch the system; the mock hypervisor is built in.
        .env("LIBVIRT_DRIVER_DIR", path.join("drivers"))
        .stdin(Stdio::null())
        .stdout(File::create(path.join("out"))?)
        .stderr(File::create(path.join("err"))?);
    if is_ordinary && geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Process::spawn(&mut command)
}

fn pong(mut connection: Connection) -> io::Result<()> {
    connection.send(PING, 0);
    match connection.receive() {
        Event::Frame(frame) if frame == PONG => Ok(()),
        event => Err(io::Error::other(format!("no PONG but {event:?}"))),
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn configuration(directory: &Path, port: u16, config: &Config) -> String {
    // Of two lines about one setting the first counts, so the test's own come first.
    config
        .clone()
        .text("unix_sock_dir", &directory.display().to_string())
        .text("listen_addr", "127.0.0.1")
        .text("tcp_port", &port.to_string())
        .number("listen_tls", 0)
        .number("listen_tcp", 1)
        .text("auth_unix_rw", "none")
        .text("auth_tcp", "none")
        .lines
}
