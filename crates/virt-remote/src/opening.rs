//! The machine that opens a connection: the order of its calls, and nothing of how they are sent.

mod authenticator;
mod credentials;
mod error;
mod exchange;
mod polkit;
mod security_layer;
mod step;

use std::fmt;

use virt_transport::{CallProcedure, ReplyError};
use virt_xdr::from_slice_lenient;

use crate::constants::ConnectFlags;
use crate::{
    AuthList, AuthListRet, AuthType, ConnectOpen, ConnectOpenArgs, ConnectSupportsFeature, Feature,
};

use exchange::Exchange;
use polkit::Polkit;

pub use authenticator::{AuthAction, Authenticator};
pub use credentials::{CredentialField, CredentialKind, Credentials, Prompt};
pub use error::{AuthError, OpenError};
pub use security_layer::SecurityLayer;
pub use step::{Opened, OpeningCall, Phase, Step};

/// Options for [`Opening`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// The URI for `CONNECT_OPEN`, such as `qemu:///system`, without the parts that say how to reach the
    /// daemon. For `None` and an empty name the daemon chooses.
    pub name: Option<String>,
    /// Opens a connection that can only read.
    pub read_only: bool,
    /// Asks the daemon for keepalive; `true` by default. Without it neither end may send PINGs.
    pub keepalive: bool,
    /// The only authentication to accept, as the parameter `auth` of a URI has it. By default the machine
    /// takes the first that the daemon offers and that is supported.
    pub auth: Option<AuthType>,
}

impl OpenOptions {
    /// Makes the default options for a hypervisor, such as `qemu:///system`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            name: None,
            read_only: false,
            keepalive: true,
            auth: None,
        }
    }
}

/// Opens a connection without doing I/O: authenticates, asks for keepalive, and sends `CONNECT_OPEN`.
///
/// [`poll`](Self::poll) returns the step that is due. The owner carries it out and feeds its result back;
/// then the next step is due. [`phase`](Self::phase) tells how far the machine has come, so that an owner can
/// time each part, or stop after one.
///
/// | phase | calls |
/// |---|---|
/// | [`Phase::Authenticate`] | `AUTH_LIST`, always: a daemon waives polkit only for a client that asked. Then the calls of one [`Authenticator`], unless none is needed |
/// | [`Phase::Negotiate`] | `CONNECT_SUPPORTS_FEATURE` with keepalive, if [`OpenOptions::keepalive`] is set. A refusal is not an error |
/// | [`Phase::Open`] | `CONNECT_OPEN` |
///
/// Polkit is built in; [`with_authenticator`](Self::with_authenticator) adds others. No authentication is
/// needed if the daemon lists none or [`AuthType::NONE`], or does not know `AUTH_LIST`.
///
/// > The calling contract: poll after creation and after each result that was fed back. Before the end of
/// > [`Phase::Authenticate`] make no other calls and send no PINGs: the byte after the last reply may be the first
/// > of a security layer. Time limits are the owner's.
///
/// # Examples
///
/// A driver is a loop. This one has a function for a daemon:
///
/// ```
/// use virt_remote::{OpenError, OpenOptions, Opened, Opening, Phase, Step};
/// use virt_transport::ReplyError;
///
/// /// Sends a call of the remote program, and waits for the payload of its reply.
/// fn call(procedure: i32, args: &[u8]) -> Result<Vec<u8>, ReplyError> {
///     Ok(match (procedure, args) {
///         (66, []) => vec![0, 0, 0, 1, 0, 0, 0, 0],
///         (60, [0, 0, 0, 10]) => vec![0, 0, 0, 1],
///         _ => Vec::new(),
///     })
/// }
///
/// fn open(options: OpenOptions) -> Result<Opened, OpenError> {
///     let mut opening = Opening::new(options);
///     loop {
///         match opening.poll()? {
///             Step::Call(request) => {
///                 let reply = call(request.procedure, &request.args);
///                 opening.on_reply(reply);
///             }
///             // Here the socket is wrapped, or a person is asked.
///             Step::Secure(_) | Step::Ask(_) => unreachable!("polkit takes neither"),
///             Step::Open(opened) => return Ok(opened),
///         }
///     }
/// }
///
/// let name = Some("test:///default".to_owned());
/// let opened = open(OpenOptions { name, ..OpenOptions::default() })?;
/// assert!(opened.keepalive);
/// # Ok::<(), OpenError>(())
/// ```
pub struct Opening {
    options: OpenOptions,
    /// Those to choose from, by precedence.
    authenticators: Vec<Box<dyn Authenticator>>,
    /// The types that the daemon has listed.
    offered: AuthListRet,
    exchange: Option<Exchange>,
    /// A layer that the owner has yet to take. The next step is due only then.
    layer: Option<Box<dyn SecurityLayer>>,
    /// The result so far.
    opened: Opened,
    phase: Phase,
    /// The name of the last call.
    step: &'static str,
    state: State,
}

