//! The run of one daemon: connections, one after the other if the options ask for it, and the outcome.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, timeout};
use virt_uri::Environment;

use crate::connecting::{Connector, Outcome};
use crate::ending::unanswered_message;
use crate::event::{Ended, Event};
use crate::exit::Exit;
use crate::listener;
use crate::options::Options;
use crate::output::{Output, OutputClosed};
use crate::pinger::Pinger;
use crate::report::Reporter;
use crate::requests::Requests;
use crate::session::Session;
use crate::tally::Tally;

/// The time for a daemon's reply to the last call.
const GOODBYE: Duration = Duration::from_millis(250);

/// Pings one daemon.
pub(crate) async fn run_one(
    uri: &str,
    options: &Options,
    environment: &Environment,
    output: Output,
    mut requests: Requests,
) -> Result<Exit, OutputClosed> {
    let start = Instant::now();
    let connector = Connector {
        uri,
        options,
        environment,
        start,
    };
    let (name, _) = connector.resolve();
    let mut reporter = Reporter::new(options, output, &name);
    let first = connector.connect(&reporter, &mut requests, options.wait, None);
    let mut session = match first.await? {
        Outcome::Open(session, _) => session,
        Outcome::Failed(failure) | Outcome::Ended(Ended::Deadline, Some(failure)) => {
            return reporter.fail(&failure).await;
        }
        Outcome::Ended(ended, _) => {
            if options.check {
                let message = unanswered_message(ended, options, start);
                let check = Event::failed_check(message, Exit::Dead);
                reporter.report(check).await?;
            }
            return Ok(Exit::Dead);
        }
    };
    let mut tally = Tally::new(options);
    let mut worst = Exit::Alive;
    let ended = loop {
        if let Some(uri) = &session.uri {
            reporter.rename(uri);
        }
        let connected = Event::Connected {
            address: session.address.clone(),
            version: session.version.clone(),
            keepalive: session.keepalive,
            mode: options.mode_name(),
        };
        reporter.report(connected).await?;
        let ended;
        (tally, ended) = if options.listen {
            listener::listen(&mut session, options, &reporter, &mut requests, tally).await?
        } else {
            let pinger = Pinger::new(&session.client, options, &reporter, tally);
            pinger.run(&mut requests).await?
        };
        if ended != Ended::Closed || !options.reconnect {
            break ended;
        }
        tally.outages.begin();
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let next = connector.connect(&reporter, &mut requests, true, Some(&tally));
        match next.await? {
            Outcome::Open(next, attempts) => {
                let reconnected = Event::Reconnected {
                    since,
                    outage: tally.outages.end(),
                    attempts,
                    message: tally.closed.take(),
                };
                reporter.report(reconnected).await?;
                session = next;
            }
            Outcome::Failed(failure) => {
                worst = reporter.fail(&failure).await?;
                break Ended::Closed;
            }
            Outcome::Ended(ended, _) => break ended,
        }
    };
    let exit = conclude(options, &reporter, &session, &tally, ended, start).await?;
    if ended != Ended::Closed && !tally.outages.is_down() && !options.raw {
        // The connection ends whether the daemon replies or not.
        let _ = timeout(GOODBYE, session.client.close()).await;
    }
    Ok(exit.max(worst))
}

/// Reports the outcome.
async fn conclude(
    options: &Options,
    reporter: &Reporter<'_>,
    session: &Session,
    tally: &Tally<'_>,
    ended: Ended,
    start: Instant,
) -> Result<Exit, OutputClosed> {
    let exit = tally.exit(ended);
    let summary = tally.summary(Some(ended));
    if options.check {
        let time = summary.rtt.map(|rtt| Duration::from_nanos(rtt.avg_ns));
        let ok = exit == Exit::Alive;
        let unanswered = || unanswered_message(ended, options, start);
        let message = (!ok).then(|| tally.closed.clone().unwrap_or_else(unanswered));
        let check = Event::Check {
            ok,
            time: time.filter(|_| ok),
            version: session.version.clone(),
            message,
            exit: exit.code(),
        };
        reporter.report(check).await?;
    } else {
        reporter.report(Event::Summary(summary)).await?;
    }
    Ok(exit)
}
