//! The keepalive program, as it is registered with a transport.

use std::fmt;

use virt_transport::{
    Context, Handle, Message, Program, ProgramError, ProgramId, RegisterError, Transport,
};

use crate::{PROGRAM, Ping, Procedure, Tracker};

/// The keepalive program: answers PINGs, sends them when told, pairs PONGs with them, and calls back.
///
/// | event | `inactive` becomes | sent | callback |
/// |---|---|---|---|
/// | [`ping`](KeepAliveHandle::ping) | one more; above `max_inactive` the link has expired | a PING, unless expired or `inactive` is 0 | [`on_fail`](Self::on_fail) if expired |
/// | PONG received | 0, so that the next `ping` sends | | [`on_ack`](Self::on_ack) |
/// | PING received | −1, so that the next `ping` is silent | what `on_ping` sends | [`on_ping`](Self::on_ping) |
/// | other procedure of the program received | −1 | | |
/// | [`mark_active`](KeepAliveHandle::mark_active) | −1 | | |
/// | [`send_ping`](KeepAliveHandle::send_ping) | stays | a PING | |
/// | [`pong`](KeepAliveHandle::pong) | stays | a PONG | |
///
/// Serial, status and payload of a PING or PONG are ignored, as in libvirt. A PONG carries nothing that says which PING
/// it answers, so PONGs are paired with PINGs in order: see [`Counts`].
///
/// # Examples
///
/// See the [crate's documentation](crate).
#[must_use = "a program does nothing until it is registered"]
pub struct KeepAlive {
    tracker: Tracker,
    counts: Counts,
    on_ack: Option<Callback>,
    on_fail: Option<Callback>,
    /// Without it PINGs are answered.
    on_ping: Option<Callback>,
}

/// Counts of the PINGs and PONGs of a connection.
///
/// A peer answers PINGs in order, so that PING number `n`, counted from 1, has its PONG once `answered >= n`. A PONG
/// without a PING to answer is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Counts {
    /// The PINGs sent.
    pub sent: u64,
    /// The PINGs that have been answered: `answered <= sent`.
    pub answered: u64,
    /// The PINGs received.
    pub received: u64,
}

type Callback = Box<dyn FnMut(&mut KeepAliveContext<'_, '_>) + Send>;

impl KeepAlive {
    /// Makes a keepalive program with a threshold of 10 that answers PINGs.
    pub fn new() -> Self {
        Self {
            tracker: Tracker::default(),
            counts: Counts::default(),
            on_ack: None,
            on_fail: None,
            on_ping: None,
        }
    }

    /// Sets how many calls of [`ping`](KeepAliveHandle::ping) the peer may be silent for. At the next one the link
    /// has expired.
    pub fn max_inactive(mut self, calls: u32) -> Self {
        self.tracker = Tracker::new(calls);
        self
    }

    /// Sets a callback for each PONG.
    pub fn on_ack(
        mut self,
        callback: impl FnMut(&mut KeepAliveContext<'_, '_>) + Send + 'static,
    ) -> Self {
        self.on_ack = Some(Box::new(callback));
        self
    }

    /// Sets a callback for each [`ping`](KeepAliveHandle::ping) that finds the link expired.
    pub fn on_fail(
        mut self,
        callback: impl FnMut(&mut KeepAliveContext<'_, '_>) + Send + 'static,
    ) -> Self {
        self.on_fail = Some(Box::new(callback));
        self
    }

    /// Sets a callback for each PING, in place of the answer.
    ///
    /// A peer whose PINGs are not answered closes the connection.
    pub fn on_ping(
        mut self,
        callback: impl FnMut(&mut KeepAliveContext<'_, '_>) + Send + 'static,
    ) -> Self {
        self.on_ping = Some(Box::new(callback));
        self
    }

    /// Registers the program with a transport.
    ///
    /// # Errors
    ///
    /// A keepalive program is registered already.
    pub fn register(self, transport: &mut Transport) -> Result<KeepAliveHandle, RegisterError> {
        transport.register(self).map(KeepAliveHandle)
    }

    fn send_ping(&mut self, cx: &mut Context<'_>) -> u64 {
        cx.empty_message(Procedure::PING);
        self.counts.sent += 1;
        self.counts.sent
    }
}

