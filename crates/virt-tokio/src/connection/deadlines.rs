//! The time limits of a server towards a client that it knows nothing of.

use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;
use virt_transport::{Counters, FD_WEIGHT, Transport};

use super::io::queued;
use crate::Closed;

/// The bytes of an unfinished frame that earn the client another [`TimeLimits::frame`].
const FRAME_PROGRESS: u64 = 64 * 1024;

/// The time limits of a connection. `None` is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeLimits {
    /// Until the first call that needs authentication is admitted.
    pub(crate) open: Option<Duration>,
    /// In place of `open` while a call is in work, because a person may be asked.
    pub(crate) interactive: Option<Duration>,
    /// For a frame that is unfinished, and for each 64 KiB of it.
    pub(crate) frame: Option<Duration>,
    /// For each write while output waits.
    pub(crate) write: Option<Duration>,
}

/// The deadlines of a connection.
#[derive(Debug)]
pub(crate) struct Deadlines {
    limits: TimeLimits,
    start: Instant,
    /// The end of the time for opening; `None` without a limit, and once the connection is established.
    open: Option<Instant>,
    /// The end of the time for the frame that is unfinished.
    frame: Option<FrameDeadline>,
    /// The end of the time for the next write, while output waits.
    write: Option<WriteDeadline>,
}

#[derive(Debug, Clone, Copy)]
struct FrameDeadline {
    at: Instant,
    /// The number of frames before it.
    frame: u64,
    /// The bytes received when the deadline was set.
    received: u64,
}

#[derive(Debug, Clone, Copy)]
struct WriteDeadline {
    at: Instant,
    /// The weight of the output written when the deadline was set.
    written: u64,
}

/// A client that is given up.
#[derive(Debug, Error)]
enum TooSlow {
    #[error("the client did not open the connection within {} s", .0.as_secs_f64())]
    Open(Duration),
    #[error("the client did not finish a frame within {} s", .0.as_secs_f64())]
    Frame(Duration),
    #[error("the client took none of its output within {} s", .0.as_secs_f64())]
    Write(Duration),
}

impl Deadlines {
    /// Makes the deadlines for a connection that begins now; `None` without a limit.
    pub(crate) fn new(limits: TimeLimits) -> Option<Self> {
        let TimeLimits {
            open, frame, write, ..
        } = limits;
        let limited = open.or(frame).or(write).is_some();
        limited.then(|| {
            let start = Instant::now();
            Self {
                limits,
                start,
                open: open.and_then(|limit| start.checked_add(limit)),
                frame: None,
                write: None,
            }
        })
    }

    /// Notes the state of the connection after a read or a write. While nothing waits, no clock is read.
    pub(crate) fn observe(&mut self, transport: &Transport) {
        if let Some(limit) = self.limits.frame {
            self.observe_frame(limit, transport);
        }
        if let Some(limit) = self.limits.write {
            self.observe_output(limit, transport);
        }
    }

    fn observe_frame(&mut self, limit: Duration, transport: &Transport) {
        // Frames that are held up are whole, and wait for this end.
        if transport.buffered() == 0 || transport.is_paused() {
            self.frame = None;
            return;
        }
        let counters = transport.counters();
        let frame = counters.frames_received;
        if self.frame.is_none_or(|deadline| deadline.frame != frame) {
            self.frame = after(limit).map(|at| FrameDeadline {
                at,
                frame,
                received: counters.bytes_received,
            });
        }
    }

    fn observe_output(&mut self, limit: Duration, transport: &Transport) {
        let queued = queued(transport) as u64;
        if queued == 0 {
            self.write = None;
            return;
        }
        let Counters {
            bytes_sent,
            fds_sent,
            ..
        } = transport.counters();
        let written = bytes_sent + fds_sent * FD_WEIGHT as u64 - queued;
        if self
            .write
            .is_none_or(|deadline| deadline.written != written)
        {
            self.write = after(limit).map(|at| WriteDeadline { at, written });
        }
    }

    /// Returns the first deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        let frame = self.frame.map(|deadline| deadline.at);
        let write = self.write.map(|deadline| deadline.at);
        [self.open, frame, write].into_iter().flatten().min()
    }

    /// Judges the deadlines that have passed; an error gives the client up. A frame has time while nothing is read.
    pub(crate) fn check(
        &mut self,
        transport: &Transport,
        is_read_blocked: bool,
    ) -> Result<(), Closed> {
        let now = Instant::now();
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_over(self.open) {
            self.check_open(now, transport)?;
        }
        if let Some(deadline) = self.frame
            && deadline.at <= now
        {
            let received = transport.counters().bytes_received;
            let limit = self.limits.frame.unwrap_or_default();
            if received - deadline.received < FRAME_PROGRESS && !is_read_blocked {
                return Err(Closed::error(TooSlow::Frame(limit)));
            }
            self.frame = after(limit).map(|at| FrameDeadline {
                at,
                received,
                ..deadline
            });
        }
        if is_over(self.write.map(|deadline| deadline.at)) {
            let limit = self.limits.write.unwrap_or_default();
            return Err(Closed::error(TooSlow::Write(limit)));
        }
        Ok(())
    }

    fn check_open(&mut self, now: Instant, transport: &Transport) -> Result<(), Closed> {
        if transport.is_established() {
            self.open = None;
            return Ok(());
        }
        let mut limit = self.limits.open.unwrap_or_default();
        if transport.calls_in_work() > 0 {
            let Some(interactive) = self.limits.interactive else {
                // The deadline comes again, in case the call is answered and nothing follows.
                self.open = after(limit);
                return Ok(());
            };
            limit = limit.max(interactive);
        }
        let end = self.start.checked_add(limit);
        if end.is_some_and(|end| end <= now) {
            return Err(Closed::error(TooSlow::Open(limit)));
        }
        self.open = end;
        Ok(())
    }
}

/// Returns the time after `limit`, if there is such a time.
fn after(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}
