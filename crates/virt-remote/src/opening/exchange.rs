//! One authentication: the choice of an authenticator, and the limit on its calls.

use virt_transport::ReplyError;

use super::{AuthAction, AuthError, Authenticator, Credentials};
use crate::AuthType;

/// The number of calls that one authentication may take. The longest SASL mechanism needs five.
const CALLS_MAX: usize = 32;

/// An authenticator at work.
pub(super) struct Exchange {
    authenticator: Box<dyn Authenticator>,
    calls: usize,
}

impl Exchange {
    /// Takes an authenticator for one of the types that a daemon offers: the first that is known, or the one
    /// that is requested. Returns `None` if no authentication is needed.
    pub(super) fn choose(
        offered: &[AuthType],
        requested: Option<AuthType>,
        known: &mut Vec<Box<dyn Authenticator>>,
    ) -> Result<Option<Self>, AuthError> {
        let find = |wanted: AuthType| known.iter().position(|one| one.auth_type() == wanted);
        let found = match requested {
            _ if offered.is_empty() => return Ok(None),
            Some(requested) if !offered.contains(&requested) => {
                return Err(AuthError::NotOffered { requested });
            }
            Some(AuthType::NONE) => return Ok(None),
            Some(requested) => find(requested).ok_or(AuthError::RequestUnsupported { requested }),
            None if offered.contains(&AuthType::NONE) => return Ok(None),
            None => {
                let mut offered = offered.iter().copied();
                offered.find_map(find).ok_or(AuthError::Unsupported)
            }
        };
        Ok(Some(Self {
            authenticator: known.swap_remove(found?),
            calls: 0,
        }))
    }

    pub(super) fn auth_type(&self) -> AuthType {
        self.authenticator.auth_type()
    }

    pub(super) fn start(&mut self) -> Result<AuthAction, AuthError> {
        let action = self.authenticator.start()?;
        self.count(action)
    }

    pub(super) fn on_reply(
        &mut self,
        reply: Result<&[u8], ReplyError>,
    ) -> Result<AuthAction, AuthError> {
        let action = self.authenticator.on_reply(reply)?;
        self.count(action)
    }

    pub(super) fn on_credentials(
        &mut self,
        credentials: Credentials,
    ) -> Result<AuthAction, AuthError> {
        let action = self.authenticator.on_credentials(credentials)?;
        self.count(action)
    }

    fn count(&mut self, action: AuthAction) -> Result<AuthAction, AuthError> {
        if matches!(action, AuthAction::Call(_)) {
            if self.calls == CALLS_MAX {
                return Err(AuthError::TooManyCalls { limit: CALLS_MAX });
            }
            self.calls += 1;
        }
        Ok(action)
    }
}
