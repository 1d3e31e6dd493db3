//! Pings one daemon until it ends.

use std::pin::pin;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, timeout_at};
use virt_tokio::Client;

use crate::end::{describe, until, word};
use crate::event::{Ended, Event, Phase};
use crate::flights::Flights;
use crate::options::Options;
use crate::output::Gone;
use crate::probe::probe;
use crate::report::Reporter;
use crate::signals::{Signal, Signals};
use crate::tally::Tally;

/// How many PINGs of a flood are under way at once.
const FLOOD: usize = 64;

/// How long what is under way has when the run is to end, so that nothing is missed for that alone.
const GRACE: Duration = Duration::from_millis(50);

/// A run, and all it has to remember.
#[derive(Debug)]
pub(crate) struct Pinger<'a> {
    client: &'a Client,
    options: &'a Options,
    reporter: &'a Reporter<'a>,
    tally: Tally<'a>,
    flights: Flights,
    answers: JoinSet<Answer>,
    /// Of the last one.
    seq: u64,
    /// When to send the next one.
    next: Instant,
}

/// What was asked, and how long the answer took if there is one.
type Answer = (u64, Option<Duration>);

impl<'a> Pinger<'a> {
    pub(crate) fn new(
        client: &'a Client,
        options: &'a Options,
        reporter: &'a Reporter<'a>,
    ) -> Self {
        Self {
            client,
            options,
            reporter,
            tally: Tally::new(options),
            flights: Flights::default(),
            answers: JoinSet::new(),
            seq: 0,
            next: Instant::now(),
        }
    }

    /// Pings until as many came as were asked for, time is over, a signal comes, or the link is dead.
    pub(crate) async fn run(
        mut self,
        deadline: Option<Instant>,
        signals: &mut Signals,
    ) -> Result<(Tally<'a>, Ended), Gone> {
        let ended = self.until_end(deadline, signals).await?;
        self.settle().await?;
        let Self {
            options,
            reporter,
            mut tally,
            flights,
            ..
        } = self;
        let now = Instant::now();
        for (seq, due) in flights.into_open() {
            tally.missed += 1;
            let waited = now + options.timeout - due;
            reporter.tell(Event::Missed { seq, waited }).await?;
        }
        Ok((tally, ended))
    }

    async fn until_end(
        &mut self,
        deadline: Option<Instant>,
        signals: &mut Signals,
    ) -> Result<Ended, Gone> {
        let mut closed = pin!(self.client.closed());
        while !self.is_done() {
            if self.options.flood && self.may_send() && self.flights.waiting() < self.window() {
                self.send().await?;
                continue;
            }
            let next = (self.may_send() && !self.options.flood).then_some(self.next);
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::End => return Ok(Ended::Interrupted),
                    Signal::Ask => self.reporter.tell(Event::Interim(self.tally.summary(None))).await?,
                },
                Some(answer) = self.answers.join_next() => self.answer(answer).await?,
                closed = &mut closed => {
                    // What has come before the end still counts.
                    self.settle().await?;
                    let message = describe(&closed, self.options);
                    self.tally.closed = Some(message.clone());
                    self.reporter.tell(Event::Closed { reason: word(closed.reason()), message }).await?;
                    return Ok(Ended::Closed);
                }
                () = until(deadline) => return Ok(Ended::Deadline),
                () = until(self.flights.deadline()) => self.miss().await?,
                () = until(next) => self.send().await?,
            }
        }
        Ok(Ended::Count)
    }

    /// Takes the answers that are about to come.
    async fn settle(&mut self) -> Result<(), Gone> {
        let end = Instant::now() + GRACE;
        while self.flights.waiting() > 0
            && let Ok(Some(answer)) = timeout_at(end, self.answers.join_next()).await
        {
            self.answer(answer).await?;
        }
        Ok(())
    }

    /// With a deadline, what is missed is sent anew.
    fn is_done(&self) -> bool {
        match self.options.count {
            None => false,
            Some(_) if self.options.deadline.is_some() => self.tally.is_enough(),
            Some(count) => self.seq >= count && self.flights.waiting() == 0,
        }
    }

    fn may_send(&self) -> bool {
        let count = self.options.count.unwrap_or(u64::MAX);
        if self.options.deadline.is_some() {
            let waiting = u64::try_from(self.flights.waiting()).unwrap_or(u64::MAX);
            self.tally.received.saturating_add(waiting) < count
        } else {
            self.seq < count
        }
    }

    /// How many of a flood are under way at once.
    fn window(&self) -> usize {
        FLOOD.min(self.options.unanswered_max())
    }

    async fn send(&mut self) -> Result<(), Gone> {
        let last = self.seq;
        if self.options.outstanding && self.flights.is_open(last) {
            self.reporter.tell(Event::Outstanding { seq: last }).await?;
        }
        self.seq += 1;
        let seq = self.seq;
        let now = Instant::now();
        let due = now + self.options.timeout;
        // After a pause of ours, the interval begins anew: what was not sent is not made up for.
        self.next = (self.next + self.options.interval).max(now);
        let unanswered = self.flights.unanswered();
        if unanswered >= self.options.unanswered_max() {
            self.flights.held_back(seq, due);
            self.tally.held_back += 1;
            return self
                .reporter
                .tell(Event::HeldBack { seq, unanswered })
                .await;
        }
        self.flights.sent(seq, due);
        self.tally.sent += 1;
        let probe = probe(self.client.clone(), self.options.mode);
        self.answers.spawn(async move { (seq, probe.await) });
        Ok(())
    }

    async fn answer(&mut self, answer: Result<Answer, JoinError>) -> Result<(), Gone> {
        // Without a time the connection is closed, which is found out elsewhere.
        let Ok((seq, Some(time))) = answer else {
            return Ok(());
        };
        if self.tally.received == 0 {
            let phase = Phase::FirstPong;
            self.reporter.tell(Event::Phase { phase, time }).await?;
        }
        let late = self.flights.answered(seq);
        if late {
            self.tally.received_late(time);
        } else {
            self.tally.received(time);
        }
        self.reporter.tell(Event::Pong { seq, time, late }).await
    }

    async fn miss(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        while let Some(seq) = self.flights.poll_missed(now) {
            self.tally.missed += 1;
            let waited = self.options.timeout;
            self.reporter.tell(Event::Missed { seq, waited }).await?;
        }
        Ok(())
    }
}
