//! A stream as a writer.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use virt_transport::SendError;

use super::Stream;
use super::writer::{PIECE, Writer};
use crate::CallError;

/// A [`Stream`] that is written: [`Stream::into_upload`].
///
/// Small writes are gathered: `flush` sends them. `shutdown` sends the rest, and waits for the daemon's confirmation that
/// all went well. `tokio::io::copy` does not call it:
///
/// ```no_run
/// # async fn example(stream: virt_tokio::Stream) -> std::io::Result<()> {
/// use tokio::io::AsyncWriteExt;
///
/// let mut upload = stream.into_upload();
/// tokio::io::copy(&mut &b"contents"[..], &mut upload).await?;
/// upload.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// An [`io::Error`] of it wraps a [`CallError`], which has the daemon's reason: see [`io::Error::downcast`]. Dropping it
/// without `shutdown` aborts the stream; a storage volume then keeps the data that has arrived.
#[derive(Debug)]
pub struct Upload {
    stream: Stream,
    writer: Writer,
    /// Less than a piece, or one that waits until the writer is idle.
    gathered: Gathered,
    ending: Ending,
}

/// Bytes, of which `Debug` prints the number.
#[derive(Default)]
struct Gathered(Vec<u8>);

/// The steps from the last data to the end.
#[derive(Debug)]
enum Ending {
    /// Data may follow.
    Open,
    /// This end finishes.
    Finishing,
    /// The daemon's confirmation is waited for.
    Confirming,
    Over,
    /// The daemon has ended the stream, and its reason is waited for. This is the error without one.
    Refused(CallError),
    Failed(CallError),
}

impl Upload {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            writer: Writer::new(stream.sender()),
            stream,
            gathered: Gathered::default(),
            ending: Ending::Open,
        }
    }

    /// Writes a run of `length` zeros, without the zeros. The daemon has to have been asked for a sparse stream.
    ///
    /// Not cancel-safe: if the future is dropped, the hole may or may not be written.
    ///
    /// # Errors
    ///
    /// Those of [`StreamSender::send_hole`](super::StreamSender::send_hole), and the daemon's reason to end the stream.
    pub async fn write_hole(&mut self, length: u64) -> Result<(), CallError> {
        poll_fn(|cx| self.poll_flush_all(cx)).await?;
        if length > 0 {
            self.writer.send_hole(length);
        }
        poll_fn(|cx| self.poll_flush_all(cx)).await
    }

    /// Writes a piece of at most [`PIECE`] bytes without a copy of it.
    pub(super) async fn write_piece(&mut self, piece: Bytes) -> Result<(), CallError> {
        poll_fn(|cx| self.poll_flush_all(cx)).await?;
        self.writer.send(piece);
        // The next one is prepared meanwhile.
        poll_fn(|cx| {
            let polled = self.poll_flush_all(cx);
            Poll::Ready(if let Poll::Ready(result) = polled {
                result
            } else {
                Ok(())
            })
        })
        .await
    }

    /// Returns a counter of the bytes sent so far, holes included.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.writer.progress()
    }

    /// Polls an action on an open stream. When it fails because the daemon has ended the stream, the daemon's reason is
    /// the error.
    fn poll_open<R>(
        &mut self,
        cx: &mut Context<'_>,
        action: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Result<R, CallError>>,
    ) -> Poll<Result<R, CallError>> {
        if !matches!(self.ending, Ending::Refused(_) | Ending::Failed(_)) {
            match ready!(action(self, cx)) {
                Ok(result) => return Poll::Ready(Ok(result)),
                Err(error @ CallError::Send(SendError::StreamClosed(_)))
                    if !self.stream.is_closed && matches!(self.ending, Ending::Open) =>
                {
                    self.ending = Ending::Refused(error);
                }
                Err(error) => self.ending = Ending::Failed(error),
            }
            self.gathered = Gathered::default();
        }
        if let Ending::Refused(error) = &self.ending {
            let error = error.clone();
            let reason = loop {
                match ready!(self.stream.poll_recv(cx)) {
                    Ok(Some(_)) => {}
                    Ok(None) if self.stream.is_closed => break error,
                    // All of its data: the end is still to come.
                    Ok(None) => self.stream.is_at_end = false,
                    Err(reason) => break reason,
                }
            };
            self.ending = Ending::Failed(reason);
        }
        match &self.ending {
            Ending::Failed(error) => Poll::Ready(Err(error.clone())),
            _ => Poll::Pending,
        }
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.poll_open(cx, |upload, cx| {
            loop {
                ready!(upload.writer.poll_idle(cx))?;
                if upload.gathered.0.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                upload.writer.send(upload.gathered.take());
            }
        })
    }

    fn poll_gather(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize, CallError>> {
        self.poll_open(cx, |upload, cx| {
            if !matches!(upload.ending, Ending::Open) {
                return Poll::Ready(Err(upload.writer.closed()));
            }
            if upload.gathered.0.len() >= PIECE {
                ready!(upload.writer.poll_idle(cx))?;
                upload.writer.send(upload.gathered.take());
            }
            let length = buf.len().min(PIECE - upload.gathered.0.len());
            upload.gathered.0.extend_from_slice(&buf[..length]);
            // What is on its way goes on; its failure is that of this write, which was not sent.
            if let Poll::Ready(result) = upload.writer.poll_idle(cx) {
                result?;
                if upload.gathered.0.len() >= PIECE {
                    upload.writer.send(upload.gathered.take());
                    if let Poll::Ready(result) = upload.writer.poll_idle(cx) {
                        result?;
                    }
                }
            }
            Poll::Ready(Ok(length))
        })
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if matches!(self.ending, Ending::Open) {
            ready!(self.poll_flush_all(cx))?;
            self.writer.finish();
            self.ending = Ending::Finishing;
        }
        self.poll_open(cx, |upload, cx| {
            if matches!(upload.ending, Ending::Finishing) {
                match ready!(upload.writer.poll_idle(cx)) {
                    // The daemon may have ended the stream first, and says why.
                    Ok(()) | Err(CallError::Send(_)) => upload.ending = Ending::Confirming,
                    Err(error) => return Poll::Ready(Err(error)),
                }
                upload.stream.is_at_end = false;
            }
            while matches!(upload.ending, Ending::Confirming) {
                ready!(upload.stream.poll_recv(cx))?;
                if upload.stream.is_closed {
                    upload.ending = Ending::Over;
                }
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for Upload {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_gather(cx, buf).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_all(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl Gathered {
    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.0).into()
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
