//! Percentiles and a bar chart of any number of times, in bounded memory.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::nanoseconds::{Milliseconds, as_nanoseconds};

/// The number of buckets for each power of two; a time is then known to within 3 %.
const SPLIT: u32 = 32;

/// The greatest number of bars.
const BARS: u32 = 12;

/// The length of the longest bar in characters, so that its line has 80.
const WIDTH: u64 = 40;

/// Counts of times, in buckets that grow with the time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    /// At most `64 * SPLIT` of them.
    buckets: BTreeMap<u32, u64>,
    count: u64,
    max: u64,
}

/// The number of times within `from_ns..to_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) count: u64,
}

/// The times that 50, 90, 99 and 99.9 percent of all times do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_ns: u64,
    pub(crate) p90_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) p99_9_ns: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let time = as_nanoseconds(time);
        *self.buckets.entry(bucket(time)).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(time);
    }

    /// Returns the percentiles; `None` without times.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles {
            p50_ns: self.quantile(500)?,
            p90_ns: self.quantile(900)?,
            p99_ns: self.quantile(990)?,
            p99_9_ns: self.quantile(999)?,
        })
    }

    /// Returns the time that this share of all times, in thousandths, does not exceed.
    fn quantile(&self, per_mille: u128) -> Option<u64> {
        let rank = (u128::from(self.count) * per_mille).div_ceil(1000);
        let mut seen = 0;
        let (&bucket, _) = self.buckets.iter().find(|&(_, &count)| {
            seen += u128::from(count);
            seen >= rank
        })?;
        Some((end(bucket) - 1).min(self.max))
    }

    /// Divides the whole range into bars of about the same ratio; empty without times.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let (Some((&first, _)), Some((&last, _))) = (
            self.buckets.first_key_value(),
            self.buckets.last_key_value(),
        ) else {
            return Vec::new();
        };
        let step = (last - first + 1).div_ceil(BARS);
        let bar = |low: u32| Bar {
            from_ns: start(low),
            to_ns: end(low + step - 1),
            count: self
                .buckets
                .range(low..low + step)
                .map(|(_, count)| count)
                .sum(),
        };
        (first..=last).step_by(step as usize).map(bar).collect()
    }
}

/// Prints bars, one a line.
pub(crate) struct Chart<'a>(pub(crate) &'a [Bar]);

impl fmt::Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.0.iter().map(|bar| bar.count).max().unwrap_or(0);
        for (index, bar) in self.0.iter().enumerate() {
            let length =
                (u128::from(bar.count) * u128::from(WIDTH)).div_ceil(u128::from(most).max(1));
            let bars = "#".repeat(usize::try_from(length).unwrap_or_default());
            let (from, to) = (Milliseconds(bar.from_ns), Milliseconds(bar.to_ns));
            let line = format!("{from:>10} - {to:>10} ms {:>9} {bars}", bar.count);
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Returns the bucket of a time: below `SPLIT` one for each time, then by power of two and the next five bits.
fn bucket(time: u64) -> u32 {
    let Some(shift) = time
        .checked_ilog2()
        .and_then(|log| log.checked_sub(SPLIT.ilog2()))
    else {
        return u32::try_from(time).unwrap_or(SPLIT);
    };
    let digits = u32::try_from(time >> shift).unwrap_or(u32::MAX);
    shift * SPLIT + digits
}

/// Returns the first time of a bucket.
fn start(bucket: u32) -> u64 {
    let shift = (bucket / SPLIT).saturating_sub(1);
    let digits = u64::from(bucket - shift * SPLIT);
    // The bucket behind the last one starts where the numbers end.
    u64::try_from(u128::from(digits) << shift).unwrap_or(u64::MAX)
}

/// Returns the first time after a bucket.
fn end(bucket: u32) -> u64 {
    start(bucket + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(nanoseconds: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for time in nanoseconds {
            histogram.add(Duration::from_nanos(time));
        }
        histogram
    }

    #[test]
    fn each_time_is_within_its_bucket() {
        for time in (0..10_000)
            .chain((0..64).map(|bit| 1 << bit))
            .chain([u64::MAX - 1])
        {
            let bucket = bucket(time);
            assert!(
                start(bucket) <= time && time < end(bucket),
                "{time} {bucket}"
            );
            assert!(
                end(bucket) - start(bucket) <= time / 32 + 1,
                "{time} {bucket}"
            );
        }
        assert!(bucket(u64::MAX) < 64 * SPLIT);
    }

    #[test]
    fn percentiles_are_within_a_bucket_and_never_above_the_longest() {
        let percentiles = histogram(1..=1000).percentiles().unwrap();
        let Percentiles {
            p50_ns,
            p90_ns,
            p99_ns,
            p99_9_ns,
        } = percentiles;
        assert!((500..516).contains(&p50_ns), "{percentiles:?}");
        assert!((900..928).contains(&p90_ns), "{percentiles:?}");
        assert!((990..=1000).contains(&p99_ns), "{percentiles:?}");
        assert_eq!(p99_9_ns, 1000);
        assert_eq!(histogram([]).percentiles(), None);
    }

    #[test]
    fn bars_cover_all_and_count_each_once() {
        let histogram = histogram((0..5000).map(|n| n * n));
        let bars = histogram.bars();
        assert!(bars.len() <= BARS as usize, "{bars:?}");
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 5000);
        assert!(bars.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
        assert!(super::Histogram::default().bars().is_empty());
    }

    #[test]
    fn a_chart_fits_in_80_columns() {
        let chart = [
            Bar {
                from_ns: 0,
                to_ns: 104_000,
                count: 7,
            },
            Bar {
                from_ns: 104_000,
                to_ns: 30_000_000_000,
                count: 999_999_999,
            },
            Bar {
                from_ns: 30_000_000_000,
                to_ns: 99_999_000_000,
                count: 0,
            },
        ];
        insta::assert_snapshot!(Chart(&chart), @r#"
    0.000 -      0.104 ms         7 #
    0.104 -  30000.000 ms 999999999 ########################################
30000.000 -  99999.000 ms         0
"#);
        assert!(
            Chart(&chart)
                .to_string()
                .lines()
                .all(|line| line.len() <= 80)
        );
    }
}
