//! A raw connection: bytes and descriptors as they are, no protocol but the length word.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{Shutdown, shutdown, sockopt};
use virt_testkit::socket;

use crate::incoming::Incoming;
use crate::libvirt::PATIENCE;
use crate::{Event, Peer};

/// The most bytes of one read.
pub(crate) const READ: usize = 65_536;

/// A socket of either kind, read with room for descriptors and cut into frames.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    incoming: Incoming,
}

impl Connection {
    /// Connects to a Unix socket.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn unix(path: &Path) -> io::Result<Self> {
        Self::new(UnixStream::connect(path)?.into())
    }

    /// Connects to a TCP port.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Self::new(stream.into())
    }

    /// Takes over a connected socket; neither reading nor writing will block longer than [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// Those of setting a timeout.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        for direction in [sockopt::Timeout::Recv, sockopt::Timeout::Send] {
            sockopt::set_socket_timeout(&socket, direction, Some(PATIENCE))?;
        }
        Ok(Self {
            socket,
            incoming: Incoming::default(),
        })
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    ///
    /// Those of `shutdown(2)`.
    pub fn finish(&self) -> io::Result<()> {
        Ok(shutdown(&self.socket, Shutdown::Write)?)
    }

    /// Writes all bytes, the descriptors riding on the first write.
    ///
    /// # Errors
    ///
    /// Those of `sendmsg(2)`.
    ///
    /// # Panics
    ///
    /// When more than 64 descriptors are asked for.
    pub fn write(&self, bytes: &[u8], descriptors: usize) -> io::Result<()> {
        let null = File::open("/dev/null")?;
        socket::write(&self.socket, bytes, &vec![null.as_fd(); descriptors])
    }

    /// Reads once; false when the peer sent nothing for [`PATIENCE`].
    fn read(&mut self) -> bool {
        match socket::read(&self.socket, READ) {
            Ok((bytes, descriptors)) if !bytes.is_empty() => {
                self.incoming.push(&bytes);
                if !descriptors.is_empty() {
                    self.incoming.mark_descriptors(descriptors.len());
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            // A reset is how a peer closes that has not read everything.
            Ok(_) | Err(_) => {
                self.incoming.close();
                true
            }
        }
    }
}

impl Peer for Connection {
    fn send(&mut self, bytes: &[u8], descriptors: usize) {
        // A peer may close while we write, and what it sent before is still to be read: `receive` will tell.
        let _ = self.write(bytes, descriptors);
    }

    fn receive(&mut self) -> Event {
        loop {
            if let Some(event) = self.incoming.next() {
                return event;
            }
            if !self.read() {
                return Event::Silent;
            }
        }
    }
}
