//! The remote program of a daemon: its settings, and the dispatch of calls.

mod handler;
mod own;

use std::collections::BTreeMap;
use std::fmt;

use virt_transport::{
    Access, Call, CallProcedure, Context, Program, ProgramError, ProgramId, RemoteError, SendError,
    StreamFrame,
};

use crate::constants::ConnectCloseReason;
use crate::{AuthType, ConnectEventConnectionClosedMsg, Hypervisor, PROGRAM, Procedure};

use handler::{Added, Raw, Typed};
use own::Own;

pub use handler::CallHandler;

/// The remote program of a daemon: it authenticates a client, negotiates and opens a [`Hypervisor`].
///
/// Each connection has one of its own. It answers the procedures in the table of the
/// [crate's documentation](crate), and those added by [`serve`](Self::serve). All others, and their streams, go
/// to the hypervisor.
///
/// Calls are judged in the order of libvirt's daemon: procedure, authentication, payload, and then whether
/// `CONNECT_OPEN` came before. Trailing bytes after the arguments are ignored. After the reply to
/// `CONNECT_CLOSE` nothing is answered, and the owner closes the connection: see
/// [`is_closed`](Self::is_closed).
///
/// # Examples
///
/// The mock hypervisor, with one procedure more than it has:
///
/// ```
/// use virt_remote::{PROGRAM, Procedure, RemoteServer, TestHypervisor};
/// use virt_transport::{CallProcedure, ProgramId};
///
/// struct ConnectGetMaxVcpus;
///
/// impl CallProcedure for ConnectGetMaxVcpus {
///     const PROGRAM: ProgramId = PROGRAM;
///     const NUMBER: i32 = Procedure::CONNECT_GET_MAX_VCPUS.0;
///     const NAME: &'static str = "CONNECT_GET_MAX_VCPUS";
///     /// The type of the hypervisor.
///     type Args<'a> = Option<&'a str>;
///     type Ret = i32;
/// }
///
/// let server = RemoteServer::new(TestHypervisor::default())
///     .serve::<ConnectGetMaxVcpus>(|r#type, _| Ok(if r#type == Some("test") { 32 } else { 16 }));
/// ```
pub struct RemoteServer {
    own: Own,
    added: BTreeMap<i32, Box<dyn Added>>,
}

impl RemoteServer {
    /// The default limit of failed attempts to authenticate.
    pub const AUTHENTICATION_FAILURES: u32 = 8;

    /// Creates a server that demands no authentication.
    #[must_use]
    pub fn new(hypervisor: impl Hypervisor + 'static) -> Self {
        Self {
            own: Own {
                hypervisor: Box::new(hypervisor),
                auth: Vec::new(),
                authenticated: false,
                failures_left: Self::AUTHENTICATION_FAILURES,
                on_polkit: Box::new(|| false),
                on_keepalive: Some(Box::new(|| {})),
                on_close: Box::new(|| {}),
                uri: None,
                wants_close_event: false,
                closed: false,
            },
            added: BTreeMap::new(),
        }
    }

    /// Demands one of these ways to authenticate, at most
    /// [`AUTH_TYPE_LIST_MAX`](crate::AUTH_TYPE_LIST_MAX) of them. An empty list, or one with
    /// [`AuthType::NONE`], demands none and offers nothing else.
    ///
    /// [`AuthType::POLKIT`] succeeds if [`on_polkit`](Self::on_polkit) says so. SASL is offered only: no
    /// client ever succeeds with it.
    #[must_use]
    pub fn demand_auth(mut self, auth: impl Into<Vec<AuthType>>) -> Self {
        let auth = auth.into();
        self.own.auth = if auth.contains(&AuthType::NONE) {
            Vec::new()
        } else {
            auth
        };
        self
    }

    /// Sets the judge of clients that ask for polkit: `true` authenticates the client. By default none is.
    #[must_use]
    pub fn on_polkit(mut self, judge: impl FnMut() -> bool + Send + 'static) -> Self {
        self.own.on_polkit = Box::new(judge);
        self
    }

    /// Sets the number of failed attempts to authenticate at which the connection is closed, as after
    /// `CONNECT_CLOSE`: the last one is answered, and [`on_close`](Self::on_close) is called. The default is
    /// [`AUTHENTICATION_FAILURES`](Self::AUTHENTICATION_FAILURES). 0 is treated as 1; `u32::MAX` turns it off.
    #[must_use]
    pub fn authentication_failures(mut self, limit: u32) -> Self {
        self.own.failures_left = limit.max(1);
        self
    }

    /// Sets a function to call whenever the client asks for [`Feature::KEEPALIVE`](crate::Feature::KEEPALIVE):
    /// from the first time on the server may send PINGs.
    #[must_use]
    pub fn on_keepalive(mut self, start: impl FnMut() + Send + 'static) -> Self {
        self.own.on_keepalive = Some(Box::new(start));
        self
    }

    /// Sets a function to call after the reply to `CONNECT_CLOSE`, and to the last
    /// [attempt to authenticate](Self::authentication_failures): the owner then writes the reply and closes the
    /// connection.
    #[must_use]
    pub fn on_close(mut self, close: impl FnMut() + Send + 'static) -> Self {
        self.own.on_close = Box::new(close);
        self
    }

