//! Unix sockets, which carry descriptors besides bytes.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use rustix::io::ioctl_fionread;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, recvmsg, sendmsg, shutdown,
};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use virt_transport::{Chunks, Fd, FdSlot};

use super::closer::{self, FDS_IN_MESSAGE};
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
#[error("descriptors were lost: too many are open in this process")]
struct FdsLost;

/// The Unix socket of a connection.
///
/// Descriptors in its queue would be closed with it. When it is dropped, they are closed elsewhere, because closing may
/// block.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    /// `None` only while it is dropped.
    stream: Option<UnixStream>,
}

impl UnixSocket {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            stream: Some(stream),
        }
    }

    fn stream(&self) -> &UnixStream {
        let Some(stream) = &self.stream else {
            unreachable!("the stream is there until the socket is dropped");
        };
        stream
    }

    fn stream_mut(&mut self) -> &mut UnixStream {
        let Some(stream) = &mut self.stream else {
            unreachable!("the stream is there until the socket is dropped");
        };
        stream
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        // Nothing more can be sent to it, so what is there now is all.
        let _ = shutdown(&stream, Shutdown::Read);
        let queued = ioctl_fionread(&stream).is_ok_and(|count| count > 0);
        if queued && let Ok(stream) = stream.into_std() {
            closer::close_socket(stream.into());
        }
    }
}

/// A listening Unix socket.
///
/// Connections that nobody has accepted are closed with it, and the descriptors in their queues. When it is dropped, that
/// is done elsewhere, as for [`UnixSocket`].
#[derive(Debug)]
pub(crate) struct UnixSocketListener {
    /// `None` only while it is dropped.
    listener: Option<UnixListener>,
}

impl UnixSocketListener {
    pub(crate) fn new(listener: UnixListener) -> Self {
        Self {
            listener: Some(listener),
        }
    }

    /// Waits for the next connection. Cancel-safe.
    pub(crate) async fn accept(&self) -> io::Result<UnixSocket> {
        let Some(listener) = &self.listener else {
            unreachable!("the listener is there until it is dropped");
        };
        let (stream, _) = listener.accept().await?;
        Ok(UnixSocket::new(stream))
    }
}

impl Drop for UnixSocketListener {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        // From now on no connection is added.
        let _ = shutdown(&listener, Shutdown::Both);
        if let Ok(listener) = listener.into_std() {
            closer::close_listener(listener.into());
        }
    }
}

impl Socket for UnixSocket {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<Option<Fd>, Closed>> {
        loop {
            ready!(self.stream().poll_read_ready(cx)).map_err(Closed::error)?;
            let space = buffer.initialize_unfilled();
            let mut read = None;
            let tried = self.stream().try_io(Interest::READABLE, || {
                let (count, fds) = receive(self.stream(), space)?;
                // A short read means that the socket is empty, unless a descriptor ended it. The socket is read again
                // only once it has more.
                let emptied = count < space.len() && fds.is_empty();
                read = Some((count, fds));
                if emptied {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            return Poll::Ready(match (read, tried) {
                (Some((count, fds)), _) => only(fds).inspect(|_| buffer.advance(count)),
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
            ready!(self.stream().poll_write_ready(cx))?;
            match write(self.stream(), &chunks) {
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
            ready!(self.stream().poll_write_ready(cx))?;
            match self
                .stream()
                .try_io(Interest::WRITABLE, || send(self.stream(), &slot))
            {
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

/// Reads bytes alone; descriptors that come with them are closed elsewhere.
impl AsyncRead for UnixSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_receive(cx, buffer)).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UnixSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().stream_mut()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().stream_mut()).poll_shutdown(cx)
    }
}

/// Returns the descriptor of a read, of which there may be one.
fn only(mut fds: Vec<Fd>) -> Result<Option<Fd>, Closed> {
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
fn receive(socket: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Vec<Fd>)> {
    // Room for all that a message can carry: those that do not fit the kernel closes on this thread.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_IN_MESSAGE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds = fds.flatten().map(|fd| Fd::closed_by(fd, closer::close));
    let fds = fds.collect();
    if message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::other(FdsLost));
    }
    Ok((message.bytes, fds))
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
