//! The delays between attempts: doubling, with full jitter from a generator that can be seeded.

use std::time::Duration;

/// The delays of one session.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    reset_after: Duration,
    /// The number of delays since the last reset.
    delays: u32,
    random: SplitMix64,
}

/// A generator of random numbers by Sebastiano Vigna's public-domain algorithm, which is good enough to spread attempts.
#[derive(Debug)]
struct SplitMix64(u64);

impl Backoff {
    pub(super) fn new(
        first: Duration,
        longest: Duration,
        reset_after: Duration,
        seed: u64,
    ) -> Self {
        Self {
            first,
            longest,
            reset_after,
            delays: 0,
            random: SplitMix64(seed),
        }
    }

    /// Returns the next delay: evenly between 0 and its ceiling, which doubles with each, and is at most `limit`.
    pub(super) fn next(&mut self, limit: Duration) -> Duration {
        let factor = 2u32.saturating_pow(self.delays);
        self.delays = self.delays.saturating_add(1);
        let ceiling = self.first.saturating_mul(factor).min(self.longest);
        self.random.below(ceiling.min(limit))
    }

    /// Notes that a connection was open for this long.
    pub(super) fn was_open_for(&mut self, time: Duration) {
        if time >= self.reset_after {
            self.delays = 0;
        }
    }
}

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, ceiling: Duration) -> Duration {
        let nanoseconds = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        let product = u128::from(nanoseconds) * u128::from(self.next());
        // The upper half of a product of two words fits in one.
        Duration::from_nanos(u64::try_from(product >> 64).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut random = SplitMix64(1_234_567);
        let numbers: [u64; 5] = std::array::from_fn(|_| random.next());
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn ceilings_double_up_to_the_longest_and_are_reset() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(250), millis(30_000), millis(60_000), 1);
        let mut greatest = [Duration::ZERO; 10];
        for _ in 0..1000 {
            for greatest in &mut greatest {
                *greatest = backoff.next(Duration::MAX).max(*greatest);
            }
            backoff.was_open_for(millis(59_999));
            assert_eq!(backoff.delays, 10);
            backoff.was_open_for(millis(60_000));
        }
        for (greatest, ceiling) in greatest.iter().zip([
            250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
        ]) {
            let share = greatest.as_secs_f64() / millis(ceiling).as_secs_f64();
            assert!((0.98..1.0).contains(&share), "{share} of {ceiling} ms");
        }
        for _ in 0..100 {
            assert!(backoff.next(millis(1000)) < millis(1000));
        }
    }
}
