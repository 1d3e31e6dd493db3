//! ping(8) for libvirt daemons: is the link alive, how fast does it answer, and does it keep answering?
//!
//! [`run()`] pings each daemon in a task of its own: [`target`] finds its address, [`session`] connects, and [`pinger`] or
//! [`listener`] goes on until the connection or the run ends. [`connecting`] tries again if the options ask for it. A [`Reporter`](report::Reporter) prints each
//! [`Event`](event::Event) that the [`Options`] ask for.

mod advice;
mod connecting;
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
mod outages;
mod output;
mod pinger;
mod probe;
mod report;
mod requests;
mod run;
mod safe_text;
mod session;
mod statistics;
mod tally;
mod target;
mod text;
mod turns;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;
use virt_tokio::environment;

use crate::exit::Exit;
use crate::options::Options;
use crate::output::Output;
use crate::requests::Requests;
use crate::run::run_one;

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
