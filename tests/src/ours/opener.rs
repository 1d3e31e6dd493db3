//! A daemon's half of the remote program: the procedures that open a connection.

use virt_transport::{
    Call, Context, ErrorCode, ErrorPayload, ErrorSource, Payload, Program, ProgramError, ProgramId,
    RemoteError, Stream,
};
use virt_xdr::{Decode, DecodeError, Decoder, STRING_MAX};

use super::volumes::{DOWNLOAD, UPLOAD, Volumes};

pub(super) const REMOTE: ProgramId = ProgramId::new(0x2000_8086, 1);
pub(super) const HOSTNAME: i32 = 59;

const OPEN: i32 = 1;
const CLOSE: i32 = 2;
const SUPPORTS_FEATURE: i32 = 60;
const AUTH_LIST: i32 = 66;
const URI: i32 = 110;

const KEEPALIVE: i32 = 10;
const NO_AUTH: i32 = 0;
const SASL: i32 = 1;

/// Answers what a client asks before it works with a hypervisor, of which there is none.
#[derive(Debug)]
pub(super) struct Opener {
    demands_auth: bool,
    uri: Option<String>,
    closed: bool,
    volumes: Volumes,
}

impl Opener {
    pub(super) fn new(demands_auth: bool) -> Self {
        Self {
            demands_auth,
            uri: None,
            closed: false,
            volumes: Volumes::default(),
        }
    }

    /// Whether the client has asked for the end.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    fn open(&mut self, payload: &Payload<'_>) -> Result<(), RemoteError> {
        let mut input = Decoder::new(payload.as_slice());
        let name = input.optional(|input| input.string(STRING_MAX))?;
        u32::decode(&mut input)?;
        if self.uri.is_some() {
            return Err(internal("connection already open"));
        }
        self.uri = Some(name.unwrap_or_default().to_owned());
        Ok(())
    }

    fn opened(&self) -> Result<&str, RemoteError> {
        let not_open = || internal("hypervisor connection not open");
        self.uri.as_deref().ok_or_else(not_open)
    }
}

impl Program for Opener {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if matches!(call.id.procedure(), UPLOAD | DOWNLOAD) && self.uri.is_some() {
            return self.volumes.on_call(call, cx);
        }
        let Call { id, payload, .. } = call;
        // The order is the daemon's: procedure, authentication, payload.
        match id.procedure() {
            AUTH_LIST => {
                let kind = if self.demands_auth { SASL } else { NO_AUTH };
                cx.reply(id, &vec![kind])?;
            }
            OPEN | CLOSE | HOSTNAME | SUPPORTS_FEATURE | URI if self.demands_auth => {
                return Err(RemoteError::authentication_required());
            }
            OPEN => {
                self.open(&payload)?;
                cx.reply(id, &())?;
            }
            CLOSE => {
                self.closed = true;
                cx.reply(id, &())?;
            }
            SUPPORTS_FEATURE => {
                let feature: i32 = first(&payload)?;
                if feature != KEEPALIVE {
                    self.opened()?;
                }
                cx.reply(id, &(feature == KEEPALIVE))?;
            }
            HOSTNAME => {
                self.opened()?;
                cx.reply(id, &"ours")?;
            }
            URI => cx.reply(id, &self.opened()?)?,
            unknown => return Err(RemoteError::unknown_procedure(unknown)),
        }
        Ok(())
    }

    fn on_stream(&mut self, stream: Stream<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        self.volumes.on_stream(stream, cx)
    }
}

/// The value a payload begins with: neither end of libvirt looks at what follows.
pub(super) fn first<'p, T: Decode<'p>>(payload: &'p Payload<'_>) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::new(payload.as_slice()))
}

/// An error as a daemon's procedures make it, with a text in front.
fn internal(message: &str) -> RemoteError {
    let code = ErrorCode::INTERNAL_ERROR;
    let error = RemoteError::new(code, ErrorSource::RPC, format!("internal error: {message}"));
    RemoteError::from(ErrorPayload {
        str1: Some("internal error: %s".to_owned()),
        str2: Some(message.to_owned()),
        ..error.payload().clone()
    })
}
