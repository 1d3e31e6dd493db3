//! The contract of a way to authenticate.

use virt_transport::ReplyError;

use super::{AuthError, Credentials, OpeningCall, Prompt, SecurityLayer};
use crate::AuthType;

/// A way to authenticate, as a machine within [`Opening`](crate::Opening): each input returns the next action.
///
/// It is used for one attempt. The number of its calls is limited to 32.
pub trait Authenticator: Send {
    /// The type under which a daemon lists it.
    fn auth_type(&self) -> AuthType;

    /// Begins the exchange.
    ///
    /// # Errors
    ///
    /// The exchange cannot begin.
    fn start(&mut self) -> Result<AuthAction, AuthError>;

    /// Takes the reply to the last [`AuthAction::Call`], and goes on. Bytes after the result are to be ignored.
    ///
    /// # Errors
    ///
    /// The authentication failed. After a refusal an authenticator may also go on with other credentials.
    fn on_reply(&mut self, reply: Result<&[u8], ReplyError>) -> Result<AuthAction, AuthError>;

    /// Takes the credentials that [`AuthAction::Ask`] asked for, and goes on.
    ///
    /// The default is for an authenticator that never asks.
    ///
    /// # Errors
    ///
    /// The credentials do not suffice.
    fn on_credentials(&mut self, credentials: Credentials) -> Result<AuthAction, AuthError> {
        let _ = credentials;
        Err(AuthError::mechanism("no credentials were asked for"))
    }
}

/// The next action of an [`Authenticator`].
#[derive(Debug)]
pub enum AuthAction {
    /// Make a call.
    Call(OpeningCall),
    /// Ask for credentials.
    Ask(Prompt),
    /// The client is authenticated. The layer, if there is one, protects all that follows.
    Done(Option<Box<dyn SecurityLayer>>),
}
