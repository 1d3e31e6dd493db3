//! The admission of calls: refused calls never reach their program.

use virt_xdr::{Header, Status};

use crate::RemoteError;
use crate::link::Link;
use crate::program::Access;
use crate::programs::Registered;

/// Judges a call by its program, status and procedure, and the authentication of its client, in this order.
///
/// Its access is judged until the first call that needs authentication is admitted.
pub(crate) fn admit<'a>(
    registered: Option<&'a mut Registered>,
    header: &Header,
    link: &mut Link,
) -> Result<&'a mut Registered, RemoteError> {
    let Some(registered) = registered else {
        return Err(RemoteError::unknown_program(header.program));
    };
    if header.status != Status::OK {
        return Err(RemoteError::unexpected_status(header.status));
    }
    if !link.established {
        match registered.program.access(header.procedure) {
            Some(Access::Anyone) => (),
            Some(Access::Authenticated) if link.authenticated => link.established = true,
            Some(Access::Authenticated) => return Err(RemoteError::authentication_required()),
            None => return Err(RemoteError::unknown_procedure(header.procedure)),
        }
    }
    Ok(registered)
}
