//! ping(8) for libvirt daemons: is the link alive, how fast does it answer, and does it keep answering?
//!
//! [`run`] pings each daemon in a task of its own: [`target`] finds its address, [`session`] connects, and [`pinger`] or
//! [`listener`] goes on until the run ends. A [`Reporter`] prints each [`Event`] that the [`Options`] ask for.

mod advice;
mod connection;
mod ending;
mod event;
mod exit;
mod failure;
mod histogram;
mod in_flight;
#[cfg(test)]
mod json;
mod listener;
mod nanoseconds;
mod options;
mod other_service;
mod output;
mod pinger;
mod probe;
mod report;
mod requests;
mod safe_text;
mod session;
mod statistics;
mod tally;
mod target;
mod text;
mod turns;

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

use crate::ending::unanswered_message;
use crate::event::{Ended, Event};
use crate::exit::Exit;
use crate::options::Options;
use crate::output::{Output, OutputClosed};
use crate::pinger::Pinger;
use crate::report::Reporter;
use crate::requests::Requests;
use crate::session::{Session, Stopped, TimeLimit};
use crate::tally::Tally;

/// The time for a daemon's reply to the last call.
const GOODBYE: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(message) => {
            // If it cannot be printed, there is the exit status.
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
        Err(error) => return print_error(&error).into(),
    };
    let exit = runtime
        .block_on(run(options))
        .unwrap_or_else(|error| print_error(&error));
    // A host name may still be looked up, which can take long.
    Runtime::shutdown_background(runtime);
    exit.into()
}

fn print_error(error: &io::Error) -> Exit {
    // If standard error is closed, there is the exit status.
    let _ = writeln!(io::stderr(), "virt-ping: {error}");
    Exit::Failure
}

/// Pings all daemons, side by side, and returns the worst status.
async fn run(mut options: Options) -> io::Result<Exit> {
    if options.uris.is_empty() {
        options.uris.push(String::new());
    }
    let start = Instant::now();
    let deadline = options.deadline.map(|deadline| start + deadline);
    let (signals, requests) = Requests::new(deadline);
    tokio::spawn(signals.listen()?);
    let (output, writers) = Output::new(io::stdout(), io::stderr(), &requests);
    let environment = environment();
    let options = Arc::new(options);
    let mut runs = JoinSet::new();
    for uri in options.uris.clone() {
        let (options, environment) = (Arc::clone(&options), environment.clone());
        let (output, requests) = (output.clone(), requests.clone());
        runs.spawn(async move { run_one(&uri, &options, &environment, output, requests).await });
    }
    drop(output);
    let mut worst = Exit::Alive;
    while let Some(run) = runs.join_next().await {
        // A reader that has closed the output has seen enough.
        worst = worst.max(run?.unwrap_or(Exit::Alive));
    }
    writers.finish().await?;
    Ok(worst)
}

/// Pings one daemon.
async fn run_one(
    uri: &str,
    options: &Options,
    environment: &Environment,
    output: Output,
    mut requests: Requests,
) -> Result<Exit, OutputClosed> {
    let start = Instant::now();
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
    let length = options
        .deadline
        .unwrap_or(Duration::MAX)
        .min(options.connect_timeout);
    let limit = TimeLimit {
        end: start + length,
        length,
    };
    let session = tokio::select! {
        session = session::open(&target, options, limit, &reporter) => session,
        () = requests.interrupted() => {
            if options.check {
                let message = unanswered_message(Ended::Interrupted, options, start);
                reporter.report(Event::failed_check(message, Exit::Dead)).await?;
            }
            return Ok(Exit::Dead);
        }
    };
    let mut session = match session {
        Ok(session) => session,
        Err(Stopped::Failure(failure)) => return reporter.fail(&failure).await,
        Err(Stopped::OutputClosed(closed)) => return Err(closed),
    };
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
    let (tally, ended) = if options.listen {
        listener::listen(&mut session, options, &reporter, &mut requests).await?
    } else {
        let pinger = Pinger::new(&session.client, options, &reporter);
        pinger.run(&mut requests).await?
    };
    let exit = conclude(options, &reporter, &session, &tally, ended, start).await?;
    if ended != Ended::Closed && !options.raw {
        // The connection ends whether the daemon replies or not.
        let _ = timeout(GOODBYE, session.client.close()).await;
    }
    Ok(exit)
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
