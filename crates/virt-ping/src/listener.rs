//! Listens to the PINGs of one daemon until it ends.

use std::pin::pin;

use tokio::time::Instant;

use crate::end::{describe, until, word};
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
            () = until(deadline) => break Ended::Deadline,
        }
    };
    Ok((tally, ended))
}
