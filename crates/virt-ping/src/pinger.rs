//! Pings one daemon until the run ends.

use std::pin::pin;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, timeout_at};
use virt_tokio::Client;

use crate::ending::{closed_message, reason_word};
use crate::event::{Ended, Event, Phase};
use crate::in_flight::InFlight;
use crate::options::Options;
use crate::output::OutputClosed;
use crate::probe::probe;
use crate::report::Reporter;
use crate::requests::{Request, Requests, until};
use crate::tally::Tally;
use crate::turns::receive_all;

/// The number of PINGs of a flood that are in flight at once.
const FLOOD: usize = 64;

/// The time for PONGs in flight when the run is to end, so that none is missed for that alone.
const GRACE: Duration = Duration::from_millis(50);

/// A run and its state.
#[derive(Debug)]
pub(crate) struct Pinger<'a, 'o> {
    client: &'a Client,
    options: &'o Options,
    reporter: &'a Reporter<'o>,
    tally: Tally<'o>,
    in_flight: InFlight,
    answers: JoinSet<Answer>,
    /// The number of the last PING or call.
    seq: u64,
    /// The time to send the next one.
    next: Instant,
    /// True if there was no answer on this connection.
    is_first: bool,
}

/// The number of a PING or call, and the round trip if there is an answer.
type Answer = (u64, Option<Duration>);

impl<'a, 'o> Pinger<'a, 'o> {
    /// Makes a pinger that goes on with the numbers of the connections before.
    pub(crate) fn new(
        client: &'a Client,
        options: &'o Options,
        reporter: &'a Reporter<'o>,
        tally: Tally<'o>,
    ) -> Self {
        Self {
            client,
            options,
            reporter,
            seq: tally.sent + tally.held_back,
            tally,
            in_flight: InFlight::default(),
            answers: JoinSet::new(),
            next: Instant::now(),
            is_first: true,
        }
    }

    /// Pings until the number that was asked for is reached, a deadline or a signal ends it, or the connection is closed.
    pub(crate) async fn run(
        mut self,
        requests: &mut Requests,
    ) -> Result<(Tally<'o>, Ended), OutputClosed> {
        let ended = self.until_end(requests).await?;
        self.settle().await?;
        let Self {
            options,
            reporter,
            mut tally,
            in_flight,
            ..
        } = self;
        let now = Instant::now();
        for (seq, due) in in_flight.into_open() {
            tally.missed += 1;
            let waited = now + options.timeout - due;
            reporter.report(Event::Missed { seq, waited }).await?;
        }
        Ok((tally, ended))
    }

    async fn until_end(&mut self, requests: &mut Requests) -> Result<Ended, OutputClosed> {
        let mut closed = pin!(self.client.closed());
        while !self.is_done() {
            if self.options.flood && self.may_send() && self.in_flight.waiting() < self.window() {
                self.send().await?;
                continue;
            }
            let next = (self.may_send() && !self.options.flood).then_some(self.next);
            tokio::select! {
                biased;
                request = requests.next() => match request {
                    Request::End(ended) => return Ok(ended),
                    Request::Interim => self.reporter.report(Event::Interim(self.tally.summary(None))).await?,
                },
                Some(answer) = self.answers.join_next() => self.answer(answer).await?,
                closed = &mut closed => {
                    // Answers before the end still count.
                    self.settle().await?;
                    let message = closed_message(&closed, self.options);
                    self.tally.closed = Some(message.clone());
                    let reason = reason_word(closed.reason());
                    self.reporter.report(Event::Closed { reason, message }).await?;
                    return Ok(Ended::Closed);
                }
                () = until(self.in_flight.deadline()) => self.miss().await?,
                () = until(next) => {
                    if self.is_behind() {
                        self.catch_up().await?;
                    }
                    if self.may_send() {
                        self.send().await?;
                    }
                }
            }
        }
        Ok(Ended::Count)
    }

    /// Takes the answers that arrive within [`GRACE`].
    async fn settle(&mut self) -> Result<(), OutputClosed> {
        let end = Instant::now() + GRACE;
        while self.in_flight.waiting() > 0 {
            match timeout_at(end, self.answers.join_next()).await {
                Ok(Some(answer)) => self.answer(answer).await?,
                Ok(None) => break,
                Err(_) => return self.catch_up().await,
            }
        }
        Ok(())
    }

    /// Takes the answers that have arrived, before any is reported as missing.
    async fn catch_up(&mut self) -> Result<(), OutputClosed> {
        receive_all().await;
        while let Some(answer) = self.answers.try_join_next() {
            self.answer(answer).await?;
        }
        Ok(())
    }

    /// Returns whether missing answers are to be reported before the next one is sent, or instead of it.
    fn is_behind(&self) -> bool {
        self.options.outstanding && self.in_flight.is_open(self.seq)
            || self.in_flight.unanswered() >= self.options.unanswered_max()
    }

    fn is_done(&self) -> bool {
        match self.options.count {
            None => false,
            Some(_) if self.options.resends() => self.tally.is_enough(),
            Some(count) => self.seq >= count && self.in_flight.waiting() == 0,
        }
    }

    fn may_send(&self) -> bool {
        let count = self.options.count.unwrap_or(u64::MAX);
        if self.options.resends() {
            let waiting = u64::try_from(self.in_flight.waiting()).unwrap_or(u64::MAX);
            self.tally.received.saturating_add(waiting) < count
        } else {
            self.seq < count
        }
    }

    /// Returns the number of a flood that may be in flight at once.
    fn window(&self) -> usize {
        FLOOD.min(self.options.unanswered_max())
    }

    async fn send(&mut self) -> Result<(), OutputClosed> {
        let last = self.seq;
        if self.options.outstanding && self.in_flight.is_open(last) {
            self.reporter
                .report(Event::Outstanding { seq: last })
                .await?;
        }
        self.seq += 1;
        let seq = self.seq;
        let now = Instant::now();
        let due = now + self.options.timeout;
        // After a pause of this process the interval starts again: no PING is made up for.
        self.next = (self.next + self.options.interval).max(now);
        let unanswered = self.in_flight.unanswered();
        if unanswered >= self.options.unanswered_max() {
            self.in_flight.held_back(seq, due);
            self.tally.held_back += 1;
            return self
                .reporter
                .report(Event::HeldBack { seq, unanswered })
                .await;
        }
        self.in_flight.sent(seq, due);
        self.tally.sent += 1;
        let probe = probe(self.client.clone(), self.options.mode);
        self.answers.spawn(async move { (seq, probe.await) });
        Ok(())
    }

    async fn answer(&mut self, answer: Result<Answer, JoinError>) -> Result<(), OutputClosed> {
        // Without a time the connection is closed, which ends the run elsewhere.
        let Ok((seq, Some(time))) = answer else {
            return Ok(());
        };
        if std::mem::take(&mut self.is_first) {
            let phase = Phase::FirstPong;
            self.reporter.report(Event::Phase { phase, time }).await?;
        }
        let late = self.in_flight.answered(seq);
        if late {
            self.tally.received_late(time);
        } else {
            self.tally.received(time);
        }
        self.reporter.report(Event::Pong { seq, time, late }).await
    }

    async fn miss(&mut self) -> Result<(), OutputClosed> {
        let now = Instant::now();
        self.catch_up().await?;
        while let Some(seq) = self.in_flight.poll_missed(now) {
            self.tally.missed += 1;
            let waited = self.options.timeout;
            self.reporter.report(Event::Missed { seq, waited }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
