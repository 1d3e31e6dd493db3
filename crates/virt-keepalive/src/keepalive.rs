//! The keepalive program, as it is registered with a transport.

use std::fmt;

use thiserror::Error;
use virt_transport::{
    Context, Handle, HandleError, Message, Program, ProgramError, ProgramId, RegisterError,
    SendError, Transport,
};

use crate::{PROGRAM, Ping, Procedure, Tracker};

/// The keepalive program: answers PINGs, sends them when told, and calls back.
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
/// Serial, status and payload of a PING or PONG are not looked at, as in libvirt.
///
/// # Examples
///
/// See the [crate's documentation](crate).
#[must_use = "a program does nothing until it is registered"]
pub struct KeepAlive {
    tracker: Tracker,
    on_ack: Option<Callback<()>>,
    on_fail: Option<Callback<()>>,
    /// Without it PINGs are answered.
    on_ping: Option<Callback<Result<(), SendError>>>,
}

type Callback<R> = Box<dyn FnMut(&mut Link<'_, '_>) -> R + Send>;

impl KeepAlive {
    /// A keepalive program with a threshold of 10 that answers PINGs.
    pub fn new() -> Self {
        Self {
            tracker: Tracker::default(),
            on_ack: None,
            on_fail: None,
            on_ping: None,
        }
    }

    /// Sets how many calls of [`ping`](KeepAliveHandle::ping) the peer may be silent for; one more, and
    /// the link has expired.
    pub fn max_inactive(mut self, calls: u32) -> Self {
        self.tracker = Tracker::new(calls);
        self
    }

    /// Sets what is done at each PONG.
    pub fn on_ack(mut self, callback: impl FnMut(&mut Link<'_, '_>) + Send + 'static) -> Self {
        self.on_ack = Some(Box::new(callback));
        self
    }

    /// Sets what is done at each [`ping`](KeepAliveHandle::ping) that finds the link expired.
    pub fn on_fail(mut self, callback: impl FnMut(&mut Link<'_, '_>) + Send + 'static) -> Self {
        self.on_fail = Some(Box::new(callback));
        self
    }

    /// Sets what is done at each PING, in place of answering it.
    ///
    /// A peer whose PINGs are not answered closes the connection. An error closes it from this end.
    pub fn on_ping(
        mut self,
        callback: impl FnMut(&mut Link<'_, '_>) -> Result<(), SendError> + Send + 'static,
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
                self.tracker.ping_received();
                match &mut self.on_ping {
                    None => cx.message(Procedure::PONG, &())?,
                    Some(on_ping) => on_ping(&mut Link {
                        tracker: &self.tracker,
                        cx,
                    })?,
                }
            }
            Procedure::PONG => {
                self.tracker.pong_received();
                if let Some(on_ack) = &mut self.on_ack {
                    on_ack(&mut Link {
                        tracker: &self.tracker,
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

/// What a callback is given: the link, as far as keepalive may use it.
#[derive(Debug)]
pub struct Link<'a, 'c> {
    tracker: &'a Tracker,
    cx: &'a mut Context<'c>,
}

impl Link<'_, '_> {
    /// Sends a PONG.
    ///
    /// # Errors
    ///
    /// As [`Context::message`]; a message without payload always fits.
    pub fn pong(&mut self) -> Result<(), SendError> {
        self.cx.message(Procedure::PONG, &())
    }

    /// The count of silence; see [`Tracker::inactive`].
    #[must_use]
    pub fn inactive(&self) -> i64 {
        self.tracker.inactive()
    }

    /// How many bytes wait to be written; see [`Transport::queued`].
    ///
    /// It grows if the peer sends PINGs and does not read.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.cx.queued()
    }
}

/// A registered [`KeepAlive`].
#[derive(Debug, Clone)]
pub struct KeepAliveHandle(Handle<KeepAlive>);

impl KeepAliveHandle {
    /// Sends a PING, unless the peer was just heard or the link has expired.
    ///
    /// # Errors
    ///
    /// [`KeepAliveError::Handle`] if the program is registered with another transport.
    pub fn ping(&self, transport: &mut Transport) -> Result<Ping, KeepAliveError> {
        transport.with(&self.0, |keepalive, cx| {
            let ping = keepalive.tracker.ping();
            match ping {
                Ping::Sent => cx.message(Procedure::PING, &())?,
                Ping::Skipped => (),
                Ping::Expired => {
                    if let Some(on_fail) = &mut keepalive.on_fail {
                        on_fail(&mut Link {
                            tracker: &keepalive.tracker,
                            cx,
                        });
                    }
                }
            }
            Ok(ping)
        })?
    }

    /// Sends a PING whatever the count of silence, which stays; for a [`Timer`](crate::Timer), which has a
    /// count of its own.
    ///
    /// # Errors
    ///
    /// [`KeepAliveError::Handle`] if the program is registered with another transport.
    pub fn send_ping(&self, transport: &mut Transport) -> Result<(), KeepAliveError> {
        transport.with(&self.0, |_, cx| Ok(cx.message(Procedure::PING, &())?))?
    }

    /// Sends a PONG; for an [`on_ping`](KeepAlive::on_ping) that has left it for later.
    ///
    /// # Errors
    ///
    /// [`KeepAliveError::Handle`] if the program is registered with another transport.
    pub fn pong(&self, transport: &mut Transport) -> Result<(), KeepAliveError> {
        transport.with(&self.0, |_, cx| Ok(cx.message(Procedure::PONG, &())?))?
    }

    /// Notes that the peer was heard by other means than keepalive, so that the next
    /// [`ping`](Self::ping) is silent.
    ///
    /// # Errors
    ///
    /// [`KeepAliveError::Handle`] if the program is registered with another transport.
    pub fn mark_active(&self, transport: &mut Transport) -> Result<(), KeepAliveError> {
        Ok(transport.with(&self.0, |keepalive, _| keepalive.tracker.mark_active())?)
    }

    /// The count of silence; see [`Tracker::inactive`].
    ///
    /// # Errors
    ///
    /// [`KeepAliveError::Handle`] if the program is registered with another transport.
    pub fn inactive(&self, transport: &mut Transport) -> Result<i64, KeepAliveError> {
        Ok(transport.with(&self.0, |keepalive, _| keepalive.tracker.inactive())?)
    }
}

/// Why a registered program could not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeepAliveError {
    /// The program is registered with another transport.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// The transport could not send.
    #[error(transparent)]
    Send(#[from] SendError),
}
