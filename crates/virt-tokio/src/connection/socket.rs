//! Sockets: byte streams that a connection runs over, with or without descriptors.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use virt_transport::{Chunks, Fd, FdSlot};

use crate::Closed;

/// The most pieces of one gathering write.
pub(crate) const PIECES: usize = 64;

/// A byte stream without descriptors, such as a `TcpStream`, or one that wraps another.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for S {}

/// A byte stream that a connection runs over.
pub(crate) trait Socket: Send {
    /// Reads into the buffer, nothing at the end; returns the descriptor that came on the last of the bytes.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<Option<Fd>, Closed>>;

    /// Writes some of the bytes, takes them off, and returns their number.
    fn poll_send(&mut self, cx: &mut Context<'_>, chunks: Chunks<'_>) -> Poll<io::Result<usize>>;

    /// Sends one descriptor, and takes it off.
    fn poll_send_fd(&mut self, cx: &mut Context<'_>, slot: FdSlot<'_>) -> Poll<io::Result<()>>;

    /// Hands all written bytes to the operating system.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Tells the peer that no more bytes follow, where closing alone would not.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Returns the byte stream itself, to be wrapped by another.
    fn into_stream(self: Box<Self>) -> Box<dyn ByteStream>;
}

/// A socket without descriptors.
pub(crate) struct Plain<S>(pub(crate) S);

impl<S: ByteStream> Socket for Plain<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<Option<Fd>, Closed>> {
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer)).map_err(Closed::error)?;
        Poll::Ready(Ok(None))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut chunks: Chunks<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [io::IoSlice::new(&[]); PIECES];
        let count = chunks.chunks_vectored(&mut slices);
        let written = ready!(Pin::new(&mut self.0).poll_write_vectored(cx, &slices[..count]))?;
        chunks.advance(written);
        Poll::Ready(Ok(written))
    }

    fn poll_send_fd(&mut self, _: &mut Context<'_>, _: FdSlot<'_>) -> Poll<io::Result<()>> {
        // A transport without descriptors refuses them, but a stream that wraps a Unix socket carries none either.
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn into_stream(self: Box<Self>) -> Box<dyn ByteStream> {
        Box::new(self.0)
    }
}
