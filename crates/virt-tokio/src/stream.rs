//! Streams of a live connection.

use bytes::Bytes;
use virt_transport::{Context, ProgramId, SendError, StreamId, StreamItem};

use crate::connection::backpressure::Items;
use crate::{CallError, Client};

/// The stream of a call, in both directions.
///
/// Sending waits while the connection has enough output. Received data is kept up to
/// [`Limits::stream_bytes`](crate::Limits::stream_bytes) over all streams of the connection; beyond that the connection
/// stops reading, replies to calls included, so read a stream that is open. Keepalive goes on: the peer is sent a PONG
/// at each interval, and its silence does not count.
///
/// To send while the stream is read, as a console does, take a [`sender`](Self::sender).
///
/// Dropping a stream aborts it, unless this end has finished it or the peer has aborted it.
#[derive(Debug)]
pub struct Stream {
    sender: StreamSender,
    items: Items,
    /// Whether the last item was received.
    ended: bool,
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
}

impl Stream {
    pub(crate) fn new(client: Client, program: ProgramId, id: StreamId, items: Items) -> Self {
        Self {
            sender: StreamSender {
                client,
                program,
                id,
            },
            items,
            ended: false,
        }
    }

    /// Waits for the next item; `None` after the last one.
    ///
    /// Cancel-safe: no item is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The connection was closed before the end of the stream.
    pub async fn recv(&mut self) -> Result<Option<StreamItem>, CallError> {
        if self.ended {
            return Ok(None);
        }
        let Some(item) = self.items.recv().await else {
            return Err(self.sender.client.closed().await.into());
        };
        self.ended = matches!(item, StreamItem::Finish | StreamItem::Abort(_));
        Ok(Some(item))
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

    /// Finishes this end of the stream: see [`StreamSender::finish`].
    ///
    /// # Errors
    ///
    /// Those of [`StreamSender::finish`].
    pub async fn finish(&self) -> Result<(), CallError> {
        self.sender.finish().await
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
    /// has not arrived yet: [`StreamItem::Finish`] confirms that all have.
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

    /// Finishes this end of the stream, without an error. Data of the peer can still be received, and at its end
    /// [`StreamItem::Finish`] as the confirmation.
    ///
    /// Cancel-safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn finish(&self) -> Result<(), CallError> {
        let id = self.id;
        self.with_stream(move |cx| cx.finish_stream(id)).await
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
