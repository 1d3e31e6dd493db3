//! A session with a daemon: connected phase by phase, each with its time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use virt_remote::{ConnectGetLibVersion, ConnectGetUri, Version};
use virt_tokio::{CallError, Client, ConnectError, Pings, dial};
use virt_transport::CallProcedure;
use virt_uri::Candidate;

use crate::event::{Event, Phase};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::OutputClosed;
use crate::report::Reporter;
use crate::safe_text::SafeText;
use crate::target::Target;

/// A connection that is open, and what the daemon said about itself.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The daemon's own PINGs since the socket was connected.
    pub(crate) pings: Pings,
    /// The address without the transport, which the URI tells.
    pub(crate) address: SafeText,
    /// The daemon's version; `None` if it was not asked, or does not say.
    pub(crate) version: Option<SafeText>,
    /// True if the daemon agreed to keepalive; `None` if it was not asked.
    pub(crate) keepalive: Option<bool>,
    /// The URI that the daemon opened, if the choice was its own.
    pub(crate) uri: Option<String>,
}

/// The time limit of connecting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimit {
    pub(crate) end: Instant,
    /// The length, for messages.
    pub(crate) length: Duration,
}

/// The reason why connecting stopped.
pub(crate) enum Stopped {
    Failure(Failure),
    OutputClosed(OutputClosed),
}

impl From<OutputClosed> for Stopped {
    fn from(closed: OutputClosed) -> Self {
        Self::OutputClosed(closed)
    }
}

/// Opens a session, and reports each phase.
pub(crate) async fn open(
    target: &Target,
    options: &Options,
    limit: TimeLimit,
    reporter: &Reporter<'_>,
) -> Result<Session, Stopped> {
    let addresses = target.candidates.iter().map(ToString::to_string);
    let mut connecting = Connecting {
        address: addresses.collect::<Vec<_>>().join(" or "),
        limit,
        reporter,
    };
    connecting.open(target, options).await
}

struct Connecting<'a> {
    /// The address that is tried, transport included.
    address: String,
    limit: TimeLimit,
    reporter: &'a Reporter<'a>,
}

impl Connecting<'_> {
    async fn open(&mut self, target: &Target, options: &Options) -> Result<Session, Stopped> {
        let dial = dial(&target.candidates, options.connection());
        let (client, candidate) = self.phase(Phase::Connect, dial).await?;
        self.address = candidate.to_string();
        let mut session = Session {
            pings: client.pings(),
            client,
            address: without_transport(&candidate),
            version: None,
            keepalive: None,
            uri: None,
        };
        let client = &session.client;
        if options.raw {
            // A daemon answers PINGs at any time, whether it was asked for keepalive or not.
            client.start_keepalive();
            return Ok(session);
        }
        let mut opening = client.opening(&target.name);
        while opening.phase() != virt_remote::Phase::Done {
            let phase = opening.phase().into();
            self.phase(phase, client.advance(&mut opening)).await?;
        }
        session.keepalive = Some(opening.keepalive());
        let version = self.ask::<ConnectGetLibVersion>(client).await?;
        session.version = version.map(|ret| SafeText::new(Version::from(ret)));
        if target.name.is_empty() {
            let uri = self.ask::<ConnectGetUri>(client).await?;
            session.uri = uri.map(|ret| ret.uri);
        }
        Ok(session)
    }

    async fn phase<R>(
        &self,
        phase: Phase,
        action: impl Future<Output = Result<R, ConnectError>>,
    ) -> Result<R, Stopped> {
        let start = Instant::now();
        let result = self.limited(&phase.to_string(), action).await?;
        let time = start.elapsed();
        self.reporter.report(Event::Phase { phase, time }).await?;
        Ok(result)
    }

    /// Asks for a fact that is not needed, and that a daemon may refuse.
    async fn ask<P>(&self, client: &Client) -> Result<Option<P::Ret>, Stopped>
    where
        P: for<'a> CallProcedure<Args<'a> = ()>,
    {
        let call = async {
            match client.call::<P>(&()).await {
                Ok(ret) => Ok(Some(ret)),
                Err(CallError::Reply(_)) => Ok(None),
                Err(error) => Err(ConnectError::Step {
                    step: P::NAME,
                    error,
                }),
            }
        };
        self.limited(P::NAME, call).await
    }

    async fn limited<R>(
        &self,
        step: &str,
        action: impl Future<Output = Result<R, ConnectError>>,
    ) -> Result<R, Stopped> {
        let TimeLimit { end, length } = self.limit;
        let address = || self.address.clone();
        let failure = match timeout_at(end, action).await {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(error @ (ConnectError::Open(_) | ConnectError::Step { .. }))) => Failure::Open {
                address: address(),
                error,
            },
            Ok(Err(error)) => Failure::Connect(error),
            Err(_) => Failure::Timeout {
                address: address(),
                step: step.to_owned(),
                limit: length,
            },
        };
        Err(Stopped::Failure(failure))
    }
}

fn without_transport(candidate: &Candidate) -> SafeText {
    let address = candidate.to_string();
    match (candidate, address.split_once(':')) {
        (Candidate::Embedded, _) => SafeText::new("within this process"),
        (_, Some((_, address))) => SafeText::new(address),
        (_, None) => SafeText::new(address),
    }
}
