//! The simulated clock.

use std::time::{Duration, Instant};

/// The instant that is so many seconds after the start.
pub(crate) fn clock() -> impl Fn(f64) -> Instant {
    let start = Instant::now();
    move |seconds| start + Duration::from_secs_f64(seconds)
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
