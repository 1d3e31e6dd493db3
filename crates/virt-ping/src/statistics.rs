//! Minimum, average, maximum and deviation of any number of times, in constant memory.

use std::time::Duration;

use serde::Serialize;

use crate::nanoseconds::as_nanoseconds;

/// The sums over all times so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statistics {
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    /// The sum of the squares. It saturates after 300 times of 30 years each.
    squares: u128,
}

/// The statistics in nanoseconds, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Times {
    pub(crate) min_ns: u64,
    pub(crate) avg_ns: u64,
    pub(crate) max_ns: u64,
    /// The standard deviation, by the name that ping(8) gives it.
    pub(crate) mdev_ns: u64,
}

impl Statistics {
    pub(crate) fn add(&mut self, time: Duration) {
        let time = as_nanoseconds(time);
        self.min = if self.count == 0 {
            time
        } else {
            self.min.min(time)
        };
        self.max = self.max.max(time);
        self.count += 1;
        let time = u128::from(time);
        self.sum += time;
        self.squares = self.squares.saturating_add(time * time);
    }

    /// Returns the statistics; `None` without times.
    pub(crate) fn times(&self) -> Option<Times> {
        let count = u128::from(self.count);
        let avg = self.sum.checked_div(count)?;
        // The mean of the squares less the square of the mean, without fractions in between.
        let variance = count
            .saturating_mul(self.squares)
            .saturating_sub(self.sum.saturating_mul(self.sum));
        let narrow = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        Some(Times {
            min_ns: self.min,
            avg_ns: narrow(avg),
            max_ns: self.max,
            mdev_ns: narrow(variance.isqrt() / count),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(nanoseconds: &[u64]) -> Option<Times> {
        let mut statistics = Statistics::default();
        for &time in nanoseconds {
            statistics.add(Duration::from_nanos(time));
        }
        statistics.times()
    }

    #[test]
    fn nothing_has_no_average() {
        assert_eq!(times(&[]), None);
    }

    #[test]
    fn one_time_does_not_deviate() {
        let Times {
            min_ns,
            avg_ns,
            max_ns,
            mdev_ns,
        } = times(&[112_000]).unwrap();
        assert_eq!(
            (min_ns, avg_ns, max_ns, mdev_ns),
            (112_000, 112_000, 112_000, 0)
        );
    }

    #[test]
    fn the_deviation_is_of_all_of_them() {
        let times = times(&[2, 4, 4, 4, 5, 5, 7, 9]).unwrap();
        assert_eq!((times.avg_ns, times.mdev_ns), (5, 2));
        assert_eq!((times.min_ns, times.max_ns), (2, 9));
    }

    #[test]
    fn times_without_end_do_not_overflow() {
        let times = times(&[u64::MAX; 3]).unwrap();
        assert_eq!(
            (times.min_ns, times.avg_ns, times.max_ns),
            (u64::MAX, u64::MAX, u64::MAX)
        );
    }
}
