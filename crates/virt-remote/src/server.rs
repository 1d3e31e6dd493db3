//! The remote program as a daemon has it.

use std::fmt;

use virt_transport::{
    Call, CallId, Context, Payload, Program, ProgramError, ProgramId, RemoteError, SendError,
    Stream,
};

use crate::arguments::arguments;
use crate::{
    AuthListRet, AuthPolkitRet, AuthType, CloseReason, ConnectEventConnectionClosedMsg,
    ConnectGetHostnameRet, ConnectGetLibVersionRet, ConnectGetTypeRet, ConnectGetUriRet,
    ConnectGetVersionRet, ConnectOpenArgs, ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet,
    Feature, Hypervisor, PROGRAM, Procedure, error,
};

/// The remote program of a daemon: it authenticates a client, negotiates and opens a [`Hypervisor`].
///
/// One stands behind each connection. It answers what the [crate's documentation](crate) lists; other
/// procedures, and their streams, are up to the hypervisor.
///
/// A call is judged as libvirt's daemon does it: procedure, authentication, payload, and then whether
/// `CONNECT_OPEN` came before. Bytes that follow the arguments are ignored. Once `CONNECT_CLOSE` was
/// answered nothing else is, and the owner closes the connection: see [`is_closed`](Self::is_closed).
pub struct RemoteServer {
    hypervisor: Box<dyn Hypervisor>,
    /// What is demanded; nothing if empty.
    auth: Vec<AuthType>,
    authenticated: bool,
    on_polkit: Box<dyn FnMut() -> bool + Send>,
    /// `None` if keepalive is refused.
    on_keepalive: Option<Box<dyn FnMut() + Send>>,
    on_close: Box<dyn FnMut() + Send>,
    /// The hypervisor's URI, once it is open.
    uri: Option<String>,
    wants_close_event: bool,
    closed: bool,
}

impl RemoteServer {
    /// A server that demands no authentication.
    #[must_use]
    pub fn new(hypervisor: impl Hypervisor + 'static) -> Self {
        Self {
            hypervisor: Box::new(hypervisor),
            auth: Vec::new(),
            authenticated: false,
            on_polkit: Box::new(|| false),
            on_keepalive: Some(Box::new(|| {})),
            on_close: Box::new(|| {}),
            uri: None,
            wants_close_event: false,
            closed: false,
        }
    }

    /// The same, but one of these ways to authenticate is demanded, at most
    /// [`AUTH_TYPE_LIST_MAX`](crate::AUTH_TYPE_LIST_MAX) of them; none is demanded if the list is empty or has
    /// [`AuthType::NONE`], and then nothing else is offered.
    ///
    /// [`AuthType::POLKIT`] succeeds if [`on_polkit`](Self::on_polkit) says so. SASL is offered only: no
    /// client ever succeeds with it.
    #[must_use]
    pub fn demand_auth(mut self, auth: impl Into<Vec<AuthType>>) -> Self {
        let auth = auth.into();
        self.auth = if auth.contains(&AuthType::NONE) {
            Vec::new()
        } else {
            auth
        };
        self
    }

    /// The same, but this judges whether a client that asks for polkit may come in. Nobody may unless it is
    /// set.
    #[must_use]
    pub fn on_polkit(mut self, judge: impl FnMut() -> bool + Send + 'static) -> Self {
        self.on_polkit = Box::new(judge);
        self
    }

    /// The same, but this is called whenever the client asks for [`Feature::KEEPALIVE`]: from the first time
    /// on the server may send PINGs.
    #[must_use]
    pub fn on_keepalive(mut self, start: impl FnMut() + Send + 'static) -> Self {
        self.on_keepalive = Some(Box::new(start));
        self
    }

    /// The same, but this is called when `CONNECT_CLOSE` has been answered: the owner then writes the reply
    /// and closes the connection.
    #[must_use]
    pub fn on_close(mut self, close: impl FnMut() + Send + 'static) -> Self {
        self.on_close = Box::new(close);
        self
    }

