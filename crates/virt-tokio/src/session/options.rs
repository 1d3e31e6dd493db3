//! The options of a session.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::backoff::Backoff;
use crate::Options;

/// The options of a [`Session`](crate::Session): those of its connections, and the delays between attempts.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use virt_tokio::{Options, SessionOptions};
///
/// let options = SessionOptions::default()
///     .connection(Options::default().read_only(true))
///     .longest_delay(Duration::from_secs(10));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SessionOptions {
    pub(super) connection: Options,
    first_delay: Duration,
    longest_delay: Duration,
    reset_after: Duration,
    pub(super) socket_delay: Duration,
    pub(super) attempts: Option<u32>,
    seed: Option<u64>,
}

impl SessionOptions {
    /// Sets the options of each connection.
    pub fn connection(mut self, options: Options) -> Self {
        self.connection = options;
        self
    }

    /// Sets the greatest delay before the first attempt after a failure. It doubles with each further one. The default is
    /// 0.25 seconds.
    ///
    /// A delay is random, evenly between zero and the greatest one, so that clients of one daemon do not come back all at
    /// once.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the greatest delay of all. The default is 30 seconds.
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest_delay = delay;
        self
    }

    /// Sets the time that a connection has to be open until the delays begin with the first again. The default is a minute.
    pub fn reset_after(mut self, time: Duration) -> Self {
        self.reset_after = time;
        self
    }

    /// Sets the greatest delay while the Unix socket does not exist, which is most often a restart. The default is a
    /// second.
    pub fn socket_delay(mut self, delay: Duration) -> Self {
        self.socket_delay = delay;
        self
    }

    /// Sets the number of attempts without success after which the session ends. The default, `None`, is no limit. 0 is
    /// treated as 1.
    pub fn attempts(mut self, attempts: impl Into<Option<u32>>) -> Self {
        self.attempts = attempts.into();
        self
    }

    /// Sets the seed of the random delays, for tests. The default is another one for each session.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(super) fn backoff(&self) -> Backoff {
        let seed = self
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
        Backoff::new(self.first_delay, self.longest_delay, self.reset_after, seed)
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            connection: Options::default(),
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(30),
            reset_after: Duration::from_secs(60),
            socket_delay: Duration::from_secs(1),
            attempts: None,
            seed: None,
        }
    }
}
