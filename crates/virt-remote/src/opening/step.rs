//! The steps of opening a connection, as its owner sees them.

use std::fmt;

use virt_transport::CallProcedure;
use virt_xdr::{EncodeError, to_vec};

use super::{Prompt, SecurityLayer};
use crate::AuthType;

/// A step that the owner of an [`Opening`](crate::Opening) carries out.
#[derive(Debug)]
pub enum Step<'a> {
    /// Send this call of the remote program, wait for its reply, and feed that to
    /// [`Opening::on_reply`](crate::Opening::on_reply).
    Call(&'a OpeningCall),
    /// Send all further bytes through this layer, and take all further bytes from it, beginning with the byte
    /// after the last reply. Then poll again.
    Secure(Box<dyn SecurityLayer>),
    /// Find these credentials, in a file or by asking a person, and feed them to
    /// [`Opening::on_credentials`](crate::Opening::on_credentials).
    Ask(&'a Prompt),
    /// Nothing is left to do: the connection is open.
    Open(Opened),
}

/// A call to be made of the [remote program](crate::PROGRAM), with its arguments encoded.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpeningCall {
    /// The procedure's name, such as `CONNECT_OPEN`.
    pub name: &'static str,
    /// The procedure's number.
    pub procedure: i32,
    /// The payload. It may hold a password.
    pub args: Vec<u8>,
    /// The daemon asks a person before it replies, which may take minutes. `false` if the daemon replies at
    /// once, so that a short time limit is right.
    pub interactive: bool,
}

impl OpeningCall {
    /// Encodes the arguments of a call to which the daemon replies at once.
    ///
    /// # Errors
    ///
    /// The arguments exceed a limit of the protocol.
    pub fn new<P: CallProcedure>(args: &P::Args<'_>) -> Result<Self, EncodeError> {
        Ok(Self {
            name: P::NAME,
            procedure: P::NUMBER,
            args: to_vec(args)?,
            interactive: false,
        })
    }

    /// Marks the call as one before whose reply the daemon asks a person.
    #[must_use]
    pub fn interactive(mut self) -> Self {
        self.interactive = true;
        self
    }
}

/// Prints the length of the arguments instead of their bytes, which may be secret.
impl fmt::Debug for OpeningCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpeningCall")
            .field("name", &self.name)
            .field("procedure", &self.procedure)
            .field("args.len", &self.args.len())
            .field("interactive", &self.interactive)
            .finish()
    }
}

/// A connection that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The authentication that succeeded; [`AuthType::NONE`] if none was needed.
    pub authenticated_by: AuthType,
    /// Keepalive was agreed on: either end may send PINGs.
    pub keepalive: bool,
}

/// A part of opening a connection. Phases are in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Asks which authentication the daemon requires, and performs it.
    Authenticate,
    /// Asks the daemon for keepalive.
    Negotiate,
    /// Sends `CONNECT_OPEN`.
    Open,
    /// The connection is open.
    Done,
}

/// The phase in a word: `authenticate`, `negotiate`, `open`, `done`.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authenticate => "authenticate",
            Self::Negotiate => "negotiate",
            Self::Open => "open",
            Self::Done => "done",
        })
    }
}
