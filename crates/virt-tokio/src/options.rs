//! The settings of a connection.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::connection::deadlines::TimeLimits;

/// The use of keepalive on a connection. PINGs of the peer are always answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeepAliveMode {
    /// Ask for keepalive, and send PINGs once the peer has agreed: not before [`Client::open`](crate::Client::open) has
    /// asked, and not to a peer without keepalive.
    ///
    /// After `interval` without a byte from the peer a PING is sent, `count` of them in all. The connection is closed at
    /// `interval * (count + 1)` since the last byte. An interval of zero sends none.
    Send {
        /// The time that the peer may be silent before a PING is sent.
        interval: Duration,
        /// The number of PINGs that may go unanswered.
        count: u32,
    },
    /// Ask for keepalive, but send no PINGs.
    AnswerOnly,
    /// Do not ask for keepalive, so that a libvirt daemon sends no PINGs.
    Off,
}

impl Default for KeepAliveMode {
    /// Returns an interval of 5 seconds and a count of 5, libvirtd's own.
    fn default() -> Self {
        Self::Send {
            interval: Duration::from_secs(5),
            count: 5,
        }
    }
}

/// Resource limits of a connection.
///
/// Start from the default to change one. 0 is treated as 1, except in `frame_bytes`. A [`Server`](crate::Server) ignores
/// `stream_bytes`, `unread_bytes`, `calls`, `pings`, `events` and `event_bytes`.
///
/// ```
/// use virt_tokio::{Limits, Options};
///
/// let mut limits = Limits::default();
/// limits.calls = 16;
/// let options = Options::default().limits(limits);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// The longest received frame in bytes, the length word included. The default is the protocol's own limit,
    /// 33 554 436; other values are clamped to 28 up to that.
    pub frame_bytes: usize,
    /// The output in bytes above which no call and no stream data is taken from handles. Nothing more is read above the
    /// same amount of PONGs and replies of a server, which the peer causes. The default is 256 KiB; a descriptor counts
    /// as 4 KiB.
    ///
    /// Input of one read may exceed it by as much again and one reply, and a call by its own size.
    pub queued_bytes: usize,
    /// The longest received frame in bytes until the connection is open: until [`Client::open`] has succeeded, or a
    /// server has admitted a call that needs authentication. The default is 512 KiB, which the largest step of an
    /// authentication fits. A client that is never opened keeps it.
    ///
    /// [`Client::open`]: crate::Client::open
    pub opening_frame_bytes: usize,
    /// The stream data in bytes that readers have not taken, over all streams of a connection, above which nothing more
    /// is read, unless a call or PING waits for its answer. The default is 1 MiB.
    ///
    /// Data counts once its frame is whole, so one read and one frame of up to `frame_bytes` may exceed the limit.
    pub stream_bytes: usize,
    /// The same while a call or PING waits for its answer, which may be behind the data. Above it, nothing more is read,
    /// and what waits fails with [`CallError::UnreadStreams`](crate::CallError::UnreadStreams). The default is 64 MiB.
    pub unread_bytes: usize,
    /// The calls in flight at once; others wait for their turn. The default is 4.
    ///
    /// A libvirt daemon that works on `max_client_requests` calls of a client, 5 unless configured, reads nothing more
    /// from it, PINGs included. With fewer in flight keepalive works however long the calls take.
    pub calls: usize,
    /// The unanswered PINGs of [`Client::ping`](crate::Client::ping) at once; others wait for their turn. The default is
    /// 256.
    pub pings: usize,
    /// The events kept for each slow reader; the oldest are dropped first. The default is 1024.
    pub events: usize,
    /// The memory in bytes of the events kept for each slow reader, unless one event alone is larger. The default is
    /// 8 MiB.
    pub event_bytes: usize,
    /// The commands of handles that wait for the connection's task; a further one waits for room. The default is 32.
    pub commands: usize,
}

impl Limits {
    /// Returns the limits clamped to what is possible.
    pub(crate) fn clamped(self) -> Self {
        let permits = |limit: usize| limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            queued_bytes: self.queued_bytes.max(1),
            opening_frame_bytes: self.opening_frame_bytes.min(self.frame_bytes),
            stream_bytes: self.stream_bytes.max(1),
            unread_bytes: self.unread_bytes.max(self.stream_bytes).max(1),
            calls: permits(self.calls),
            pings: permits(self.pings),
            events: self.events.max(1),
            commands: permits(self.commands),
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: virt_xdr::FRAME_MAX,
            queued_bytes: 256 * 1024,
            opening_frame_bytes: 512 * 1024,
            stream_bytes: 1024 * 1024,
            unread_bytes: 64 * 1024 * 1024,
            calls: 4,
            pings: 256,
            events: 1024,
            event_bytes: 8 * 1024 * 1024,
            commands: 32,
        }
    }
}

