//! When a PING is due and when a link is dead, by libvirt's interval and count.

use std::time::{Duration, Instant};

/// libvirt's keepalive interval and count: time goes in, decisions come out.
///
/// After `interval` without a byte from the peer a PING is due, and another after each further interval,
/// `count` in all. When the peer has been silent for one interval more, the link is dead: at
/// `interval * (count + 1)` since its last byte. With a `count` of 0 that is after one interval, without a
/// PING; an `interval` of zero turns the timer off.
///
/// libvirt counts whole messages only; its users see a healthy link killed while one large message is
/// under way. Here every byte counts: call [`received`](Self::received) for whatever arrives.
///
/// > The loop: wait for bytes until [`deadline`](Self::deadline). Take in what has arrived before calling
/// > [`poll`](Self::poll), which may be much later than the deadline if the machine was asleep: what the
/// > peer has sent in the meantime then counts. On [`Tick::Ping`] call
/// > [`send_ping`](crate::KeepAliveHandle::send_ping); [`ping`](crate::KeepAliveHandle::ping) has a count
/// > of its own, and may be silent.
///
/// A late `poll` gives one PING, not those that were missed, and an interval begins with it: the peer
/// always has that long to answer, as in libvirt, and the link is dead the later.
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
    /// When the running interval began: at the last byte received or the last PING.
    since: Instant,
    /// PINGs since the last byte received: `sent <= count`, unless `count` was lowered since.
    sent: u32,
}

/// What is to be done now.
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
    /// A timer whose first interval begins now.
    #[must_use]
    pub fn new(interval: Duration, count: u32, now: Instant) -> Self {
        Self {
            interval,
            count,
            since: now,
            sent: 0,
        }
    }

    /// When [`poll`](Self::poll) has something to say; `None` if never: the timer is off, or its interval
    /// ends later than an [`Instant`] can be.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.interval.is_zero() {
            None
        } else {
            self.since.checked_add(self.interval)
        }
    }

    /// Says what is to be done now. A link that is dead stays so until bytes are received.
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

    /// Notes that bytes were received: the interval and the count begin anew.
    ///
    /// A time before that of an earlier call moves nothing back.
    pub fn received(&mut self, now: Instant) {
        self.since = self.since.max(now);
        self.sent = 0;
    }

    /// Changes interval and count while the timer runs.
    ///
    /// What has passed of the running interval counts, and so do the PINGs that had no answer: with as many
    /// as `count` or more, the link is dead at the [`deadline`](Self::deadline), which may be over.
    pub fn set(&mut self, interval: Duration, count: u32) {
        self.interval = interval;
        self.count = count;
    }

    /// How many PINGs were due since the peer was last heard.
    #[must_use]
    pub fn unanswered(&self) -> u32 {
        self.sent
    }
}
