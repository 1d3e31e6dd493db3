//! The settings of the connection that the options ask for.

use std::time::Duration;

use virt_tokio::{KeepAliveMode, Limits};

use crate::options::{Mode, Options};

impl Options {
    /// Returns the settings of the connection. It has no time limits: connecting as a whole has one.
    pub(crate) fn connection(&self) -> virt_tokio::Options {
        let mut limits = Limits::default();
        limits.pings = limits.pings.max(self.unanswered_max());
        virt_tokio::Options::default()
            .connect_timeout(Duration::MAX)
            .interactive_timeout(None)
            .read_only(self.readonly)
            .keepalive(self.keepalive())
            .limits(limits)
    }

    fn keepalive(&self) -> KeepAliveMode {
        if self.listen || self.keepalive_interval.is_zero() {
            return KeepAliveMode::AnswerOnly;
        }
        KeepAliveMode::Send {
            interval: self.keepalive_interval,
            count: self.keepalive_count,
        }
    }

    /// Returns the time for which a peer may be silent before keepalive closes the connection.
    pub(crate) fn silence_limit(&self) -> Duration {
        self.keepalive_interval
            .saturating_mul(self.keepalive_count.saturating_add(1))
    }

    /// Returns the greatest number of unanswered PINGs or calls. With more calls a daemon would read nothing at all.
    pub(crate) fn unanswered_max(&self) -> usize {
        match self.mode {
            Mode::Keepalive => 256,
            Mode::Rpc => Limits::default().calls,
        }
    }
}
