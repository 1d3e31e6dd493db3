//! A proxy between two ends: it passes on bytes and descriptors, writes down what it saw, and plays a trick.

mod pump;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown, sockopt};

use crate::libvirt::PATIENCE;
use crate::{Event, Listener};

use pump::Pump;

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The place of a trick: behind so many bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 0 in each direction, without those of keepalive, which come when they will.
    pub frame: usize,
    /// Of that frame, its length included; [`Place::END`] is before the descriptors that follow it.
    pub byte: usize,
}

/// A fault that a proxy injects into a connection, from some [`Place`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Closes both sides.
    Cut,
    /// Passes nothing on any more, in either direction, and closes nothing: the link is dead.
    Stop,
    /// Passes nothing on for this long, in this direction.
    Delay(Duration),
    /// Passes each byte on by itself.
    Trickle,
    /// Gathers what comes without a pause, and passes it on as one.
    Merge,
    /// Passes on one byte with these bits changed.
    Corrupt(u8),
}

/// A trick, where and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The fault.
    pub trick: Trick,
    /// The direction.
    pub direction: Direction,
    /// The place where it begins.
    pub place: Place,
}

/// The target of a proxy.
#[derive(Clone, Debug)]
pub enum Target {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP port.
    Tcp(SocketAddr),
}

/// A proxy that listens on a socket of its target's kind; what it holds is closed when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    listener: Arc<Listener>,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    fault: Option<Fault>,
    log: Mutex<Log>,
    /// Told whenever the log has grown.
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Log {
    traffic: Vec<(Direction, Event)>,
    /// `true` if the trick was played.
    fired: bool,
    /// `true` if the proxy is at its end.
    closed: bool,
    links: Vec<Weak<Link>>,
}

/// A connection that is passed on.
#[derive(Debug)]
struct Link {
    client: OwnedFd,
    server: OwnedFd,
    /// `true` if nothing is passed on any more.
    stopped: AtomicBool,
}

impl Place {
    /// Before the frame.
    pub const START: usize = 0;
    /// Inside its length.
    pub const LENGTH: usize = 2;
    /// Inside its header.
    pub const HEADER: usize = 14;
    /// Inside its payload, if it has 4 bytes of that.
    pub const PAYLOAD: usize = 30;
    /// Between the frame and its descriptors, or what else follows.
    pub const END: usize = usize::MAX;
}

impl Target {
    fn connect(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Unix(path) => Ok(UnixStream::connect(path)?.into()),
            Self::Tcp(address) => Ok(TcpStream::connect(address)?.into()),
        }
    }

    fn listen(&self) -> io::Result<Listener> {
        match self {
            Self::Unix(_) => Listener::unix(),
            Self::Tcp(_) => Listener::tcp(),
        }
    }
}

impl Proxy {
    /// Passes on all connections to `target`, playing the trick on each.
    ///
    /// # Errors
    ///
    /// Those of making a socket.
    pub fn start(target: Target, fault: impl Into<Option<Fault>>) -> io::Result<Self> {
        let listener = Arc::new(target.listen()?);
        let shared = Arc::new(Shared {
            target,
            fault: fault.into(),
            log: Mutex::default(),
            grown: Condvar::new(),
        });
        let accepting = {
            let (listener, shared) = (Arc::clone(&listener), Arc::clone(&shared));
            thread::spawn(move || shared.accept(&listener))
        };
        Ok(Self {
            listener,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The URI that a libvirt client finds it by.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.listener.uri()
    }

    /// Returns the bytes from both ends so far, in order of arrival.
    #[must_use]
    pub fn traffic(&self) -> Vec<(Direction, Event)> {
        self.shared.log().traffic.clone()
    }

    /// Returns whether the trick was played.
    #[must_use]
    pub fn has_fired(&self) -> bool {
        self.shared.log().fired
    }

    /// Waits until the trick was played.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`] is over first.
    pub fn wait_until_fired(&self) -> io::Result<()> {
        self.wait(|log| log.fired)
    }

    /// Waits until what came from one end contains so many frames like this.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`] is over first.
    pub fn wait_for(&self, from: Direction, frame: &[u8], count: usize) -> io::Result<()> {
        self.wait(|log| {
            let same = |(direction, event): &&(Direction, Event)| {
                *direction == from && matches!(event, Event::Frame(seen) if seen == frame)
            };
            log.traffic.iter().filter(same).count() >= count
        })
    }

    fn wait(&self, is_enough: impl Fn(&Log) -> bool) -> io::Result<()> {
        let log = self.shared.log();
        let (log, waited) = self
            .shared
            .grown
            .wait_timeout_while(log, PATIENCE, |log| !is_enough(log))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let message = format!("not within {PATIENCE:?}: {:?}", log.traffic);
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let links = {
            let mut log = self.shared.log();
            log.closed = true;
            std::mem::take(&mut log.links)
        };
        self.listener.close();
        for link in links.iter().filter_map(Weak::upgrade) {
            link.cut();
        }
        if let Some(accepting) = self.accepting.take()
            && accepting.join().is_err()
        {
            eprintln!("the proxy has panicked");
        }
    }
}

impl Shared {
    fn accept(&self, listener: &Listener) {
        thread::scope(|scope| {
            loop {
                let client = match listener.accept_socket() {
                    Ok(client) => client,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(_) => break,
                };
                // Who cannot be reached closes: so does the proxy.
                let Ok(link) = self.link(client) else {
                    continue;
                };
                for direction in [Direction::Up, Direction::Down] {
                    let link = Arc::clone(&link);
                    scope.spawn(move || Pump::new(self, &link, direction).run());
                }
            }
        });
    }

    fn link(&self, client: OwnedFd) -> io::Result<Arc<Link>> {
        let server = self.target.connect()?;
        for socket in [&client, &server] {
            sockopt::set_socket_timeout(socket, sockopt::Timeout::Recv, None)?;
            if matches!(self.target, Target::Tcp(_)) {
                sockopt::set_tcp_nodelay(socket, true)?;
            }
        }
        let link = Arc::new(Link {
            client,
            server,
            stopped: AtomicBool::new(false),
        });
        let mut log = self.log();
        if log.closed {
            return Err(io::ErrorKind::NotConnected.into());
        }
        log.links.push(Arc::downgrade(&link));
        Ok(link)
    }

    /// A panic elsewhere leaves it consistent.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log());
        self.grown.notify_all();
    }
}

impl Link {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Closes both sides, as far as the peers can see.
    fn cut(&self) {
        for socket in [&self.client, &self.server] {
            // A peer that has closed already is no less cut off.
            let _ = shutdown(socket, Shutdown::Both);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trick,
            direction,
            place: Place { frame, byte },
        } = self;
        write!(f, "{trick:?} {direction:?} in frame {frame} at ")?;
        match *byte {
            Place::END => f.write_str("its end"),
            byte => write!(f, "byte {byte}"),
        }
    }
}

#[cfg(test)]
mod tests;
