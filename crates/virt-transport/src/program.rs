//! The trait of a program: a number, a version, and handlers for the frames that carry them.

use std::any::Any;

use virt_xdr::ProgramId;

use crate::{Call, Context, Message, ProgramError, RemoteError, Reply, StreamFrame};

/// The authentication that a call of a procedure needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// None: the procedure is part of authenticating.
    Anyone,
    /// The client has to be authenticated, if the transport requires it.
    Authenticated,
}

/// A program of the protocol: a number, a version, and handlers for the frames that carry them.
///
/// A handler has its own state and the [`Context`], through which it sends. It never has the
/// [`Transport`](crate::Transport), so it cannot be entered again while it runs.
///
/// Each handler has a default for a program that does not expect such frames. A client rarely needs a program of its
/// own: [`Calls`](crate::Calls) is one for any number and version.
pub trait Program: Any + Send {
    /// Returns the program's number and version. The transport asks once, at registration.
    fn id(&self) -> ProgramId;

    /// Returns whether the program takes calls at all; `true` by default. The transport asks once, at registration.
    ///
    /// If not, every call gets the error of an unknown program, whatever its status: a daemon does so with calls of
    /// keepalive, which has no procedures to call.
    fn takes_calls(&self) -> bool {
        true
    }

    /// Returns whether the connection needs authentication; `false` by default. The transport asks once, at
    /// registration.
    ///
    /// If one program says so, every program of the transport is guarded until some program calls
    /// [`Context::set_authenticated`]; [`access`](Self::access) names the exceptions.
    fn requires_authentication(&self) -> bool {
        false
    }

    /// Returns the authentication that a procedure needs, or `None` if the program has no such procedure.
    ///
    /// The transport asks until the first call that needs authentication is admitted. While authentication is required
    /// and missing, it answers such a call with "authentication required", and one of a procedure that does not exist
    /// with "unknown procedure", as a daemon does. By default every procedure needs authentication.
    fn access(&self, procedure: i32) -> Option<Access> {
        let _ = procedure;
        Some(Access::Authenticated)
    }

    /// Answers a call. Only a server gets calls, and only those with status ok.
    ///
    /// Answer with [`Context::reply`], now, or keep the [`CallId`](crate::CallId) and answer later. libvirt judges a
    /// call in the order procedure, authentication, payload, and so should a program.
    ///
    /// The default knows no procedure.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply, unless the call has been answered. Do not return an error for a call whose
    /// [`CallId`](crate::CallId) was kept: it would be answered twice.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let _ = cx;
        Err(RemoteError::unknown_procedure(call.id.procedure()))
    }

    /// Takes the reply to a call of this program. Only a client gets replies.
    ///
    /// A return value that does not decode is an outcome, too: its caller waits for it. With `?` on
    /// [`Payload::decode`](crate::Payload::decode) it would be dropped here.
    ///
    /// # Errors
    ///
    /// [`ProgramError`] decides what becomes of the connection.
    fn on_reply(&mut self, reply: Reply<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let _ = (reply, cx);
        Err(ProgramError::Unexpected)
    }

    /// Takes a message of any status.
    ///
    /// # Errors
    ///
    /// [`ProgramError`] decides what becomes of the connection.
    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let _ = (message, cx);
        Err(ProgramError::Unexpected)
    }

    /// Takes a frame of a stream that this program opened with [`Context::open_stream`].
    ///
    /// # Errors
    ///
    /// [`ProgramError`] decides what becomes of the connection.
    fn on_stream(
        &mut self,
        frame: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let _ = (frame, cx);
        Err(ProgramError::Unexpected)
    }
}
