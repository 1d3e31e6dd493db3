//! What a connection can be told.

use std::time::Duration;

use tokio::sync::Semaphore;

/// Room for all of them is allocated at once.
const EVENTS_MAX: usize = 65_536;

/// How a connection watches over itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keepalive {
    /// Ask for keepalive, answer the peer's PINGs, and send our own once it has agreed. One that has no
    /// keepalive gets none, nor does any before [`Client::open`](crate::Client::open) has asked.
    ///
    /// After `interval` without a byte from the peer a PING is sent, `count` of them in all; the connection
    /// is closed at `interval * (count + 1)` since the last byte. An interval of zero sends none.
    Send {
        /// How long the peer may be silent before a PING is sent.
        interval: Duration,
        /// How many PINGs may go unanswered.
        count: u32,
    },
    /// Ask for keepalive and answer the peer's PINGs, but send none.
    AnswerOnly,
    /// Do not ask for keepalive, so that a libvirt daemon sends no PINGs. One that comes is answered.
    Off,
}

impl Default for Keepalive {
    /// Every 5 seconds, at most 5 unanswered: what a libvirt daemon does.
    fn default() -> Self {
        Self::Send {
            interval: Duration::from_secs(5),
            count: 5,
        }
    }
}

/// How much of everything a connection holds at most.
///
/// There may be more of them one day; to change one, start from the default. One of 0 counts as 1, but for
/// `frame_bytes`. `stream_bytes`, `calls`, `pings` and `events` mean nothing to a [`Server`](crate::Server).
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
    /// The longest frame that is received, in bytes, its length included. 33 554 436, which is the
    /// protocol's own limit; it is held between 28, the least there can be, and that.
    pub frame_bytes: usize,
    /// Above so many bytes that wait to be written, no call and no piece of a stream is taken; above so many
    /// that the peer has caused, which are PONGs and a server's replies, nothing more is read. 256 KiB. A
    /// descriptor counts as 4 KiB.
    ///
    /// What was read before may go over it by as much again and one reply, and one call by its own size.
    pub queued_bytes: usize,
    /// Above so many bytes of streams that their readers have not taken, nothing more is read. 1 MiB over
    /// all streams of a connection.
    ///
    /// A piece counts once it is whole: the limit may be exceeded by one read and one frame of up to
    /// `frame_bytes`.
    pub stream_bytes: usize,
    /// How many calls are in flight at once; the others wait for their turn. 4.
    ///
    /// A libvirt daemon reads nothing more from a client of which it has `max_client_requests` calls in
    /// work, 5 unless configured, PINGs included. With fewer in flight keepalive goes on however long the
    /// calls take.
    pub calls: usize,
    /// How many PINGs of [`Client::ping`](crate::Client::ping) are unanswered at once; the others wait for
    /// their turn. 256.
    pub pings: usize,
    /// How many events are kept for a reader that is slow, rounded up to a power of two, 65 536 at most; the
    /// oldest are lost first. 1024.
    pub events: usize,
    /// How many commands of handles wait for the connection's task; whoever has another one waits. 32.
    pub commands: usize,
}

impl Limits {
    /// The same within what can be had.
    pub(crate) fn held(self) -> Self {
        let permits = |limit: usize| limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            queued_bytes: self.queued_bytes.max(1),
            stream_bytes: self.stream_bytes.max(1),
            calls: permits(self.calls),
            pings: permits(self.pings),
            events: self.events.clamp(1, EVENTS_MAX),
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
            stream_bytes: 1024 * 1024,
            calls: 4,
            pings: 256,
            events: 1024,
            commands: 32,
        }
    }
}

/// How to connect: how long to wait, what to ask for, how much to hold.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use virt_tokio::{Keepalive, Options};
///
/// let options = Options::default()
///     .read_only(true)
///     .connect_timeout(Duration::from_secs(3))
///     .keepalive(Keepalive::Send { interval: Duration::from_secs(1), count: 3 });
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) connect_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) read_only: bool,
    pub(crate) keepalive: Keepalive,
    pub(crate) limits: Limits,
}

impl Options {
    /// How long connecting may take, from the first socket to the open connection. 30 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long each call may wait for its turn and its reply; `None`, which is the default, for as long
    /// as the connection lives.
    ///
    /// Keepalive does not notice a message that never completes, such as one whose length was garbled: every
    /// byte that comes is a sign of life. This does.
    pub fn call_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.call_timeout = timeout.into();
        self
    }

    /// Whether to open the connection for reading only; it then goes to the daemon's read-only socket.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// How the connection watches over itself.
    pub fn keepalive(mut self, keepalive: Keepalive) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// How much of everything the connection holds at most.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            call_timeout: None,
            read_only: false,
            keepalive: Keepalive::default(),
            limits: Limits::default(),
        }
    }
}
