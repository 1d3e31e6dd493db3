//! A descriptor that can be watched from its other end.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use virt_transport::Fd;

/// Watches a descriptor: the other end of a socket pair.
#[derive(Debug)]
pub(crate) struct Witness(UnixStream);

impl Witness {
    /// Makes a descriptor and its witness.
    pub(crate) fn new() -> (Self, Fd) {
        let (watching, watched) = UnixStream::pair().expect("a pair of sockets");
        watching.set_nonblocking(true).expect("a socket can be");
        (Self(watching), watched.into())
    }

    /// Returns whether every copy of the descriptor has been closed.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(0) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            unexpected => panic!("a watched descriptor gave {unexpected:?}"),
        }
    }

    /// Returns whether this is the watched descriptor: a byte written to it arrives here.
    pub(crate) fn recognises(&mut self, fd: &impl AsFd) -> bool {
        let copy = fd.as_fd().try_clone_to_owned().expect("a copy");
        let mut watched = UnixStream::from(copy);
        watched.write_all(&[0x5a]).expect("the other end is open");
        let mut byte = [0];
        self.0
            .read(&mut byte)
            .is_ok_and(|count| count == 1 && byte == [0x5a])
    }
}

/// Makes this many descriptors and their witnesses.
pub(crate) fn witnesses(count: usize) -> (Vec<Witness>, Vec<Fd>) {
    (0..count).map(|_| Witness::new()).unzip()
}
