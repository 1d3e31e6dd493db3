//! What was received on streams and waits for its readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

use crate::StreamItem;

/// Data of streams that their readers have not taken yet, over all streams of a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    bytes: AtomicUsize,
    limit: usize,
    changed: Notify,
}

/// A piece of a stream, which counts until it is taken or dropped.
#[derive(Debug)]
pub(crate) struct Held {
    item: StreamItem,
    _room: Room,
}

/// The reader's end of a stream's queue; the connection is told when it is dropped.
#[derive(Debug)]
pub(crate) struct Items {
    queue: mpsc::UnboundedReceiver<Held>,
    inbound: Arc<Inbound>,
}

#[derive(Debug)]
struct Room {
    bytes: usize,
    inbound: Arc<Inbound>,
}

impl Inbound {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            limit,
            changed: Notify::new(),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.limit
    }

    /// Waits until there is room again, or a reader has gone.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Held {
    pub(crate) fn new(item: StreamItem, inbound: &Arc<Inbound>) -> Self {
        let bytes = item.len();
        inbound.bytes.fetch_add(bytes, Ordering::Relaxed);
        let inbound = Arc::clone(inbound);
        Self {
            item,
            _room: Room { bytes, inbound },
        }
    }
}

impl Items {
    /// A queue for the pieces of one stream. It is bounded by the limit of the connection alone.
    pub(crate) fn new(inbound: &Arc<Inbound>) -> (mpsc::UnboundedSender<Held>, Self) {
        let (sender, queue) = mpsc::unbounded_channel();
        let inbound = Arc::clone(inbound);
        (sender, Self { queue, inbound })
    }

    /// Cancel-safe.
    pub(crate) async fn recv(&mut self) -> Option<StreamItem> {
        self.queue.recv().await.map(|held| held.item)
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        self.queue.close();
        self.inbound.changed.notify_one();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Self { bytes, inbound } = self;
        let before = inbound.bytes.fetch_sub(*bytes, Ordering::Relaxed);
        if before >= inbound.limit && before - *bytes < inbound.limit {
            inbound.changed.notify_one();
        }
    }
}
