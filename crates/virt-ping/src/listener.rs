//! Listens to the PINGs of one daemon until it ends.

use std::pin::pin;

use tokio::time::Instant;

use crate::end::{describe, receive_all, until, word};
use crate::event::{Ended, Event};
use crate::link::Link;
use crate::options::Options;
use crate::output::Gone;
use crate::report::Reporter;
use crate::signals::{Signal, Signals};
use crate::tally::Tally;

/// Tells of each PING of the daemon, until as many came as were asked for, time is over, a signal comes,
/// or the link is dead.
pub(crate) async fn listen<'a>(
    link: &mut Link,
    options: &'a Options,
    reporter: &Reporter<'_>,
    deadline: Option<Instant>,
    signals: &mut Signals,
) -> Result<(Tally<'a>, Ended), Gone> {
    let mut tally = Tally::new(options);
    let Link { client, pings, .. } = link;
    let mut closed = pin!(client.closed());
    let mut last = Instant::now();
    let mut over = false;
    let ended = loop {
        if tally.is_enough() {
            break Ended::Count;
        }
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::End => break Ended::Interrupted,
                Signal::Ask => reporter.tell(Event::Interim(tally.summary(None))).await?,
            },
            Some(count) = pings.recv() => {
                for _ in 0..count {
                    if tally.is_enough() {
                        break;
                    }
                    let now = Instant::now();
                    let after = now - last;
                    last = now;
                    tally.received(after);
                    let seq = tally.received;
                    reporter.tell(Event::Ping { seq, after }).await?;
                }
            }
            closed = &mut closed => {
                let message = describe(&closed, options);
                tally.closed = Some(message.clone());
                reporter.tell(Event::Closed { reason: word(closed.reason()), message }).await?;
                break Ended::Closed;
            }
            () = until(deadline) => {
                if over {
                    break Ended::Deadline;
                }
                // Once more around, for what has come.
                over = true;
                receive_all().await;
            }
        }
    };
    Ok((tally, ended))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::os::unix::net::UnixStream;

    use clap::Parser;
    use tokio::time::{Duration, advance, sleep};
    use virt_testkit::bytes::PING;
    use virt_tokio::Client;

    use super::*;
    use crate::output::Output;

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_what_has_come_counts_first() {
        // Quiet, since the clock would go on while a line waits for the thread that writes it.
        let options = Options::parse_from(["virt-ping", "--listen", "-q", "-w", "3"]);
        let deadline = Some(Instant::now() + Duration::from_secs(3));
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let near = tokio::net::UnixStream::from_std(near).unwrap();
        let listener = tokio::spawn(async move {
            let client = Client::over_stream(near, options.session());
            let mut link = Link {
                pings: client.pings(),
                client,
                address: String::new(),
                version: None,
                keepalive: None,
                uri: None,
            };
            let (_source, mut signals) = Signals::new();
            let (output, _writer) = Output::new(io::sink());
            let reporter = Reporter::new(&options, output, "test");
            let run = listen(&mut link, &options, &reporter, deadline, &mut signals);
            let (tally, ended) = run.await.unwrap();
            (tally.received, ended)
        });
        // Both times pass at once, and the socket is looked at after that.
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
