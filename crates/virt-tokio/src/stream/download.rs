//! A stream as a reader.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use super::reader::Reader;
use super::writer::Writer;
use super::{Stream, StreamChunk};
use crate::CallError;

/// A [`Stream`] that is read: [`Stream::into_download`].
///
/// The end of the data is reported once the daemon has confirmed that all went well: a `tokio::io::copy` that succeeds
/// is complete. Holes are read as zeros. [`chunk`](Self::chunk) returns them as holes, and
/// [`copy_sparse`](Self::copy_sparse) leaves them out of a file.
///
/// An [`io::Error`] of it wraps a [`CallError`], which has the daemon's reason: see [`io::Error::downcast`]. Dropping it
/// before its end aborts the stream.
#[derive(Debug)]
pub struct Download {
    source: Source,
    reader: Reader,
}

/// The chunks of a stream, up to the daemon's confirmation.
#[derive(Debug)]
struct Source {
    stream: Stream,
    writer: Writer,
    ending: Ending,
}

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
    Failed(CallError),
}

impl Download {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            source: Source {
                writer: Writer::new(stream.sender()),
                stream,
                ending: Ending::Open,
            },
            reader: Reader::new(),
        }
    }

    /// Waits for the next data or hole; `None` once the daemon has confirmed the end.
    ///
    /// Cancel-safe: no data is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::recv`].
    pub async fn chunk(&mut self) -> Result<Option<StreamChunk>, CallError> {
        if let Some(chunk) = self.reader.take() {
            return Ok(Some(chunk));
        }
        let chunk = poll_fn(|cx| self.source.poll_recv(cx)).await?;
        if let Some(chunk) = &chunk {
            self.reader.count(chunk);
        }
        Ok(chunk)
    }

    /// Returns a counter of the bytes received so far, holes included.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.reader.progress()
    }
}

impl AsyncRead for Download {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { source, reader } = &mut *self;
        let read = reader.poll_read(cx, buf, |cx| source.poll_recv(cx));
        read.map_err(io::Error::from)
    }
}

impl Source {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<StreamChunk>, CallError>> {
        let result = ready!(self.poll_step(cx));
        if let Err(error) = &result {
            self.ending = Ending::Failed(error.clone());
        }
        Poll::Ready(result)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<StreamChunk>, CallError>> {
        loop {
            match &self.ending {
                Ending::Open => match ready!(self.stream.poll_recv(cx))? {
                    Some(chunk) => return Poll::Ready(Ok(Some(chunk))),
                    None if self.stream.is_closed => self.ending = Ending::Over,
                    None => {
                        self.writer.finish();
                        self.ending = Ending::Finishing;
                    }
                },
                Ending::Finishing => {
                    match ready!(self.writer.poll_idle(cx)) {
                        // The daemon may have ended the stream first, and says how.
                        Ok(()) | Err(CallError::Send(_)) => {}
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                    self.stream.is_at_end = false;
                    self.ending = Ending::Confirming;
                }
                Ending::Confirming => {
                    ready!(self.stream.poll_recv(cx))?;
                    if self.stream.is_closed {
                        self.ending = Ending::Over;
                    }
                }
                Ending::Over => return Poll::Ready(Ok(None)),
                Ending::Failed(error) => return Poll::Ready(Err(error.clone())),
            }
        }
    }
}
