//! The backend behind a server.

use virt_transport::{Call, Context, ProgramError, RemoteError, StreamFrame};

use crate::constants::ConnectFlags;
use crate::{Feature, Procedure, Version};

/// The backend behind a [`RemoteServer`](crate::RemoteServer).
///
/// The server calls [`serves`](Self::serves) at any time, [`open`](Self::open) once the client is authenticated,
/// and all others once the hypervisor is open. To add a procedure to a hypervisor that exists, use
/// [`RemoteServer::serve`](crate::RemoteServer::serve).
pub trait Hypervisor: Send {
    /// Opens the hypervisor for this client, and returns its URI, for `CONNECT_GET_URI`.
    ///
    /// The name is a URI without the parts that say how to reach the daemon, and never empty. `None` leaves the
    /// choice to the hypervisor. Of the flags only [`ConnectFlags::RO`] has a meaning; a daemon
    /// ignores unknown ones.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply; the client may try again.
    fn open(&mut self, name: Option<&str>, flags: ConnectFlags) -> Result<String, RemoteError>;

    /// The name of the driver, such as `QEMU`.
    fn type_name(&self) -> &str;

    /// The version of the hypervisor.
    fn version(&self) -> Version;

    /// The version of libvirt.
    fn lib_version(&self) -> Version;

    /// The name of the host.
    fn hostname(&self) -> &str;

    /// Returns `true` for the features of the hypervisor; by default it has none.
    ///
    /// The server answers for [`Feature::KEEPALIVE`] and [`Feature::CLOSE_CALLBACK`] by itself.
    fn supports(&self, feature: Feature) -> bool {
        let _ = feature;
        false
    }

    /// Returns `true` for the procedures that [`on_call`](Self::on_call) answers; by default there are none.
    ///
    /// The result must not change during a connection. It decides whether a client that is not authenticated is
    /// told that the procedure is unknown.
    fn serves(&self, procedure: Procedure) -> bool {
        let _ = procedure;
        false
    }

    /// Answers a call of a procedure that it [`serves`](Self::serves), as
    /// [`Program::on_call`](virt_transport::Program::on_call) does.
    ///
    /// Before the hypervisor is open the server refuses the call without looking at the payload. A libvirt
    /// daemon would refuse a payload that does not decode first.
    ///
    /// # Errors
    ///
    /// The error is sent as the reply.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let _ = cx;
        Err(RemoteError::unknown_procedure(call.id.procedure()))
    }

    /// Takes a piece of a stream that it has opened in [`on_call`](Self::on_call), as
    /// [`Program::on_stream`](virt_transport::Program::on_stream) does. None comes after `CONNECT_CLOSE`.
    ///
    /// A client that has finished a stream waits for a confirmation: see
    /// [`StreamBody::Finish`](virt_transport::StreamBody::Finish).
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
