//! Opening a connection: a loop over the machine of `virt-remote`.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use virt_remote::{Credentials, OpenOptions, Opening, OpeningCall, PROGRAM, Phase, Step};
use virt_transport::ReplyError;

use crate::connection::request::Request;
use crate::secure::Secured;
use crate::{CallError, Client, ConnectError, KeepAliveMode, debug};

/// The time that is left for the answers of a daemon, without the time that it asks a person.
#[derive(Debug)]
pub(crate) struct TimeLeft(Duration);

impl Client {
    /// Authenticates, negotiates keepalive, and opens the hypervisor `name`, such as `qemu:///system`. For an empty name
    /// the daemon chooses.
    ///
    /// [`connect`](crate::connect) includes this. It is for connections made by [`Client::over_stream`] or
    /// [`Client::over_unix`]. The daemon has to answer within [`Options::connect_timeout`] in all, and where it asks a
    /// person, within [`Options::interactive_timeout`] more.
    ///
    /// Not cancel-safe: if the future is dropped, the connection is half open, and should be closed.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Open`], [`ConnectError::Step`].
    ///
    /// [`Options::connect_timeout`]: crate::Options::connect_timeout
    /// [`Options::interactive_timeout`]: crate::Options::interactive_timeout
    pub async fn open(&self, name: &str) -> Result<(), ConnectError> {
        let mut left = TimeLeft(self.shared.preferences.connect_timeout);
        self.open_within(name, &mut left).await
    }

    /// Makes the machine that [`open`](Self::open) drives, for [`advance`](Self::advance).
    #[must_use]
    pub fn opening(&self, name: &str) -> Opening {
        Opening::new(OpenOptions {
            name: Some(name.to_owned()),
            read_only: self.shared.preferences.read_only,
            keepalive: self.keepalive() != KeepAliveMode::Off,
            ..OpenOptions::default()
        })
    }

    /// Drives an opening until its phase is over, and returns the next phase; [`Phase::Done`] means that the connection
    /// is open.
    ///
    /// The daemon has to answer within [`Options::connect_timeout`](crate::Options::connect_timeout) in each phase.
    ///
    /// Not cancel-safe, as [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub async fn advance(&self, opening: &mut Opening) -> Result<Phase, ConnectError> {
        let mut left = TimeLeft(self.shared.preferences.connect_timeout);
        self.advance_within(opening, &mut left).await
    }

    pub(crate) async fn open_within(
        &self,
        name: &str,
        left: &mut TimeLeft,
    ) -> Result<(), ConnectError> {
        let mut opening = self.opening(name);
        while self.advance_within(&mut opening, left).await? != Phase::Done {}
        Ok(())
    }

    async fn advance_within(
        &self,
        opening: &mut Opening,
        left: &mut TimeLeft,
    ) -> Result<Phase, ConnectError> {
        let phase = opening.phase();
        while opening.phase() == phase {
            match opening.poll()? {
                Step::Call(call) => {
                    let reply = self.opening_call(call, left).await?;
                    opening.on_reply(reply);
                }
                Step::Secure(layer) => {
                    let wrapped = self.wrap_stream(|stream| Box::new(Secured::new(stream, layer)));
                    wrapped.await.map_err(|closed| ConnectError::Step {
                        step: "security layer",
                        error: closed.into(),
                    })?;
                }
                // There is nobody to ask.
                Step::Ask(_) => opening.on_credentials(Credentials::default()),
                Step::Open(_) => break,
            }
        }
        if opening.keepalive() {
            self.start_keepalive();
        }
        if opening.phase() == Phase::Done {
            let limit = self.shared.frame_bytes as usize;
            let raised = self.with_transport(move |transport| transport.set_frame_limit(limit));
            // If the connection is closed by now, the next call says so.
            let _ = raised.await;
        }
        Ok(opening.phase())
    }

    /// Makes a call of the opening. A daemon's refusal is the reply; a connection that fails is the error.
    async fn opening_call(
        &self,
        call: &OpeningCall,
        left: &mut TimeLeft,
    ) -> Result<Result<bytes::Bytes, ReplyError>, ConnectError> {
        let step = call.name;
        debug!(step);
        let request = Request {
            program: PROGRAM,
            procedure: call.procedure,
            args: call.args.clone(),
            fds: Vec::new(),
            stream: None,
        };
        let limit = if call.interactive {
            self.shared.preferences.interactive_timeout
        } else {
            Some(left.0)
        };
        let start = Instant::now();
        let outcome = self.exchange(request, limit).await;
        if !call.interactive {
            left.spend(start);
        }
        match outcome {
            Ok(returned) => Ok(Ok(returned.payload)),
            Err(CallError::Reply(error)) => Ok(Err(error)),
            Err(error) => Err(ConnectError::Step { step, error }),
        }
    }
}

impl TimeLeft {
    pub(crate) fn new(limit: Duration) -> Self {
        Self(limit)
    }

    /// Runs `action`, and gives it up when the time is over.
    pub(crate) async fn limit<R>(&mut self, action: impl Future<Output = R>) -> Option<R> {
        let start = Instant::now();
        let result = timeout(self.0, action).await.ok();
        self.spend(start);
        result
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_zero()
    }

    fn spend(&mut self, start: Instant) {
        self.0 = self.0.saturating_sub(start.elapsed());
    }
}
