//! Nothing is to be left behind: no descriptor, no process.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, wait};
use tokio::runtime::Builder;
use virt_tests::{Process, Target, libvirt};

use crate::Result;

/// The tests count what their common process holds, so only one may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The resources that this process held when a test began.
pub(crate) struct Before {
    descriptors: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Before {
    /// Waits until no other test runs, and counts. It comes first in a test: even to ask for libvirt takes descriptors.
    pub(crate) fn count() -> Result<Self> {
        // A test that has failed fails by itself.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // The first runtime of a process may open what all of them share and none closes: its pipe for signals.
        drop(Builder::new_current_thread().enable_all().build()?);
        Ok(Self {
            descriptors: descriptors()?,
            _alone: alone,
        })
    }

    /// Counts again, at the end of a test.
    pub(crate) fn assert_nothing_left(self) -> Result {
        assert_eq!(descriptors()?, self.descriptors, "descriptors are left");
        let child = wait(WaitOptions::NOHANG).err();
        assert_eq!(child, Some(rustix::io::Errno::CHILD), "a process is left");
        Ok(())
    }
}

/// Waits until a peer has closed its side of every connection, and counts what it then holds.
pub(crate) fn count_idle(process: &Process, targets: &[&Target]) -> Result<usize> {
    let open = || targets.iter().map(|target| connections(target)).sum();
    wait_until(0, "connections", open)?;
    Ok(process.descriptors()?)
}

/// Waits until a peer has as many descriptors as before: it closes its side of a connection in its own time.
pub(crate) fn assert_closed(process: &Process, before: usize) -> Result {
    wait_until(before, "descriptors", || Ok(process.descriptors()?))
}

fn wait_until(expected: usize, what: &str, count: impl Fn() -> Result<usize>) -> Result {
    let deadline = Instant::now() + libvirt::PATIENCE;
    loop {
        let now = count()?;
        if now == expected {
            return Ok(());
        }
        assert!(
            Instant::now() < deadline,
            "there are {now} {what}, not {expected}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the number of connections to a socket that are open, from the kernel's tables.
fn connections(target: &Target) -> Result<usize> {
    let count = |table: &str, is_open: &dyn Fn(&[&str]) -> bool| {
        let table = fs::read_to_string(table)?;
        let rows = table.lines().map(|line| line.split_whitespace().collect());
        Ok(rows.filter(|row: &Vec<_>| is_open(row)).count())
    };
    match target {
        Target::Unix(path) => {
            let path = path.to_str().ok_or("a path that is no text")?;
            // Slot, references, protocol, flags, type, state, inode, path. One that listens has state 01.
            count("/proc/net/unix", &|row| {
                row.get(7) == Some(&path) && row[5] != "01"
            })
        }
        Target::Tcp(address) => {
            let SocketAddr::V4(address) = address else {
                return Err("an address that is not of IPv4".into());
            };
            let ip = u32::from_ne_bytes(address.ip().octets());
            let local = format!("{ip:08X}:{:04X}", address.port());
            // Slot, local address, remote address, state: established, or closed by the other end alone.
            count("/proc/net/tcp", &|row| {
                row.get(1) == Some(&local.as_str()) && ["01", "08"].contains(&row[3])
            })
        }
    }
}

fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

#[test]
fn connections_are_counted_from_when_they_are_made_until_they_are_closed() -> Result {
    let before = Before::count()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("socket");
    let unix_listener = UnixListener::bind(&path)?;
    let unix = &Target::Unix(path.clone());
    // An address of its own: at the usual one others may look for a server that has just gone.
    let tcp_listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0))?;
    let address = tcp_listener.local_addr()?;
    let tcp = &Target::Tcp(address);
    assert_eq!((connections(unix)?, connections(tcp)?), (0, 0));

    let clients = (UnixStream::connect(path)?, TcpStream::connect(address)?);
    assert_eq!(connections(unix)?, 1, "not accepted yet");
    let servers = (unix_listener.accept()?, tcp_listener.accept()?);
    assert_eq!((connections(unix)?, connections(tcp)?), (1, 1));
    drop(clients);
    assert_eq!((connections(unix)?, connections(tcp)?), (1, 1));
    drop(servers);
    assert_eq!((connections(unix)?, connections(tcp)?), (0, 0));

    // To remove a directory takes a descriptor, too.
    drop((unix_listener, tcp_listener, directory));
    before.assert_nothing_left()
}
