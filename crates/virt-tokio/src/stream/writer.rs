//! The writing side of a stream: one piece at a time on its way to the connection's task.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::watch;
use virt_transport::SendError;

use super::StreamSender;
use crate::CallError;

/// The greatest length of a piece, which peers of any age accept: 256 KiB less a page.
pub(super) const PIECE: usize = 252 * 1024;

/// The writing side of a stream.
pub(super) struct Writer {
    sender: StreamSender,
    /// The piece, hole or end that waits for the connection's task.
    sending: Option<Sending>,
    /// The number of bytes sent, holes included.
    sent: watch::Sender<u64>,
}

struct Sending {
    future: Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>,
    length: u64,
}

impl Writer {
    pub(super) fn new(sender: StreamSender) -> Self {
        Self {
            sender,
            sending: None,
            sent: watch::Sender::new(0),
        }
    }

    pub(super) fn progress(&self) -> watch::Receiver<u64> {
        self.sent.subscribe()
    }

    /// Starts to send a piece; nothing else may be on its way.
    pub(super) fn send(&mut self, data: Bytes) {
        let (sender, length) = (self.sender.clone(), data.len() as u64);
        self.start(length, async move { sender.send(data).await });
    }

    /// Starts to send a hole; nothing else may be on its way.
    pub(super) fn send_hole(&mut self, length: u64) {
        let sender = self.sender.clone();
        self.start(length, async move { sender.send_hole(length).await });
    }

    /// Starts to finish this end of the stream; nothing else may be on its way.
    pub(super) fn finish(&mut self) {
        let sender = self.sender.clone();
        self.start(0, async move { sender.finish().await });
    }

    /// Returns the error of a write after the end.
    pub(super) fn closed(&self) -> CallError {
        SendError::StreamClosed(self.sender.id).into()
    }

    /// Waits until nothing is on its way.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(Ok(()));
        };
        let result = ready!(sending.future.as_mut().poll(cx));
        let length = sending.length;
        self.sending = None;
        if result.is_ok() {
            self.sent
                .send_modify(|sent| *sent = sent.saturating_add(length));
        }
        Poll::Ready(result)
    }

    fn start(
        &mut self,
        length: u64,
        future: impl Future<Output = Result<(), CallError>> + Send + 'static,
    ) {
        debug_assert!(self.sending.is_none(), "one piece at a time");
        let future = Box::pin(future);
        self.sending = Some(Sending { future, length });
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("sender", &self.sender)
            .field("is_sending", &self.sending.is_some())
            .field("sent", &*self.sent.borrow())
            .finish()
    }
}
