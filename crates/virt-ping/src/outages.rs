//! The times without a connection, between the first one and the end of a run.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::nanoseconds::as_nanoseconds;

/// The outages so far.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    count: u64,
    total: Duration,
    longest: Duration,
    /// The beginning of the outage that goes on.
    since: Option<Instant>,
}

/// The numbers of all outages; one that goes on counts up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct OutageTimes {
    pub(crate) count: u64,
    pub(crate) total_ns: u64,
    pub(crate) longest_ns: u64,
}

impl Outages {
    /// Notes that the connection has ended.
    pub(crate) fn begin(&mut self) {
        self.count += 1;
        self.since = Some(Instant::now());
    }

    /// Notes that there is a connection again, and returns the length of the outage.
    pub(crate) fn end(&mut self) -> Duration {
        let length = self.current();
        self.since = None;
        self.total += length;
        self.longest = self.longest.max(length);
        length
    }

    /// Returns whether there is no connection.
    pub(crate) fn is_down(&self) -> bool {
        self.since.is_some()
    }

    pub(crate) fn times(&self) -> OutageTimes {
        let current = self.current();
        OutageTimes {
            count: self.count,
            total_ns: as_nanoseconds(self.total + current),
            longest_ns: as_nanoseconds(self.longest.max(current)),
        }
    }

    fn current(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn outages_are_counted_and_the_last_one_up_to_now() {
        let mut outages = Outages::default();
        for seconds in [2, 5, 1] {
            outages.begin();
            assert!(outages.is_down());
            advance(Duration::from_secs(seconds)).await;
            assert_eq!(outages.end(), Duration::from_secs(seconds));
            advance(Duration::from_secs(60)).await;
        }
        outages.begin();
        advance(Duration::from_secs(7)).await;
        let OutageTimes {
            count,
            total_ns,
            longest_ns,
        } = outages.times();
        assert_eq!(
            (count, total_ns, longest_ns),
            (4, 15_000_000_000, 7_000_000_000)
        );
    }
}
