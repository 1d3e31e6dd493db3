//! What a daemon stands for.

use virt_transport::{Call, Context, ProgramError, RemoteError, StreamFrame};

use crate::{Feature, Procedure, Version};

/// What a [`RemoteServer`](crate::RemoteServer) asks about the hypervisor behind it.
///
/// All but [`serves`](Self::serves) are called only for a client that is authenticated, and all but these
/// two and [`open`](Self::open) only once that has succeeded.
pub trait Hypervisor: Send {
    /// Opens the hypervisor for this client, and returns its URI, for `CONNECT_GET_URI`.
    ///
    /// The name is a URI without what says how to reach the daemon, never empty, or none for one of the
    /// daemon's choice. Flags that are not known are to be ignored, as a daemon does;
    /// [`READ_ONLY`](crate::READ_ONLY) is one.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply; the client may try again.
    fn open(&mut self, name: Option<&str>, flags: u32) -> Result<String, RemoteError>;

    /// The name of its driver, such as `QEMU`.
    fn type_name(&self) -> &str;

    /// Its version.
    fn version(&self) -> Version;

    /// The version of the libvirt that drives it.
    fn lib_version(&self) -> Version;

    /// The name of the host that it runs on.
    fn hostname(&self) -> &str;

    /// Whether it has a feature. Those that the server has by itself it is not asked for:
    /// [`Feature::KEEPALIVE`] and [`Feature::CLOSE_CALLBACK`].
    fn supports(&self, feature: Feature) -> bool {
        let _ = feature;
        false
    }

    /// Whether it serves a procedure that the server does not answer by itself. It has to say the same at
    /// any time, and may be asked by a client that is not authenticated.
    fn serves(&self, procedure: Procedure) -> bool {
        let _ = procedure;
        false
    }

    /// Answers a call of a procedure that it [`serves`](Self::serves), as
    /// [`Program::on_call`](virt_transport::Program::on_call) does.
    ///
    /// The server refuses it as long as the hypervisor is not open, whatever the payload is; of a daemon's
    /// own procedures one whose payload does not decode is refused for that.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let _ = cx;
        Err(RemoteError::unknown_procedure(call.id.procedure()))
    }

    /// Takes a piece of a stream that it has opened in [`on_call`](Self::on_call), as
    /// [`Program::on_stream`](virt_transport::Program::on_stream) does. After `CONNECT_CLOSE` none comes.
    ///
    /// A client that has finished a stream waits for an answer: see
    /// [`StreamBody::Finish`](virt_transport::StreamBody::Finish).
    ///
    /// The default does not expect any.
    ///
    /// # Errors
    ///
    /// See [`ProgramError`] for what becomes of the connection.
    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let _ = (stream, cx);
        Err(ProgramError::Unexpected)
    }
}
