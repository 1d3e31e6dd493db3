//! Streams of a live connection.

mod console;
mod download;
mod reader;
#[cfg(unix)]
mod sparse;
mod upload;
mod writer;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll, ready};

use bytes::Bytes;
use virt_transport::{Context, ProgramId, SendError, StreamId, StreamItem};

use crate::connection::backpressure::Items;
use crate::{CallError, Client};

pub use self::console::Console;
pub use self::download::Download;
pub use self::upload::Upload;

/// Data received on a [`Stream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamChunk {
    /// Data, never empty.
    Data(Bytes),
    /// A run of this many zeros that was not sent.
    Hole(i64),
}

/// The stream of a call, in both directions.
///
/// A download is read until [`recv`](Self::recv) returns `None`, an upload is [sent](Self::send); then
/// [`finish`](Self::finish) asks the daemon for its confirmation that all went well.
///
/// Sending waits while the connection has enough output. Received data is kept up to
/// [`Limits::stream_bytes`](crate::Limits::stream_bytes) over all streams of the connection; beyond that the connection
/// stops reading. While a call or PING waits for its answer, which may be behind that data, it reads on up to
/// [`Limits::unread_bytes`](crate::Limits::unread_bytes), and then the call fails. Keepalive goes on: the peer is sent a
/// PONG at each interval, and its silence does not count.
///
/// To send while the stream is read, as a console does, take a [`sender`](Self::sender).
///
/// [`into_download`](Self::into_download), [`into_upload`](Self::into_upload) and [`into_console`](Self::into_console)
/// make it a reader and writer of tokio.
///
/// Dropping a stream aborts it, unless this end has finished it or the peer has aborted it.
#[derive(Debug)]
pub struct Stream {
    sender: StreamSender,
    items: Items,
    /// True if the peer has sent all of its data.
    is_at_end: bool,
    /// True if the peer has finished or aborted the stream.
    is_closed: bool,
}

/// The sending side of a [`Stream`]: a handle, cheap to clone, for use while the stream is read elsewhere.
///
/// Data that one task sends, each piece awaited before the next, stays in order. Pieces of several tasks are unordered.
/// Once the [`Stream`] is dropped, nothing more can be sent; dropping a sender is a no-op.
#[derive(Debug, Clone)]
pub struct StreamSender {
    client: Client,
    program: ProgramId,
    id: StreamId,
    /// True if this end has finished the stream.
    is_finished: Arc<AtomicBool>,
}

impl Stream {
    pub(crate) fn new(client: Client, program: ProgramId, id: StreamId, items: Items) -> Self {
        Self {
            sender: StreamSender {
                client,
                program,
                id,
                is_finished: Arc::default(),
            },
            items,
            is_at_end: false,
            is_closed: false,
        }
    }

    /// Waits for the next data; `None` once the peer has sent all of it.
    ///
    /// After [`StreamSender::finish`], `None` means that the daemon has confirmed it.
    ///
    /// Cancel-safe: no data is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`CallError::Aborted`] if the peer gave up the stream; the connection was closed before the end of the stream.
    pub async fn recv(&mut self) -> Result<Option<StreamChunk>, CallError> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Option<StreamChunk>, CallError>> {
        let is_finished = self.sender.is_finished.load(Ordering::Acquire);
        if self.is_closed || (self.is_at_end && !is_finished) {
            return Poll::Ready(Ok(None));
        }
        let Some(item) = ready!(self.items.poll_recv(cx)) else {
            let reason = self.sender.client.shared.connection.state.reason();
            let closed = SendError::StreamClosed(self.sender.id);
            return Poll::Ready(Err(reason.map_or(closed.into(), CallError::from)));
        };
        Poll::Ready(match item {
            StreamItem::Data(data) if data.is_empty() => {
                self.is_at_end = true;
                Ok(None)
            }
            StreamItem::Data(data) => Ok(Some(StreamChunk::Data(data))),
            StreamItem::Hole(length) => Ok(Some(StreamChunk::Hole(length))),
            StreamItem::Finish => {
                self.is_closed = true;
                Ok(None)
            }
            StreamItem::Abort(error) => {
                self.is_closed = true;
                Err(CallError::Aborted(error))
            }
        })
    }

