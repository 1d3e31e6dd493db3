//! The events of a run as data, which are printed as text or as JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::exit::Exit;
use crate::histogram::{Bar, Percentiles};
use crate::nanoseconds;
use crate::options::Counted;
use crate::outages::OutageTimes;
use crate::safe_text::SafeText;
use crate::statistics::Times;

/// An event of one of the daemons that are pinged.
///
/// Its form as JSON is an interface, which `json.rs` describes: keys and their meaning stay.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A phase of connecting is over.
    Phase {
        phase: Phase,
        #[serde(rename = "time_ns", serialize_with = "nanoseconds::serialize")]
        time: Duration,
    },
    /// The connection is there, and pinging begins.
    Connected {
        address: SafeText,
        /// The daemon's version; `None` if it was not asked, or does not say.
        version: Option<SafeText>,
        /// True if the daemon agreed to keepalive; `None` if it was not asked.
        keepalive: Option<bool>,
        mode: &'static str,
    },
    /// A PONG, or the reply to a call.
    Pong {
        seq: u64,
        #[serde(rename = "time_ns", serialize_with = "nanoseconds::serialize")]
        time: Duration,
        /// It was reported as missed before.
        late: bool,
    },
    /// No PONG came in time, or before the end.
    Missed {
        seq: u64,
        #[serde(rename = "waited_ns", serialize_with = "nanoseconds::serialize")]
        waited: Duration,
    },
    /// There is no PONG yet.
    Outstanding { seq: u64 },
    /// Nothing was sent, because too many are unanswered.
    HeldBack { seq: u64, unanswered: usize },
    /// The daemon sent PINGs.
    Ping {
        /// The number of the last of them.
        seq: u64,
        /// The number of PINGs since the event before.
        count: u64,
        /// The time from the last PING of the event before, or from the open connection, to the last of these.
        #[serde(rename = "after_ns", serialize_with = "nanoseconds::serialize")]
        after: Duration,
    },
    /// The connection is closed.
    Closed {
        reason: &'static str,
        message: SafeText,
    },
    /// There is no connection yet, and attempts go on.
    Waiting { message: SafeText },
    /// There is a connection again.
    Reconnected {
        /// The time since the beginning of 1970, UTC, at which the last one ended.
        #[serde(rename = "since_ns", serialize_with = "nanoseconds::serialize")]
        since: Duration,
        /// The time without a connection.
        #[serde(rename = "outage_ns", serialize_with = "nanoseconds::serialize")]
        outage: Duration,
        /// The number of attempts, the last one included.
        attempts: u64,
        /// The reason why the last one ended.
        message: Option<SafeText>,
    },
    /// There is no connection.
    Failed { message: SafeText, exit: u8 },
    /// The numbers so far, on request.
    Interim(Summary),
    /// The numbers at the end.
    Summary(Summary),
    /// The only event of `--check`.
    Check {
        ok: bool,
        #[serde(rename = "time_ns", serialize_with = "nanoseconds::serialize_option")]
        time: Option<Duration>,
        version: Option<SafeText>,
        /// The fault, if there is one.
        message: Option<SafeText>,
        exit: u8,
    },
}

impl Event {
    /// Makes the event of a check that fails before there is a connection.
    pub(crate) fn failed_check(message: SafeText, exit: Exit) -> Self {
        Self::Check {
            ok: false,
            time: None,
            version: None,
            message: Some(message),
            exit: exit.code(),
        }
    }
}

/// A phase on the way to the first PONG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Connecting the socket.
    Connect,
    /// Asking which authentication is required, and performing it.
    Authenticate,
    /// Asking for keepalive.
    Negotiate,
    /// Opening the hypervisor.
    Open,
    /// Waiting for the first PONG.
    FirstPong,
}

impl From<virt_remote::Phase> for Phase {
    fn from(phase: virt_remote::Phase) -> Self {
        match phase {
            virt_remote::Phase::Authenticate => Self::Authenticate,
            virt_remote::Phase::Negotiate => Self::Negotiate,
            virt_remote::Phase::Open | virt_remote::Phase::Done => Self::Open,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Authenticate => "authenticate",
            Self::Negotiate => "negotiate",
            Self::Open => "open",
            Self::FirstPong => "first PONG",
        })
    }
}

/// The numbers of a run.
///
/// At the end, each `seq` that was sent is received or missed: `sent = received + missed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The PINGs or calls that were sent; 0 for `--listen`.
    pub(crate) sent: u64,
    /// The PONGs or replies; for `--listen`, the daemon's PINGs.
    pub(crate) received: u64,
    /// The number of received ones that were late.
    pub(crate) late: u64,
    /// The number of sent ones that have no PONG.
    pub(crate) missed: u64,
    /// The number of PINGs that were due and not sent.
    pub(crate) held_back: u64,
    #[serde(rename = "duration_ns", serialize_with = "nanoseconds::serialize")]
    pub(crate) duration: Duration,
    /// The round trips; for `--listen`, the times between PINGs.
    pub(crate) rtt: Option<Times>,
    /// Present with `--histogram`.
    pub(crate) percentiles: Option<Percentiles>,
    /// Present with `--histogram`, at the end.
    pub(crate) histogram: Option<Vec<Bar>>,
    /// The times without a connection; present with `--reconnect`.
    pub(crate) outages: Option<OutageTimes>,
    /// The reason for the end; `None` while the run goes on.
    pub(crate) ended: Option<Ended>,
    pub(crate) exit: u8,
    #[serde(skip)]
    pub(crate) counted: Counted,
}

/// The reason why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// The number that was asked for is reached.
    Count,
    /// The time that was asked for is over.
    Deadline,
    /// A signal came.
    Interrupted,
    /// The connection was closed.
    Closed,
}
