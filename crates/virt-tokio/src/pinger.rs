//! Keepalive of a live connection: PINGs are answered, and PONGs find the PING they answer.

use std::collections::VecDeque;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::{Duration, Instant};
use virt_keepalive::{PROGRAM, Procedure};
use virt_transport::{Context, Message, Program, ProgramError, ProgramId, SendError};

use crate::debug;

/// The keepalive program, with a queue of the PINGs that have no PONG yet.
///
/// A PONG carries no serial. A peer answers PINGs in order, so the first PONG is for the oldest PING, also
/// when whoever wanted to know has stopped waiting.
#[derive(Debug, Default)]
pub(crate) struct Pinger {
    unanswered: VecDeque<Sent>,
    /// How many PINGs the peer has sent.
    received: watch::Sender<u64>,
}

/// The PINGs that the peer of a connection sends, counted.
#[derive(Debug)]
pub struct Pings {
    pub(crate) pings: watch::Receiver<u64>,
    pub(crate) seen: u64,
}

impl Pings {
    /// Waits for a PING, and returns how many have come since the last time; `None` once the connection is
    /// closed.
    ///
    /// Cancel-safe: no PING is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<u64> {
        self.pings.changed().await.ok()?;
        let received = *self.pings.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, received);
        Some(received.wrapping_sub(before))
    }
}

/// A PING that was sent.
#[derive(Debug)]
struct Sent {
    at: Instant,
    /// Whoever waits for it; nobody waits for those of the timer.
    waiter: Option<Waiter>,
}

/// Whoever waits for a PONG, with the right to have sent a PING for it.
pub(crate) type Waiter = (oneshot::Sender<Duration>, OwnedSemaphorePermit);

impl Pinger {
    /// How many PINGs the peer has sent, to be watched.
    pub(crate) fn received(&self) -> watch::Receiver<u64> {
        self.received.subscribe()
    }

    /// Sends a PING.
    pub(crate) fn ping(
        &mut self,
        waiter: Option<Waiter>,
        cx: &mut Context<'_>,
    ) -> Result<(), SendError> {
        cx.message(Procedure::PING, &())?;
        debug!(unanswered = self.unanswered.len(), "PING sent");
        self.unanswered.push_back(Sent {
            at: Instant::now(),
            waiter,
        });
        Ok(())
    }

    /// Sends a PONG that nobody has asked for: it keeps the peer from giving up, and wants no answer.
    pub(crate) fn sign_of_life(&mut self, cx: &mut Context<'_>) -> Result<(), SendError> {
        cx.message(Procedure::PONG, &())
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
                self.received
                    .send_modify(|received| *received = received.wrapping_add(1));
                cx.message(Procedure::PONG, &())?;
            }
            Procedure::PONG => {
                if let Some(Sent { at, waiter }) = self.unanswered.pop_front() {
                    let time = at.elapsed();
                    debug!(?time, "PONG received");
                    if let Some((waiter, _permit)) = waiter {
                        // Whoever has stopped waiting does not want to know.
                        let _ = waiter.send(time);
                    }
                }
            }
            _ => (),
        }
        Ok(())
    }
}