    /// Makes the stream a reader: of the contents of a volume, or a screenshot.
    #[must_use]
    pub fn into_download(self) -> Download {
        Download::new(self)
    }

    /// Makes the stream a writer: of the contents of a volume.
    #[must_use]
    pub fn into_upload(self) -> Upload {
        Upload::new(self)
    }

    /// Makes the stream a reader and writer: of the console or the channel of a guest.
    #[must_use]
    pub fn into_console(self) -> Console {
        Console::new(self)
    }

    /// Returns the sending side, for use while this side waits in [`recv`](Self::recv).
    #[must_use]
    pub fn sender(&self) -> StreamSender {
        self.sender.clone()
    }

    /// Sends data: see [`StreamSender::send`].
    ///
    /// # Errors
    ///
    /// Those of [`StreamSender::send`].
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), CallError> {
        self.sender.send(data).await
    }

    /// Sends a run of zeros, without the zeros: see [`StreamSender::send_hole`].
    ///
    /// # Errors
    ///
    /// Those of [`StreamSender::send_hole`].
    pub async fn send_hole(&self, length: u64) -> Result<(), CallError> {
        self.sender.send_hole(length).await
    }

    /// Finishes this end of the stream, and waits until the daemon has confirmed that all went well. Data that still
    /// comes is dropped.
    ///
    /// Not cancel-safe: if the future is dropped, the stream may or may not be finished.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv) and [`StreamSender::finish`].
    pub async fn finish(&mut self) -> Result<(), CallError> {
        self.sender.finish().await?;
        while !self.is_closed {
            self.recv().await?;
        }
        Ok(())
    }

    /// Aborts the stream, as dropping it does, and waits until the abort is queued.
    ///
    /// Cancel-safe: if the future is dropped, the stream is aborted all the same.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub async fn abort(self) -> Result<(), CallError> {
        let StreamSender {
            client,
            program,
            id,
            ..
        } = &self.sender;
        let id = *id;
        let (program, connection) = (*program, &client.shared.connection);
        connection
            .with_endpoint(move |endpoint| endpoint.drop_stream(program, id))
            .await?
    }
}

impl StreamSender {
    /// Sends data, once the connection has little enough output. Empty data means that no more follows.
    ///
    /// Peers of any age accept pieces of up to [`LEGACY_PAYLOAD_MAX`](virt_xdr::LEGACY_PAYLOAD_MAX) bytes. A sent piece
    /// has not arrived yet: [`Stream::finish`] waits until all have.
    ///
    /// Cancel-safe: if the future is dropped, either all of the data is sent or none.
    ///
    /// # Errors
    ///
    /// The stream is closed, the data is over the limit of a frame, or the connection is closed.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), CallError> {
        let (id, data) = (self.id, data.into());
        self.with_stream(move |cx| cx.stream_data(id, data)).await
    }

    /// Sends a run of `length` zeros, without the zeros.
    ///
    /// Cancel-safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and a hole above 2^63 - 1 bytes.
    pub async fn send_hole(&self, length: u64) -> Result<(), CallError> {
        let id = self.id;
        self.with_stream(move |cx| cx.stream_hole(id, length)).await
    }

    /// Finishes this end of the stream, without an error. [`Stream::recv`] still returns data of the peer, and `None` when
    /// it has confirmed.
    ///
    /// Cancel-safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn finish(&self) -> Result<(), CallError> {
        let id = self.id;
        self.with_stream(move |cx| cx.finish_stream(id)).await?;
        self.is_finished.store(true, Ordering::Release);
        Ok(())
    }

    async fn with_stream(
        &self,
        action: impl FnOnce(&mut Context<'_>) -> Result<(), SendError> + Send + 'static,
    ) -> Result<(), CallError> {
        let (program, connection) = (self.program, &self.client.shared.connection);
        connection
            .with_endpoint(move |endpoint| endpoint.with_stream(program, action))
            .await?
    }
}
