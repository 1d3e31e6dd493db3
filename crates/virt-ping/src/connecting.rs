//! Attempts to connect to one daemon: one, or one after the other until it is there.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use virt_uri::{Access, Environment};

use crate::event::{Ended, Event};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::OutputClosed;
use crate::report::Reporter;
use crate::requests::{Request, Requests};
use crate::safe_text::SafeText;
use crate::session::{self, Session, Stopped, TimeLimit};
use crate::tally::Tally;
use crate::target::{self, Target};

/// The time between the beginnings of two attempts, unless one takes longer.
const INTERVAL: Duration = Duration::from_secs(1);

/// The way to one daemon.
#[derive(Debug)]
pub(crate) struct Connector<'a> {
    pub(crate) uri: &'a str,
    pub(crate) options: &'a Options,
    pub(crate) environment: &'a Environment,
    /// The beginning of the run.
    pub(crate) start: Instant,
}

/// The outcome of connecting.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// There is a connection, after so many attempts.
    Open(Box<Session>, u64),
    Failed(Failure),
    /// The run ends before there is a connection; with the failure of the last attempt.
    Ended(Ended, Option<Failure>),
}

impl Connector<'_> {
    /// Returns the label of the daemon for the output, and its addresses.
    pub(crate) fn resolve(&self) -> (String, Result<Target, Failure>) {
        let access = if self.options.readonly {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        };
        target::resolve(self.uri, self.environment, access, Path::exists)
    }

    /// Connects, and reports each phase. If `is_patient`, tries again until there is a connection, or an error that time
    /// does not mend.
    pub(crate) async fn connect(
        &self,
        reporter: &Reporter<'_>,
        requests: &mut Requests,
        is_patient: bool,
        tally: Option<&Tally<'_>>,
    ) -> Result<Outcome, OutputClosed> {
        let mut told = None;
        let mut attempts = 0;
        loop {
            let next = Instant::now() + INTERVAL;
            attempts += 1;
            let session = tokio::select! {
                session = self.attempt(reporter, attempts) => session,
                () = requests.interrupted() => return Ok(Outcome::Ended(Ended::Interrupted, None)),
            };
            let failure = match session {
                Ok(session) => return Ok(Outcome::Open(Box::new(session), attempts)),
                Err(Stopped::OutputClosed(closed)) => return Err(closed),
                Err(Stopped::Failure(failure)) => failure,
            };
            if !is_patient || failure.is_permanent() {
                return Ok(Outcome::Failed(failure));
            }
            let text = failure.to_string();
            if told.as_ref() != Some(&text) {
                let message = SafeText::new(&text);
                reporter.report(Event::Waiting { message }).await?;
                told = Some(text);
            }
            loop {
                tokio::select! {
                    biased;
                    request = requests.next() => match (request, tally) {
                        (Request::End(ended), _) => return Ok(Outcome::Ended(ended, Some(failure))),
                        (Request::Interim, Some(tally)) => {
                            reporter.report(Event::Interim(tally.summary(None))).await?;
                        }
                        (Request::Interim, None) => {}
                    },
                    () = sleep_until(next) => break,
                }
            }
        }
    }

    async fn attempt(&self, reporter: &Reporter<'_>, attempt: u64) -> Result<Session, Stopped> {
        let (_, target) = self.resolve();
        let target = target.map_err(Stopped::Failure)?;
        let now = Instant::now();
        // The first one has all of the time, for the message.
        let left = self.options.deadline.map(|deadline| match attempt {
            1 => deadline,
            _ => deadline.saturating_sub(now - self.start),
        });
        let length = left
            .unwrap_or(Duration::MAX)
            .min(self.options.connect_timeout);
        let limit = TimeLimit {
            end: now + length,
            length,
        };
        session::open(&target, self.options, limit, reporter).await
    }
}
