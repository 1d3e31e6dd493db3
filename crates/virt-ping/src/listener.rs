//! Listens to the PINGs of one daemon until the run ends.

use std::pin::pin;

use tokio::time::{Duration, Instant};

use crate::ending::{closed_message, reason_word};
use crate::event::{Ended, Event};
use crate::options::Options;
use crate::output::OutputClosed;
use crate::report::Reporter;
use crate::requests::{Request, Requests, until};
use crate::session::Session;
use crate::tally::Tally;
use crate::turns::receive_all;

/// The number of lines in each [`WINDOW`]; PINGs beyond share one line, so that a flood of them prints little.
const LINES: u32 = 10;

/// The time in which the lines are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// Reports the PINGs of a daemon until the number that was asked for came, a deadline or a signal ends it, or the
/// connection is closed. Goes on with the numbers of the connections before.
pub(crate) async fn listen<'a>(
    session: &mut Session,
    options: &'a Options,
    reporter: &Reporter<'_>,
    requests: &mut Requests,
    tally: Tally<'a>,
) -> Result<(Tally<'a>, Ended), OutputClosed> {
    let Session { client, pings, .. } = session;
    let mut closed = pin!(client.closed());
    let mut listener = Listener::new(tally, reporter);
    let ended = loop {
        if listener.tally.is_enough() {
            break Ended::Count;
        }
        tokio::select! {
            biased;
            request = requests.next() => match request {
                Request::End(ended) => {
                    receive_all().await;
                    tokio::select! {
                        biased;
                        Some(count) = pings.recv() => listener.receive(count),
                        () = std::future::ready(()) => (),
                    }
                    break ended;
                }
                Request::Interim => {
                    let summary = listener.tally.summary(None);
                    reporter.report(Event::Interim(summary)).await?;
                }
            },
            () = until(listener.report_at()) => listener.report().await?,
            Some(count) = pings.recv() => listener.receive(count),
            closed = &mut closed => {
                listener.report().await?;
                let message = closed_message(&closed, options);
                listener.tally.closed = Some(message.clone());
                let reason = reason_word(closed.reason());
                reporter.report(Event::Closed { reason, message }).await?;
                break Ended::Closed;
            }
        }
    };
    listener.report().await?;
    Ok((listener.tally, ended))
}

/// The PINGs that were received, of which the last ones may not be reported yet.
struct Listener<'a, 'b> {
    reporter: &'b Reporter<'b>,
    tally: Tally<'a>,
    /// The time of the last PING.
    last: Instant,
    /// The number of PINGs that were reported, and the time of the last of them.
    reported: (u64, Instant),
    window: Instant,
    /// The number of lines in this window.
    lines: u32,
}

impl<'a, 'b> Listener<'a, 'b> {
    fn new(tally: Tally<'a>, reporter: &'b Reporter<'b>) -> Self {
        let now = Instant::now();
        Self {
            reporter,
            last: now,
            reported: (tally.received, now),
            tally,
            window: now,
            lines: 0,
        }
    }

    fn receive(&mut self, count: u64) {
        for _ in 0..count {
            if self.tally.is_enough() {
                break;
            }
            let now = Instant::now();
            self.tally.received(now - self.last);
            self.last = now;
        }
    }

    /// Returns the time from which the PINGs may be reported that are not; `None` if all are.
    fn report_at(&self) -> Option<Instant> {
        let (reported, _) = self.reported;
        let at = if self.lines < LINES {
            self.last
        } else {
            self.window + WINDOW
        };
        (self.tally.received > reported).then_some(at)
    }

    /// Reports the PINGs that are not reported yet, if any.
    async fn report(&mut self) -> Result<(), OutputClosed> {
        let seq = self.tally.received;
        let (reported, time) = self.reported;
        if seq == reported {
            return Ok(());
        }
        self.reported = (seq, self.last);
        let now = Instant::now();
        if now >= self.window + WINDOW {
            (self.window, self.lines) = (now, 0);
        }
        self.lines += 1;
        let event = Event::Ping {
            seq,
            count: seq - reported,
            after: self.last - time,
        };
        self.reporter.report(event).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::os::unix::net::UnixStream;

    use clap::Parser;
    use tokio::time::{advance, sleep};
    use virt_tokio::Client;

    use super::*;
    use crate::output::Output;
    use crate::safe_text::SafeText;

    const PING: &[u8] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0";

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_pings_that_arrived_count_first() {
        // Quiet, since the clock would go on while a line waits for the thread that writes it.
        let options = Options::parse_from(["virt-ping", "--listen", "-q", "-w", "3"]);
        let deadline = Some(Instant::now() + Duration::from_secs(3));
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let near = tokio::net::UnixStream::from_std(near).unwrap();
        let listener = tokio::spawn(async move {
            let client = Client::over_stream(near, options.connection());
            let mut session = Session {
                pings: client.pings(),
                client,
                address: SafeText::default(),
                version: None,
                keepalive: None,
                uri: None,
            };
            let (_signals, mut requests) = Requests::new(deadline);
            let (output, _writers) = Output::new(io::sink(), io::sink(), &requests);
            let reporter = Reporter::new(&options, output, "test");
            let tally = Tally::new(&options);
            let run = listen(&mut session, &options, &reporter, &mut requests, tally);
            let (tally, ended) = run.await.unwrap();
            (tally.received, ended)
        });
        // Both times pass at once, and the socket is read after that.
        sleep(Duration::from_secs(1)).await;
        let soon = sleep(Duration::from_secs(1));
        let ping = async {
            soon.await;
            far.write_all(&PING.repeat(2)).unwrap();
        };
        tokio::join!(advance(Duration::from_secs(7)), ping);
        assert_eq!(listener.await.unwrap(), (2, Ended::Deadline));
    }
}
