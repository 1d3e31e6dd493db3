//! What there is to tell, as data; printed as text or as JSON.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::exit::Exit;
use crate::histogram::Bar;
use crate::options::What;
use crate::statistics::Times;

/// Something that has happened to one of the daemons that are pinged.
///
/// Its form as JSON is an interface, which `json.rs` describes: keys and their meaning stay.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A step of connecting is done.
    Phase {
        phase: Phase,
        #[serde(rename = "time_ns", serialize_with = "nanoseconds")]
        time: Duration,
    },
    /// It begins.
    Connected {
        address: String,
        /// None if it was not asked.
        version: Option<String>,
        /// True if the daemon has keepalive; none if it was not asked.
        keepalive: Option<bool>,
        mode: &'static str,
    },
    /// A PONG, or the reply to a call.
    Pong {
        seq: u64,
        #[serde(rename = "time_ns", serialize_with = "nanoseconds")]
        time: Duration,
        /// True if it had been given up.
        late: bool,
    },
    /// No PONG came in time, or before the end.
    Missed {
        seq: u64,
        #[serde(rename = "waited_ns", serialize_with = "nanoseconds")]
        waited: Duration,
    },
    /// There is no PONG yet.
    Outstanding { seq: u64 },
    /// Nothing was sent, as too much is unanswered already.
    HeldBack { seq: u64, unanswered: usize },
    /// The daemon has sent a PING.
    Ping {
        seq: u64,
        /// Since the one before, or since the connection was open.
        #[serde(rename = "after_ns", serialize_with = "nanoseconds")]
        after: Duration,
    },
    /// The connection is closed.
    Closed {
        reason: &'static str,
        message: String,
    },
    /// There is no connection.
    Failed { message: String, exit: u8 },
    /// How it goes.
    Interim(Summary),
    /// How it went.
    Summary(Summary),
    /// All that `--check` tells.
    Check {
        ok: bool,
        #[serde(rename = "time_ns", serialize_with = "maybe_nanoseconds")]
        time: Option<Duration>,
        version: Option<String>,
        /// What is wrong.
        message: Option<String>,
        exit: u8,
    },
}

impl Event {
    /// A check that has failed before there was a connection.
    pub(crate) fn unchecked(message: String, exit: Exit) -> Self {
        Self::Check {
            ok: false,
            time: None,
            version: None,
            message: Some(message),
            exit: exit.code(),
        }
    }
}

/// A step on the way to the first PONG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// The socket.
    Connect,
    /// Which authentication is wanted, and having it.
    Authenticate,
    /// Asking for keepalive.
    Negotiate,
    /// Opening the hypervisor.
    Open,
    /// Waiting for the first PONG.
    FirstPong,
}

/// The numbers at the end.
///
/// Every `seq` that was sent ends as received or as missed: `sent = received + missed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// PINGs or calls that were sent; of `--listen`, none.
    pub(crate) sent: u64,
    /// PONGs or replies; of `--listen`, the daemon's PINGs.
    pub(crate) received: u64,
    /// How many of the received were late.
    pub(crate) late: u64,
    /// How many of the sent have no PONG.
    pub(crate) missed: u64,
    /// How many were due and not sent.
    pub(crate) held_back: u64,
    #[serde(rename = "duration_ns", serialize_with = "nanoseconds")]
    pub(crate) duration: Duration,
    /// Round trips; of `--listen`, what is between the PINGs.
    pub(crate) rtt: Option<Times>,
    /// With `--histogram`.
    pub(crate) percentiles: Option<Percentiles>,
    /// With `--histogram`.
    pub(crate) histogram: Option<Vec<Bar>>,
    /// None while it goes on.
    pub(crate) ended: Option<Ended>,
    pub(crate) exit: u8,
    #[serde(skip)]
    pub(crate) what: What,
}

/// Round trips that so many percent of all are not longer than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_ns: u64,
    pub(crate) p90_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) p99_9_ns: u64,
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// As many as were wanted.
    Count,
    /// No time was left.
    Deadline,
    /// A signal.
    Interrupted,
    /// The connection was closed.
    Closed,
}

/// A duration as a number that JSON readers take.
pub(crate) fn as_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn nanoseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(as_nanoseconds(*time))
}

fn maybe_nanoseconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(as_nanoseconds).serialize(serializer)
}
