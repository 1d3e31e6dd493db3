//! The count of silence that decides whether a PING is sent or the link has expired.

/// A count of the calls of [`ping`](Self::ping) since the peer was last heard.
///
/// | event | `inactive` becomes |
/// |---|---|
/// | [`ping`](Self::ping) | one more; above `max_inactive` the link has expired |
/// | [`pong_received`](Self::pong_received) | 0, so that the next `ping` sends |
/// | [`ping_received`](Self::ping_received), [`mark_active`](Self::mark_active) | −1, so that the next `ping` is silent |
///
/// # Examples
///
/// ```
/// use virt_keepalive::{Ping, Tracker};
///
/// let mut tracker = Tracker::new(1);
/// assert_eq!(tracker.ping(), Ping::Sent);
/// tracker.mark_active();
/// assert_eq!(tracker.ping(), Ping::Skipped);
/// assert_eq!(tracker.ping(), Ping::Sent);
/// assert_eq!(tracker.ping(), Ping::Expired);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    max_inactive: u32,
    /// −1: the peer was just heard. Above `max_inactive`: the link has expired.
    inactive: i64,
}

/// The outcome of a call of `ping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[must_use = "an expired link has to be closed"]
pub enum Ping {
    /// A PING is sent.
    Sent,
    /// No PING is sent: the peer was heard since the last `ping`.
    Skipped,
    /// No PING is sent: the peer has been silent for more than `max_inactive` calls of `ping`.
    Expired,
}

impl Tracker {
    /// The default threshold: 10 calls of [`ping`](Self::ping).
    pub const MAX_INACTIVE: u32 = 10;

    /// Makes a tracker that expires at more than `max_inactive` calls of [`ping`](Self::ping) in silence.
    #[must_use]
    pub fn new(max_inactive: u32) -> Self {
        Self {
            max_inactive,
            inactive: 0,
        }
    }

    /// Decides whether a PING is sent.
    ///
    /// An expired link stays expired until the peer is heard.
    pub fn ping(&mut self) -> Ping {
        self.inactive = self.inactive.saturating_add(1);
        if self.inactive > i64::from(self.max_inactive) {
            Ping::Expired
        } else if self.inactive > 0 {
            Ping::Sent
        } else {
            Ping::Skipped
        }
    }

    /// Notes that a PONG was received.
    pub fn pong_received(&mut self) {
        self.inactive = 0;
    }

    /// Notes that a PING was received.
    pub fn ping_received(&mut self) {
        self.mark_active();
    }

    /// Notes that the peer was heard by other means than keepalive.
    pub fn mark_active(&mut self) {
        self.inactive = -1;
    }

    /// Returns the number of calls of [`ping`](Self::ping) since the peer was last heard; −1 if it was heard since
    /// the last one.
    #[must_use]
    pub fn inactive(&self) -> i64 {
        self.inactive
    }

    /// Returns the threshold.
    #[must_use]
    pub fn max_inactive(&self) -> u32 {
        self.max_inactive
    }
}

impl Default for Tracker {
    fn default() -> Self {
        Self::new(Self::MAX_INACTIVE)
    }
}
