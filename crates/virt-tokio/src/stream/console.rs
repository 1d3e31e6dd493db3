//! A stream as a reader and writer.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use super::reader::Reader;
use super::writer::{PIECE, Writer};
use crate::CallError;

/// A [`Stream`] that is read and written at the same time: [`Stream::into_console`].
///
/// Each write is sent at once. `shutdown` finishes this end; data of the daemon is still read, to its end. For a task
/// each way use [`into_split`](Self::into_split) or [`tokio::io::split`].
///
/// An [`io::Error`] of it wraps a [`CallError`]. The reading side has the daemon's reason to end the stream; the writing
/// side only fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe). Dropping a console aborts the stream.
#[derive(Debug)]
pub struct Console {
    reading: Reading,
    writing: Writing,
}

#[derive(Debug)]
struct Reading {
    stream: Stream,
    reader: Reader,
    /// The error that ended it.
    failure: Option<CallError>,
}

#[derive(Debug)]
struct Writing {
    writer: Writer,
    is_finished: bool,
}

impl Console {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            writing: Writing {
                writer: Writer::new(stream.sender()),
                is_finished: false,
            },
            reading: Reading {
                stream,
                reader: Reader::new(),
                failure: None,
            },
        }
    }

    /// Splits the two directions, each for a task of its own. The stream ends with the reading side: when that is dropped,
    /// it is aborted.
    #[must_use]
    pub fn into_split(
        self,
    ) -> (
        impl AsyncRead + Send + Unpin + Debug + 'static,
        impl AsyncWrite + Send + Unpin + Debug + 'static,
    ) {
        (self.reading, self.writing)
    }
}

impl AsyncRead for Console {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reading).poll_read(cx, buf)
    }
}

impl AsyncWrite for Console {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writing).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writing).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writing).poll_shutdown(cx)
    }
}

impl AsyncRead for Reading {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self {
            stream,
            reader,
            failure,
        } = &mut *self;
        if let Some(failure) = failure {
            return Poll::Ready(Err(failure.clone().into()));
        }
        let read = ready!(reader.poll_read(cx, buf, |cx| stream.poll_recv(cx)));
        if let Err(error) = &read {
            *failure = Some(error.clone());
        }
        Poll::Ready(read.map_err(io::Error::from))
    }
}

impl AsyncWrite for Writing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.writer.poll_idle(cx))?;
        if self.is_finished {
            return Poll::Ready(Err(self.writer.closed().into()));
        }
        if buf.is_empty() {
            // Empty data would be the end.
            return Poll::Ready(Ok(0));
        }
        let piece = &buf[..buf.len().min(PIECE)];
        self.writer.send(Bytes::copy_from_slice(piece));
        if let Poll::Ready(result) = self.writer.poll_idle(cx) {
            result?;
        }
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_idle(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_finished {
            ready!(self.writer.poll_idle(cx))?;
            self.writer.finish();
            self.is_finished = true;
        }
        self.writer.poll_idle(cx).map_err(io::Error::from)
    }
}
