//! Authentication by polkit: one call, during which the daemon may ask a person.

use virt_transport::{CallProcedure, ReplyError};
use virt_xdr::from_slice_lenient;

use super::{AuthAction, AuthError, Authenticator, OpeningCall};
use crate::{AuthPolkit, AuthType};

#[derive(Debug)]
pub(super) struct Polkit;

impl Authenticator for Polkit {
    fn auth_type(&self) -> AuthType {
        AuthType::POLKIT
    }

    fn start(&mut self) -> Result<AuthAction, AuthError> {
        let call = OpeningCall::new::<AuthPolkit>(&())?;
        Ok(AuthAction::Call(call.interactive()))
    }

    fn on_reply(&mut self, reply: Result<&[u8], ReplyError>) -> Result<AuthAction, AuthError> {
        let complete: <AuthPolkit as CallProcedure>::Ret =
            from_slice_lenient(reply?).map_err(ReplyError::from)?;
        if !complete {
            return Err(AuthError::Incomplete);
        }
        Ok(AuthAction::Done(None))
    }
}
