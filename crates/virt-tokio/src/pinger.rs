//! Keepalive of a live connection: PINGs are answered, and PONGs find the PING they answer.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Duration, Instant};
use virt_keepalive::{PROGRAM, Procedure};
use virt_transport::{Context, Message, Program, ProgramError, ProgramId, SendError};

use crate::debug;
use crate::hub::Hub;

/// The keepalive program, which knows which PING a PONG answers.
///
/// A PONG carries no serial. A peer answers PINGs in order, so the first PONG is for the oldest PING, also
/// when nobody wants to know any more.
#[derive(Debug)]
pub(crate) struct Pinger {
    /// How many PINGs were sent.
    sent: u64,
    /// How many of them have their PONG: `answered <= sent`.
    answered: u64,
    /// Whoever waits for one, in order, none for a number up to `answered`; nobody waits for those of the timer.
    waiting: VecDeque<Waiting>,
    /// How many PINGs the peer has sent.
    received: u64,
    hub: Arc<Hub>,
}

/// The PINGs that the peer of a connection sends, counted.
#[derive(Debug)]
pub struct Pings {
    pub(crate) hub: Arc<Hub>,
    pub(crate) seen: u64,
}

impl Pings {
    /// Waits for a PING, and returns how many have come since the last time; `None` once the connection is
    /// closed.
    ///
    /// Cancel-safe: no PING is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<u64> {
        let received = self.hub.pings_after(self.seen).await?;
        let before = std::mem::replace(&mut self.seen, received);
        Some(received.wrapping_sub(before))
    }
}

/// Whoever waits for the PONG of a PING.
#[derive(Debug)]
struct Waiting {
    /// The PING's number; the first has 1.
    number: u64,
    sent_at: Instant,
    waiter: Waiter,
}

/// Where the time goes, and the right to have sent a PING for it.
pub(crate) type Waiter = (oneshot::Sender<Duration>, OwnedSemaphorePermit);

impl Pinger {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self {
            sent: 0,
            answered: 0,
            waiting: VecDeque::new(),
            received: 0,
            hub,
        }
    }

    /// Sends a PING.
    pub(crate) fn ping(
        &mut self,
        waiter: Option<Waiter>,
        cx: &mut Context<'_>,
    ) -> Result<(), SendError> {
        cx.message(Procedure::PING, &())?;
        self.sent += 1;
        debug!(unanswered = self.sent - self.answered, "PING sent");
        if let Some(waiter) = waiter {
            self.waiting.push_back(Waiting {
                number: self.sent,
                sent_at: Instant::now(),
                waiter,
            });
        }
        Ok(())
    }

    /// Sends a PONG that nobody has asked for: it keeps the peer from giving up, and wants no answer.
    pub(crate) fn sign_of_life(&mut self, cx: &mut Context<'_>) -> Result<(), SendError> {
        cx.message(Procedure::PONG, &())
    }

    /// Lets those go who wait for a PONG.
    pub(crate) fn release(&mut self) {
        self.waiting.clear();
    }

    fn pong(&mut self) {
        if self.answered == self.sent {
            debug!("PONG received that was not asked for");
            return;
        }
        self.answered += 1;
        let number = self.answered;
        debug!(unanswered = self.sent - number, "PONG received");
        let wanted = self
            .waiting
            .front()
            .is_some_and(|first| first.number == number);
        if wanted && let Some(first) = self.waiting.pop_front() {
            let (waiter, _permit) = first.waiter;
            // Whoever has stopped waiting does not want to know.
            let _ = waiter.send(first.sent_at.elapsed());
        }
    }
}

impl Program for Pinger {
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
                self.received = self.received.wrapping_add(1);
                self.hub.set_pings(self.received);
                cx.message(Procedure::PONG, &())?;
            }
            Procedure::PONG => self.pong(),
            _ => (),
        }
        Ok(())
    }
}
