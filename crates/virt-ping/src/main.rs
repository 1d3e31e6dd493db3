//! ping(8) for libvirt daemons: is the link alive, how fast does it answer, and does it keep answering?
//!
//! [`Options`] says what is wanted; [`run`] pings each daemon in a task of its own: [`target`] finds it,
//! [`link`] connects, [`pinger`] or [`listener`] goes on until it ends, and a [`Reporter`] tells each
//! [`Event`] to the [`Output`].

mod end;
mod event;
mod exit;
mod failure;
mod flights;
mod histogram;
#[cfg(test)]
mod json;
mod link;
mod listener;
mod options;
mod output;
mod pinger;
mod probe;
mod report;
mod signals;
mod statistics;
mod tally;
mod target;
mod text;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use virt_tokio::environment;
use virt_uri::{Access, Environment};

use crate::end::unanswered;
use crate::event::{Ended, Event};
use crate::exit::Exit;
use crate::link::{Link, Patience};
use crate::options::Options;
use crate::output::{Gone, Output};
use crate::pinger::Pinger;
use crate::report::Reporter;
use crate::signals::{Signal, Signals};
use crate::tally::Tally;

/// How long a daemon has to take leave.
const GOODBYE: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(message) => {
            // Where it cannot be printed, there is the exit status.
            let _ = message.print();
            let exit = if message.use_stderr() {
                Exit::Usage
            } else {
                Exit::Alive
            };
            return exit.into();
        }
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return broken(&error).into(),
    };
    let exit = runtime
        .block_on(run(options))
        .unwrap_or_else(|error| broken(&error));
    // A name that is still being looked up is not waited for.
    Runtime::shutdown_background(runtime);
    exit.into()
}

fn broken(error: &io::Error) -> Exit {
    // Where standard error is closed, there is the exit status.
    let _ = writeln!(io::stderr(), "virt-ping: {error}");
    Exit::Failure
}

/// Pings all daemons, side by side, and returns the worst of what has come of it.
async fn run(mut options: Options) -> io::Result<Exit> {
    if options.uris.is_empty() {
        options.uris.push(String::new());
    }
    let (source, signals) = Signals::new();
    tokio::spawn(source.listen()?);
    let (output, writer) = Output::new(io::stdout());
    let environment = environment();
    let options = Arc::new(options);
    let start = Instant::now();
    let mut runs = JoinSet::new();
    for uri in options.uris.clone() {
        let (options, environment) = (Arc::clone(&options), environment.clone());
        let (output, signals) = (output.clone(), signals.clone());
        runs.spawn(async move { one(&uri, &options, &environment, output, signals, start).await });
    }
    drop(output);
    let all = async {
        let mut worst = Exit::Alive;
        while let Some(run) = runs.join_next().await {
            // Whoever has stopped reading does not want to know.
            worst = worst.max(run?.unwrap_or(Exit::Alive));
        }
        writer.finish().await?;
        Ok(worst)
    };
    tokio::select! {
        exit = all => exit,
        // What a reader does not take is not waited for.
        () = signals.interrupted_again() => Ok(Exit::Dead),
    }
}

/// Pings one daemon.
async fn one(
    uri: &str,
    options: &Options,
    environment: &Environment,
    output: Output,
    mut signals: Signals,
    start: Instant,
) -> Result<Exit, Gone> {
    let access = if options.readonly {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let (name, target) = target::resolve(uri, environment, access, Path::exists);
    let mut reporter = Reporter::new(options, output, &name);
    let target = match target {
        Ok(target) => target,
        Err(failure) => return reporter.fail(&failure).await,
    };
    let limit = options
        .deadline
        .unwrap_or(Duration::MAX)
        .min(options.connect_timeout);
    let patience = Patience {
        until: start + limit,
        limit,
    };
    let link = tokio::select! {
        link = link::open(&target, options, patience, &reporter) => link?,
        () = end(&mut signals) => {
            let exit = Exit::Dead;
            if options.check {
                let message = unanswered(Ended::Interrupted, options, start);
                reporter.tell(Event::unchecked(message, exit)).await?;
            }
            return Ok(exit);
        }
    };
    let mut link = match link {
        Ok(link) => link,
        Err(failure) => return reporter.fail(&failure).await,
    };
    if let Some(uri) = &link.uri {
        reporter.rename(uri);
    }
    let connected = Event::Connected {
        address: link.address.clone(),
        version: link.version.clone(),
        keepalive: link.keepalive,
        mode: options.kind(),
    };
    reporter.tell(connected).await?;
    let deadline = options.deadline.map(|deadline| start + deadline);
    let (tally, ended) = if options.listen {
        listener::listen(&mut link, options, &reporter, deadline, &mut signals).await?
    } else {
        let pinger = Pinger::new(&link.client, options, &reporter);
        pinger.run(deadline, &mut signals).await?
    };
    let exit = conclude(options, &reporter, &link, &tally, ended, start).await?;
    if ended != Ended::Closed && !options.raw {
        // The connection ends in any case.
        let _ = timeout(GOODBYE, link.client.close()).await;
    }
    Ok(exit)
}

/// Tells how it went.
async fn conclude(
    options: &Options,
    reporter: &Reporter<'_>,
    link: &Link,
    tally: &Tally<'_>,
    ended: Ended,
    start: Instant,
) -> Result<Exit, Gone> {
    let exit = tally.exit(ended);
    let summary = tally.summary(Some(ended));
    if options.check {
        let time = summary.rtt.map(|rtt| Duration::from_nanos(rtt.avg_ns));
        let ok = exit == Exit::Alive;
        let silent = || unanswered(ended, options, start);
        let message = (!ok).then(|| tally.closed.clone().unwrap_or_else(silent));
        let check = Event::Check {
            ok,
            time: time.filter(|_| ok),
            version: link.version.clone(),
            message,
            exit: exit.code(),
        };
        reporter.tell(check).await?;
    } else {
        reporter.tell(Event::Summary(summary)).await?;
    }
    Ok(exit)
}

/// Waits until the run is to end; there is nothing to tell yet.
async fn end(signals: &mut Signals) {
    while signals.next().await != Signal::End {}
}
