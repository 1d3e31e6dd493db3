//! The timing of PINGs and of a dead link, by libvirt's interval and count.

use std::time::{Duration, Instant};

/// libvirt's keepalive interval and count: time goes in, decisions come out.
///
/// A PING is due after `interval` without a byte from the peer, and another after each further interval, `count` in
/// all. After one more silent interval the link is dead: at `interval * (count + 1)` since the last byte. With a
/// `count` of 0 that is after one interval, without a PING. An `interval` of zero turns the timer off.
///
/// libvirt counts whole messages only, so one large message on a slow link can get a healthy link killed. Here every
/// byte counts: call [`received`](Self::received) for any bytes that arrive.
///
/// > The loop: wait for bytes until [`deadline`](Self::deadline). Receive all bytes that have arrived before calling
/// > [`poll`](Self::poll): after a suspend it may be much later than the deadline, and bytes sent in the meantime
/// > count. On [`Tick::Ping`] call [`send_ping`](crate::KeepAliveHandle::send_ping);
/// > [`ping`](crate::KeepAliveHandle::ping) has a count of its own, and may be silent.
///
/// A late `poll` returns one PING, not those that were missed, and a new interval begins with it. The peer always has
/// one interval to answer, as in libvirt, and the link is declared dead later.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use virt_keepalive::{Tick, Timer};
///
/// let second = Duration::from_secs(1);
/// let start = Instant::now();
/// let mut timer = Timer::new(second, 2, start);
///
/// assert_eq!(timer.deadline(), Some(start + second));
/// assert_eq!(timer.poll(start + second), Tick::Ping);
/// assert_eq!(timer.poll(start + 2 * second), Tick::Ping);
/// assert_eq!(timer.poll(start + 3 * second), Tick::Dead);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    interval: Duration,
    count: u32,
    /// The start of the running interval: the last byte received or the last PING.
    since: Instant,
    /// PINGs since the last byte received: `sent <= count`, unless `count` was lowered since.
    sent: u32,
}

/// The decision of [`Timer::poll`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[must_use = "a PING that is due has to be sent, and a dead link closed"]
pub enum Tick {
    /// Nothing before the [`deadline`](Timer::deadline).
    Wait,
    /// Send a PING.
    Ping,
    /// Close the connection: the peer has not been heard for too long.
    Dead,
}

impl Timer {
    /// Makes a timer whose first interval begins now.
    #[must_use]
    pub fn new(interval: Duration, count: u32, now: Instant) -> Self {
        Self {
            interval,
            count,
            since: now,
            sent: 0,
        }
    }

    /// Returns the time of the next [`Tick`] other than [`Tick::Wait`]; `None` if the timer is off, or its interval
    /// ends later than an [`Instant`] can be.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.interval.is_zero() {
            None
        } else {
            self.since.checked_add(self.interval)
        }
    }

    /// Decides what to do now. A dead link stays dead until bytes are received.
    pub fn poll(&mut self, now: Instant) -> Tick {
        if self.deadline().is_none_or(|due| now < due) {
            return Tick::Wait;
        }
        if self.sent >= self.count {
            return Tick::Dead;
        }
        self.sent += 1;
        self.since = now;
        Tick::Ping
    }

    /// Notes that bytes were received, which restarts the interval and the count.
    ///
    /// A time before that of an earlier call is a no-op for the interval.
    pub fn received(&mut self, now: Instant) {
        self.since = self.since.max(now);
        self.sent = 0;
    }

    /// Changes interval and count while the timer runs.
    ///
    /// The elapsed part of the running interval counts, and so do unanswered PINGs: with `count` of them or more, the
    /// link is dead at the [`deadline`](Self::deadline), which may be in the past.
    pub fn set(&mut self, interval: Duration, count: u32) {
        self.interval = interval;
        self.count = count;
    }

    /// Returns the number of PINGs that were due since the last byte from the peer.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        self.sent
    }
}
