//! The reading side of a stream: chunks cut to the buffers of a reader, and holes filled with zeros.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;
use tokio::sync::watch;

use super::StreamChunk;
use crate::CallError;

/// The data of a stream that its reader has not taken.
#[derive(Debug)]
pub(super) struct Reader {
    data: Bytes,
    /// The zeros of a hole, which come before anything else is received: `data` is empty then.
    zeros: u64,
    /// The number of bytes received, holes included.
    received: watch::Sender<u64>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            data: Bytes::new(),
            zeros: 0,
            received: watch::Sender::new(0),
        }
    }

    pub(super) fn progress(&self) -> watch::Receiver<u64> {
        self.received.subscribe()
    }

    /// Reads into `buf`, which nothing more is put into at the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        recv: impl FnMut(&mut Context<'_>) -> Poll<Result<Option<StreamChunk>, CallError>>,
    ) -> Poll<Result<(), CallError>> {
        let mut recv = recv;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if !self.data.is_empty() {
                let length = self.data.len().min(buf.remaining());
                buf.put_slice(&self.data[..length]);
                self.data.advance(length);
                return Poll::Ready(Ok(()));
            }
            if self.zeros > 0 {
                let room = buf.remaining();
                let length = usize::try_from(self.zeros).map_or(room, |zeros| zeros.min(room));
                buf.initialize_unfilled_to(length).fill(0);
                buf.advance(length);
                self.zeros -= length as u64;
                return Poll::Ready(Ok(()));
            }
            match ready!(recv(cx))? {
                None => return Poll::Ready(Ok(())),
                Some(chunk) => {
                    self.count(&chunk);
                    match chunk {
                        StreamChunk::Data(data) => self.data = data,
                        StreamChunk::Hole(length) => {
                            self.zeros = u64::try_from(length).unwrap_or(0);
                        }
                    }
                }
            }
        }
    }

    /// Takes the data that is left of the last chunk.
    pub(super) fn take(&mut self) -> Option<StreamChunk> {
        if !self.data.is_empty() {
            return Some(StreamChunk::Data(std::mem::take(&mut self.data)));
        }
        let zeros = std::mem::take(&mut self.zeros);
        // It was an `i64` when it came.
        (zeros > 0).then(|| StreamChunk::Hole(i64::try_from(zeros).unwrap_or(i64::MAX)))
    }

    /// Counts a received chunk.
    pub(super) fn count(&self, chunk: &StreamChunk) {
        let length = match chunk {
            StreamChunk::Data(data) => data.len() as u64,
            StreamChunk::Hole(length) => u64::try_from(*length).unwrap_or(0),
        };
        self.received
            .send_modify(|received| *received = received.saturating_add(length));
    }
}