/// The result that the machine waits for, or its end.
#[derive(Debug)]
enum State {
    Reply(OpeningCall),
    Credentials(Prompt),
    Open,
    Failed(OpenError),
}

impl Opening {
    /// Creates a machine for a connection that is not open.
    #[must_use]
    pub fn new(options: OpenOptions) -> Self {
        let mut opening = Self {
            options,
            authenticators: vec![Box::new(Polkit)],
            offered: AuthListRet { types: Vec::new() },
            exchange: None,
            layer: None,
            opened: Opened {
                authenticated_by: AuthType::NONE,
                keepalive: false,
            },
            phase: Phase::Authenticate,
            step: AuthList::NAME,
            state: State::Open,
        };
        let first = opening.call::<AuthList>(&());
        opening.enter(first);
        opening
    }

    /// Adds a way to authenticate. It replaces one of the same type that was added before, or is built in.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: impl Authenticator + 'static) -> Self {
        self.authenticators.insert(0, Box::new(authenticator));
        self
    }

    /// The part of opening that is under way, or in which it failed.
    #[must_use]
    pub fn phase(&self) -> Phase {
        // The layer ends the authentication.
        if self.layer.is_some() {
            return Phase::Authenticate;
        }
        self.phase
    }

    /// Returns `true` once keepalive was agreed on, at the end of [`Phase::Negotiate`].
    ///
    /// From then on either end may send PINGs. Begin before `CONNECT_OPEN` is answered, which may take long.
    #[must_use]
    pub fn keepalive(&self) -> bool {
        self.opened.keepalive
    }

    /// Returns the step that is due.
    ///
    /// It stays due until its result is fed back, so poll again only then. [`Step::Secure`] has no result: it is
    /// returned once, and the next poll returns the step after it.
    ///
    /// # Errors
    ///
    /// The connection cannot be opened. The error sticks. If it is a refusal, the connection itself still works,
    /// and a new machine may try again on it.
    pub fn poll(&mut self) -> Result<Step<'_>, OpenError> {
        if let Some(layer) = self.layer.take() {
            return Ok(Step::Secure(layer));
        }
        match &self.state {
            State::Reply(call) => Ok(Step::Call(call)),
            State::Credentials(prompt) => Ok(Step::Ask(prompt)),
            State::Open => Ok(Step::Open(self.opened)),
            State::Failed(error) => Err(error.clone()),
        }
    }

    /// Takes the reply to [`Step::Call`]: the payload of one with status ok, else the error.
    ///
    /// [`poll`](Self::poll) returns a failure, [`OpenError::OutOfOrder`] if no call is due.
    pub fn on_reply(&mut self, reply: Result<impl AsRef<[u8]>, ReplyError>) {
        let next = match (&self.state, reply) {
            (State::Failed(_), _) => return,
            (State::Reply(_), reply) if self.layer.is_none() => match reply {
                Ok(payload) => self.judge(Ok(payload.as_ref())),
                Err(error) => self.judge(Err(error)),
            },
            _ => Err(self.out_of_order("reply")),
        };
        self.enter(next);
    }

    /// Takes the credentials that [`Step::Ask`] asks for. A field that is left out is declined.
    ///
    /// [`poll`](Self::poll) returns a failure, [`OpenError::OutOfOrder`] if no credentials are asked for.
    pub fn on_credentials(&mut self, credentials: Credentials) {
        let next = match (&self.state, &mut self.exchange) {
            (State::Failed(_), _) => return,
            (State::Credentials(_), Some(exchange)) => {
                let action = exchange.on_credentials(credentials);
                self.act(action)
            }
            _ => Err(self.out_of_order("credentials")),
        };
        self.enter(next);
    }

    fn enter(&mut self, next: Result<State, OpenError>) {
        self.state = next.unwrap_or_else(State::Failed);
        if let State::Reply(call) = &self.state {
            self.step = call.name;
        }
    }

    fn judge(&mut self, reply: Result<&[u8], ReplyError>) -> Result<State, OpenError> {
        match (self.phase, &mut self.exchange) {
            (Phase::Authenticate, None) => self.on_auth_list(reply),
            (Phase::Authenticate, Some(exchange)) => {
                let action = exchange.on_reply(reply);
                self.act(action)
            }
            (Phase::Negotiate, _) => self.on_feature(reply),
            (Phase::Open | Phase::Done, _) => {
                reply.map_err(|error| self.refused(error))?;
                self.phase = Phase::Done;
                Ok(State::Open)
            }
        }
    }

    fn on_auth_list(&mut self, reply: Result<&[u8], ReplyError>) -> Result<State, OpenError> {
        self.offered = match reply {
            Err(ReplyError::Remote(error)) if error.is_unsupported() => {
                return self.negotiate();
            }
            reply => self.returned::<AuthList>(reply)?,
        };
        let (offered, requested) = (&self.offered.types, self.options.auth);
        let exchange = Exchange::choose(offered, requested, &mut self.authenticators);
        let Some(mut exchange) = exchange.map_err(|error| self.unauthenticated(error))? else {
            return self.negotiate();
        };
        self.opened.authenticated_by = exchange.auth_type();
        let action = exchange.start();
        self.exchange = Some(exchange);
        self.act(action)
    }

    /// Enters the state for the next action of an authenticator.
    fn act(&mut self, action: Result<AuthAction, AuthError>) -> Result<State, OpenError> {
        match action.map_err(|error| self.unauthenticated(error))? {
            AuthAction::Call(call) => Ok(State::Reply(call)),
            AuthAction::Ask(prompt) => Ok(State::Credentials(prompt)),
            AuthAction::Done(layer) => {
                self.layer = layer;
                self.negotiate()
            }
        }
    }

    fn negotiate(&mut self) -> Result<State, OpenError> {
        if !self.options.keepalive {
            return self.open();
        }
        self.phase = Phase::Negotiate;
        let feature = Feature::KEEPALIVE;
        self.call::<ConnectSupportsFeature>(&feature)
    }

    fn on_feature(&mut self, reply: Result<&[u8], ReplyError>) -> Result<State, OpenError> {
        self.opened.keepalive = match reply {
            // A daemon without keepalive may know nothing of the procedure, or refuse it before CONNECT_OPEN.
            Err(ReplyError::Remote(_)) => false,
            reply => self.returned::<ConnectSupportsFeature>(reply)?,
        };
        self.open()
    }

    fn open(&mut self) -> Result<State, OpenError> {
        self.phase = Phase::Open;
        let name = self.options.name.as_deref();
        let flags = match self.options.read_only {
            true => ConnectFlags::RO,
            false => ConnectFlags::default(),
        };
        self.call::<ConnectOpen>(&ConnectOpenArgs { name, flags })
    }

    fn call<P: CallProcedure>(&self, args: &P::Args<'_>) -> Result<State, OpenError> {
        let call = OpeningCall::new::<P>(args);
        call.map(State::Reply).map_err(|error| OpenError::Encode {
            step: P::NAME,
            error,
        })
    }

    fn returned<P: CallProcedure>(
        &self,
        reply: Result<&[u8], ReplyError>,
    ) -> Result<P::Ret, OpenError> {
        let ret = reply.and_then(|payload| Ok(from_slice_lenient(payload)?));
        ret.map_err(|error| self.refused(error))
    }

    fn refused(&self, error: ReplyError) -> OpenError {
        let step = self.step;
        OpenError::Call { step, error }
    }

    fn unauthenticated(&self, error: AuthError) -> OpenError {
        OpenError::Authentication {
            step: self.step,
            offered: self.offered.clone(),
            error,
        }
    }

    fn out_of_order(&self, fed: &'static str) -> OpenError {
        let step = self.step;
        OpenError::OutOfOrder { step, fed }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("options", &self.options)
            .field("phase", &self.phase())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
