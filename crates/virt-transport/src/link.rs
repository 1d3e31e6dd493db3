//! What a transport keeps besides its programs: the outbox, the calls that wait, the open streams.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use virt_xdr::{EncodeError, Encoder, FDS_MAX, Header, ProgramId, Serial};

use crate::outbox::Outbox;
use crate::program::Received;
use crate::stream::Streams;
use crate::{Fd, Role, SendError};

/// What a transport has seen and sent since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Whole frames that were received.
    pub frames_received: u64,
    /// Bytes that were received, those of a frame that is not whole included, those that carry descriptors not.
    pub bytes_received: u64,
    /// Descriptors that were received.
    pub fds_received: u64,
    /// Frames that were queued for sending.
    pub frames_sent: u64,
    /// Bytes that were queued for sending, those that carry descriptors not; those that still wait are
    /// [`Transport::queued`].
    ///
    /// [`Transport::queued`]: crate::Transport::queued
    pub bytes_sent: u64,
    /// Descriptors that were queued for sending.
    pub fds_sent: u64,
    /// Received frames that nobody wanted: of unknown programs, of streams that are not open, replies to a
    /// server, frames that a program did not expect.
    pub frames_dropped: u64,
}

/// A call that waits for its reply.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) program: ProgramId,
    pub(crate) procedure: i32,
    /// How many descriptors went with the call.
    pub(crate) fds: usize,
}

/// Which transport something belongs to: it equals its clones alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Token(Arc<()>);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) token: Token,
    pub(crate) role: Role,
    pub(crate) carries_fds: bool,
    pub(crate) outbox: Outbox,
    pub(crate) streams: Streams,
    /// All but `bytes_sent`, which the outbox knows.
    pub(crate) counters: Counters,
    /// The call that is being handled, until it is answered.
    pub(crate) unanswered: Option<Received>,
    waiting: BTreeMap<Serial, Waiting>,
    last_serial: Serial,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Token {}

impl Link {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            token: Token::default(),
            role,
            carries_fds: false,
            outbox: Outbox::default(),
            streams: Streams::default(),
            counters: Counters::default(),
            unanswered: None,
            waiting: BTreeMap::new(),
            last_serial: Serial(0),
        }
    }

    /// Queues a frame.
    #[inline]
    pub(crate) fn send(
        &mut self,
        header: &Header,
        payload: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        self.outbox.push_frame(header, payload)?;
        self.counters.frames_sent += 1;
        Ok(())
    }

    /// Queues a frame without payload, which always fits.
    pub(crate) fn confirm(&mut self, header: &Header) {
        let sent = self.send(header, |_| Ok(()));
        debug_assert!(
            sent.is_ok(),
            "a frame without payload is within every limit"
        );
    }

    /// Queues a frame with a payload that lies elsewhere.
    pub(crate) fn send_payload(
        &mut self,
        header: &Header,
        payload: Bytes,
    ) -> Result<(), SendError> {
        self.outbox.push_payload(header, payload)?;
        self.counters.frames_sent += 1;
        Ok(())
    }

    /// Queues a frame of a type that has descriptors: their count, the payload, and then they themselves.
    pub(crate) fn send_with_fds(
        &mut self,
        header: &Header,
        payload: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
        fds: Vec<Fd>,
    ) -> Result<(), SendError> {
        let count = match u32::try_from(fds.len()) {
            Ok(count) if fds.len() <= FDS_MAX => count,
            _ => {
                return Err(SendError::TooManyFds {
                    count: fds.len(),
                    limit: FDS_MAX,
                });
            }
        };
        if count > 0 && !self.carries_fds {
            return Err(SendError::FdsNotCarried { count: fds.len() });
        }
        self.send(header, |out| {
            out.raw(&count.to_be_bytes());
            payload(out)
        })?;
        self.counters.fds_sent += u64::from(count);
        self.outbox.push_fds(fds);
        Ok(())
    }

    /// A serial that no waiting call has. 0 is left to messages.
    pub(crate) fn next_serial(&mut self) -> Serial {
        loop {
            self.last_serial = Serial(self.last_serial.0.wrapping_add(1).max(1));
            if !self.waiting.contains_key(&self.last_serial) {
                return self.last_serial;
            }
        }
    }

    pub(crate) fn wait_for(&mut self, serial: Serial, waiting: Waiting) {
        self.waiting.insert(serial, waiting);
    }

    /// The call that a reply with this serial, to this program, answers. It waits no more; if there is none,
    /// the connection ends.
    pub(crate) fn answered(&mut self, program: ProgramId, serial: Serial) -> Option<Waiting> {
        let waiting = self.waiting.remove(&serial);
        waiting.filter(|waiting| waiting.program == program)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What has been received, sent and dropped.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            bytes_sent: self.outbox.bytes_sent(),
            ..self.counters
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_wrap_around_past_zero_and_past_calls_that_wait() {
        let mut link = Link::new(Role::Client);
        let waiting = || Waiting {
            program: ProgramId::new(0x2000_8086, 1),
            procedure: 60,
            fds: 0,
        };
        link.wait_for(Serial(1), waiting());
        link.wait_for(Serial(2), waiting());
        link.last_serial = Serial(u32::MAX - 1);
        assert_eq!(link.next_serial(), Serial(u32::MAX));
        assert_eq!(link.next_serial(), Serial(3));
    }
}
