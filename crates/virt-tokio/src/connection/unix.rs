//! Unix sockets, which carry descriptors besides bytes.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use thiserror::Error;
use tokio::io::Interest;
use tokio::net::UnixStream;
use virt_transport::{Chunks, Fd, FdSlot};

use super::socket::{ByteStream, PIECES, Socket};
use crate::Closed;

/// The byte that carries a descriptor. Its value is ignored.
const CARRIER: [u8; 1] = [0];

/// The peer did not send descriptors one at a time.
#[derive(Debug, Error)]
#[error("{count} descriptors in one control message, must be 1")]
struct FdsInOneMessage {
    count: usize,
}

/// The kernel closed descriptors that it could not hand out.
#[derive(Debug, Error)]
#[error(
    "descriptors were lost: more than one in a control message, or too many open in this process"
)]
struct FdsLost;

impl Socket for UnixStream {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<(usize, Option<Fd>), Closed>> {
        loop {
            ready!(self.poll_read_ready(cx)).map_err(Closed::error)?;
            let mut read = None;
            let tried = self.try_io(Interest::READABLE, || {
                let (count, fds) = receive(self, buffer)?;
                // A short read means that the socket is empty, unless a descriptor ended it. The socket is read again
                // only once it has more.
                let emptied = count < buffer.len() && fds.is_empty();
                read = Some((count, fds));
                if emptied {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            return Poll::Ready(match (read, tried) {
                (Some((count, fds)), _) => only(fds).map(|fd| (count, fd)),
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    Err(Closed::error(error))
                }
                (None, _) => continue,
            });
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut chunks: Chunks<'_>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match write(self, &chunks) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) => return Poll::Ready(Err(error)),
                Ok(written) => {
                    chunks.advance(written);
                    return Poll::Ready(Ok(written));
                }
            }
        }
    }

    fn poll_send_fd(&mut self, cx: &mut Context<'_>, slot: FdSlot<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match self.try_io(Interest::WRITABLE, || send(self, &slot)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) => return Poll::Ready(Err(error)),
                Ok(()) => {
                    drop(slot.into_fd());
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel has all written bytes.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn into_stream(self: Box<Self>) -> Box<dyn ByteStream> {
        self
    }
}

/// Returns the descriptor of a read, of which there may be one.
fn only(mut fds: Vec<OwnedFd>) -> Result<Option<Fd>, Closed> {
    let fd = fds.pop();
    if fds.is_empty() {
        Ok(fd)
    } else {
        Err(Closed::error(FdsInOneMessage {
            count: fds.len() + 1,
        }))
    }
}

/// Writes some of the bytes.
fn write(socket: &UnixStream, chunks: &Chunks<'_>) -> io::Result<usize> {
    let first = chunks.chunk();
    if first.len() == chunks.remaining() {
        // The common case, which costs the kernel less.
        return socket.try_write(first);
    }
    let mut slices = [IoSlice::new(&[]); PIECES];
    let count = chunks.chunks_vectored(&mut slices);
    socket.try_write_vectored(&slices[..count])
}

/// Reads bytes, and the descriptors on the last of them, closed on exec.
fn receive(socket: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    // Room for two, so that a second one is seen and refused.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    if message.flags.contains(ReturnFlags::CTRUNC) {
        // There was no room for them, or this process has reached its limit of descriptors.
        return Err(io::Error::other(FdsLost));
    }
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok((message.bytes, fds.flatten().collect()))
}

/// Sends a descriptor, and the byte that carries it.
fn send(socket: &UnixStream, slot: &FdSlot<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [slot.as_fd()];
    let fits = control.push(SendAncillaryMessage::ScmRights(&fds));
    debug_assert!(fits, "there is room for one descriptor");
    sendmsg(
        socket,
        &[IoSlice::new(&CARRIER)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}