impl Program for KeepAlive {
    fn id(&self) -> ProgramId {
        PROGRAM
    }

    fn takes_calls(&self) -> bool {
        false
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        match Procedure(message.procedure) {
            Procedure::PING => {
                self.counts.received += 1;
                self.tracker.ping_received();
                match &mut self.on_ping {
                    None => cx.empty_message(Procedure::PONG),
                    Some(on_ping) => on_ping(&mut KeepAliveContext {
                        tracker: &mut self.tracker,
                        cx,
                    }),
                }
            }
            Procedure::PONG => {
                self.counts.answered = self.counts.sent.min(self.counts.answered + 1);
                self.tracker.pong_received();
                if let Some(on_ack) = &mut self.on_ack {
                    on_ack(&mut KeepAliveContext {
                        tracker: &mut self.tracker,
                        cx,
                    });
                }
            }
            _ => self.tracker.mark_active(),
        }
        Ok(())
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAlive")
            .field("tracker", &self.tracker)
            .finish_non_exhaustive()
    }
}

/// The argument of a callback: the count of silence, and the way to answer.
#[derive(Debug)]
pub struct KeepAliveContext<'a, 'c> {
    tracker: &'a mut Tracker,
    cx: &'a mut Context<'c>,
}

impl KeepAliveContext<'_, '_> {
    /// Sends a PONG.
    pub fn pong(&mut self) {
        self.cx.empty_message(Procedure::PONG);
    }

    /// Notes that the peer was heard, so that the next [`ping`](KeepAliveHandle::ping) is silent.
    pub fn mark_active(&mut self) {
        self.tracker.mark_active();
    }

    /// Returns the count of silence: see [`Tracker::inactive`].
    #[must_use]
    pub fn inactive(&self) -> i64 {
        self.tracker.inactive()
    }

    /// Returns the number of bytes that wait to be written: see [`Transport::queued`].
    ///
    /// It grows if the peer sends PINGs and does not read.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.cx.queued()
    }
}

/// A registered [`KeepAlive`].
///
/// All methods panic if the program is registered with another transport, which is a bug of the caller.
#[derive(Debug, Clone)]
pub struct KeepAliveHandle(Handle<KeepAlive>);

impl KeepAliveHandle {
    /// Sends a PING, unless the peer was just heard or the link has expired.
    pub fn ping(&self, transport: &mut Transport) -> Ping {
        transport.with(&self.0, |keepalive, cx| {
            let ping = keepalive.tracker.ping();
            match ping {
                Ping::Sent => {
                    keepalive.send_ping(cx);
                }
                Ping::Skipped => (),
                Ping::Expired => {
                    if let Some(on_fail) = &mut keepalive.on_fail {
                        on_fail(&mut KeepAliveContext {
                            tracker: &mut keepalive.tracker,
                            cx,
                        });
                    }
                }
            }
            ping
        })
    }

    /// Sends a PING at any count of silence, which stays; returns the number of the PING, from 1: see [`Counts`].
    ///
    /// This goes with a [`Timer`](crate::Timer), which has a count of its own.
    pub fn send_ping(&self, transport: &mut Transport) -> u64 {
        transport.with(&self.0, KeepAlive::send_ping)
    }

    /// Sends a PONG, for an [`on_ping`](KeepAlive::on_ping) that leaves it for later.
    pub fn pong(&self, transport: &mut Transport) {
        transport.with(&self.0, |_, cx| cx.empty_message(Procedure::PONG));
    }

    /// Notes that the peer was heard by other means than keepalive, so that the next [`ping`](Self::ping) is silent.
    pub fn mark_active(&self, transport: &mut Transport) {
        transport.with(&self.0, |keepalive, _| keepalive.tracker.mark_active());
    }

    /// Returns the count of silence: see [`Tracker::inactive`].
    pub fn inactive(&self, transport: &mut Transport) -> i64 {
        transport.with(&self.0, |keepalive, _| keepalive.tracker.inactive())
    }

    /// Returns the counts of PINGs and PONGs.
    pub fn counts(&self, transport: &mut Transport) -> Counts {
        transport.with(&self.0, |keepalive, _| keepalive.counts)
    }
}