    /// The same without [`Feature::KEEPALIVE`], as a daemon before libvirt 0.9.8 is.
    #[must_use]
    pub fn refuse_keepalive(mut self) -> Self {
        self.on_keepalive = None;
        self
    }

    /// Whether the client may call what needs authentication.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated || self.auth.is_empty()
    }

    /// Whether the hypervisor is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.uri.is_some()
    }

    /// Whether the client has said `CONNECT_CLOSE`: once the reply is written, the connection is to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Tells the client that the hypervisor is gone, if it has registered for that.
    ///
    /// # Errors
    ///
    /// Those of [`Context::message`].
    pub fn close_event(
        &mut self,
        cx: &mut Context<'_>,
        reason: CloseReason,
    ) -> Result<(), SendError> {
        if !self.wants_close_event {
            return Ok(());
        }
        cx.message(
            Procedure::CONNECT_EVENT_CONNECTION_CLOSED,
            &ConnectEventConnectionClosedMsg { reason },
        )
    }

    /// Answers a call that may be answered, if it is none of the hypervisor's own.
    fn answer(
        &mut self,
        id: CallId,
        payload: &Payload<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), RemoteError> {
        let answered = match Procedure(id.procedure()) {
            Procedure::AUTH_LIST => cx.reply(id, &self.auth_list()),
            Procedure::AUTH_POLKIT => {
                let complete = self.polkit()?;
                cx.reply(id, &AuthPolkitRet { complete })
            }
            Procedure::CONNECT_SUPPORTS_FEATURE => {
                let ConnectSupportsFeatureArgs { feature } = arguments(payload)?;
                let supported = self.supports(feature)?.into();
                cx.reply(id, &ConnectSupportsFeatureRet { supported })
            }
            Procedure::CONNECT_OPEN => {
                self.open(&arguments(payload)?)?;
                cx.reply(id, &())
            }
            Procedure::CONNECT_CLOSE => {
                self.closed = true;
                let answered = cx.reply(id, &());
                (self.on_close)();
                answered
            }
            Procedure::CONNECT_GET_TYPE => {
                let r#type = self.opened()?.type_name();
                cx.reply(id, &ConnectGetTypeRet { r#type })
            }
            Procedure::CONNECT_GET_VERSION => {
                let hv_ver = self.opened()?.version().into();
                cx.reply(id, &ConnectGetVersionRet { hv_ver })
            }
            Procedure::CONNECT_GET_LIB_VERSION => {
                let lib_ver = self.opened()?.lib_version().into();
                cx.reply(id, &ConnectGetLibVersionRet { lib_ver })
            }
            Procedure::CONNECT_GET_HOSTNAME => {
                let hostname = self.opened()?.hostname();
                cx.reply(id, &ConnectGetHostnameRet { hostname })
            }
            Procedure::CONNECT_GET_URI => {
                let uri = self.uri.as_deref().ok_or_else(error::not_open)?;
                cx.reply(id, &ConnectGetUriRet { uri })
            }
            Procedure::CONNECT_REGISTER_CLOSE_CALLBACK => {
                self.want_close_event(true)?;
                cx.reply(id, &())
            }
            Procedure::CONNECT_UNREGISTER_CLOSE_CALLBACK => {
                self.want_close_event(false)?;
                cx.reply(id, &())
            }
            // There is no mechanism to begin with, and a daemon does not say more either.
            Procedure::AUTH_SASL_INIT | Procedure::AUTH_SASL_START | Procedure::AUTH_SASL_STEP => {
                return Err(error::authentication_failed());
            }
            Procedure(unknown) => return Err(RemoteError::unknown_procedure(unknown)),
        };
        Ok(answered?)
    }

    fn auth_list(&self) -> AuthListRet {
        let types = if self.auth.is_empty() {
            vec![AuthType::NONE]
        } else {
            self.auth.clone()
        };
        AuthListRet { types }
    }

    /// Returns 1: there is no other good answer.
    fn polkit(&mut self) -> Result<i32, RemoteError> {
        let due = self.auth.contains(&AuthType::POLKIT) && !self.authenticated;
        if !due || !(self.on_polkit)() {
            return Err(error::authentication_failed());
        }
        self.authenticated = true;
        Ok(1)
    }

    fn supports(&mut self, feature: Feature) -> Result<bool, RemoteError> {
        // The one feature of the connection, so the one that can be asked for before it is open.
        if feature == Feature::KEEPALIVE {
            return Ok(self.on_keepalive.as_mut().map(|start| start()).is_some());
        }
        let hypervisor = self.opened()?;
        Ok(feature == Feature::CLOSE_CALLBACK || hypervisor.supports(feature))
    }

    fn open(&mut self, args: &ConnectOpenArgs<&str>) -> Result<(), RemoteError> {
        if self.is_open() {
            return Err(error::already_open());
        }
        // An empty name is none, as to a daemon.
        let name = args.name.filter(|name| !name.is_empty());
        self.uri = Some(self.hypervisor.open(name, args.flags)?);
        Ok(())
    }

    fn opened(&mut self) -> Result<&mut dyn Hypervisor, RemoteError> {
        if self.is_open() {
            Ok(self.hypervisor.as_mut())
        } else {
            Err(error::not_open())
        }
    }

    fn want_close_event(&mut self, wanted: bool) -> Result<(), RemoteError> {
        self.opened()?;
        self.wants_close_event = wanted;
        Ok(())
    }
}

impl Program for RemoteServer {
    fn id(&self) -> ProgramId {
        PROGRAM
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if self.closed {
            return Ok(());
        }
        let procedure = Procedure(call.id.procedure());
        let own = Access::of(procedure);
        if own.is_none() && !self.hypervisor.serves(procedure) {
            return Err(RemoteError::unknown_procedure(procedure.0));
        }
        if own != Some(Access::Anyone) && !self.is_authenticated() {
            return Err(RemoteError::authentication_required());
        }
        if own.is_some() {
            self.answer(call.id, &call.payload, cx)
        } else {
            self.opened()?.on_call(call, cx)
        }
    }

    fn on_stream(&mut self, stream: Stream<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        // A stream of the hypervisor's own implies that it is open, but the owner may have opened this one.
        if self.closed || !self.is_open() {
            return Err(ProgramError::Unexpected);
        }
        self.hypervisor.on_stream(stream, cx)
    }
}

impl fmt::Debug for RemoteServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteServer")
            .field("auth", &self.auth)
            .field("authenticated", &self.authenticated)
            .field("uri", &self.uri)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Who may call a procedure that the server answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Anyone,
    Authenticated,
}

impl Access {
    /// `None` if the server does not answer it by itself.
    fn of(procedure: Procedure) -> Option<Self> {
        match procedure {
            Procedure::AUTH_LIST
            | Procedure::AUTH_SASL_INIT
            | Procedure::AUTH_SASL_START
            | Procedure::AUTH_SASL_STEP
            | Procedure::AUTH_POLKIT => Some(Self::Anyone),
            Procedure::CONNECT_OPEN
            | Procedure::CONNECT_CLOSE
            | Procedure::CONNECT_GET_TYPE
            | Procedure::CONNECT_GET_VERSION
            | Procedure::CONNECT_GET_LIB_VERSION
            | Procedure::CONNECT_GET_HOSTNAME
            | Procedure::CONNECT_GET_URI
            | Procedure::CONNECT_SUPPORTS_FEATURE
            | Procedure::CONNECT_REGISTER_CLOSE_CALLBACK
            | Procedure::CONNECT_UNREGISTER_CLOSE_CALLBACK => Some(Self::Authenticated),
            _ => None,
        }
    }
}
