//! A raw connection: bytes and descriptors as they are, no protocol but the length word.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, recvmsg, sendmsg, shutdown, sockopt,
};

use crate::incoming::Incoming;
use crate::libvirt::PATIENCE;
use crate::{Event, Peer};

/// More than the protocol's 32, so that a test can send too many.
const MAX_DESCRIPTORS: usize = 64;

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
    pub fn write(&self, mut bytes: &[u8], descriptors: usize) -> io::Result<()> {
        assert!(
            descriptors <= MAX_DESCRIPTORS,
            "{descriptors} descriptors are over {MAX_DESCRIPTORS}"
        );
        let null = File::open("/dev/null")?;
        let mut fds = vec![null.as_fd(); descriptors];
        while !bytes.is_empty() {
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() {
                assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
            }
            let sent = sendmsg(
                &self.socket,
                &[IoSlice::new(bytes)],
                &mut control,
                SendFlags::NOSIGNAL,
            )?;
            bytes = &bytes[sent..];
            fds.clear();
        }
        Ok(())
    }

    /// Reads once; false when the peer sent nothing for [`PATIENCE`].
    fn read(&mut self) -> bool {
        let mut buffer = vec![0; 65_536];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let read = recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut buffer)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        );
        match read {
            Ok(message) if message.bytes > 0 => {
                self.incoming.push(&buffer[..message.bytes]);
                let descriptors: usize = control
                    .drain()
                    .map(|message| match message {
                        RecvAncillaryMessage::ScmRights(fds) => fds.count(),
                        _ => 0,
                    })
                    .sum();
                if descriptors > 0 {
                    // The kernel ends a read with the write that carried descriptors, and a
                    // libvirt peer sends those on one byte: the last one.
                    self.incoming.mark_descriptors(descriptors);
                }
                true
            }
            Err(rustix::io::Errno::AGAIN) => false,
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
