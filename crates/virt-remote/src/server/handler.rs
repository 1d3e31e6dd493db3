//! Procedures that a user adds to a server.

use std::marker::PhantomData;

use virt_transport::{Call, CallProcedure, Context, ProgramError, RemoteError, StreamFrame};

use crate::PROGRAM;

/// Answers the calls of one procedure, and takes the pieces of its streams.
///
/// A closure with the signature of [`on_call`](Self::on_call) is a handler for a procedure without streams.
pub trait CallHandler: Send {
    /// Answers a call of a client that has opened the hypervisor, as
    /// [`Program::on_call`](virt_transport::Program::on_call) does.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError>;

    /// Takes a piece of a stream that [`on_call`](Self::on_call) has opened, as
    /// [`Program::on_stream`](virt_transport::Program::on_stream) does.
    ///
    /// The default does not expect any.
    ///
    /// # Errors
    ///
    /// See [`ProgramError`] for the effect on the connection.
    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let _ = (stream, cx);
        Err(ProgramError::Unexpected)
    }
}

impl<F> CallHandler for F
where
    F: FnMut(Call<'_>, &mut Context<'_>) -> Result<(), RemoteError> + Send,
{
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        self(call, cx)
    }
}

/// A procedure that a user has added.
pub(super) trait Added: Send {
    /// Judges a call of an authenticated client in libvirt's order: payload, then open or not.
    fn on_call(
        &mut self,
        call: Call<'_>,
        open: Result<(), RemoteError>,
        cx: &mut Context<'_>,
    ) -> Result<(), RemoteError>;

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError>;
}

/// A procedure with its types, which replies at once.
pub(super) struct Typed<P, F> {
    answer: F,
    procedure: PhantomData<fn(P)>,
}

impl<P: CallProcedure, F> Typed<P, F>
where
    F: FnMut(P::Args<'_>, &mut Context<'_>) -> Result<P::Ret, RemoteError> + Send,
{
    pub(super) fn new(answer: F) -> Self {
        const {
            assert!(
                P::PROGRAM.number == PROGRAM.number,
                "a procedure of another program"
            );
        };
        Self {
            answer,
            procedure: PhantomData,
        }
    }
}

impl<P: CallProcedure, F> Added for Typed<P, F>
where
    F: FnMut(P::Args<'_>, &mut Context<'_>) -> Result<P::Ret, RemoteError> + Send,
{
    fn on_call(
        &mut self,
        call: Call<'_>,
        open: Result<(), RemoteError>,
        cx: &mut Context<'_>,
    ) -> Result<(), RemoteError> {
        let args = call.payload.decode_lenient()?;
        open?;
        let ret = (self.answer)(args, cx)?;
        Ok(cx.reply(call.id, &ret)?)
    }

    fn on_stream(&mut self, _: StreamFrame<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        Err(ProgramError::Unexpected)
    }
}

/// A procedure whose payload is the handler's to read.
pub(super) struct Raw<H>(pub(super) H);

impl<H: CallHandler> Added for Raw<H> {
    fn on_call(
        &mut self,
        call: Call<'_>,
        open: Result<(), RemoteError>,
        cx: &mut Context<'_>,
    ) -> Result<(), RemoteError> {
        open?;
        self.0.on_call(call, cx)
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        self.0.on_stream(stream, cx)
    }
}