    /// Removes [`Feature::KEEPALIVE`](crate::Feature::KEEPALIVE), which daemons before libvirt 0.9.8 lack.
    #[must_use]
    pub fn refuse_keepalive(mut self) -> Self {
        self.own.on_keepalive = None;
        self
    }

    /// Adds a procedure that replies at once. It replaces one of the hypervisor, or one that was added before.
    ///
    /// The closure is called with decoded arguments, and only once the hypervisor is open. An error is sent as
    /// the reply. Events are sent through the [`Context`].
    ///
    /// A procedure of another program does not compile:
    ///
    /// ```compile_fail
    /// # use virt_remote::{RemoteServer, TestHypervisor};
    /// # use virt_transport::{CallProcedure, ProgramId};
    /// struct Foreign;
    ///
    /// impl CallProcedure for Foreign {
    ///     const PROGRAM: ProgramId = ProgramId::new(0x2000_4242, 1);
    /// #   const NUMBER: i32 = 5;
    /// #   const NAME: &'static str = "FOREIGN";
    /// #   type Args<'a> = ();
    /// #   type Ret = ();
    ///     // ..
    /// }
    ///
    /// let server = RemoteServer::new(TestHypervisor::default()).serve::<Foreign>(|(), _| Ok(()));
    /// ```
    ///
    /// # Panics
    ///
    /// If the server answers the procedure by itself.
    #[must_use]
    pub fn serve<P: CallProcedure + 'static>(
        self,
        answer: impl FnMut(P::Args<'_>, &mut Context<'_>) -> Result<P::Ret, RemoteError>
        + Send
        + 'static,
    ) -> Self {
        self.add(P::NUMBER, Typed::<P, _>::new(answer))
    }

    /// Adds a procedure as [`serve`](Self::serve) does, with a handler that has the whole [`Call`]: to take
    /// descriptors, open a stream, or reply later.
    ///
    /// # Panics
    ///
    /// If the server answers the procedure by itself.
    #[must_use]
    pub fn serve_raw(self, procedure: impl Into<i32>, handler: impl CallHandler + 'static) -> Self {
        self.add(procedure.into(), Raw(handler))
    }

    /// Returns `true` if the client may call procedures that need authentication.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.own.is_authenticated()
    }

    /// Returns `true` once the hypervisor is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.own.uri.is_some()
    }

    /// Returns `true` once the client has sent `CONNECT_CLOSE`, or failed to authenticate too often. Close the
    /// connection when the reply is written.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.own.closed
    }

    /// Sends the event that the hypervisor is gone, if the client has registered for it.
    ///
    /// # Errors
    ///
    /// Those of [`Context::message`].
    pub fn close_event(
        &mut self,
        cx: &mut Context<'_>,
        reason: ConnectCloseReason,
    ) -> Result<(), SendError> {
        if !self.own.wants_close_event {
            return Ok(());
        }
        cx.message(
            Procedure::CONNECT_EVENT_CONNECTION_CLOSED,
            &ConnectEventConnectionClosedMsg { reason },
        )
    }

    fn add(mut self, procedure: i32, added: impl Added + 'static) -> Self {
        let own = own::find(Procedure(procedure));
        assert!(own.is_none(), "procedure {procedure} is the server's own");
        self.added.insert(procedure, Box::new(added));
        self
    }
}

impl Program for RemoteServer {
    fn id(&self) -> ProgramId {
        PROGRAM
    }

    fn requires_authentication(&self) -> bool {
        !self.is_authenticated()
    }

    fn access(&self, procedure: i32) -> Option<Access> {
        let procedure = Procedure(procedure);
        if let Some((access, _)) = own::find(procedure) {
            return Some(access);
        }
        let served = self.added.contains_key(&procedure.0) || self.own.hypervisor.serves(procedure);
        served.then_some(Access::Authenticated)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if self.own.closed {
            return Ok(());
        }
        let procedure = Procedure(call.id.procedure());
        if self.access(procedure.0).is_none() {
            return Err(RemoteError::unknown_procedure(procedure.0));
        }
        if let Some((_, answer)) = own::find(procedure) {
            answer(&mut self.own, call, cx)
        } else if let Some(added) = self.added.get_mut(&procedure.0) {
            added.on_call(call, self.own.check_open(), cx)
        } else {
            self.own.opened()?.on_call(call, cx)
        }
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        // A handler can open a stream only after CONNECT_OPEN, the owner of the transport at any time.
        if self.own.closed || !self.is_open() {
            return Err(ProgramError::Unexpected);
        }
        match self.added.get_mut(&stream.id.procedure) {
            Some(added) => added.on_stream(stream, cx),
            None => self.own.hypervisor.on_stream(stream, cx),
        }
    }
}

impl fmt::Debug for RemoteServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteServer")
            .field("auth", &self.own.auth)
            .field("authenticated", &self.own.authenticated)
            .field("uri", &self.own.uri)
            .field("closed", &self.own.closed)
            .finish_non_exhaustive()
    }
}
