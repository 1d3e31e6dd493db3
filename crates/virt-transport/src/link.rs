//! The state that all programs of a transport share: the outbox, the waiting calls, the open streams.

use bytes::Bytes;
use virt_xdr::{EncodeError, Encoder, FDS_MAX, Header, ProgramId, Serial};

use crate::call::Received;
use crate::outbox::Outbox;
use crate::serial_map::{SerialMap, shrink_if_idle};
use crate::stream::Streams;
use crate::token::Token;
use crate::{Fd, Role, SendError};

/// Counts of the frames, bytes and descriptors of a transport since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Whole frames received.
    pub frames_received: u64,
    /// Bytes received: those of an incomplete frame included, those that carry descriptors excluded.
    pub bytes_received: u64,
    /// Descriptors received.
    pub fds_received: u64,
    /// Frames queued for sending.
    pub frames_sent: u64,
    /// Bytes queued for sending, those that carry descriptors excluded. [`Transport::queued`] of them are not
    /// written yet.
    ///
    /// [`Transport::queued`]: crate::Transport::queued
    pub bytes_sent: u64,
    /// Descriptors queued for sending.
    pub fds_sent: u64,
    /// Received frames without a taker: those of unknown programs and closed streams, replies to a server, and
    /// frames that a program did not expect.
    pub frames_dropped: u64,
}

/// A call that waits for its reply.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) program: ProgramId,
    pub(crate) procedure: i32,
    /// The number of descriptors that went with the call.
    pub(crate) fds: usize,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) token: Token,
    pub(crate) role: Role,
    pub(crate) carries_fds: bool,
    /// Set while calls that need authentication are answered.
    pub(crate) authenticated: bool,
    /// True if a call that needs authentication was admitted.
    pub(crate) established: bool,
    /// The calls that a server has not answered yet.
    pub(crate) calls_in_work: usize,
    /// The most streams that may be open at once.
    pub(crate) stream_limit: usize,
    pub(crate) outbox: Outbox,
    pub(crate) streams: Streams,
    /// All counters but `bytes_sent`, which the outbox keeps.
    pub(crate) counters: Counters,
    /// The call that is being handled, until it is answered.
    pub(crate) unanswered: Option<Received>,
    waiting: SerialMap<Waiting>,
    last_serial: Serial,
    /// The number of descriptors that may come back, and the count of received frames with the reply before them.
    returned_fds: (usize, u64),
}

impl Link {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            token: Token::default(),
            role,
            carries_fds: false,
            authenticated: true,
            established: false,
            calls_in_work: 0,
            stream_limit: usize::MAX,
            outbox: Outbox::default(),
            streams: Streams::default(),
            counters: Counters::default(),
            unanswered: None,
            waiting: SerialMap::default(),
            last_serial: Serial(0),
            returned_fds: (0, 0),
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
    #[inline]
    pub(crate) fn send_empty(&mut self, header: &Header) {
        let sent = self.send(header, |_| Ok(()));
        debug_assert!(
            sent.is_ok(),
            "a frame without payload is within every limit"
        );
    }

    /// Queues a frame whose payload is not copied if it is large.
    pub(crate) fn send_payload(
        &mut self,
        header: &Header,
        payload: Bytes,
    ) -> Result<(), SendError> {
        self.outbox.push_payload(header, payload)?;
        self.counters.frames_sent += 1;
        Ok(())
    }

    /// Queues a frame of a type with descriptors: their count, the payload, and then the descriptors.
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

    /// Chooses a serial that neither a waiting call nor an open stream has. 0 is left to messages.
    pub(crate) fn next_serial(&mut self) -> Serial {
        loop {
            self.last_serial = Serial(self.last_serial.0.wrapping_add(1).max(1));
            if !self.waiting.contains_key(&self.last_serial)
                && !self.streams.has_serial(self.last_serial)
            {
                return self.last_serial;
            }
        }
    }

    /// Chooses serials from `serial` on.
    pub(crate) fn set_next_serial(&mut self, serial: Serial) {
        self.last_serial = Serial(serial.0.wrapping_sub(1));
    }

    pub(crate) fn wait_for(&mut self, serial: Serial, waiting: Waiting) {
        self.waiting.insert(serial, waiting);
    }

    /// Takes the call that a reply answers; without one, the connection ends.
    pub(crate) fn answered(&mut self, program: ProgramId, serial: Serial) -> Option<Waiting> {
        let waiting = self.waiting.remove(&serial);
        shrink_if_idle(&mut self.waiting);
        waiting.filter(|waiting| waiting.program == program)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Notes that the descriptors of a refused call may come back behind the frame that is being handled.
    pub(crate) fn expect_returned_fds(&mut self, count: usize) {
        self.returned_fds = (count, self.counters.frames_received);
    }

    /// Returns whether a descriptor that no frame has announced is a returned one.
    ///
    /// A libvirt 9.0 daemon that refuses a call with descriptors in its RPC layer (an unknown program or procedure,
    /// a payload that does not decode) sends them back behind an error reply of type 1.
    pub(crate) fn take_returned_fd(&mut self) -> bool {
        let (count, frame) = &mut self.returned_fds;
        let expected = *count > 0 && *frame == self.counters.frames_received;
        *count = count.saturating_sub(1);
        expected
    }

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
    use crate::StreamId;

    const PROGRAM: ProgramId = ProgramId::new(0x2000_8086, 1);

    #[test]
    fn serials_wrap_around_past_zero_waiting_calls_and_open_streams() {
        let mut link = Link::new(Role::Client);
        let waiting = || Waiting {
            program: PROGRAM,
            procedure: 60,
            fds: 0,
        };
        link.wait_for(Serial(1), waiting());
        link.wait_for(Serial(2), waiting());
        let stream = StreamId {
            procedure: -1,
            serial: Serial(3),
        };
        assert!(link.streams.open(PROGRAM, stream));
        link.set_next_serial(Serial(u32::MAX));
        assert_eq!(link.next_serial(), Serial(u32::MAX));
        assert_eq!(link.next_serial(), Serial(4));
        link.streams.abort(PROGRAM, stream);
        link.set_next_serial(Serial(1));
        assert_eq!(link.next_serial(), Serial(3));
    }
}
