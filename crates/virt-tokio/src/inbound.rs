//! What was received on streams and waits for its readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::StreamItem;
use crate::hub::Hub;

/// Data of streams that their readers have not taken yet, over all streams of a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    bytes: AtomicUsize,
    limit: usize,
    /// Whether there is room again, or a reader has gone, and the task has not seen it.
    changed: AtomicBool,
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
    hub: Arc<Hub>,
}

#[derive(Debug)]
struct Room {
    bytes: usize,
    hub: Arc<Hub>,
}

impl Inbound {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            limit,
            changed: AtomicBool::new(false),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.limit
    }

    /// Whether there is room again, or a reader has gone, since the last time.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed) && self.changed.swap(false, Ordering::Relaxed)
    }
}

impl Held {
    pub(crate) fn new(item: StreamItem, hub: &Arc<Hub>) -> Self {
        let bytes = item.len();
        hub.inbound.bytes.fetch_add(bytes, Ordering::Relaxed);
        let hub = Arc::clone(hub);
        Self {
            item,
            _room: Room { bytes, hub },
        }
    }
}

impl Items {
    /// A queue for the pieces of one stream. It is bounded by the limit of the connection alone.
    pub(crate) fn new(hub: &Arc<Hub>) -> (mpsc::UnboundedSender<Held>, Self) {
        let (sender, queue) = mpsc::unbounded_channel();
        let hub = Arc::clone(hub);
        (sender, Self { queue, hub })
    }

    /// Cancel-safe.
    pub(crate) async fn recv(&mut self) -> Option<StreamItem> {
        self.queue.recv().await.map(|held| held.item)
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        self.queue.close();
        notify(&self.hub);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let inbound = &self.hub.inbound;
        let before = inbound.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if before >= inbound.limit && before - self.bytes < inbound.limit {
            notify(&self.hub);
        }
    }
}

fn notify(hub: &Hub) {
    hub.inbound.changed.store(true, Ordering::Relaxed);
    hub.wake();
}
