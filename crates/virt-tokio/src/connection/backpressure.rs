//! Backpressure: input that its readers have not taken, and replies that the peer does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use virt_transport::StreamItem;

use super::mailbox::TaskWaker;

/// The received stream data of a connection that its readers have not taken yet.
#[derive(Debug)]
pub(crate) struct StreamBacklog {
    bytes: AtomicUsize,
    limit: usize,
    /// The limit while a call or PING waits for its answer: `limit <= unread_limit`.
    unread_limit: usize,
    /// True if there is room again, or a reader has gone, and the task has not seen it.
    changed: AtomicBool,
    task: TaskWaker,
}

/// The output that received frames have caused: PONGs, and the replies of a server.
///
/// Above its limit nothing more is read. Output of handles does not count: otherwise two ends that both send much
/// would each wait for the other to read.
#[derive(Debug)]
pub(crate) struct ReplyBacklog {
    /// An upper bound in bytes: at most the queued output after each write.
    bytes: usize,
    limit: usize,
}

/// The writing end of a stream's queue.
pub(crate) type ItemSender = mpsc::UnboundedSender<CountedItem>;

/// A frame of a stream, which counts until it is taken or dropped.
#[derive(Debug)]
pub(crate) struct CountedItem {
    item: StreamItem,
    _room: Room,
}

/// The reading end of a stream's queue. The task is notified when it is dropped.
#[derive(Debug)]
pub(crate) struct Items {
    queue: mpsc::UnboundedReceiver<CountedItem>,
    backlog: Arc<StreamBacklog>,
}

#[derive(Debug)]
struct Room {
    bytes: usize,
    backlog: Arc<StreamBacklog>,
}

impl StreamBacklog {
    pub(crate) fn new(limit: usize, unread_limit: usize) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            limit,
            unread_limit,
            changed: AtomicBool::new(false),
            task: TaskWaker::default(),
        }
    }

    /// Returns the waker of the connection's task, which this shares with the mailbox.
    pub(crate) fn task(&self) -> &TaskWaker {
        &self.task
    }

    pub(crate) fn unread_limit(&self) -> usize {
        self.unread_limit
    }

    /// Returns whether nothing more is read, unless an answer is waited for.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.limit
    }

    /// Returns whether nothing more is read in any case.
    pub(crate) fn is_overfull(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.unread_limit
    }

    /// Returns whether there is room again, or a reader has gone, since the last call.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed) && self.changed.swap(false, Ordering::Relaxed)
    }

    fn notify(&self) {
        self.changed.store(true, Ordering::Relaxed);
        self.task.wake();
    }
}

impl ReplyBacklog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: 0, limit }
    }

    /// Counts the growth of the output from `before` to `after` while a read was handled.
    pub(crate) fn grow(&mut self, before: usize, after: usize) {
        self.bytes += after.saturating_sub(before);
    }

    /// Clamps the count to the output that is left after a write.
    pub(crate) fn clamp(&mut self, queued: usize) {
        self.bytes = self.bytes.min(queued);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }
}

/// Returns the bytes that an item counts in the limit of a connection. An empty one takes room, too.
pub(crate) fn weight(item: &StreamItem) -> usize {
    let data = match item {
        StreamItem::Data(data) => data.len(),
        StreamItem::Hole(_) | StreamItem::Finish | StreamItem::Abort(_) => 0,
    };
    data + size_of::<StreamItem>()
}

impl CountedItem {
    pub(crate) fn new(item: StreamItem, backlog: &Arc<StreamBacklog>) -> Self {
        let bytes = weight(&item);
        backlog.bytes.fetch_add(bytes, Ordering::Relaxed);
        let backlog = Arc::clone(backlog);
        Self {
            item,
            _room: Room { bytes, backlog },
        }
    }
}

impl Items {
    /// Makes the queue of one stream. The limit of the connection alone bounds it.
    pub(crate) fn new(backlog: &Arc<StreamBacklog>) -> (ItemSender, Self) {
        let (sender, queue) = mpsc::unbounded_channel();
        let backlog = Arc::clone(backlog);
        (sender, Self { queue, backlog })
    }

    /// Polls for the next item; `None` once the task has let go of the stream.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<StreamItem>> {
        let counted = self.queue.poll_recv(cx);
        counted.map(|counted| counted.map(|counted| counted.item))
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        self.queue.close();
        self.backlog.notify();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let backlog = &self.backlog;
        let before = backlog.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if before >= backlog.limit && before - self.bytes < backlog.limit {
            backlog.notify();
        }
    }
}
