//! A byte stream within a security layer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use virt_remote::SecurityLayer;

use crate::ByteStream;

/// The size of a read from the protected stream, in bytes.
const READ_SIZE: usize = 16 * 1024;

/// The most bytes that one write protects.
const WRITE_MAX: usize = 64 * 1024;

/// A byte stream whose bytes a security layer protects.
#[derive(Debug)]
pub(crate) struct Secured<S> {
    stream: S,
    layer: Box<dyn SecurityLayer>,
    /// Received bytes, unprotected, of which `taken` have been read.
    plain: Vec<u8>,
    taken: usize,
    /// Protected bytes, of which `written` have been written.
    protected: Vec<u8>,
    written: usize,
}

impl<S> Secured<S> {
    pub(crate) fn new(stream: S, layer: Box<dyn SecurityLayer>) -> Self {
        Self {
            stream,
            layer,
            plain: Vec::new(),
            taken: 0,
            protected: Vec::new(),
            written: 0,
        }
    }
}

impl<S: ByteStream> Secured<S> {
    /// Writes the protected bytes that wait.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.protected.len() {
            let rest = &self.protected[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.protected = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: ByteStream> AsyncRead for Secured<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.taken == this.plain.len() {
            this.plain.clear();
            this.taken = 0;
            let mut received = [0; READ_SIZE];
            let mut received = ReadBuf::new(&mut received);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            let decoded = this.layer.decode(received.filled(), &mut this.plain);
            decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        let rest = &this.plain[this.taken..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        this.taken += count;
        if this.taken == this.plain.len() {
            this.plain = Vec::new();
            this.taken = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: ByteStream> AsyncWrite for Secured<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        let bytes = &bytes[..bytes.len().min(WRITE_MAX)];
        this.layer.encode(bytes, &mut this.protected);
        // The bytes are taken in any case: an error or a full socket shows at the next write or flush.
        let _ = this.poll_drain(cx)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
