//! Sockets: what the driver reads into a transport and writes out of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use virt_transport::{Chunks, Fd, FdSlot};

use crate::Closed;

/// How many pieces one gathering write takes at most.
pub(crate) const PIECES: usize = 64;

/// A byte stream that a connection runs over.
pub(crate) trait Socket: Send {
    /// Reads into the buffer; returns how many bytes, none at the end, and the descriptor that came on the last
    /// of them.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<(usize, Option<Fd>), Closed>>;

    /// Writes some of the bytes, and takes them off; returns how many.
    fn poll_send(&mut self, cx: &mut Context<'_>, chunks: Chunks<'_>) -> Poll<io::Result<usize>>;

    /// Sends one descriptor, and takes it off.
    fn poll_send_fd(&mut self, cx: &mut Context<'_>, slot: FdSlot<'_>) -> Poll<io::Result<()>>;

    /// Sees to it that what was written is on its way.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Tells the peer that nothing more will be written, where closing alone would not.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A byte stream that carries no descriptors.
#[derive(Debug)]
pub(crate) struct Plain<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for Plain<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<(usize, Option<Fd>), Closed>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer)).map_err(Closed::error)?;
        Poll::Ready(Ok((buffer.filled().len(), None)))
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
        // The transport was not told that descriptors can be carried, so it has refused them.
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
