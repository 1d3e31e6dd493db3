//! Times as nanoseconds: as JSON, and as milliseconds for people.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Prints nanoseconds as milliseconds, with three digits behind the point.
pub(crate) struct Milliseconds(pub(crate) u64);

impl From<Duration> for Milliseconds {
    fn from(time: Duration) -> Self {
        Self(as_nanoseconds(time))
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0.saturating_add(500) / 1000;
        let text = format!("{}.{:03}", microseconds / 1000, microseconds % 1000);
        f.pad(&text)
    }
}

/// Returns a duration in nanoseconds, clamped to 64 bits.
pub(crate) fn as_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(as_nanoseconds(*time))
}

pub(crate) fn serialize_option<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(as_nanoseconds).serialize(serializer)
}
