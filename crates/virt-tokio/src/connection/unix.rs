//! Unix sockets, which carry descriptors beside the bytes.

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

use crate::Closed;
use crate::socket::{PIECES, Socket};

/// The byte that a descriptor rides on; its value means nothing.
const CARRIER: [u8; 1] = [0];

/// The peer did not send descriptors one at a time.
#[derive(Debug, Error)]
#[error("{count} descriptors in one control message, must be 1")]
struct FdsInOneMessage {
    count: usize,
}

/// The kernel has closed descriptors that it could not hand out.
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
                // Less than there was room for: the socket is empty now, and is not asked again before it has
                // more. Only a descriptor ends a read early, too.
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
        // What the kernel has is on its way.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The one descriptor of a read, if it has brought one.
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
        // All of it in one piece, as it mostly is: that takes less of the kernel.
        return socket.try_write(first);
    }
    let mut slices = [IoSlice::new(&[]); PIECES];
    let count = chunks.chunks_vectored(&mut slices);
    socket.try_write_vectored(&slices[..count])
}

/// Reads bytes, and the descriptors on the last of them, which are not inherited by children.
fn receive(socket: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    // Room for two, so that a second one is seen and refused.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    if message.flags.contains(ReturnFlags::CTRUNC) {
        // There were more of them than room, or this process has no more to give.
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
