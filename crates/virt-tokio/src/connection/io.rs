//! Reading a socket into a transport, and writing the transport's output.

use std::io;
use std::mem::{self, MaybeUninit};
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use virt_transport::{FD_WEIGHT, Fd, ReceiveError, Transmit, Transport};

use super::socket::{ByteStream, Plain, Socket};
use crate::Closed;

/// The least size of a read in bytes: some twenty PINGs, or a reply of ordinary size.
const WINDOW_MIN: usize = 512;

/// The greatest size of a read in bytes, for large frames and for many small ones.
const WINDOW_MAX: usize = 64 * 1024;

/// The bytes that an idle connection may hold in each direction: a PING and a PONG.
const IDLE_MAX: usize = 64;

/// The socket of a connection, and the state of reading and writing it.
pub(crate) struct Io {
    socket: Box<dyn Socket>,
    /// The size of the next read: `WINDOW_MIN <= window <= WINDOW_MAX`.
    window: usize,
    /// True if written bytes have still to be flushed.
    is_unflushed: bool,
    /// A descriptor behind frames that are held up.
    next_fd: Option<Fd>,
    /// The most bytes that the transport has held in one direction since memory was released.
    peak: usize,
    /// The error after which nothing can be written any more.
    write_error: Option<io::Error>,
}

impl Io {
    pub(crate) fn new(socket: Box<dyn Socket>) -> Self {
        Self {
            socket,
            window: WINDOW_MIN,
            is_unflushed: false,
            next_fd: None,
            peak: 0,
            write_error: None,
        }
    }

    /// Returns whether nothing can be written any more.
    pub(crate) fn is_write_failed(&self) -> bool {
        self.write_error.is_some()
    }

    pub(crate) fn take_write_error(&mut self) -> Option<io::Error> {
        self.write_error.take()
    }

    /// Returns whether all output is written and flushed.
    pub(crate) fn is_flushed(&self, transport: &Transport) -> bool {
        queued(transport) == 0 && !self.is_unflushed
    }

    /// Replaces the socket by a stream that wraps it.
    pub(crate) fn wrap(&mut self, wrap: impl FnOnce(Box<dyn ByteStream>) -> Box<dyn ByteStream>) {
        let socket = mem::replace(&mut self.socket, Box::new(Plain(tokio::io::empty())));
        self.socket = Box::new(Plain(wrap(socket.into_stream())));
    }

    /// Handles input: frames that are held up, or else one read. Returns whether bytes were read.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
    ) -> Poll<Result<bool, Closed>> {
        if transport.is_resumable() {
            return Poll::Ready(self.resume(transport).map(|()| false));
        }
        if transport.is_paused() {
            return Poll::Pending;
        }
        let Poll::Ready(count) = self.poll_read(cx, transport) else {
            self.release_memory(transport);
            return Poll::Pending;
        };
        self.window = if count? == self.window {
            self.window * 4
        } else {
            self.window / 2
        }
        .clamp(WINDOW_MIN, WINDOW_MAX);
        Poll::Ready(Ok(true))
    }

    /// Writes until the output is empty, the socket is full, or writing fails; returns the number of bytes.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, transport: &mut Transport) -> usize {
        self.peak = self.peak.max(transport.queued());
        let mut written = 0;
        while let Some(transmit) = transport.poll_transmit() {
            let sent = match transmit {
                Transmit::Bytes(chunks) => self.socket.poll_send(cx, chunks),
                Transmit::Fd(slot) => self.socket.poll_send_fd(cx, slot).map_ok(|()| 1),
            };
            match sent {
                Poll::Pending => break,
                Poll::Ready(Ok(count)) if count > 0 => written += count,
                Poll::Ready(result) => {
                    self.write_error =
                        Some(result.err().unwrap_or(io::ErrorKind::WriteZero.into()));
                    break;
                }
            }
        }
        self.is_unflushed |= written > 0;
        if self.is_unflushed && queued(transport) == 0 {
            match self.socket.poll_flush(cx) {
                Poll::Pending => (),
                Poll::Ready(Ok(())) => self.is_unflushed = false,
                Poll::Ready(Err(error)) => self.write_error = Some(error),
            }
        }
        written
    }

    /// Tells the peer that no more bytes follow.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_shutdown(cx)
    }

    /// Handles frames that were held up, and the descriptor behind them.
    fn resume(&mut self, transport: &mut Transport) -> Result<(), Closed> {
        transport.resume().map_err(Closed::error)?;
        if !transport.is_paused()
            && let Some(fd) = self.next_fd.take()
        {
            transport.receive_fd(fd).map_err(Closed::error)?;
        }
        Ok(())
    }

    /// Reads into the transport, at most the window; returns the number of bytes.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
    ) -> Poll<Result<usize, Closed>> {
        if self.window > WINDOW_MIN {
            self.peak = self.peak.max(self.window);
            let mut buffer = ReadBuf::new(transport.space(self.window));
            let fd = ready!(self.socket.poll_receive(cx, &mut buffer))?;
            let count = buffer.filled().len();
            return Poll::Ready(self.received(transport, count, fd, Transport::commit));
        }
        // A small read is copied, so that a connection with little to do holds no buffer of this size.
        let mut space = [MaybeUninit::uninit(); WINDOW_MIN];
        let mut buffer = ReadBuf::uninit(&mut space);
        let fd = ready!(self.socket.poll_receive(cx, &mut buffer))?;
        let input = buffer.filled();
        self.peak = self.peak.max(input.len());
        let take = |transport: &mut Transport, count| transport.receive(&input[..count]);
        Poll::Ready(self.received(transport, input.len(), fd, take))
    }

    /// Hands the input of a read to the transport.
    fn received(
        &mut self,
        transport: &mut Transport,
        count: usize,
        fd: Option<Fd>,
        take: impl FnOnce(&mut Transport, usize) -> Result<(), ReceiveError>,
    ) -> Result<usize, Closed> {
        if count == 0 {
            return Err(Closed::end_of_file(transport.buffered()));
        }
        // The kernel ends a read behind the bytes that were sent with a descriptor. By the protocol this is one byte; a
        // frame that ends with a descriptor on its last byte looks like two messages, and cannot be told from them.
        let bytes = count - usize::from(fd.is_some());
        if bytes > 0 {
            take(transport, bytes).map_err(Closed::error)?;
        }
        if transport.is_paused() {
            // It belongs behind the frames that are held up.
            self.next_fd = fd;
        } else if let Some(fd) = fd {
            transport.receive_fd(fd).map_err(Closed::error)?;
        }
        Ok(count)
    }

    /// Releases memory that a connection without input does not need.
    fn release_memory(&mut self, transport: &mut Transport) {
        if self.peak > IDLE_MAX && transport.buffered() == 0 {
            transport.shrink_to_fit();
            self.peak = 0;
        }
    }
}

/// Returns the output that waits to be written, in bytes, a descriptor counted as [`FD_WEIGHT`].
pub(crate) fn queued(transport: &Transport) -> usize {
    transport.queued() + transport.queued_fds() * FD_WEIGHT
}
