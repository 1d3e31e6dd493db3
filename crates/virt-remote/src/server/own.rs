//! The procedures that a server answers by itself, each with its access, and the state that they share.

use virt_transport::{Access, Call, Context, RemoteError};

use crate::{
    AuthListRet, AuthType, ConnectGetHostnameRet, ConnectGetTypeRet, ConnectGetUriRet,
    ConnectOpenArgs, Feature, Hypervisor, Procedure, error,
};

/// The hypervisor of one client, and the client's way to it.
pub(super) struct Own {
    pub(super) hypervisor: Box<dyn Hypervisor>,
    /// The types of authentication that are demanded; empty if none is.
    pub(super) auth: Vec<AuthType>,
    pub(super) authenticated: bool,
    /// The failed attempts to authenticate after which the connection is closed; 0 once it is. `u32::MAX` is no limit.
    pub(super) failures_left: u32,
    pub(super) on_polkit: Box<dyn FnMut() -> bool + Send>,
    /// `None` if keepalive is refused.
    pub(super) on_keepalive: Option<Box<dyn FnMut() + Send>>,
    pub(super) on_close: Box<dyn FnMut() + Send>,
    /// The hypervisor's URI, once it is open.
    pub(super) uri: Option<String>,
    pub(super) wants_close_event: bool,
    pub(super) closed: bool,
}

/// Decodes the arguments, checks that the hypervisor is open, and replies, in this order.
type Answer = fn(&mut Own, Call<'_>, &mut Context<'_>) -> Result<(), RemoteError>;

/// The table of the server's own procedures; `None` for all others.
pub(super) fn find(procedure: Procedure) -> Option<(Access, Answer)> {
    Some(match procedure {
        Procedure::AUTH_LIST => anyone(|own, call, cx| {
            let types = if own.auth.is_empty() {
                vec![AuthType::NONE]
            } else {
                own.auth.clone()
            };
            Ok(cx.reply(call.id, &AuthListRet { types })?)
        }),
        Procedure::AUTH_POLKIT => anyone(|own, call, cx| {
            let due = own.auth.contains(&AuthType::POLKIT) && !own.authenticated;
            if !due || !(own.on_polkit)() {
                return own.refuse(call, cx);
            }
            own.authenticated = true;
            cx.set_authenticated();
            // Polkit has no other result.
            Ok(cx.reply(call.id, &true)?)
        }),
        // There is no mechanism to begin with. A daemon gives no reason either.
        Procedure::AUTH_SASL_INIT | Procedure::AUTH_SASL_START | Procedure::AUTH_SASL_STEP => {
            anyone(Own::refuse)
        }
        Procedure::CONNECT_SUPPORTS_FEATURE => authenticated(|own, call, cx| {
            let supported = own.supports(call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &supported)?)
        }),
        Procedure::CONNECT_OPEN => authenticated(|own, call, cx| {
            own.open(&call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &())?)
        }),
        Procedure::CONNECT_CLOSE => authenticated(|own, call, cx| {
            own.closed = true;
            let replied = cx.reply(call.id, &());
            (own.on_close)();
            Ok(replied?)
        }),
        Procedure::CONNECT_GET_TYPE => authenticated(|own, call, cx| {
            let r#type = own.opened()?.type_name();
            Ok(cx.reply(call.id, &ConnectGetTypeRet { r#type })?)
        }),
        Procedure::CONNECT_GET_VERSION => authenticated(|own, call, cx| {
            let version = own.opened()?.version();
            Ok(cx.reply(call.id, &u64::from(version))?)
        }),
        Procedure::CONNECT_GET_LIB_VERSION => authenticated(|own, call, cx| {
            let version = own.opened()?.lib_version();
            Ok(cx.reply(call.id, &u64::from(version))?)
        }),
        Procedure::CONNECT_GET_HOSTNAME => authenticated(|own, call, cx| {
            let hostname = own.opened()?.hostname();
            Ok(cx.reply(call.id, &ConnectGetHostnameRet { hostname })?)
        }),
        Procedure::CONNECT_GET_URI => authenticated(|own, call, cx| {
            let uri = own.uri.as_deref().ok_or_else(error::not_open)?;
            Ok(cx.reply(call.id, &ConnectGetUriRet { uri })?)
        }),
        Procedure::CONNECT_REGISTER_CLOSE_CALLBACK => authenticated(|own, call, cx| {
            own.check_open()?;
            own.wants_close_event = true;
            Ok(cx.reply(call.id, &())?)
        }),
        Procedure::CONNECT_UNREGISTER_CLOSE_CALLBACK => authenticated(|own, call, cx| {
            own.check_open()?;
            own.wants_close_event = false;
            Ok(cx.reply(call.id, &())?)
        }),
        _ => return None,
    })
}

const fn anyone(answer: Answer) -> (Access, Answer) {
    (Access::Anyone, answer)
}

const fn authenticated(answer: Answer) -> (Access, Answer) {
    (Access::Authenticated, answer)
}

impl Own {
    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated || self.auth.is_empty()
    }

    /// Answers an attempt to authenticate that fails, and counts it.
    fn refuse(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        cx.reply_error(call.id, &error::authentication_failed())?;
        if self.failures_left < u32::MAX {
            self.failures_left -= 1;
        }
        if self.failures_left == 0 {
            self.closed = true;
            (self.on_close)();
        }
        Ok(())
    }

    pub(super) fn check_open(&self) -> Result<(), RemoteError> {
        if self.uri.is_some() {
            Ok(())
        } else {
            Err(error::not_open())
        }
    }

    /// The hypervisor, if it is open.
    pub(super) fn opened(&mut self) -> Result<&mut dyn Hypervisor, RemoteError> {
        self.check_open()?;
        Ok(self.hypervisor.as_mut())
    }

    fn supports(&mut self, feature: Feature) -> Result<bool, RemoteError> {
        // The only feature of the connection itself, and the only one to ask for before CONNECT_OPEN.
        if feature == Feature::KEEPALIVE {
            return Ok(self.on_keepalive.as_mut().map(|start| start()).is_some());
        }
        let hypervisor = self.opened()?;
        Ok(feature == Feature::CLOSE_CALLBACK || hypervisor.supports(feature))
    }

    fn open(&mut self, args: &ConnectOpenArgs<&str>) -> Result<(), RemoteError> {
        if self.uri.is_some() {
            return Err(error::already_open());
        }
        // An empty name is no name to a daemon.
        let name = args.name.filter(|name| !name.is_empty());
        self.uri = Some(self.hypervisor.open(name, args.flags)?);
        Ok(())
    }
}
