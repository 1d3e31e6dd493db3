//! A socket for a client to connect to.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{Shutdown, SocketFlags, accept_with, shutdown, sockopt};
use tempfile::TempDir;

use crate::Connection;
use crate::libvirt::PATIENCE;

/// A listening socket in place of a daemon's.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    uri: String,
    /// Holds the socket's path.
    _directory: Option<TempDir>,
}

impl Listener {
    /// Listens on a Unix socket in a directory of its own.
    ///
    /// # Errors
    ///
    /// Those of making the directory and the socket.
    pub fn unix() -> io::Result<Self> {
        // Not `env::temp_dir`, which may be long: a socket's path is at most 107 bytes.
        let directory = TempDir::with_prefix_in("virt-", "/tmp")?;
        let path = directory.path().join("sock");
        let uri = format!("test+unix:///default?socket={}", path.display());
        Self::new(UnixListener::bind(path)?.into(), uri, Some(directory))
    }

    /// Listens on a free TCP port.
    ///
    /// # Errors
    ///
    /// Those of making the socket.
    pub fn tcp() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let uri = format!("test+tcp://{}/default", listener.local_addr()?);
        Self::new(listener.into(), uri, None)
    }

    fn new(socket: OwnedFd, uri: String, directory: Option<TempDir>) -> io::Result<Self> {
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
        Ok(Self {
            socket,
            uri,
            _directory: directory,
        })
    }

    /// The URI that a libvirt client finds it by.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits for a client.
    ///
    /// # Errors
    ///
    /// Those of accepting, and [`io::ErrorKind::WouldBlock`] when none comes within [`PATIENCE`].
    pub fn accept(&self) -> io::Result<Connection> {
        Connection::new(self.accept_socket()?)
    }

    pub(crate) fn accept_socket(&self) -> io::Result<OwnedFd> {
        Ok(accept_with(&self.socket, SocketFlags::CLOEXEC)?)
    }

    /// Ends all waiting for a client, now and later.
    pub(crate) fn close(&self) {
        // It was not connected, which is why it is an error on some kernels; it wakes all the same.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}
