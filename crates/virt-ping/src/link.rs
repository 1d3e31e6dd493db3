//! Connecting, step by step, each with its time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use virt_remote::{ConnectGetLibVersion, ConnectGetUri, Version};
use virt_tokio::{CallError, Client, ConnectError, KeepAliveMode, Limits, Pings, dial};
use virt_transport::CallProcedure;
use virt_uri::Candidate;

use crate::event::{Event, Phase};
use crate::failure::Failure;
use crate::options::{Mode, Options};
use crate::output::Gone;
use crate::report::Reporter;
use crate::target::Target;

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    /// The daemon's own PINGs since it was connected to.
    pub(crate) pings: Pings,
    pub(crate) address: String,
    /// What the daemon says it is; none if it was not asked or does not say.
    pub(crate) version: Option<String>,
    /// True if keepalive was negotiated; none if it was not asked for.
    pub(crate) keepalive: Option<bool>,
    /// What the daemon has opened, where it could choose.
    pub(crate) uri: Option<String>,
}

/// How much time is left for connecting, and of how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) until: Instant,
    pub(crate) limit: Duration,
}

impl Options {
    /// The session as the options have it.
    pub(crate) fn session(&self) -> virt_tokio::Options {
        let mut limits = Limits::default();
        limits.pings = limits.pings.max(self.unanswered_max());
        virt_tokio::Options::default()
            .read_only(self.readonly)
            .keepalive(self.keepalive())
            .limits(limits)
    }

    fn keepalive(&self) -> KeepAliveMode {
        if self.listen || self.keepalive_interval.is_zero() {
            return KeepAliveMode::AnswerOnly;
        }
        KeepAliveMode::Send {
            interval: self.keepalive_interval,
            count: self.keepalive_count,
        }
    }

    /// How many PINGs or calls may be unanswered. With more calls a daemon would read nothing at all.
    pub(crate) fn unanswered_max(&self) -> usize {
        match self.mode {
            Mode::Keepalive => 256,
            Mode::Rpc => Limits::default().calls,
        }
    }
}

/// Opens a connection, and tells of each step.
pub(crate) async fn open(
    target: &Target,
    options: &Options,
    patience: Patience,
    reporter: &Reporter<'_>,
) -> Result<Result<Link, Failure>, Gone> {
    let address = target.candidates.iter().map(ToString::to_string);
    let steps = Steps {
        address: address.collect::<Vec<_>>().join(" or "),
        patience,
        reporter,
    };
    match steps.open(target, options).await {
        Ok(link) => Ok(Ok(link)),
        Err(Stop::Failure(failure)) => Ok(Err(failure)),
        Err(Stop::Gone) => Err(Gone),
    }
}

/// Why a step is the last one.
enum Stop {
    Failure(Failure),
    Gone,
}

struct Steps<'a> {
    address: String,
    patience: Patience,
    reporter: &'a Reporter<'a>,
}

impl Steps<'_> {
    async fn open(&self, target: &Target, options: &Options) -> Result<Link, Stop> {
        let connect = dial(&target.candidates, options.session());
        let (client, candidate) = self.step(Phase::Connect, connect).await?;
        let pings = client.pings();
        let address = address(&candidate);
        if options.raw {
            // A daemon answers PINGs at any time, asked or not.
            client.start_keepalive();
            return Ok(Link {
                client,
                pings,
                address,
                version: None,
                keepalive: None,
                uri: None,
            });
        }
        let mut opening = client.opening(&target.name);
        for phase in [Phase::Authenticate, Phase::Negotiate, Phase::Open] {
            self.step(phase, client.advance(&mut opening)).await?;
        }
        let version = self.ask::<ConnectGetLibVersion>(&client).await?;
        let uri = if target.name.is_empty() {
            self.ask::<ConnectGetUri>(&client).await?
        } else {
            None
        };
        Ok(Link {
            client,
            pings,
            address,
            version: version.map(|ret| Version::from(ret.lib_ver).to_string()),
            keepalive: Some(opening.keepalive()),
            uri: uri.map(|ret| ret.uri),
        })
    }

    async fn step<R>(
        &self,
        phase: Phase,
        step: impl Future<Output = Result<R, ConnectError>>,
    ) -> Result<R, Stop> {
        let start = Instant::now();
        let result = self.limited(&phase.to_string(), step).await?;
        let time = start.elapsed();
        let told = self.reporter.tell(Event::Phase { phase, time }).await;
        told.map_err(|Gone| Stop::Gone)?;
        Ok(result)
    }

    /// Asks for what is good to know and not needed.
    async fn ask<P>(&self, client: &Client) -> Result<Option<P::Ret>, Stop>
    where
        P: for<'a> CallProcedure<Args<'a> = ()>,
    {
        let call = async {
            match client.call::<P>(&()).await {
                Ok(ret) => Ok(Some(ret)),
                Err(CallError::Reply(_)) => Ok(None),
                Err(error) => Err(failed::<P>(error)),
            }
        };
        self.limited(P::NAME, call).await
    }

    async fn limited<R>(
        &self,
        step: &str,
        action: impl Future<Output = Result<R, ConnectError>>,
    ) -> Result<R, Stop> {
        let Patience { until, limit } = self.patience;
        let failure = match timeout_at(until, action).await {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error @ (ConnectError::Open(_) | ConnectError::Step { .. }))) => Failure::Open {
                address: self.address.clone(),
                error,
            },
            Ok(Err(error)) => Failure::Connect(error),
            Err(_) => Failure::Timeout {
                address: self.address.clone(),
                step: step.to_owned(),
                limit,
            },
        };
        Err(Stop::Failure(failure))
    }
}

fn failed<P: CallProcedure>(error: CallError) -> ConnectError {
    ConnectError::Step {
        step: P::NAME,
        error,
    }
}

/// Where it is, without the transport, which the URI tells.
fn address(candidate: &Candidate) -> String {
    match candidate {
        Candidate::Embedded => "within this process".to_owned(),
        other => {
            let address = other.to_string();
            match address.split_once(':') {
                Some((_, address)) => address.to_owned(),
                None => address,
            }
        }
    }
}
