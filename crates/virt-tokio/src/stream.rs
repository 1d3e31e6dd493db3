//! Streams of a live connection.

use bytes::Bytes;
use virt_transport::{ProgramId, RemoteError, StreamId};

use crate::inbound::Items;
use crate::{CallError, Client};

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// Data. If it is empty, no more follows; a daemon ends a download so, and waits for
    /// [`Stream::finish`].
    Data(Bytes),
    /// A run of zeros, so many bytes, that was not sent.
    Hole(i64),
    /// The peer is done, and all went well: a daemon says so after [`Stream::finish`], once it has taken all.
    Finish,
    /// The peer has given up, and the stream is closed; the error, if it has said why.
    Abort(Option<RemoteError>),
}

/// A stream that belongs to a call, in both directions.
///
/// What is sent waits while the connection has enough to write; what is received is kept up to
/// [`Limits::stream_bytes`](crate::Limits::stream_bytes) over all streams of the connection, and then the
/// connection stops reading. Replies to calls wait then, too: whoever has a stream open should read it.
/// Keepalive does not suffer: the peer is sent a sign of life at each interval, and its silence does not
/// count.
///
/// To send while it is read, as a console does, take a [`sender`](Self::sender).
///
/// Dropping a stream aborts it, unless this end has finished it or the peer has aborted it.
#[derive(Debug)]
pub struct Stream {
    sender: StreamSender,
    items: Items,
    /// Whether the peer has said its last word.
    ended: bool,
}

/// The sending side of a [`Stream`]: a handle, cheap to clone, to be used while the stream is read elsewhere.
///
/// What one task sends, each piece awaited before the next, goes in that order; pieces of several have none among
/// themselves. The stream belongs to its [`Stream`]: once that is dropped, nothing more can be sent; a sender that
/// is dropped changes nothing.
#[derive(Debug, Clone)]
pub struct StreamSender {
    client: Client,
    program: ProgramId,
    id: StreamId,
}

impl StreamItem {
    /// What the item counts for in the limit of a connection.
    pub(crate) fn len(&self) -> usize {
        match self {
            // An empty piece takes room, too.
            Self::Data(data) => data.len() + size_of::<Self>(),
            Self::Hole(_) | Self::Finish | Self::Abort(_) => size_of::<Self>(),
        }
    }
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

    /// Waits for the next piece; `None` after the last one.
    ///
    /// Cancel-safe: no piece is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The connection was closed before the peer had said its last word.
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

    /// The sending side, to be used while this side waits in [`recv`](Self::recv).
    #[must_use]
    pub fn sender(&self) -> StreamSender {
        self.sender.clone()
    }

    /// Sends data: see [`StreamSender::send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), CallError> {
        self.sender.send(data).await
    }

    /// Sends a run of zeros without the zeros: see [`StreamSender::send_hole`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send_hole(&self, length: u64) -> Result<(), CallError> {
        self.sender.send_hole(length).await
    }

    /// Says that this end is done: see [`StreamSender::finish`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn finish(&self) -> Result<(), CallError> {
        self.sender.finish().await
    }

    /// Gives the stream up, as dropping it does, and waits until that is on its way.
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
        client
            .with_peer(*program, move |peer, cx| peer.drop_stream(id, cx))
            .await
    }
}

impl StreamSender {
    /// Sends data; it waits while the connection has enough to write. Empty data says that no more follows.
    ///
    /// Pieces of at most [`LEGACY_PAYLOAD_MAX`](virt_xdr::LEGACY_PAYLOAD_MAX) bytes reach peers of any age.
    /// That a piece is sent does not mean that it has arrived: [`StreamItem::Finish`] says that all have.
    ///
    /// Cancel-safe: if the future is dropped, either all of the data is sent or none.
    ///
    /// # Errors
    ///
    /// The stream is closed, the data is over the limit of a frame, or the connection is closed.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), CallError> {
        let (id, data) = (self.id, data.into());
        self.client
            .with_peer(self.program, move |_, cx| cx.stream_data(id, data))
            .await
    }

    /// Sends a run of zeros without the zeros, `length` bytes of them.
    ///
    /// Cancel-safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a hole above 2^63 - 1 bytes.
    pub async fn send_hole(&self, length: u64) -> Result<(), CallError> {
        let id = self.id;
        self.client
            .with_peer(self.program, move |_, cx| cx.stream_hole(id, length))
            .await
    }

    /// Says that this end is done and all went well. What the peer still sends can be received, and at its end
    /// [`StreamItem::Finish`] as the confirmation.
    ///
    /// Cancel-safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn finish(&self) -> Result<(), CallError> {
        let id = self.id;
        self.client
            .with_peer(self.program, move |_, cx| cx.finish_stream(id))
            .await
    }
}
