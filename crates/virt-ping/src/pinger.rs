//! Pings one daemon until it ends.

use std::pin::pin;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, timeout_at};
use virt_tokio::Client;

use crate::end::{describe, receive_all, until, word};
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

    /// Takes the answers that are about to come.
    async fn settle(&mut self) -> Result<(), Gone> {
        let end = Instant::now() + GRACE;
        while self.flights.waiting() > 0 {
            match timeout_at(end, self.answers.join_next()).await {
                Ok(Some(answer)) => self.answer(answer).await?,
                Ok(None) => break,
                Err(_) => return self.catch_up().await,
            }
        }
        Ok(())
    }

    /// Takes the answers that have come, before it is said that they have not.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        receive_all().await;
        while let Some(answer) = self.answers.try_join_next() {
            self.answer(answer).await?;
        }
        Ok(())
    }

    /// Returns whether it is to be told, instead of the next one or before it, that answers are missing.
    fn is_behind(&self) -> bool {
        self.options.outstanding && self.flights.is_open(self.seq)
            || self.flights.unanswered() >= self.options.unanswered_max()
    }

    fn is_done(&self) -> bool {
        match self.options.count {
            None => false,
            Some(_) if self.options.sends_anew() => self.tally.is_enough(),
            Some(count) => self.seq >= count && self.flights.waiting() == 0,
        }
    }

    fn may_send(&self) -> bool {
        let count = self.options.count.unwrap_or(u64::MAX);
        if self.options.sends_anew() {
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
        self.catch_up().await?;
        while let Some(seq) = self.flights.poll_missed(now) {
            self.tally.missed += 1;
            let waited = self.options.timeout;
            self.reporter.tell(Event::Missed { seq, waited }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;

    use clap::Parser;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, sleep, sleep_until};
    use virt_testkit::bytes::{PING, PONG};
    use virt_tokio::{Client, KeepAliveMode, Options as Session};

    use super::*;
    use crate::event::Summary;
    use crate::output::Output;
    use crate::signals::Source;

    const SECOND: Duration = Duration::from_secs(1);
    const STEP: Duration = Duration::from_millis(1);

    /// Pings the other end of a socket in memory on a simulated clock, as a raw link, and says how it went.
    async fn simulate<P: Future<Output = ()> + Send + 'static>(
        arguments: &[&str],
        peer: impl FnOnce(DuplexStream, Source) -> P,
    ) -> (Duration, Ended, Summary) {
        let (near, far) = duplex(64 * 1024);
        run_over(near, arguments, |source| peer(far, source)).await
    }

    async fn run_over<P: Future<Output = ()> + Send + 'static>(
        near: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        arguments: &[&str],
        peer: impl FnOnce(Source) -> P,
    ) -> (Duration, Ended, Summary) {
        // Quiet, since the clock would go on while a line waits for the thread that writes it.
        let options = Options::parse_from([&["virt-ping", "-q"], arguments].concat());
        let (source, mut signals) = Signals::new();
        tokio::spawn(peer(source));
        // As in the program, each task has its turn in the order they were woken.
        let run = tokio::spawn(async move {
            let keepalive = KeepAliveMode::Send {
                interval: options.keepalive_interval,
                count: options.keepalive_count,
            };
            let client = Client::over_stream(near, Session::default().keepalive(keepalive));
            client.start_keepalive();
            let (output, _writer) = Output::new(io::sink());
            let reporter = Reporter::new(&options, output, "test");
            let start = Instant::now();
            let deadline = options.deadline.map(|deadline| start + deadline);
            let pinger = Pinger::new(&client, &options, &reporter);
            let (tally, ended) = pinger.run(deadline, &mut signals).await.unwrap();
            (tally.elapsed(), ended, tally.summary(Some(ended)))
        });
        run.await.unwrap()
    }

    /// Pings through a socket of the system, and stands still for a while after some time: PONGs come meanwhile,
    /// and that time is over is seen before they are.
    async fn stand_still(
        arguments: &[&str],
        pongs: usize,
        after: Duration,
        pause: Duration,
    ) -> (Duration, Ended, Summary) {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        let near = tokio::net::UnixStream::from_std(near).unwrap();
        let peer = move |_| async move {
            let start = Instant::now();
            let mut frame = [0; PING.len()];
            // The clock goes on whenever all wait, whatever a socket has, and no further than this.
            while far.read_exact(&mut frame).is_err() {
                sleep(STEP).await;
            }
            assert_eq!(frame, PING);
            sleep_until(start + after).await;
            let soon = sleep(STEP);
            let answer = async {
                soon.await;
                far.write_all(&PONG.repeat(pongs)).unwrap();
            };
            tokio::join!(advance(pause), answer);
            // The socket is not to close.
            pending::<()>().await;
        };
        run_over(near, arguments, peer).await
    }

    /// Answers each PING with what `pongs` says of its number, until the link is closed.
    async fn answer(mut far: DuplexStream, pongs: impl Fn(u32) -> usize) {
        let mut frame = [0; PING.len()];
        let mut count = 0;
        while far.read_exact(&mut frame).await.is_ok() {
            assert_eq!(frame, PING);
            count += 1;
            // The other end may have gone.
            let _ = far.write_all(&PONG.repeat(pongs(count))).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_the_end_at_interval_times_count_plus_one() {
        let options = ["-i", "1.5", "-W", "0.5", "-k", "2", "-K", "3"];
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
        assert_eq!((time, ended), (SECOND * 8, Ended::Closed));
        assert_eq!((summary.sent, summary.missed, summary.received), (6, 6, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_ends_with_the_last_pong() {
        let options = ["-c", "4", "-i", "1.5"];
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 1)).await;
        assert_eq!((time, ended), (SECOND * 9 / 2, Ended::Count));
        assert_eq!((summary.sent, summary.received, summary.missed), (4, 4, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_ends_when_the_last_one_is_missed() {
        let options = ["-c", "2", "-i", "1", "-W", "3"];
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
        assert_eq!((time, ended), (SECOND * 4, Ended::Count));
        assert_eq!((summary.sent, summary.received, summary.missed), (2, 0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_counts_as_late_for_the_time_it_took() {
        // The fourth PING is answered, and with it the three before.
        let options = ["-c", "4", "-i", "1", "-W", "1.5"];
        let pongs = |ping| if ping == 4 { 4 } else { 0 };
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, pongs)).await;
        assert_eq!((time, ended), (SECOND * 3, Ended::Count));
        assert_eq!((summary.received, summary.late, summary.missed), (4, 2, 0));
        let rtt = summary.rtt.unwrap();
        assert_eq!((rtt.min_ns, rtt.max_ns), (0, 3_000_000_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_ends_it_with_what_is_missed() {
        let options = ["-w", "2.5", "-i", "1", "-W", "60"];
        let pongs = |ping| usize::from(ping < 3);
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, pongs)).await;
        assert_eq!((time, ended), (SECOND * 5 / 2 + GRACE, Ended::Deadline));
        assert_eq!((summary.sent, summary.received, summary.missed), (3, 2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_ends_it_at_once() {
        let peer = |far, source: Source| async move {
            let interrupt = async {
                tokio::time::sleep(SECOND * 7 / 2).await;
                source.interrupt();
            };
            tokio::join!(answer(far, |_| 1), interrupt);
        };
        let (time, ended, summary) = simulate(&[], peer).await;
        assert_eq!((time, ended), (SECOND * 7 / 2, Ended::Interrupted));
        assert_eq!((summary.sent, summary.received), (4, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn unanswered_pings_are_bounded() {
        let options = ["-i", "0.01", "-W", "60", "-w", "5", "-k", "60"];
        let (_, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
        assert_eq!(ended, Ended::Deadline);
        assert_eq!(
            (summary.sent, summary.missed, summary.received),
            (256, 256, 0)
        );
        assert!((240..=246).contains(&summary.held_back), "{summary:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_goes_on_when_some_are_missed() {
        // Nothing is answered: 64 are under way at once, and 256 are unanswered at most.
        let options = ["-f", "-c", "400", "-W", "1", "-k", "60"];
        let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
        assert_eq!((time, ended), (SECOND * 7, Ended::Count));
        assert_eq!(
            (summary.sent, summary.held_back, summary.missed),
            (256, 144, 256)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_what_has_come_counts_first() {
        let options = ["-c", "1", "-W", "1", "-k", "60"];
        let (time, ended, summary) = stand_still(&options, 1, SECOND / 2, SECOND * 7).await;
        assert_eq!((time, ended), (SECOND * 15 / 2, Ended::Count));
        assert_eq!((summary.received, summary.late, summary.missed), (1, 0, 0));
        assert_eq!(summary.rtt.unwrap().max_ns, 7_500_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_at_the_end_what_has_come_counts_first() {
        // The pause begins within the grace.
        let options = ["-w", "1", "-i", "60", "-W", "60", "-k", "60"];
        let after = SECOND + GRACE / 2;
        let (time, ended, summary) = stand_still(&options, 1, after, SECOND * 7).await;
        assert_eq!((time, ended), (after + SECOND * 7, Ended::Deadline));
        assert_eq!((summary.received, summary.missed), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_nothing_is_held_back_for_what_has_come() {
        let options = ["-c", "257", "-i", "0.01", "-W", "60", "-k", "60"];
        let after = Duration::from_millis(2555);
        let (_, _, summary) = stand_still(&options, 256, after, SECOND * 7).await;
        assert_eq!((summary.sent, summary.held_back), (257, 0));
        assert_eq!((summary.received, summary.missed), (256, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_pings_once() {
        for (options, time, ended) in [
            (["--check", "-w", "30", "-W", "1"], SECOND, Ended::Count),
            (
                ["--check", "-w", "3", "-W", "60"],
                SECOND * 3 + GRACE,
                Ended::Deadline,
            ),
        ] {
            let (took, end, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
            assert_eq!((took, end), (time, ended));
            assert_eq!((summary.sent, summary.missed), (1, 1));
        }
    }
}