/// The options of a connection: time limits, access, keepalive and resource limits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use virt_tokio::{KeepAliveMode, Options};
///
/// let options = Options::default()
///     .read_only(true)
///     .connect_timeout(Duration::from_secs(3))
///     .keepalive(KeepAliveMode::Send { interval: Duration::from_secs(1), count: 3 });
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) preferences: Preferences,
    pub(crate) limits: Limits,
}

/// The options that a client keeps for its lifetime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preferences {
    pub(crate) connect_timeout: Duration,
    pub(crate) interactive_timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) read_only: bool,
    pub(crate) strict: bool,
    pub(crate) keepalive: KeepAliveMode,
}

impl Options {
    /// Sets the time limit for connecting, from the first socket to the open connection, without the time that the daemon
    /// waits for a [person](Self::interactive_timeout). The default is 30 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.preferences.connect_timeout = timeout;
        self
    }

    /// Sets the time limit for an answer of the daemon that waits for a person, as polkit may. The default is 5 minutes;
    /// `None` is no limit.
    pub fn interactive_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.preferences.interactive_timeout = timeout.into();
        self
    }

    /// Sets the time limit of each call, for its turn and its reply. The default, `None`, is no limit. Single calls may have
    /// another one: [`Client::with_timeout`](crate::Client::with_timeout).
    ///
    /// Keepalive does not notice a frame that never completes, such as one with a garbled length: every received byte
    /// is a sign of life. This limit does.
    pub fn call_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.preferences.call_timeout = timeout.into();
        self
    }

    /// Opens the connection read-only, through the daemon's read-only socket. The default is `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.preferences.read_only = read_only;
        self
    }

    /// Accepts only return values that RFC 4506 allows. By default they are read as libvirt's C client does: see
    /// [`Decoder::lenient`](virt_xdr::Decoder::lenient).
    pub fn strict(mut self, strict: bool) -> Self {
        self.preferences.strict = strict;
        self
    }

    /// Sets the use of keepalive.
    pub fn keepalive(mut self, keepalive: KeepAliveMode) -> Self {
        self.preferences.keepalive = keepalive;
        self
    }

    /// Sets the resource limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            preferences: Preferences {
                connect_timeout: Duration::from_secs(30),
                interactive_timeout: Some(Duration::from_secs(300)),
                call_timeout: None,
                read_only: false,
                strict: false,
                keepalive: KeepAliveMode::default(),
            },
            limits: Limits::default(),
        }
    }
}

/// The options of a served connection: keepalive, resource limits and time limits.
///
/// The defaults are those of a daemon on the internet. Each method says how to turn its limit off.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use virt_tokio::ServerOptions;
///
/// let options = ServerOptions::default()
///     .calls_in_work(5)
///     .write_timeout(Duration::from_secs(10));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ServerOptions {
    pub(crate) keepalive: KeepAliveMode,
    pub(crate) limits: Limits,
    pub(crate) times: TimeLimits,
    pub(crate) calls_in_work: usize,
    pub(crate) open_streams: usize,
}

impl ServerOptions {
    /// Sets the use of keepalive, once the client has asked for it.
    pub fn keepalive(mut self, keepalive: KeepAliveMode) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Sets the resource limits that both ends have.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the number of calls in work at which nothing more is handled until one is answered, PINGs included. The
    /// default is 64; libvirtd has 5. `usize::MAX` turns it off.
    pub fn calls_in_work(mut self, limit: usize) -> Self {
        self.calls_in_work = limit;
        self
    }

    /// Sets the number of open streams at which a call that opens another one fails. The default is 64; `usize::MAX`
    /// turns it off.
    pub fn open_streams(mut self, limit: usize) -> Self {
        self.open_streams = limit;
        self
    }

    /// Sets the time until the client has made a call that needs authentication, such as `CONNECT_OPEN`. The default is
    /// 30 seconds; `None` turns it off.
    pub fn open_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.times.open = timeout.into();
        self
    }

    /// Sets the time in place of [`open_timeout`](Self::open_timeout) while a call is in work, because a person may be
    /// asked. The default is 5 minutes; `None` turns it off.
    pub fn interactive_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.times.interactive = timeout.into();
        self
    }

    /// Sets the time for a frame, its descriptors included, and for each 64 KiB of it. The default is 30 seconds; `None`
    /// turns it off.
    pub fn frame_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.times.frame = timeout.into();
        self
    }

    /// Sets the time within which the client has to take some of its output, while there is any. The default is
    /// 30 seconds; `None` turns it off.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.times.write = timeout.into();
        self
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        let limit = Some(Duration::from_secs(30));
        Self {
            keepalive: KeepAliveMode::default(),
            limits: Limits::default(),
            times: TimeLimits {
                open: limit,
                interactive: Some(Duration::from_secs(300)),
                frame: limit,
                write: limit,
            },
            calls_in_work: 64,
            open_streams: 64,
        }
    }
}
